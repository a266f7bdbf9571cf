// SPDX-License-Identifier: Apache-2.0
// Actions on the wire that stand where they may not, or lack what they need: the error of each, as Open vSwitch answers.
#include <gtest/gtest.h>

#include "lib/text.h"
#include "ofproto/openflow/action.h"
#include "ofproto/openflow/error.h"
#include "ofproto/openflow/message_text.h"
#include "ofproto/openflow/text.h"

namespace sluice::ofp {
namespace {

constexpr std::string_view kWriteMetadata = "ffff 0020 00002320 0016 000000000000 fedcba9876543210 ffffffffffffffff";

struct Case {
  Version version;
  std::string_view hex;
  Error error;
};

Bytes bytes_of(std::string_view hex) { return *parse_hex(hex, " "); }

TEST(ActionWire, Refusals) {
  const Case cases[] = {
      {Version::k10, kWriteMetadata, Error::OFPBIC_UNSUP_INST},
      {Version::k13, kWriteMetadata, Error::OFPBIC_UNSUP_INST},
      {Version::k10, "0000 0008 ffff 0000", Error::OFPBAC_BAD_OUT_PORT},
      {Version::k13, "0000 0010 ffffffff 0000 000000000000", Error::OFPBAC_BAD_OUT_PORT},
      {Version::k10, "ffff 0018 00002320 0023 0000 00010004 0007 ff 000000 0000", Error::OFPBAC_BAD_SET_LEN},  // ct(zone=NXM_NX_REG0[0..7])
  };
  for (const Case& c : cases) {
    auto actions = decode_actions(ByteReader(bytes_of(c.hex)), c.version);
    ASSERT_FALSE(actions) << c.hex;
    EXPECT_EQ(error_name(actions.error()), error_name(c.error)) << c.hex;
  }
}

TEST(ActionWire, WriteMetadataOf10StandsInRules) {
  EXPECT_TRUE(decode_instructions(ByteReader(bytes_of(kWriteMetadata)), Version::k10));
  Bytes applied = bytes_of("0004 0028 00000000" + std::string(kWriteMetadata));
  EXPECT_TRUE(decode_instructions(ByteReader(applied), Version::k13));
}

TEST(ActionWire, PropertiesOfControllerHaveLengthsWithTheirPadding) {
  Bytes wire = bytes_of("ffff 0030 00002320 0025 000000000000 0000 0008 04d2 0000 0001 0008 162e 0000 0002 0005 02 000000 0004 0004 00000000");
  auto actions = decode_actions(ByteReader(wire), Version::k13);
  ASSERT_TRUE(actions);
  Bytes again;
  ByteWriter w(again);
  ASSERT_TRUE(encode_actions(*actions, w, Version::k13));
  EXPECT_EQ(plain_hex_dump(again), plain_hex_dump(wire));
}

}  // namespace
}  // namespace sluice::ofp

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
      // Headers of fields with another length than theirs, or with a mask bit and the length without.
      {Version::k10, "ffff 0018 00002320 0007 0007 00010200 0000000000000001", Error::OFPBAC_BAD_SET_TYPE},
      {Version::k10, "ffff 0018 00002320 0006 0001 0000 0000 00010208 00010404", Error::OFPBMC_BAD_FIELD},
      {Version::k10, "ffff 0018 00002320 0006 0001 0000 0000 00010204 00010504", Error::OFPBMC_BAD_FIELD},
      {Version::k10, "ffff 0018 00002320 0020 0000 0000 00000000 000000000000", Error::OFPBMC_BAD_FIELD},
      {Version::k10, "ffff 0018 00002320 001b 0000 00010008 0020 000000000000", Error::OFPBMC_BAD_FIELD},
      {Version::k10, "ffff 0018 00002320 0023 0000 00010002 03cf ff 000000 0000", Error::OFPBMC_BAD_FIELD},
      // encap: a TLV with more behind it than padding; properties of NSH for Ethernet.
      {Version::k13, "ffff 0020 00002320 002e 0000 0001894f 0004 02 10 1000 0a 00 0000000000000000", Error::NXBAC_BAD_ED_PROP},
      {Version::k13, "ffff 0018 00002320 002e 0000 00000000 0004 01 05 02 000000", Error::NXBAC_UNKNOWN_ED_PROP},
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

TEST(ActionWire, ATlvWithoutDataIsOne) {
  Bytes wire = bytes_of("ffff 0018 00002320 002e 0000 0001894f 0004 02 08 1000 0a 00");
  auto actions = decode_actions(ByteReader(wire), Version::k13);
  ASSERT_TRUE(actions) << error_name(actions.error());
  std::string text = format_actions(*actions);
  EXPECT_EQ(text, "encap(nsh(tlv(0x1000,10,0)))");
  auto said = parse_actions(text);
  ASSERT_TRUE(said) << said.error();
  EXPECT_EQ(said->actions, *actions);
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

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
      {Version::k15, "0019 0010 80000108 00000000 00000000", Error::OFPBAC_BAD_SET_ARGUMENT},  // set_field:0/0->in_port_oxm
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

/// A flow that is to match a whole field's value: what the field can't be is refused, the rest is taken back as text.
TEST(ActionWire, LearnedValuesAreThoseOfTheField) {
  size_t taken = 0, refused = 0;
  for (const Field& f : all_fields()) {
    for (uint8_t byte : {0x00, 0x01, 0x10, 0x80, 0xff}) {
      if (is_tun_metadata(f.id)) continue;
      Learn learn;
      learn.table = 2;
      Match prereqs;
      add_prereq(f.id, prereqs);
      for (const Field& p : all_fields())
        if (p.id != f.id && (p.id == FieldId::kEthType || p.id == FieldId::kNwProto || p.id == FieldId::kIcmpType || p.id == FieldId::kVlanTci) && !prereqs.get_mask(p.id).is_zero())
          learn.specs.push_back({.kind = LearnSpec::Kind::kMatch, .n_bits = p.bits, .immediate = prereqs.get(p.id), .dst = whole(p.id)});
      FieldValue value((f.bits + 7u) / 8);
      for (uint8_t& b : value.bytes()) b = byte;
      if (f.bits % 8) value.data()[0] &= static_cast<uint8_t>((1 << f.bits % 8) - 1);
      learn.specs.push_back({.kind = LearnSpec::Kind::kMatch, .n_bits = f.bits, .immediate = value, .dst = whole(f.id)});
      Actions actions{learn};
      MiniMatch any;
      ActionCheck check{.version = Version::k10};
      if (auto ok = check_actions(actions, any, check); !ok) {
        refused += ok.error() == Error::OFPBAC_BAD_SET_ARGUMENT;
        continue;
      }
      Bytes wire;
      ByteWriter w(wire);
      if (!encode_actions(actions, w, Version::k10)) continue;   // a field without a number there
      std::string text = format_actions(actions);
      auto back = parse_actions(text);
      EXPECT_TRUE(back) << text << ": " << back.error();
      if (!back) continue;
      EXPECT_TRUE(back->actions == actions) << text;
      taken++;
    }
  }
  EXPECT_GT(taken, 300u);
  EXPECT_GT(refused, 3u);
}

TEST(ActionWire, LearnedPartsMayBeWide) {
  const TlvTable tlv(true);
  const std::string text = "learn(table=2,NXM_NX_TUN_METADATA3[256..514]=0x" + std::string(64, 'f') + ",load:0x" + std::string(64, 'f') + "->NXM_NX_TUN_METADATA3[256..514])";
  auto actions = parse_actions(text, {.tlv = &tlv});
  ASSERT_TRUE(actions) << actions.error();
  EXPECT_EQ(format_actions(actions->actions), text);
  EXPECT_FALSE(parse_actions("learn(NXM_NX_TUN_METADATA3[256..514]=0x" + std::string(65, 'f') + ")", {.tlv = &tlv}));
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

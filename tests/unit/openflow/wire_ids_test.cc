// SPDX-License-Identifier: Apache-2.0
// The table of fields against data/wire-ids.txt, which says the same from the documents: each row of one is in the other, with its width, mask,
// access, prerequisite and place in the fixed matches; and each header decodes in a match, with the mask where there may be one.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "ofproto/openflow/match.h"

namespace sluice::ofp {
namespace {

struct Row {
  std::string wire, header, experimenter, field, bits, mask, access, prereq, fixed;
};

std::vector<Row> documented() {
  std::ifstream file("tests/unit/openflow/data/wire-ids.txt");
  std::vector<Row> rows;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("#")) continue;
    std::istringstream words(line);
    Row& r = rows.emplace_back();
    words >> r.wire >> r.header >> r.experimenter >> r.field >> r.bits >> r.mask >> r.access >> r.prereq >> r.fixed;
  }
  return rows;
}

WireHeader header_of(const Row& r) {
  WireHeader h{static_cast<uint32_t>(std::stoul(r.header, nullptr, 16)), 0};
  if (r.experimenter != "-") h.experimenter = static_cast<uint32_t>(std::stoul(r.experimenter, nullptr, 16));
  return h;
}

const std::map<std::string, Prereq> kPrereqNames = {
    {"-", Prereq::kNone},     {"Ethernet", Prereq::kEthernet},  {"VLAN_VID", Prereq::kVlan},       {"MPLS", Prereq::kMpls},        {"ARP", Prereq::kArp},
    {"IPv4", Prereq::kIpv4},  {"IPv6", Prereq::kIpv6},          {"IPv4/IPv6", Prereq::kIp},        {"TCP", Prereq::kTcp},          {"UDP", Prereq::kUdp},
    {"SCTP", Prereq::kSctp},  {"ICMPv4", Prereq::kIcmp4},       {"ICMPv6", Prereq::kIcmp6},        {"ND", Prereq::kNd},            {"ND_solicit", Prereq::kNdSolicit},
    {"ND_advert", Prereq::kNdAdvert}, {"NSH", Prereq::kNsh},    {"CT", Prereq::kCt},
};
const std::map<std::string, Fixed> kFixedNames = {{"-", Fixed::kNo}, {"exact", Fixed::kExact}, {"CIDR", Fixed::kCidr}, {"bitwise", Fixed::kBitwise}};

TEST(WireIds, FieldsAreAsDocumented) {
  auto rows = documented();
  ASSERT_GT(rows.size(), 211u);
  for (const Row& r : rows) {
    SCOPED_TRACE(r.wire + " " + r.field);
    const Field* f = field_by_name(r.field);
    ASSERT_TRUE(f);
    EXPECT_EQ(f->name, r.field);
    EXPECT_EQ(f->bits, std::stoi(r.bits));
    EXPECT_EQ(f->maskable, r.mask == "any" ? Maskable::kAny : Maskable::kNo);
    EXPECT_EQ(f->access, r.access == "rw" ? Access::kReadWrite : Access::kReadOnly);
    EXPECT_EQ(f->prereq, kPrereqNames.at(r.prereq));
    EXPECT_EQ(f->of10, kFixedNames.at(r.fixed.substr(0, r.fixed.find('/'))));
    EXPECT_EQ(f->of11, kFixedNames.at(r.fixed.substr(r.fixed.find('/') + 1)));
  }
}

TEST(WireIds, HeadersAreAsDocumented) {
  std::set<std::string_view> seen;
  for (const Row& r : documented()) {
    if (r.wire == "-") continue;
    SCOPED_TRACE(r.wire);
    EXPECT_TRUE(seen.insert(wire_id_by_name(r.wire) ? wire_id_by_name(r.wire)->name : "").second) << "twice, or unknown";
    const WireId* id = find_wire_id(header_of(r));
    ASSERT_TRUE(id);
    EXPECT_EQ(id->name, r.wire);
    EXPECT_EQ(field(id->field).name, r.field);
    EXPECT_EQ(id->header.header, header_of(r).header);
    EXPECT_EQ(id->header.experimenter, header_of(r).experimenter);
  }
  // What the documents of Open vSwitch don't have: fields that only OpenFlow has.
  const std::set<std::string_view> kMore = {"OXM_OF_IN_PHY_PORT", "OXM_OF_PBB_ISID", "OXM_OF_PBB_UCA", "OXM_OF_IPV6_EXTHDR"};
  for (const WireId& id : all_wire_ids()) EXPECT_TRUE(seen.contains(id.name) || kMore.contains(id.name)) << id.name;
}

/// The TLV of a wire id with all bits of the field, and, if masked, such a mask, behind what the field needs.
Bytes match_with(const WireId& id, bool masked, const TlvTable& tlv) {
  const Field& f = field(id.field);
  Match m;
  add_prereq(id.field, m);
  if (f.prereq == Prereq::kCt) {
    m.set_u64(FieldId::kEthType, f.display == Display::kIpv6 ? 0x86dd : 0x0800);
    m.set(FieldId::kCtState, FieldValue(4, kCtTrk), FieldValue(4, kCtTrk | kCtInv));
  }
  if (f.prereq == Prereq::kInPort) m.set_in_port(OfpPort{3});
  Bytes out;
  ByteWriter w(out);
  if (f.prereq != Prereq::kEthernet) encode_nxm(m, w, Version::k15, &tlv);
  size_t n = wire_bytes_of(id.field, &tlv);
  FieldValue value(n);
  if (id.field == FieldId::kPacketType) value.set_u64(0x10800);
  else if (f.display == Display::kPort || f.display == Display::kPort16) value.set_u64(5);
  else if (id.field == FieldId::kVlanVid || id.field == FieldId::kVlanTci) value.set_u64(0x1005);
  else if (id.field == FieldId::kNwTos) value.set_u64(8);
  else value.set_u64(1);
  WireHeader h = id.header;
  if (is_tun_metadata(id.field)) h.header = (h.header & ~0xffu) | static_cast<uint32_t>(n);
  write_wire_header(w, masked ? with_mask(h) : h);
  w.bytes(value.bytes());
  if (masked) w.bytes(value.bytes());
  return out;
}

TEST(WireIds, EveryHeaderIsReadAndWrittenInEveryVersion) {
  const TlvTable tlv(true);
  for (const WireId& id : all_wire_ids()) {
    SCOPED_TRACE(id.name);
    const Field& f = field(id.field);
    if (is_tun_metadata(id.field)) tlv.find_or_grow(static_cast<unsigned>(id.field - FieldId::kTunMetadata0), 1);
    if (wire_bytes_of(id.field, &tlv) == 0) continue;  // no room for all 64 options at once
    bool own_needs = f.prereq == Prereq::kEthernet || id.field == FieldId::kEthType;
    auto plain = decode_nxm(match_with(id, false, tlv), &tlv);
    ASSERT_TRUE(plain) << error_name(plain.error());
    EXPECT_FALSE(plain->is_wild(id.field, &tlv));
    auto masked = decode_nxm(match_with(id, true, tlv), &tlv);
    if (f.maskable == Maskable::kAny || f.bits == 1) {  // 1 of 1 is all
      ASSERT_TRUE(masked) << error_name(masked.error());
    } else {
      EXPECT_EQ(masked, std::unexpected(Error::OFPBMC_BAD_MASK));
    }
    // Without what it needs.
    if (f.prereq != Prereq::kNone && !own_needs) {
      Bytes whole = match_with(id, false, tlv);
      size_t own = id.header.header_size() + wire_bytes_of(id.field, &tlv);
      EXPECT_EQ(decode_nxm(ByteView(whole).last(own), &tlv), std::unexpected(Error::OFPBMC_BAD_PREREQ));
    }
    // One byte short, and twice.
    Bytes whole = match_with(id, false, tlv);
    EXPECT_FALSE(decode_nxm(ByteView(whole).first(whole.size() - 1), &tlv));
    ByteView own = ByteView(whole).last(id.header.header_size() + wire_bytes_of(id.field, &tlv));
    whole.insert(whole.end(), own.begin(), own.end());
    EXPECT_EQ(decode_nxm(Bytes(whole), &tlv), std::unexpected(Error::OFPBMC_DUP_FIELD));
  }
  for (const Row& r : documented()) {
    const Field& f = *field_by_name(r.field);
    for (Version v : {Version::k10, Version::k11, Version::k12, Version::k13, Version::k14, Version::k15}) {
      const WireId* id = wire_id_of(f.id, v);
      ASSERT_EQ(id != nullptr, wire_id_of(f.id, Version::k15) != nullptr) << r.field;
      if (!id) continue;
      bool nxm_exists = false;
      for (const WireId& other : all_wire_ids()) nxm_exists |= other.field == f.id && (other.header.oxm_class() < 2);
      if (v < Version::k12 && nxm_exists) EXPECT_LT(id->header.oxm_class(), 2u) << id->name;
    }
  }
}

}  // namespace
}  // namespace sluice::ofp

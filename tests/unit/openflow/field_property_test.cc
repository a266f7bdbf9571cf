// SPDX-License-Identifier: Apache-2.0
// Properties that hold for every row of the field table: wire and text read back to what was written, values that do not fit are
// refused by name, every error has the right kind.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <random>

#include "lib/text.h"
#include "ofproto/openflow/flow_text.h"

namespace sluice::ofp {
namespace {

constexpr unsigned kRounds = 40;

class EveryField : public testing::TestWithParam<FieldId> {
 protected:
  EveryField() {
    for (unsigned i = 0; i < 12; i++) EXPECT_TRUE(tlv_.add(0x100, static_cast<uint8_t>(i), 4 + 4 * (i % 4), i));
  }
  std::mt19937_64 random_{42};
  TlvTable tlv_;
  const Field& f_ = field(GetParam());

  bool mapped() const { return !is_tun_metadata(f_.id) || wire_bytes_of(f_.id, &tlv_) > 0; }

  FieldValue random_bits(const FieldValue& within) {
    FieldValue v(within.size());
    for (size_t i = 0; i < v.size(); i++) v.data()[i] = static_cast<uint8_t>(random_() & within.data()[i]);
    return v;
  }
  /// A value that the field may have.
  FieldValue random_value() {
    FieldValue ones = FieldValue::ones(f_, wire_bytes_of(f_.id, &tlv_));
    for (;;) {
      FieldValue v = random_bits(ones);
      if (f_.display == Display::kPort || f_.display == Display::kPort16) v.set_u64(v.u64() % 0xff00);
      if (f_.id == FieldId::kArpOp) v.set_u64(v.u64() & 0xff);
      if (f_.id == FieldId::kCtState) v.set_u64(v.u64() & 0xff);
      if (f_.id == FieldId::kVlanVid || f_.id == FieldId::kVlanTci) v.set_u64(v.u64() | kVlanPresent);
      if (f_.id == FieldId::kPacketType) v.set_u64(0x10800);
      if (is_value_valid(f_.id, v, &tlv_)) return v;
    }
  }
  FieldValue random_mask() {
    FieldValue ones = FieldValue::ones(f_, wire_bytes_of(f_.id, &tlv_));
    if (f_.maskable == Maskable::kNo || random_() % 2) {
      if (f_.id == FieldId::kCtState) ones.set_u64(0xff);
      return ones;
    }
    if (f_.id == FieldId::kCtState) ones.set_u64(0xff);
    FieldValue m = random_bits(ones);
    // Text has words for these only.
    if (f_.id == FieldId::kIpFrag) m.set_u64(3);
    if (f_.id == FieldId::kVlanVid) m.set_u64(m.u64() | kVlanPresent);
    return m.is_zero() ? ones : m;
  }
  Match random_match() {
    Match m;
    if (f_.prereq == Prereq::kCt) {
      m.set_u64(FieldId::kEthType, f_.display == Display::kIpv6 ? 0x86dd : 0x0800);
      m.set(FieldId::kCtState, FieldValue(4, kCtTrk), FieldValue(4, kCtTrk | kCtInv));
    }
    if (f_.prereq == Prereq::kInPort) m.set_in_port(OfpPort{3});
    if (f_.prereq != Prereq::kEthernet) add_prereq(f_.id, m);
    FieldValue v = random_value(), k = random_mask();
    mask_value(v, k);
    m.set(f_.id, v, k, &tlv_);
    return m;
  }
};

TEST_P(EveryField, WireReadsBack) {
  if (!mapped()) return;
  bool on_wire = false;
  for (const WireId& w : all_wire_ids()) on_wire = on_wire || w.field == f_.id;
  if (!on_wire) return;
  for (unsigned i = 0; i < kRounds; i++) {
    Match m = random_match();
    for (Version v : {Version::k10, Version::k12, Version::k13, Version::k14, Version::k15}) {
      // OXM has no way to ask for part of a priority, or for one without a tag.
      if (v != Version::k10 && f_.id == FieldId::kVlanTci) continue;
      Bytes b;
      ByteWriter w(b);
      encode_nxm(m, w, v, &tlv_);
      auto back = decode_nxm(b, &tlv_);
      ASSERT_TRUE(back) << f_.name << " " << version_name(v) << " " << error_name(back.error()) << " " << hex(b);
      EXPECT_TRUE(*back == m) << f_.name << " " << version_name(v) << "\n" << format_match(m) << "\n" << format_match(*back);
    }
  }
}

/// A format that is said to be usable carries all of the match; for the others the tools refuse.
TEST_P(EveryField, NoUsableFormatLosesAnything) {
  if (!mapped()) return;
  bool datapath_only = !wire_id_of(f_.id, Version::k15);
  if (datapath_only) return;
  for (unsigned i = 0; i < kRounds; i++) {
    Match m = random_match();
    ProtocolSet usable = usable_protocols(m);
    for (Version v : kVersions) {
      Bytes b;
      ByteWriter w(b);
      if (!(usable & version_protocols(v) & ~kNxmAny)) continue;
      if (v == Version::k10) encode_of10_match(m, w);
      else encode_match(m, w, v, &tlv_);
      ByteReader r(b);
      auto back = decode_match(r, v, &tlv_);
      ASSERT_TRUE(back) << f_.name << " " << version_name(v) << " " << error_name(back.error()) << " " << hex(b);
      // Both say that there is no tag.
      if (!(m.value.vlan_tci & be16(kVlanPresent)) && (m.mask.vlan_tci & be16(kVlanPresent))) m.mask.vlan_tci = back->mask.vlan_tci;
      EXPECT_TRUE(*back == m) << f_.name << " " << version_name(v) << "\n" << format_match(m) << "\n" << format_match(*back);
    }
  }
}

TEST_P(EveryField, TextReadsBack) {
  if (!mapped()) return;
  bool datapath_only = f_.id == FieldId::kSkbPriority || f_.id == FieldId::kTunTtl || f_.id == FieldId::kTunTos;
  if (datapath_only) {
    EXPECT_FALSE(parse_flow(std::string(f_.name) + "=1,actions=drop", FlowModCommand::kAdd)) << f_.name;
    return;
  }
  for (unsigned i = 0; i < kRounds; i++) {
    Match m = random_match();
    std::string text;
    format_match(m, text, nullptr, &tlv_);
    auto back = parse_flow(text + (text.empty() ? "" : ",") + "actions=drop", FlowModCommand::kAdd, {nullptr, nullptr, &tlv_});
    ASSERT_TRUE(back) << f_.name << ": " << text << ": " << back.error();
    std::string again;
    format_match(back->flow.match.expand(), again, nullptr, &tlv_);
    EXPECT_EQ(text, again);
    EXPECT_TRUE(back->flow.match.expand() == m) << f_.name << ": " << text;
  }
}

TEST_P(EveryField, MiniMatchIsTheSame) {
  if (!mapped()) return;
  Match a = random_match(), b = random_match();
  MiniMatch ma(a), mb(b);
  EXPECT_TRUE(ma.expand() == a);
  EXPECT_EQ(ma == mb, a == b);
  EXPECT_EQ(ma.is_inside(mb), a.is_inside(b));
  EXPECT_EQ(ma.overlaps(mb), a.overlaps(b));
  EXPECT_EQ(ma.matches(b.value), a.matches(b.value));
}

TEST_P(EveryField, GetIsTheInverseOfSet) {
  if (!mapped()) return;
  for (unsigned i = 0; i < kRounds; i++) {
    Flow flow;
    for (uint64_t& w : flow.words()) w = random_();
    FieldValue v = random_value();
    set_field(f_.id, v, flow, &tlv_);
    FieldValue got = get_field(f_.id, flow, &tlv_);
    EXPECT_EQ(got, v) << f_.name;
  }
}

TEST_P(EveryField, TooLargeIsRefusedByName) {
  if (!mapped() || (f_.display != Display::kDecimal && f_.display != Display::kHex)) return;
  if (f_.id == FieldId::kDlVlan) return;  // 65535 means untagged
  unsigned bits = is_tun_metadata(f_.id) ? static_cast<unsigned>(wire_bytes_of(f_.id, &tlv_) * 8) : f_.place.bits;
  if (f_.id == FieldId::kNwTos) bits = 8;
  std::string value = "0x1" + std::string(bits / 4, '0');
  if (bits % 4) value = fmt::format("0x{:x}", uint64_t{1} << bits);
  auto t = parse_value(f_.id, value, nullptr, &tlv_);
  ASSERT_FALSE(t) << f_.name << "=" << value;
  EXPECT_NE(t.error().find(value), std::string::npos) << t.error();
  EXPECT_NE(t.error().find(f_.name), std::string::npos) << t.error();
}

TEST_P(EveryField, WrongTlvsAreTheRightErrors) {
  if (!mapped() || is_tun_metadata(f_.id)) return;
  const WireId* id = wire_id_of(f_.id, Version::k15);
  if (!id) return;
  FieldValue ones = FieldValue::ones(f_, f_.wire_bytes);
  auto error_of = [&](WireHeader h, ByteView payload) {
    Bytes b;
    ByteWriter w(b);
    write_wire_header(w, h);
    w.bytes(payload);
    ByteReader r(b);
    auto t = read_tlv(r, &tlv_);
    return t ? std::string("none") : std::string(error_name(t.error()));
  };
  FieldValue v = random_value();
  Bytes both(v.bytes().begin(), v.bytes().end());
  both.insert(both.end(), ones.bytes().begin(), ones.bytes().end());
  EXPECT_EQ(error_of(id->header, v.bytes()), "none") << f_.name;
  EXPECT_EQ(error_of(id->header, v.bytes().first(v.size() - 1)), "OFPBMC_BAD_LEN") << f_.name;
  WireHeader longer = id->header;
  longer.header++;
  Bytes surplus(v.size() + 1);
  EXPECT_EQ(error_of(longer, surplus), "OFPBMC_BAD_LEN") << f_.name;
  // A value outside of the mask; a mask where there may be none.
  Bytes outside(2u * f_.wire_bytes);
  outside[f_.wire_bytes - 1u] = 4;
  EXPECT_EQ(error_of(with_mask(id->header), outside), "OFPBMC_BAD_WILDCARDS") << f_.name;
  if (f_.maskable == Maskable::kNo && f_.place.bits > 1) {
    Bytes part(2u * f_.wire_bytes);
    part[2u * f_.wire_bytes - 1u] = f_.id == FieldId::kNwTos ? 4 : 1;
    EXPECT_EQ(error_of(with_mask(id->header), part), "OFPBMC_BAD_MASK") << f_.name;
  }
}

TEST_P(EveryField, TwiceOrWithoutPrerequisite) {
  if (!mapped()) return;
  const WireId* id = wire_id_of(f_.id, Version::k15);
  if (!id) return;
  FieldValue v = random_value();
  Bytes one;
  ByteWriter w(one);
  write_tlv(w, f_.id, v, nullptr, Version::k15, &tlv_);
  if (!has_prereq(f_.id, Match{})) {
    auto r = decode_nxm(one, &tlv_);
    ASSERT_FALSE(r) << f_.name;
    EXPECT_EQ(error_name(r.error()), "OFPBMC_BAD_PREREQ") << f_.name;
    return;
  }
  Bytes two = one;
  two.insert(two.end(), one.begin(), one.end());
  auto r = decode_nxm(two, &tlv_);
  ASSERT_FALSE(r) << f_.name;
  EXPECT_EQ(error_name(r.error()), "OFPBMC_DUP_FIELD") << f_.name;
}

std::vector<FieldId> every_field() {
  std::vector<FieldId> out;
  for (const Field& f : all_fields()) out.push_back(f.id);
  return out;
}
INSTANTIATE_TEST_SUITE_P(Table, EveryField, testing::ValuesIn(every_field()),
                         [](const auto& info) { return std::string(field(info.param).name); });

/// OXM knows no priority of frames without a tag.
TEST(Fields, APriorityWithoutTagIsForNxmOnly) {
  for (auto [value, mask, oxm] : {std::tuple{0xe201, 0xffff, false}, {0x2000, 0x3000, false}, {0x0201, 0x1fff, true}, {0x0000, 0xffff, true}, {0x0000, 0xe000, false}, {0xf201, 0xffff, true}}) {
    Match m;
    m.value.vlan_tci = be16(static_cast<uint16_t>(value));
    m.mask.vlan_tci = be16(static_cast<uint16_t>(mask));
    EXPECT_EQ((usable_protocols(m) & kOxmAny) != 0, oxm) << format_match(m);
    EXPECT_TRUE(usable_protocols(m) & kNxmAny);
  }
}

/// A missing tag is asked for with all bits, or in NXM and OXM: what asks for less would come back as more.
TEST(Fields, APartOfNoTagIsNotForFixedMatches) {
  for (auto [mask, fixed] : {std::pair{0xffff, true}, {0x1fff, false}, {0x1000, false}}) {
    Match m;
    m.mask.vlan_tci = be16(static_cast<uint16_t>(mask));
    EXPECT_EQ(usable_protocols(m) & (kOf10Any | kOf11), fixed ? kOf10Any | kOf11 : 0) << mask;
  }
}

TEST(Fields, BitsAreCopiedAsFarAsBothSidesHaveThem) {
  const Bytes from{1, 2};
  Bytes to(4);
  copy_bits(from, 0, to, 0, 992);
  EXPECT_EQ(to, (Bytes{0, 0, 1, 2}));
  Bytes small(1);
  copy_bits(from, 4, small, 4, 992);
  EXPECT_EQ(small, Bytes{0x00});
  copy_bits(from, 0, small, 0, 992);
  EXPECT_EQ(small, Bytes{0x02});
  TlvTable tlv(true);
  EXPECT_FALSE(parse_flow("actions=learn(tun_metadata0=0x11)", FlowModCommand::kAdd, {.tlv = &tlv}));   // shorter than the field
}

TEST(Fields, NamesFindTheirRow) {
  for (const Field& f : all_fields()) {
    EXPECT_EQ(field_by_name(f.name), &f);
    if (!f.alias.empty()) {
      EXPECT_EQ(field_by_name(f.alias), &f);
    }
  }
  for (const WireId& w : all_wire_ids()) {
    EXPECT_EQ(field_by_name(w.name)->id, w.field) << w.name;
    EXPECT_EQ(find_wire_id(w.header)->name, w.name);
  }
}

TEST(Errors, NumbersFindTheirErrorInEveryVersion) {
  unsigned n = 0;
  for (unsigned i = 0;; i++) {
    Error e = static_cast<Error>(i);
    if (i == 198) break;
    n++;
    EXPECT_EQ(error_by_name(error_name(e)), e);
    for (Version v : kVersions) {
      auto numbers = error_numbers(e, v);
      if (!numbers) continue;
      auto back = error_from_numbers(*numbers, v);
      ASSERT_TRUE(back);
      // Some share a number in old versions (IS_SECONDARY and EPERM in 1.0).
      EXPECT_EQ(error_numbers(*back, v), numbers);
    }
  }
  EXPECT_EQ(n, 198u);
  EXPECT_EQ(error_numbers(Error::OFPBMC_BAD_PREREQ, Version::k10), (ErrorNumbers{kNiciraVendor, 1, 260}));
  EXPECT_EQ(error_numbers(Error::OFPBMC_BAD_PREREQ, Version::k13), (ErrorNumbers{0, 4, 9}));
  EXPECT_EQ(error_numbers(Error::OFPBIC_DUP_INST, Version::k13), (ErrorNumbers{kOnfVendor, 0, 2600}));
}

}  // namespace
}  // namespace sluice::ofp

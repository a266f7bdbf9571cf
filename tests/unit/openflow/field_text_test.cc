// SPDX-License-Identifier: Apache-2.0
// Every row of the field table as text, by an oracle that makes texts and values of its own: what is in range parses to just that, goes whole through each
// version that has the field and is refused by those that have not; what is out of range, masked where it may not be, misspelt, said twice or
// without its prerequisite is an error that names the token.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <random>

#include "lib/text.h"
#include "ofproto/openflow/flag_names.h"
#include "tests/unit/openflow/flow_losses.h"
#include "tests/unit/openflow/refusals.h"

namespace sluice::ofp {
namespace {

constexpr unsigned kRounds = 24;

/// One value of a field, as text and as bits.
struct Said {
  std::string text;
  FieldValue value, mask;
};

std::string hex_number(const FieldValue& v) {
  std::string s = hex(v.bytes());
  size_t n = std::min(s.find_first_not_of('0'), s.size() - 1);
  return "0x" + s.substr(n);
}

class EveryFieldText : public testing::TestWithParam<FieldId> {
 protected:
  EveryFieldText() {
    for (unsigned i = 0; i < TlvTable::kFields; i++) EXPECT_TRUE(tlv_.add(0x100, static_cast<uint8_t>(i), i < 4 ? 32 : i % 8 ? 0 : 4, i));
  }
  const Field& f_ = field(GetParam());
  std::mt19937_64 random_{1 + static_cast<uint64_t>(GetParam())};
  TlvTable tlv_;
  TextNames names_{nullptr, nullptr, &tlv_};

  size_t size() const { return wire_bytes_of(f_.id, &tlv_); }
  /// False of fields that no version has a number for, and of options without bytes.
  bool in_openflow() const { return size() && (wire_id_of(f_.id, Version::k15) || f_.id == FieldId::kDlVlan || f_.id == FieldId::kDlVlanPcp); }
  bool is_number() const { return f_.display == Display::kDecimal || f_.display == Display::kHex; }
  bool maskable() const { return f_.maskable != Maskable::kNo; }
  bool in_tag() const { return f_.id == FieldId::kVlanVid || f_.id == FieldId::kVlanTci; }

  /// Bits that a value may have.
  unsigned bits() const {
    if (is_tun_metadata(f_.id)) return static_cast<unsigned>(size() * 8);
    switch (f_.id) {
      case FieldId::kArpOp: return 8;       // what frames and Open vSwitch's flows have of it
      case FieldId::kVlanVid: return 13;    // with OFPVID_PRESENT
      case FieldId::kCtState: return 8;
      default: return f_.bits;
    }
  }
  FieldValue all() const {
    FieldValue v(size());
    v.set_bits(0, bits());
    if (f_.id == FieldId::kNwTos) v.set_u64(0xfc);
    return v;
  }

  FieldValue random_bits(const FieldValue& within) {
    FieldValue v(within.size());
    bool few = random_() % 4 == 0;
    for (size_t i = 0; i < v.size(); i++) v.data()[i] = static_cast<uint8_t>(random_() & within.data()[i] & (few ? random_() : 0xff));
    return v;
  }
  /// `extreme`: the largest value that there is.
  FieldValue value(bool extreme) {
    FieldValue v = extreme ? all() : random_bits(all());
    bool port = f_.display == Display::kPort || f_.display == Display::kPort16;
    if (port) v.set_u64(extreme ? 0xfeff : v.u64() % 0xff00);
    if (in_tag()) v.set_u64(v.u64() | kVlanPresent);
    if (f_.id == FieldId::kPacketType) v.set_u64(extreme ? 0xffffffff : 0x10000 | (v.u64() & 0xffff));
    return v;
  }
  FieldValue mask() {
    FieldValue m = random_bits(all());
    if (in_tag()) m.set_u64(m.u64() | kVlanPresent);
    if (f_.id == FieldId::kIpFrag) m.set_u64(kFragNames[random_() % std::size(kFragNames)].mask);
    return m.is_zero() ? all() : m;
  }

  std::string number(const FieldValue& v) { return v.size() > 8 || random_() % 2 ? hex_number(v) : fmt::format("{}", v.u64()); }
  static std::string mac(const FieldValue& v) { return hex(v.bytes(), ":"); }
  static std::string ipv4(const FieldValue& v) { return fmt::format("{}.{}.{}.{}", v.data()[0], v.data()[1], v.data()[2], v.data()[3]); }
  static std::string ipv6(const FieldValue& v) {
    std::string s;
    for (unsigned i = 0; i < 16; i += 2) s += fmt::format("{}{:x}", i ? ":" : "", v.data()[i] << 8 | v.data()[i + 1]);
    return s;
  }
  static std::string flags(std::span<const FlagName> names, const FieldValue& v, const FieldValue* m) {
    std::string s;
    for (const FlagName& n : names) {
      bool on = v.u64() & n.bit;
      if (m && (m->u64() & n.bit)) s += (on ? "+" : "-") + std::string(n.name);
      if (!m && on) s += (s.empty() ? "" : "|") + std::string(n.name);
    }
    return s.empty() ? "0" : s;
  }
  static std::string frag(const FieldValue& v, const FieldValue* m) {
    for (const FragName& n : kFragNames)
      if (n.value == v.u64() && n.mask == (m ? m->u64() : 3)) return std::string(n.name);
    return hex_number(v) + (m ? "/" + hex_number(*m) : "");
  }
  std::string one(const FieldValue& v) {
    switch (f_.display) {
      case Display::kMac: return mac(v);
      case Display::kIpv4: return ipv4(v);
      case Display::kIpv6: return ipv6(v);
      case Display::kPacketType: return fmt::format("({},0x{:x})", v.u64() >> 16, v.u64() & 0xffff);
      default: return number(v);
    }
  }
  std::string text(const FieldValue& v, const FieldValue* m) {
    switch (f_.display) {
      case Display::kTcpFlags: return flags(kTcpFlagNames, v, m);
      case Display::kCtState: return flags(kCtStateNames, v, m);
      case Display::kTunFlags: return flags(kTunFlagNames, v, m);
      case Display::kIpv6ExtHdr: return flags(kIpv6ExtHdrNames, v, m);
      case Display::kFrag: return frag(v, m);
      default: return one(v) + (m ? "/" + one(*m) : "");
    }
  }
  Said say(bool extreme, bool masked) {
    Said s{{}, value(extreme), masked ? mask() : all()};
    mask_value(s.value, s.mask);
    s.text = text(s.value, masked ? &s.mask : nullptr);
    return s;
  }

  std::string prerequisite() const {
    switch (f_.prereq) {
      case Prereq::kNone: case Prereq::kEthernet: return "";
      case Prereq::kVlan: return "vlan_tci=0x1000/0x1000";
      case Prereq::kMpls: return "mpls";
      case Prereq::kArp: return "arp";
      case Prereq::kIpv4: case Prereq::kIp: return "ip";
      case Prereq::kIpv6: return "ipv6";
      case Prereq::kTcp: return "tcp";
      case Prereq::kUdp: return "udp";
      case Prereq::kSctp: return "sctp";
      case Prereq::kIcmp4: return "icmp";
      case Prereq::kIcmp6: return "icmp6";
      case Prereq::kNd: case Prereq::kNdSolicit: return "icmp6,icmpv6_type=135,icmpv6_code=0";
      case Prereq::kNdAdvert: return "icmp6,icmpv6_type=136,icmpv6_code=0";
      case Prereq::kNsh: return "dl_type=0x894f";
      case Prereq::kCt: return f_.display == Display::kIpv6 ? "ipv6,ct_state=+trk-inv" : "ip,ct_state=+trk-inv";
      case Prereq::kPbb: return "dl_type=0x88e7";
      case Prereq::kInPort: return "in_port=3";
    }
    return {};
  }
  std::string with_prerequisite(std::string_view key_value) const {
    std::string p = prerequisite();
    return fmt::format("{}{}{},actions=drop", p, p.empty() ? "" : ",", key_value);
  }
  /// Of a flow that has the field, for its actions.
  std::string with_actions(const std::string& actions) const {
    std::string p = prerequisite();
    bool tag = f_.place.offset == offsetof(Flow, vlan_tci) && p.empty();
    if (tag) p = "vlan_tci=0x1000/0x1000";
    if (f_.id == FieldId::kCtMark || f_.id == FieldId::kCtLabel) p = "ip";
    return fmt::format("{}{}actions={}", p, p.empty() ? "" : ",", actions);
  }
  /// The one set_field, in ct or not, has these bits.
  void expect_set(const Actions& actions, const Said& s) const {
    const Action& a = actions.at(0);
    const SetField* set = a.as<SetField>() ? a.as<SetField>() : nested(a)->at(0).as<SetField>();
    ASSERT_TRUE(set);
    EXPECT_EQ(set->field, f_.id);
    EXPECT_EQ(set->value, s.value) << s.text;
    EXPECT_EQ(set->mask, s.mask == all() ? FieldValue::ones(f_, size()) : s.mask) << s.text;
  }
  auto parse(const std::string& text) const { return parse_flow(text, FlowModCommand::kAdd, names_); }
  std::string with_value(std::string_view value) const { return with_prerequisite(fmt::format("{}={}", f_.name, value)); }
  void expect_refused(std::string_view value, std::string_view token) { EXPECT_TRUE(names_what_is_wrong(parse(with_value(value)), token)) << with_value(value); }

  /// What the text must mean: its prerequisite and the field.
  Match meaning(const Said& s) const {
    Match m = parse(with_prerequisite(""))->flow.match.expand();
    m.set(f_.id, s.value, s.mask, &tlv_);
    return m;
  }
  /// Whether the table's column of a fixed match has this mask.
  bool fits(Fixed column, const FieldValue& mask) const {
    bool full = mask == all();
    switch (column) {
      case Fixed::kNo: return false;
      case Fixed::kExact: return full;
      case Fixed::kCidr: return prefix_length(be32(static_cast<uint32_t>(mask.u64()))) >= 0;
      case Fixed::kBitwise: return true;
    }
    return false;
  }
  /// The formats that can have it.
  ProtocolSet expressible(const Said& s) const {
    ProtocolSet set = kNxmAny | kOxmAny;
    // The columns are about actions too: 1.0 has no set_field of in_port_oxm, 1.1 has one of nw_ecn, but no match.
    if (fits(f_.id == FieldId::kInPortOxm ? Fixed::kExact : f_.of10, s.mask)) set |= kOf10Any;
    if (f_.id != FieldId::kNwEcn && fits(f_.of11, s.mask)) set |= kOf11;
    return set;
  }
};

TEST_P(EveryFieldText, WhatIsInRangeReadsBack) {
  if (!in_openflow()) return;
  for (unsigned i = 0; i < kRounds; i++) {
    Said s = say(i == 0, i > 1 && i % 2 && maskable());
    std::string text = with_value(s.text);
    auto p = parse(text);
    ASSERT_TRUE(p) << text << ": " << p.error();
    EXPECT_TRUE(p->flow.match.expand() == meaning(s)) << text << " is " << format_match(p->flow.match.expand()) << ", not " << format_match(meaning(s));
    EXPECT_EQ(lost_in_text(p->flow, names_), "");
    EXPECT_EQ(lost_on_the_wire(*p, text, &tlv_), "");
    bool tag = f_.prereq == Prereq::kVlan || f_.place.offset == offsetof(Flow, vlan_tci);   // OXM's tags are not 1.0's
    if (!tag) {
      EXPECT_EQ(format_protocols(p->usable), format_protocols(expressible(s))) << text;
    }
  }
}

TEST_P(EveryFieldText, AllNamesMeanTheField) {
  if (!in_openflow()) return;
  Said s = say(false, false);
  auto p = parse(with_value(s.text));
  ASSERT_TRUE(p) << p.error();
  std::vector<std::string_view> names{f_.alias};
  for (const WireId& w : all_wire_ids())
    if (w.field == f_.id) names.push_back(w.name);
  for (std::string_view name : names) {
    if (name.empty()) continue;
    auto q = parse(with_prerequisite(fmt::format("{}={}", name, s.text)));
    ASSERT_TRUE(q) << name << ": " << q.error();
    EXPECT_TRUE(p->flow.match == q->flow.match) << name;
  }
}

TEST_P(EveryFieldText, DatapathsOwnAreRefused) {
  if (in_openflow() || !size()) return;
  EXPECT_TRUE(names_what_is_wrong(parse(fmt::format("{}=1,actions=drop", f_.name)), f_.name));
}

TEST_P(EveryFieldText, WhatIsNoValueIsNamed) {
  if (!in_openflow()) return;
  for (std::string_view bad : {"x1", "-1", "1x", "0x", "1.2.3", "1:2", "/1", "+nosuch", "1.2.3.256", "01:02:03:04:05:zz", "fe80::1::2"})
    expect_refused(bad, bad.substr(bad.find_first_not_of("+-")));
  EXPECT_TRUE(names_what_is_wrong(parse(with_value("")), f_.name));
  if (is_tun_metadata(f_.id)) return;   // alone it asks whether there is the option
  EXPECT_TRUE(names_what_is_wrong(parse(with_prerequisite(f_.name)), f_.name));
}

TEST_P(EveryFieldText, WhatIsTooLargeIsNamedWithItsLimit) {
  if (!in_openflow()) return;
  FieldValue over(size() + 1);
  over.set_bit(bits(), true);
  auto too_large = [&](std::string value, std::string token, std::string limit) {
    auto p = parse(with_value(value));
    EXPECT_TRUE(names_what_is_wrong(p, token)) << with_value(value);
    EXPECT_TRUE(p || p.error().find(limit) != std::string::npos) << p.error() << " does not say " << limit;
  };
  std::string one_over = hex_number(over), width = fmt::format("{}-bit", bits());
  if (bits() % 8 == 0) width = fmt::format("{}-byte", bits() / 8);
  if (f_.id == FieldId::kArpOp || f_.id == FieldId::kNwTos) width = "255";
  switch (f_.display) {
    case Display::kDecimal: case Display::kHex:
      too_large(one_over, one_over, bits() % 8 ? "-bit" : "");
      if (maskable()) too_large("0/" + one_over, one_over, "");
      break;
    case Display::kIpv4: too_large("1.2.3.4/33", "33", "32"); break;
    case Display::kIpv6: too_large("fe80::/129", "129", "128"); break;
    case Display::kTcpFlags: case Display::kCtState: case Display::kTunFlags: case Display::kIpv6ExtHdr: too_large(one_over, one_over, ""); break;
    case Display::kFrag: too_large("4", "4", "3"); break;
    case Display::kPacketType: too_large("(65536,0)", "65536", "65535"), too_large("(0,65536)", "65536", "65535"); break;
    case Display::kPort16: case Display::kPort: too_large("4294967296", "4294967296", ""), too_large("4294967040", "4294967040", ""); break;
    case Display::kMac: too_large("1:00:00:00:00:00:00", "1:00:00:00:00:00:00", ""); break;
  }
}

TEST_P(EveryFieldText, NoMaskWhereThereIsNone) {
  if (!in_openflow() || maskable()) return;
  Said s = say(false, false);
  if (bits() == 1) return;   // a mask of one bit is all or nothing
  FieldValue part(size());
  part.set_bit(f_.id == FieldId::kNwTos ? 2 : 0, true);
  FieldValue zero(size());
  std::string masked = one(zero) + "/" + one(part);
  expect_refused(masked, masked);
}

TEST_P(EveryFieldText, BitsOutsideOfTheMaskDoNotCount) {
  if (!in_openflow() || !maskable() || bits() == 1) return;
  FieldValue v(size()), m(size());
  v.set_bit(0, true);
  m.set_bit(1, true);
  if (in_tag()) v.set_u64(v.u64() | kVlanPresent), m.set_u64(m.u64() | kVlanPresent);
  auto with = parse(with_value(one(v) + "/" + one(m)));
  v.set_bit(0, false);
  auto without = parse(with_value(one(v) + "/" + one(m)));
  ASSERT_TRUE(with && without);
  EXPECT_EQ(with->flow.match.expand().mask, without->flow.match.expand().mask);
  EXPECT_EQ(with->flow.match.expand().value, without->flow.match.expand().value);
}

TEST_P(EveryFieldText, MisspeltNamesAreNamed) {
  if (!in_openflow()) return;
  Said s = say(false, false);
  for (std::string_view name : {f_.name, f_.alias}) {
    if (name.empty()) continue;
    for (unsigned i = 0; i < 4; i++) {
      std::string wrong = misspelt(name, random_);
      if (field_by_name(wrong)) continue;
      EXPECT_TRUE(names_what_is_wrong(parse(with_prerequisite(fmt::format("{}={}", wrong, s.text))), wrong)) << wrong;
    }
  }
}

TEST_P(EveryFieldText, WithoutItsPrerequisiteItIsNamed) {
  bool brings_it = f_.id == FieldId::kVlanPcp;   // a priority is that of a tag
  if (!in_openflow() || has_prereq(f_.prereq, Match{}) || brings_it) return;
  Said s = say(true, false);
  EXPECT_TRUE(names_what_is_wrong(parse(fmt::format("{}={},actions=drop", f_.name, s.text)), f_.name)) << f_.name;
  // The prerequisite of another family is none.
  std::string wrong = f_.prereq == Prereq::kArp ? "ip" : f_.id == FieldId::kNwProto ? "mpls" : "arp";
  EXPECT_TRUE(names_what_is_wrong(parse(fmt::format("{},{}={},actions=drop", wrong, f_.name, s.text)), f_.name)) << f_.name;
}

TEST_P(EveryFieldText, SaidTwiceDifferentlyItIsNamed) {
  if (!in_openflow()) return;
  for (unsigned i = 0; i < 4; i++) {
    Said a = say(i == 0, false), b = say(false, false);
    if (a.value == b.value) continue;
    std::string second = fmt::format("{}={}", f_.name, b.text);
    EXPECT_TRUE(names_what_is_wrong(parse(with_prerequisite(fmt::format("{}={},{}", f_.name, a.text, second))), is_tun_metadata(f_.id) ? f_.name : second)) << second;
  }
}

TEST_P(EveryFieldText, PartsReadBackAndAreLimited) {
  if (!in_openflow() || !is_number() || f_.id == FieldId::kNwTos || f_.place.offset == offsetof(Flow, vlan_tci)) return;
  auto part = [&](unsigned first, unsigned last, std::string_view value) { return with_prerequisite(fmt::format("{}[{}..{}]={}", f_.name, first, last, value)); };
  if (!wire_id_of(f_.id, Version::k15)) return;
  for (unsigned i = 0; i < 8; i++) {
    unsigned first = static_cast<unsigned>(random_() % bits()), last = first + static_cast<unsigned>(random_() % (bits() - first));
    unsigned n = last - first + 1;
    FieldValue v(size()), m(size());
    m.set_bits(first, n);
    v = random_bits(m);
    FieldValue shown(size());
    copy_bits(v.bytes(), first, shown.bytes(), 0, n);
    std::string text = part(first, last, hex_number(shown));
    auto p = parse(text);
    if (!maskable() && n != f_.bits) {
      EXPECT_TRUE(names_what_is_wrong(p, f_.name)) << text;
      continue;
    }
    ASSERT_TRUE(p) << text << ": " << p.error();
    EXPECT_TRUE(p->flow.match.expand() == meaning({text, v, m})) << text << " is " << format_match(p->flow.match.expand());
    EXPECT_EQ(lost_on_the_wire(*p, text, &tlv_), "");
    FieldValue over(size() + 1);
    over.set_bit(n, true);
    std::string token = hex_number(over);
    EXPECT_TRUE(names_what_is_wrong(parse(part(first, last, token)), token)) << text;
    if (first != last) {
      EXPECT_TRUE(names_what_is_wrong(parse(part(last, first, "0")), std::to_string(last))) << text;
    }
  }
  if (is_tun_metadata(f_.id)) return;
  EXPECT_TRUE(names_what_is_wrong(parse(part(0, f_.bits, "0")), std::to_string(f_.bits)));
}

// --- Actions on the field ---

TEST_P(EveryFieldText, SetFieldReadsBackOrIsRefusedByName) {
  if (!size()) return;
  bool on_wire = wire_id_of(f_.id, Version::k15), own_of_ct = f_.id == FieldId::kCtMark || f_.id == FieldId::kCtLabel;
  bool can_be_set = on_wire && f_.access == Access::kReadWrite;
  for (unsigned i = 0; i < kRounds; i++) {
    Said s = say(i == 0, i > 1 && i % 2 && maskable());
    std::string set = fmt::format("set_field:{}->{}", s.text, f_.name), text = with_actions(own_of_ct ? fmt::format("ct(commit,exec({}))", set) : set);
    auto p = parse(text);
    if (!can_be_set) {
      EXPECT_TRUE(names_what_is_wrong(p, f_.name)) << text;
      return;
    }
    ASSERT_TRUE(p) << text << ": " << p.error();
    expect_set(p->flow.actions, s);
    EXPECT_EQ(lost_in_text(p->flow, names_), "");
    EXPECT_EQ(lost_on_the_wire(*p, text, &tlv_), "");
    if (own_of_ct) {
      EXPECT_TRUE(names_what_is_wrong(parse(with_actions(set)), f_.name)) << text;
    }
  }
  FieldValue over(size() + 1);
  over.set_bit(bits(), true);
  std::string token = hex_number(over);
  EXPECT_TRUE(names_what_is_wrong(parse(with_actions(fmt::format("set_field:{}->{}", token, f_.name))), token)) << f_.name;
  std::string wrong = misspelt(f_.name, random_);
  if (!field_by_name(wrong)) {
    EXPECT_TRUE(names_what_is_wrong(parse(with_actions(fmt::format("set_field:{}->{}", say(true, false).text, wrong))), wrong));
  }
}

TEST_P(EveryFieldText, PartsAreLoadedMovedPushedAndPopped) {
  if (!size()) return;
  bool on_wire = wire_id_of(f_.id, Version::k15), writable = f_.access == Access::kReadWrite;
  bool own_of_ct = f_.id == FieldId::kCtMark || f_.id == FieldId::kCtLabel;
  unsigned width = is_tun_metadata(f_.id) ? bits() : f_.bits;
  for (unsigned i = 0; i < 8; i++) {
    unsigned first = i ? static_cast<unsigned>(random_() % width) : 0, n = std::min(width - first, 64u);
    if (i > 1) n = 1 + static_cast<unsigned>(random_() % n);
    std::string part = fmt::format("{}[{}..{}]", f_.name, first, first + n - 1), other = fmt::format("xxreg1[7..{}]", 6 + n);
    uint64_t most = n == 64 ? UINT64_MAX : (uint64_t{1} << n) - 1;
    auto check = [&](std::string action, bool allowed) {
      bool needs_ct = own_of_ct && action.ends_with(part) && (action.starts_with("load") || action.starts_with("move"));
      if (needs_ct) action = fmt::format("ct(commit,exec({}))", action);
      std::string text = with_actions(action);
      auto p = parse(text);
      if (!allowed) {
        EXPECT_TRUE(names_what_is_wrong(p, f_.name)) << text;
        return;
      }
      ASSERT_TRUE(p) << text << ": " << p.error();
      EXPECT_EQ(lost_in_text(p->flow, names_), "");
      EXPECT_EQ(lost_on_the_wire(*p, text, &tlv_), "");
    };
    bool set = on_wire && writable;
    bool any_value = f_.id != FieldId::kNwTos && f_.id != FieldId::kArpOp && f_.id != FieldId::kInPortOxm;   // of all bits together
    check(fmt::format("load:0x{:x}->{}", any_value ? random_() & most : 0, part), set);
    check(fmt::format("move:{}->{}", part, other), on_wire);
    check(fmt::format("move:{}->{}", other, part), set);
    check("push:" + part, on_wire);
    check("pop:" + part, set);
    check("output:" + part, on_wire);
    if (!set || own_of_ct || n == 64) continue;
    std::string token = fmt::format("0x{:x}", most + 1);
    EXPECT_TRUE(names_what_is_wrong(parse(with_actions(fmt::format("load:{}->{}", token, part))), token)) << part;
  }
}

std::vector<FieldId> every_field() {
  std::vector<FieldId> out;
  for (const Field& f : all_fields()) out.push_back(f.id);
  return out;
}
INSTANTIATE_TEST_SUITE_P(Table, EveryFieldText, testing::ValuesIn(every_field()),
                         [](const auto& info) { return std::string(field(info.param).name); });

}  // namespace
}  // namespace sluice::ofp

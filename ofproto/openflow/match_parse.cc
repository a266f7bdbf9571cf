// SPDX-License-Identifier: Apache-2.0
// Match keys of flow text: shorthands ("tcp"), fields, and the check that nothing lacks its prerequisite.
#include <fmt/core.h>

#include "ofproto/openflow/match.h"
#include "ofproto/openflow/text.h"

namespace sluice::ofp {
namespace {

struct Shorthand {
  std::string_view name;
  uint16_t eth_type;
  uint8_t ip_proto;
};
constexpr Shorthand kShorthands[] = {
    {"ip", 0x0800, 0},    {"ipv4", 0x0800, 0},  {"ip4", 0x0800, 0},    {"icmp", 0x0800, 1},   {"tcp", 0x0800, 6},    {"udp", 0x0800, 17},
    {"sctp", 0x0800, 132}, {"arp", 0x0806, 0},  {"rarp", 0x8035, 0},   {"ipv6", 0x86dd, 0},   {"ip6", 0x86dd, 0},    {"tcp6", 0x86dd, 6},
    {"udp6", 0x86dd, 17}, {"sctp6", 0x86dd, 132}, {"icmp6", 0x86dd, 58}, {"mpls", 0x8847, 0}, {"mplsm", 0x8848, 0},
};

bool parse_shorthand(std::string_view key, Match& m) {
  if (equal_ignoring_case(key, "eth")) {
    m.set_u64(FieldId::kPacketType, 0);
    return true;
  }
  for (const Shorthand& s : kShorthands) {
    if (!equal_ignoring_case(key, s.name)) continue;
    m.set_u64(FieldId::kEthType, s.eth_type);
    if (s.ip_proto) m.set_u64(FieldId::kNwProto, s.ip_proto);
    return true;
  }
  return false;
}

using ParseResult = std::expected<void, std::string>;

ParseResult set_twice(const Field& f) { return std::unexpected(fmt::format("field {} set multiple times", f.name)); }

ParseResult parse_dl_vlan(std::string_view value, Match& m, bool compat) {
  auto n = parse_number(value);
  if (equal_ignoring_case(value, "none") || (n && *n == 0xffff)) {  // OFP_VLAN_NONE
    m.value.vlan_tci = {};
    m.mask.vlan_tci = be16(0xffff);
    return {};
  }
  auto t = parse_value(FieldId::kDlVlan, value, nullptr, nullptr, compat);
  if (!t) return std::unexpected(t.error());
  m.set(FieldId::kDlVlan, t->value);
  return {};
}

ParseResult parse_field(const Field& f, std::string_view value, Match& m, const NameMap* ports, const TlvTable* tlv, bool compat) {
  if (f.id == FieldId::kDlVlan) return parse_dl_vlan(value, m, compat);
  auto t = parse_value(f.id, value, ports, tlv, compat);
  if (!t) return std::unexpected(t.error());
  if (is_tun_metadata(f.id) && !m.is_wild(f.id, tlv)) return set_twice(f);
  m.set(f.id, t->value, t->mask, tlv);
  return {};
}

/// The bits of all fields whose prerequisite the match has.
Flow allowed_bits(const Match& m) {
  Match all;
  for (const Field& f : all_fields()) {
    if (is_tun_metadata(f.id) || !has_prereq(f.prereq, m)) continue;
    all.set(f.id, FieldValue(f.wire_bytes), FieldValue::ones(f, f.wire_bytes));
  }
  Flow& allowed = all.mask;
  std::memset(allowed.tun_metadata, 0xff, sizeof allowed.tun_metadata);
  allowed.tun_present = be64(UINT64_MAX);
  std::memset(static_cast<void*>(&allowed.tunnel), 0xff, sizeof allowed.tunnel);
  if (has_prereq(Prereq::kEthernet, m)) allowed.vlan_tci = be16(0xffff);
  return allowed;
}

/// "tcp_src[6..10]=19": some bits of a field.
ParseResult parse_bits(std::string_view key, std::string_view value, Match& m, const TlvTable* tlv) {
  auto part = parse_subfield(key);
  if (!part) return std::unexpected(part.error());
  const Field& f = field(part->field);
  FieldValue n((part->n_bits + 7u) / 8);
  if (!parse_number(value) && !parse_big_number(value, n.data(), n.size()))
    return std::unexpected(fmt::format("{}: cannot parse integer value: {}", key, value));
  bool fits = parse_big_number(value, n.data(), n.size());
  for (unsigned i = part->n_bits; i < n.size() * 8; i++) fits = fits && !n.bit(i);
  if (!fits) return std::unexpected(fmt::format("{}: value {} does not fit into {} bits", key, value, part->n_bits));
  if (f.maskable == Maskable::kNo && !part->is_whole()) return std::unexpected(fmt::format("{}: field {} cannot be matched in part", key, f.name));
  if (is_tun_metadata(f.id) && make_room(*part, tlv) < part->ofs + part->n_bits)
    return std::unexpected(fmt::format("{}: no mapping of a tunnel option to {} is known, or no room for it", key, f.name));
  FieldValue v = m.get(f.id, tlv), mask = m.get_mask(f.id, tlv), ones(n.size());
  for (uint8_t& b : ones.bytes()) b = 0xff;
  copy_bits(n.bytes(), 0, v.bytes(), part->ofs, part->n_bits);
  copy_bits(ones.bytes(), 0, mask.bytes(), part->ofs, part->n_bits);
  m.set(f.id, v, mask, tlv);
  return {};
}

}  // namespace

std::optional<ParseResult> parse_match_key(std::string_view key, std::string_view value, bool has_value, Match& m, const NameMap* ports,
                                           const TlvTable* tlv, bool compat) {
  if (!has_value && parse_shorthand(key, m)) return ParseResult();
  if (size_t bracket = key.find('['); has_value && bracket != key.npos && field_by_name(key.substr(0, bracket))) return parse_bits(key, value, m, tlv);
  const Field* f = field_by_name(key);
  if (!f) return std::nullopt;
  if (has_value) return parse_field(*f, value, m, ports, tlv, compat);
  if (!is_tun_metadata(f->id)) return std::unexpected(fmt::format("field {} missing value", key));
  // tun_metadataN alone: the option is there.
  if (!m.is_wild(f->id, tlv)) return set_twice(*f);
  be64 bit(uint64_t{1} << (f->id - FieldId::kTunMetadata0));
  m.value.tun_present |= bit;
  m.mask.tun_present |= bit;
  if (tlv) tlv->find_or_grow(static_cast<unsigned>(f->id - FieldId::kTunMetadata0), 4);
  return ParseResult();
}

bool normalize(Match& m) {
  // ICMP types and codes are bytes, whatever name they were given by.
  bool icmp = has_prereq(Prereq::kIcmp4, m) || has_prereq(Prereq::kIcmp6, m);
  if (icmp) m.mask.tp_src &= be16(0xff), m.mask.tp_dst &= be16(0xff);
  Flow before = m.mask;
  mask_flow(m.mask, allowed_bits(m));
  mask_flow(m.value, m.mask);
  return !(before == m.mask);
}

std::string missing_prerequisite(const Match& m) {
  Match rest = m;
  Flow allowed = allowed_bits(m);
  for (size_t i = 0; i < kFlowWords; i++) rest.mask.words()[i] &= ~allowed.words()[i];
  Match unfragmented = m;
  unfragmented.value.nw_frag = 0;
  for (const Field& f : all_fields())
    if (!has_prereq(f.prereq, m) && has_prereq(f.prereq, unfragmented) && !rest.is_wild(f.id))
      return fmt::format("{} is not in later fragments, which ip_frag asks for", f.name);
  for (const Field& f : all_fields())
    if (!has_prereq(f.prereq, m) && !rest.is_wild(f.id))
      return fmt::format("{}{}{} needs {}", f.alias, f.alias.empty() ? "" : " or ", f.name, prereq_text(f.prereq));
  return {};
}

std::string_view prereq_text(Prereq p) {
  switch (p) {
    case Prereq::kNone: return "nothing";
    case Prereq::kEthernet: return "an Ethernet packet (packet_type=(0,0))";
    case Prereq::kVlan: return "a VLAN tag (dl_vlan or vlan_tci=0x1000/0x1000)";
    case Prereq::kMpls: return "mpls or mplsm";
    case Prereq::kArp: return "arp or rarp";
    case Prereq::kIpv4: return "ip";
    case Prereq::kIpv6: return "ipv6";
    case Prereq::kIp: return "ip or ipv6";
    case Prereq::kTcp: return "tcp or tcp6 (for other protocols: udp, sctp, icmp...)";
    case Prereq::kUdp: return "udp or udp6";
    case Prereq::kSctp: return "sctp or sctp6";
    case Prereq::kIcmp4: return "icmp";
    case Prereq::kIcmp6: return "icmp6";
    case Prereq::kNd: return "icmp6,icmp_type=135 or 136";
    case Prereq::kNdSolicit: return "icmp6,icmp_type=135";
    case Prereq::kNdAdvert: return "icmp6,icmp_type=136";
    case Prereq::kNsh: return "dl_type=0x894f";
    case Prereq::kCt: return "ip or ipv6 and ct_state=+trk-inv (or +new, +est, ...)";
    case Prereq::kPbb: return "dl_type=0x88e7";
    case Prereq::kInPort: return "in_port";
  }
  return {};
}

}  // namespace sluice::ofp

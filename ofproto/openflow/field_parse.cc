// SPDX-License-Identifier: Apache-2.0
// One field value from text: "value" or "value/mask" in the field's display kind, with errors that name token and field.
#include <fmt/core.h>

#include <cctype>
#include <cstring>

#include "ofproto/openflow/field.h"
#include "ofproto/openflow/flag_names.h"
#include "ofproto/openflow/port.h"
#include "ofproto/openflow/text.h"

namespace sluice::ofp {
namespace {

struct Parts {
  std::string_view all, value, mask;
  bool has_mask;
};
Parts split(std::string_view s) {
  size_t slash = s.find('/');
  if (slash == s.npos) return {s, s, {}, false};
  return {s, s.substr(0, slash), s.substr(slash + 1), true};
}

TextError error(std::string text) { return std::unexpected(std::move(text)); }

/// Bytes that a number's text fills: for options whose length nobody has told us.
size_t bytes_in(std::string_view s) {
  if (s.starts_with("0x") || s.starts_with("0X")) return std::max<size_t>(1, (s.size() - 2 + 1) / 2);
  for (size_t n : {1, 2, 4, 8, 16}) {
    uint8_t b[16];
    if (parse_big_number(s, b, n)) return n;
  }
  return 16;
}

struct Parser {
  const Field& f;
  std::string_view text;
  const NameMap* ports;
  const TlvTable* tlv;
  bool compat;
  Tlv out{};
  std::string failure{};

  bool fail(std::string s) {
    failure = std::move(s);
    return false;
  }
  size_t size() const { return out.value.size(); }

  bool one_number(std::string_view s, FieldValue& v, std::string_view kind) {
    if (parse_big_number(s, v.data(), v.size())) return true;
    uint8_t any[256];
    if (!parse_big_number(s, any, sizeof any)) return fail(fmt::format("{}: bad syntax for {}", s.empty() ? text : s, f.name));
    return fail(fmt::format("{}: {} too large for {}-byte field {}", s, kind, v.size(), f.name));
  }

  bool number() {
    Parts p = split(text);
    if (!one_number(p.value, out.value, "value")) return false;
    out.has_mask = p.has_mask;
    return !p.has_mask || one_number(p.mask, out.mask, "mask");
  }

  bool mac() {
    Parts p = split(text);
    auto v = parse_mac(p.value);
    if (!v) return fail(fmt::format("{}: invalid Ethernet address", text));
    out.value.set_u64(v->to_u64());
    if (!(out.has_mask = p.has_mask)) return true;
    auto m = parse_mac(p.mask);
    if (!m) return fail(fmt::format("{}: invalid Ethernet address", text));
    out.mask.set_u64(m->to_u64());
    return true;
  }

  static std::optional<int> prefix(std::string_view s, int max) {
    auto n = parse_number(s);
    if (!n || *n > static_cast<uint64_t>(max)) return std::nullopt;
    return static_cast<int>(*n);
  }

  bool ipv4() {
    Parts p = split(text);
    auto v = parse_ipv4(p.value);
    if (!v) return fail(fmt::format("{}: invalid IP address", text));
    out.value.set_u64(v->host());
    if (!(out.has_mask = p.has_mask)) return true;
    if (auto n = prefix(p.mask, 32)) {
      out.mask.set_u64(ipv4_prefix_mask(*n).host());
    } else if (auto m = parse_ipv4(p.mask)) {
      out.mask.set_u64(m->host());
    } else if (parse_number(p.mask)) {
      return fail(fmt::format("{}: network prefix bits not between 0 and 32", text));
    } else {
      return fail(fmt::format("{}: invalid IP address", text));
    }
    return true;
  }

  bool ipv6() {
    Parts p = split(text);
    auto v = parse_ipv6(p.value);
    if (!v) return fail(fmt::format("{}: invalid IPv6 address", text));
    out.value.assign(v->b);
    if (!(out.has_mask = p.has_mask)) return true;
    if (auto n = prefix(p.mask, 128)) {
      out.mask.assign(ipv6_prefix_mask(*n).b);
    } else if (auto m = parse_ipv6(p.mask)) {
      out.mask.assign(m->b);
    } else if (parse_number(p.mask)) {
      return fail(fmt::format("{}: IPv6 network prefix bits not between 0 and 128", text));
    } else {
      return fail(fmt::format("{}: invalid IPv6 address", text));
    }
    return true;
  }

  bool port() {
    Parts p = split(text);
    auto n = parse_port(p.value, ports);
    bool is_number = parse_number(p.value).has_value();
    if (!n && is_number && f.display == Display::kPort) return fail(fmt::format("{}: port value out of range for {}", text, f.name));
    if (!n) return fail(fmt::format("{}: invalid or unknown port for {}", text, f.name));
    out.value.set_u64(f.display == Display::kPort16 ? port_to_of10(*n) : n->value);
    if (!p.has_mask) return true;
    auto m = parse_number(p.mask);
    if (!m || (*m != UINT32_MAX && *m != UINT16_MAX)) return fail(fmt::format("{}: invalid mask for field {}", text, f.name));
    return true;
  }

  bool frag() {
    for (const FragName& n : kFragNames)
      if (equal_ignoring_case(text, n.name)) {
        out.value.set_u64(n.value);
        out.mask.set_u64(n.mask);
        out.has_mask = true;
        return true;
      }
    if (parse_number(split(text).value)) return number();
    return fail(fmt::format("{}: unknown fragment type (valid types are \"no\", \"yes\", \"first\", \"later\", \"not_later\"", text));
  }

  static const FlagName* find_flag(std::span<const FlagName> names, std::string_view s) {
    for (const FlagName& n : names)
      if (equal_ignoring_case(n.name, s)) return &n;
    return nullptr;
  }

  bool signed_flags(std::span<const FlagName> names, std::string_view what) {
    uint64_t value = 0, mask = 0;
    std::string_view s = text;
    while (!s.empty()) {
      bool on = s[0] == '+';
      if (!on && s[0] != '-') return fail(fmt::format("{}: {} flag must be preceded by '+' (for SET) or '-' (NOT SET)", text, what));
      s.remove_prefix(1);
      size_t n = std::min(s.find_first_of("+-"), s.size());
      std::string_view word = s.substr(0, n);
      const FlagName* flag = find_flag(names, word);
      if (!flag) return fail(fmt::format("{}: unknown {} flag(s)", word, what));
      if (mask & flag->bit) return fail(fmt::format("{}: Each {} flag can be specified only once", word, what));
      mask |= flag->bit;
      value |= on ? flag->bit : 0;
      s.remove_prefix(n);
    }
    out.value.set_u64(value);
    out.mask.set_u64(mask);
    out.has_mask = true;
    return true;
  }

  bool flags(std::span<const FlagName> names, uint64_t all, std::string_view what) {
    if (text[0] == '+' || text[0] == '-') return signed_flags(names, what);
    if (std::isdigit(static_cast<unsigned char>(text[0]))) {
      if (!number()) return false;
      if (out.value.u64() & ~all) return fail(fmt::format("{}: unknown {} flag(s)", split(text).value, what));
      if (out.has_mask && (out.mask.u64() & ~all)) return fail(fmt::format("{}: unknown {} flag(s)", split(text).mask, what));
      return true;
    }
    uint64_t value = 0;
    for (std::string_view s = text; !s.empty();) {
      size_t n = std::min(s.find('|'), s.size());
      const FlagName* flag = find_flag(names, s.substr(0, n));
      if (!flag) return fail(fmt::format("{}: unknown {} flag(s)", s.substr(0, n), what));
      value |= flag->bit;
      s.remove_prefix(std::min(n + 1, s.size()));
    }
    out.value.set_u64(value);
    return true;
  }

  bool packet_type() {
    std::string_view s = text;
    if (parse_number(s)) return number();
    if (s.size() > 2 && s.front() == '(' && s.back() == ')') s = s.substr(1, s.size() - 2);   // "packet_type(0,0)" comes without
    if (s.find(',') == s.npos) return fail(fmt::format("{}: invalid packet_type, must be of the form (ns,type)", text));
    size_t comma = s.find(',');
    auto ns = comma == s.npos ? std::nullopt : parse_number(trim(s.substr(0, comma)));
    auto type = comma == s.npos ? std::nullopt : parse_number(trim(s.substr(comma + 1)));
    if (!ns || !type || *ns > 0xffff || *type > 0xffff)
      return fail(fmt::format("{}: invalid packet_type, must be of the form (ns,type), each 0 to 65535", text));
    out.value.set_u64(*ns << 16 | *type);
    return true;
  }

  bool by_display() {
    switch (f.display) {
      case Display::kDecimal: case Display::kHex: return number();
      case Display::kMac: return mac();
      case Display::kIpv4: return ipv4();
      case Display::kIpv6: return ipv6();
      case Display::kPort16: case Display::kPort: return port();
      case Display::kFrag: return frag();
      case Display::kTcpFlags: return flags(kTcpFlagNames, kTcpFlagsAll, "TCP");
      case Display::kCtState: return flags(kCtStateNames, kCtStateAll, "ct_state");
      case Display::kTunFlags: return flags(kTunFlagNames, 1, "tun_flags");
      case Display::kIpv6ExtHdr: return flags(kIpv6ExtHdrNames, kIpv6ExtHdrAll, "ipv6_exthdr");
      case Display::kPacketType: return packet_type();
    }
    return false;
  }

  /// Width in bits that a value may have.
  unsigned value_bits() const {
    if (is_tun_metadata(f.id)) return static_cast<unsigned>(size() * 8);
    return std::max<unsigned>(f.place.bits, f.id == FieldId::kCtState ? 8 : 0);
  }

  bool in_range() {
    if (f.id == FieldId::kInPort || f.display == Display::kPort || size() > 8) return true;
    unsigned bits = f.id == FieldId::kArpOp || f.id == FieldId::kNwTos ? 8 : value_bits();
    uint64_t max = bits >= 64 ? UINT64_MAX : (uint64_t{1} << bits) - 1;
    std::string_view value = split(text).value;
    if (out.value.u64() > max && !compat)
      return fail(fmt::format("{}: value too large for {}-bit field {} (maximum {})", value, bits, f.name, max));
    if (out.has_mask && f.maskable != Maskable::kNo && out.mask.u64() > max && !compat)
      return fail(fmt::format("{}: mask too large for {}-bit field {} (maximum 0x{:x})", split(text).mask, bits, f.name, max));
    if (f.id == FieldId::kNwTos && (out.value.u64() & 3) && !compat)
      return fail(fmt::format("{}: the 2 low bits of nw_tos must be 0 (they are nw_ecn)", value));
    if (compat) {
      out.value.set_u64(out.value.u64() & (f.id == FieldId::kNwTos ? 0xfc : max));
      if (out.has_mask) out.mask.set_u64(out.mask.u64() & max);
    }
    return true;
  }

  bool run() {
    if (text.empty()) return fail(fmt::format("field {} missing value", f.name));
    size_t n = wire_bytes_of(f.id, tlv);
    if (is_tun_metadata(f.id) && n == 0) {
      Parts p = split(text);
      // A mask says less than "all" even if it fills its bytes: the option may be longer.
      size_t want = p.has_mask ? std::max(bytes_in(p.value), bytes_in(p.mask)) + 1 : bytes_in(p.value);
      const TlvTable::Entry* e = tlv ? tlv->find_or_grow(static_cast<unsigned>(f.id - FieldId::kTunMetadata0), static_cast<unsigned>(want)) : nullptr;
      if (!e && tlv && tlv->grows() && want <= kMaxFieldBytes)
        return fail(fmt::format("field {} exceeds maximum size for tunnel metadata (used {}, max {})", f.name, tlv->bytes_used() + want, kTunMetadataBytes));
      if (!e) return fail(fmt::format("{}: no mapping of a tunnel option to {} is known, or no room for it", text, f.name));
      n = e->length;
    }
    out.field = f.id;
    out.value.resize(n);
    out.mask.resize(n);
    if (!by_display() || !in_range()) return false;
    if (!out.has_mask) {
      out.mask = FieldValue::ones(f, n);
      if (f.id == FieldId::kCtState) out.mask.set_u64(kCtStateAll);
      return true;
    }
    FieldValue ones = FieldValue::ones(f, n);
    if (f.maskable == Maskable::kNo && f.display != Display::kFrag && !out.mask.is_zero()) {
      bool all = true;  // a mask that cannot be is written with all bits of its bytes
      for (uint8_t b : out.mask.bytes()) all = all && b == 0xff;
      if (!all) return fail(fmt::format("{}: invalid mask for field {}", text, f.name));
      out.mask = ones;
    }
    mask_value(out.value, out.mask);   // 10.0.0.1/8 is a way to say 10.0.0.0/8
    return true;
  }
};

}  // namespace

std::expected<Tlv, std::string> parse_value(FieldId f, std::string_view text, const NameMap* ports, const TlvTable* tlv, bool compat) {
  Parser p{field(f), text, ports, tlv, compat};
  if (!p.run()) return error(std::move(p.failure));
  return std::move(p.out);
}

}  // namespace sluice::ofp

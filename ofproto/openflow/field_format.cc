// SPDX-License-Identifier: Apache-2.0
// One field value as text, by the field's display kind.
#include <fmt/core.h>

#include <cstring>

#include "lib/text.h"
#include "ofproto/openflow/field.h"
#include "ofproto/openflow/flag_names.h"
#include "ofproto/openflow/port.h"

namespace sluice::ofp {
namespace {

/// 0x and no leading zeros; 0 is "0".
void hex(const FieldValue& v, std::string& out) {
  size_t i = 0;
  while (i < v.size() && v.data()[i] == 0) i++;
  if (i == v.size()) {
    out += '0';
    return;
  }
  append(out, "0x{:x}", v.data()[i]);
  out += sluice::hex({v.data() + i + 1, v.size() - i - 1});
}

void number(const FieldValue& v, const FieldValue* mask, bool decimal, std::string& out) {
  bool small = v.size() <= 8;
  if (decimal && small && !mask) {
    append(out, "{}", v.u64());
    return;
  }
  if (decimal && small) {
    append(out, "0x{:x}/0x{:x}", v.u64(), mask->u64());
    return;
  }
  hex(v, out);
  if (mask) {
    out += '/';
    hex(*mask, out);
  }
}

be32 ipv4(const FieldValue& v) { return be32(static_cast<uint32_t>(v.u64())); }
Ipv6Addr ipv6(const FieldValue& v) {
  Ipv6Addr a;
  std::memcpy(a.b.data(), v.data(), std::min<size_t>(16, v.size()));
  return a;
}

void address4(const FieldValue& v, const FieldValue* mask, std::string& out) {
  out += format_ipv4(ipv4(v));
  if (!mask) return;
  int n = prefix_length(ipv4(*mask));
  if (n >= 0) append(out, "/{}", n);
  else append(out, "/{}", format_ipv4(ipv4(*mask)));
}

void address6(const FieldValue& v, const FieldValue* mask, std::string& out) {
  out += format(ipv6(v));
  if (!mask) return;
  int n = prefix_length(ipv6(*mask));
  if (n >= 0) append(out, "/{}", n);
  else append(out, "/{}", format(ipv6(*mask)));
}

void frag(const FieldValue& v, const FieldValue* mask, std::string& out) {
  uint64_t value = v.u64(), m = mask ? mask->u64() : 3;
  for (const FragName& f : kFragNames)
    if (f.value == value && f.mask == m) {
      out += f.name;
      return;
    }
  append(out, "0x{:x}/0x{:x}", value, m);
}

}  // namespace

void format_flags(std::span<const FlagName> names, uint64_t value, uint64_t mask, uint64_t all, std::string& out) {
  if ((mask & all) == all) {  // all are asked for: a|b
    if (value == 0) {
      out += '0';
      return;
    }
    bool first = true;
    for (const FlagName& f : names)
      if (value & f.bit) {
        if (!first) out += '|';
        out += f.name;
        first = false;
      }
    return;
  }
  for (const FlagName& f : names)
    if (mask & f.bit) {
      out += value & f.bit ? '+' : '-';
      out += f.name;
    }
}

void format_value(FieldId f, const FieldValue& v, const FieldValue* mask, std::string& out, const NameMap* ports) {
  uint64_t m = mask ? mask->u64() : UINT64_MAX;
  switch (field(f).display) {
    case Display::kDecimal: return number(v, mask, true, out);
    case Display::kHex:
      if (f == FieldId::kIpv6Label && !mask) return append(out, "0x{:05x}", v.u64());   // as Open vSwitch has it
      return number(v, mask, false, out);
    case Display::kMac:
      out += format(MacAddr::from_u64(v.u64()));
      if (mask) append(out, "/{}", format(MacAddr::from_u64(mask->u64())));
      return;
    case Display::kIpv4: return address4(v, mask, out);
    case Display::kIpv6: return address6(v, mask, out);
    case Display::kPort16: return format_port(port_from_of10(static_cast<uint16_t>(v.u64())).value_or(OFPP_NONE), out, ports);
    case Display::kPort: return format_port(OfpPort{static_cast<uint32_t>(v.u64())}, out, ports);
    case Display::kFrag: return frag(v, mask, out);
    case Display::kTcpFlags: return format_flags(kTcpFlagNames, v.u64(), m, kTcpFlagsAll, out);
    case Display::kCtState: return format_flags(kCtStateNames, v.u64(), m, kCtStateAll, out);
    case Display::kTunFlags: return format_flags(kTunFlagNames, v.u64(), mask ? m : 1, UINT64_MAX, out);
    case Display::kIpv6ExtHdr: return format_flags(kIpv6ExtHdrNames, v.u64(), m, kIpv6ExtHdrAll, out);
    case Display::kPacketType:
      append(out, "({},0x{:x})", v.u64() >> 16, v.u64() & 0xffff);
      return;
  }
}

}  // namespace sluice::ofp

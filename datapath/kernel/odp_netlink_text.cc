// SPDX-License-Identifier: Apache-2.0
// See odp_netlink_text.h.
#include "datapath/kernel/odp_netlink_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "datapath/kernel/odp_parts.h"

namespace sluice {
namespace {

constexpr unsigned kMaxTags = 4;   // encap() in encap()

class NetlinkKeyPrinter {
 public:
  explicit NetlinkKeyPrinter(const OdpTextOptions& options) : options_(options) {}
  std::string print(ByteView key, std::optional<ByteView> mask, unsigned depth);

 private:
  std::string attribute(const Attr& a, std::optional<Attr> mask, bool exact);
  std::string ether_type(const Attr& a, std::optional<Attr> mask, bool exact);
  std::string vlan(const Attr& a, std::optional<Attr> mask, bool exact);
  std::string unknown(const Attr& a, std::optional<Attr> mask, bool exact);
  const OdpTextOptions& options_;
};

std::string NetlinkKeyPrinter::print(ByteView key, std::optional<ByteView> mask, unsigned depth) {
  std::string out;
  for (Attr a : Attrs(key)) {
    auto m = mask ? Attrs(*mask).find(a.type) : std::nullopt;
    std::string item;
    if (a.type != OVS_KEY_ATTR_ENCAP) item = attribute(a, m, !mask);
    else if (depth < kMaxTags) item = fmt::format("encap({})", print(a.data, !mask ? std::nullopt : std::optional(m ? m->data : ByteView{}), depth + 1));
    if (item.empty()) continue;
    if (!out.empty()) out += ',';
    out += item;
  }
  return out;
}

std::string NetlinkKeyPrinter::ether_type(const Attr& a, std::optional<Attr> mask, bool exact) {
  be16 type = a.as<be16>().value_or(be16()), bits = exact ? be16(UINT16_MAX) : mask ? mask->as<be16>().value_or(be16()) : be16();
  if (bits == be16(UINT16_MAX)) return fmt::format("eth_type({:#06x})", type.host());
  if (!bits && !options_.verbose) return "";
  return fmt::format("eth_type({:#06x}/{:#06x})", type.host(), bits.host());
}

std::string NetlinkKeyPrinter::vlan(const Attr& a, std::optional<Attr> mask, bool exact) {
  static constexpr OdpAttribute kVlan{"vlan", kVlanParts, OVS_KEY_ATTR_VLAN};
  Flow key{}, bits{};
  key.vlan_tci = a.as<be16>().value_or(be16());
  bits.vlan_tci = exact ? be16(UINT16_MAX) : mask ? mask->as<be16>().value_or(be16()) : be16();
  return format_odp_attribute(kVlan, key, bits, options_);
}

std::string NetlinkKeyPrinter::unknown(const Attr& a, std::optional<Attr> mask, bool exact) {
  bool matters = exact || (mask && std::ranges::any_of(mask->data, [](uint8_t b) { return b != 0; }));
  if (!matters && !options_.verbose) return "";
  auto bytes = [](ByteView v) { return fmt::format("{:02x}", fmt::join(v, " ")); };
  return fmt::format("key{}({}{})", a.type, bytes(a.data), exact ? "" : "/" + bytes(mask ? mask->data : ByteView{}));
}

std::string NetlinkKeyPrinter::attribute(const Attr& a, std::optional<Attr> mask, bool exact) {
  if (a.type == OVS_KEY_ATTR_ETHERTYPE) return ether_type(a, mask, exact);
  if (a.type == OVS_KEY_ATTR_VLAN) return vlan(a, mask, exact);
  const OdpAttribute* known = a.type == OVS_KEY_ATTR_IPV6_EXTHDRS ? nullptr : find_odp_attribute(a.type);   // text has no name for those
  Flow key{}, bits{};
  bool complete = true;
  if (!known || !take_attribute(*known, a, false, key, complete)) return unknown(a, mask, exact);
  if (exact) std::memset(static_cast<void*>(&bits), 0xff, sizeof bits);
  else if (mask && !take_attribute(*known, *mask, true, bits, complete)) return unknown(a, mask, exact);
  return format_odp_attribute(*known, key, bits, options_);
}

}  // namespace

std::string format_odp_netlink_key(ByteView key, std::optional<ByteView> mask, const OdpTextOptions& options) { return NetlinkKeyPrinter(options).print(key, mask, 0); }

}  // namespace sluice

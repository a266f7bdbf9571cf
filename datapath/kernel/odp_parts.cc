// SPDX-License-Identifier: Apache-2.0
// See odp_parts.h.
#include "datapath/kernel/odp_parts.h"

#include <algorithm>
#include <bit>

#include <linux/erspan.h>

#include "datapath/geneve.h"
#include "datapath/nsh.h"

namespace sluice {
namespace {

/// The attributes of a tunnel key, by the index of their part in kTunnelParts.
constexpr uint16_t kTunnelTypes[] = {OVS_TUNNEL_KEY_ATTR_ID, OVS_TUNNEL_KEY_ATTR_IPV4_SRC, OVS_TUNNEL_KEY_ATTR_IPV4_DST, OVS_TUNNEL_KEY_ATTR_IPV6_SRC, OVS_TUNNEL_KEY_ATTR_IPV6_DST,
                                     OVS_TUNNEL_KEY_ATTR_TOS, OVS_TUNNEL_KEY_ATTR_TTL, OVS_TUNNEL_KEY_ATTR_TP_SRC, OVS_TUNNEL_KEY_ATTR_TP_DST};
static_assert(std::size(kTunnelTypes) == std::size(kTunnelParts));

constexpr uint16_t kDontFragment = 1, kChecksum = 2;  // FlowTunnel::dp_flags
constexpr uint16_t kOam = 1;                                           // FlowTunnel::flags

bool is_integer(const OdpPart& part) { return part.wire || part.bits || part.form == kFragment; }

const uint8_t* bytes_of(const Flow& f, const OdpPart& part) { return reinterpret_cast<const uint8_t*>(&f) + part.offset; }
uint8_t* bytes_of(Flow& f, const OdpPart& part) { return reinterpret_cast<uint8_t*>(&f) + part.offset; }

uint64_t to_wire(uint64_t v, const OdpPart& part, bool is_mask) {
  if (part.form != kFragment) return v;
  if (is_mask) return v ? UINT8_MAX : 0;
  return v & kFragLater ? OVS_FRAG_TYPE_LATER : v & kFragAny ? OVS_FRAG_TYPE_FIRST : OVS_FRAG_TYPE_NONE;
}

uint64_t from_wire(uint64_t v, const OdpPart& part, bool is_mask) {
  if (part.form != kFragment || is_mask) return v;
  return v == OVS_FRAG_TYPE_LATER ? kFragAny | kFragLater : v == OVS_FRAG_TYPE_FIRST ? kFragAny : 0;
}

/// In network order.
void put_part_bytes(const OdpPart& part, const Flow& f, bool is_mask, uint8_t* to) {
  if (!is_integer(part)) return std::memcpy(to, bytes_of(f, part), part.size), void();
  uint64_t v = to_wire(get_part(f, part), part, is_mask);
  for (unsigned n = part.wire_size(); n-- > 0;) *to++ = static_cast<uint8_t>(v >> (8 * n));
}

void take_part_bytes(const OdpPart& part, const uint8_t* from, bool is_mask, Flow& f, bool& complete) {
  if (!is_integer(part)) {
    std::memcpy(bytes_of(f, part), from, part.size);
    return;
  }
  uint64_t v = 0;
  for (unsigned i = 0; i < part.wire_size(); i++) v = v << 8 | from[i];
  v = from_wire(v, part, is_mask);
  if (part.width() < 64 && v >> part.width()) {
    if (!is_mask) complete = false;
    v &= (uint64_t{1} << part.width()) - 1;
  }
  // All that netlink can say of the part is all of it.
  if (is_mask && part.width() < 64 && v == (uint64_t{1} << part.width()) - 1) std::memset(bytes_of(f, part), 0xff, part.size);
  else put_part(f, part, v);
}

/// The kernel's structs are padded to their alignment.
size_t struct_size(const OdpAttribute& a) {
  size_t n = 0;
  for (const OdpPart& part : a.parts) n += part.wire_size();
  return n > 4 ? MNL_ALIGN(n) : n;
}

/// Of kHost attributes: each is one integer.
constexpr size_t kLongestHost = 16;

void reverse_if_little(uint8_t* from, size_t n) {
  if constexpr (std::endian::native == std::endian::little) std::reverse(from, from + n);
}

constexpr unsigned kGbpFlagsShift = 16;                                // VXLAN_GBP_* of the kernel

void put_gbp(const FlowTunnel& t, AttrWriter& out) {
  out.nest(OVS_TUNNEL_KEY_ATTR_VXLAN_OPTS, [&] { out.value(OVS_VXLAN_EXT_GBP, uint32_t{t.gbp_flags} << kGbpFlagsShift | t.gbp_id.host()); });
}

bool take_gbp(ByteView attrs, FlowTunnel& t) {
  auto gbp = Attrs(attrs).find(OVS_VXLAN_EXT_GBP);
  auto v = gbp ? gbp->as<uint32_t>() : std::nullopt;
  if (!v) return false;
  t.gbp_id = be16(static_cast<uint16_t>(*v)), t.gbp_flags = static_cast<uint8_t>(*v >> kGbpFlagsShift);
  t.dp_flags |= be16(kTunnelGbp);
  return true;
}

/// The index of version 1 is where version 2 has its time stamp, which we do not know; what else version 2 has is behind it.
void put_erspan(const FlowTunnel& t, bool is_mask, AttrWriter& out) {
  erspan_metadata m;
  std::memset(&m, 0, sizeof m);
  m.version = is_mask ? -1 : t.erspan_ver;
  m.u.index = t.erspan_idx.raw();
  m.u.md2.dir = t.erspan_dir & 1, m.u.md2.hwid = t.erspan_hwid & 15, m.u.md2.hwid_upper = t.erspan_hwid >> 4 & 3;
  out.put(OVS_TUNNEL_KEY_ATTR_ERSPAN_OPTS, &m, sizeof m);
}

bool take_erspan(const Attr& a, bool is_mask, FlowTunnel& t) {
  auto m = a.as<erspan_metadata>();
  if (!m) return false;
  t.erspan_ver = is_mask && m->version ? UINT8_MAX : static_cast<uint8_t>(m->version);
  if (is_mask || m->version == 1) t.erspan_idx = be32::from_raw(m->u.index);
  if (is_mask || m->version == 2) t.erspan_dir = m->u.md2.dir, t.erspan_hwid = static_cast<uint8_t>(m->u.md2.hwid_upper << 4 | m->u.md2.hwid);
  return true;
}

void put_tunnel(const Flow& f, bool is_mask, AttrWriter& out, const Flow& key) {
  const FlowTunnel& t = f.tunnel;
  uint16_t dp_flags = t.dp_flags.host();
  for (size_t i = 0; i < std::size(kTunnelParts); i++) {
    const OdpPart& part = kTunnelParts[i];
    auto* p = bytes_of(f, part);
    bool zero = std::all_of(p, p + part.size, [](uint8_t b) { return b == 0; });
    bool wanted = kTunnelTypes[i] == OVS_TUNNEL_KEY_ATTR_ID ? dp_flags & kTunnelKey || !zero : kTunnelTypes[i] == OVS_TUNNEL_KEY_ATTR_TTL ? !is_mask || !zero : !zero;
    if (wanted) out.put(kTunnelTypes[i], p, part.size);
  }
  if (dp_flags & kDontFragment) out.flag(OVS_TUNNEL_KEY_ATTR_DONT_FRAGMENT);
  if (dp_flags & kChecksum) out.flag(OVS_TUNNEL_KEY_ATTR_CSUM);
  if (t.flags.host() & kOam) out.flag(OVS_TUNNEL_KEY_ATTR_OAM);
  if (dp_flags & kTunnelGbp) put_gbp(t, out);
  if (t.erspan_ver) put_erspan(t, is_mask, out);
  // In a mask an empty one says that there are none.
  size_t size = geneve_options(key).size();
  if (f.tun_present && (is_mask || size)) out.put(OVS_TUNNEL_KEY_ATTR_GENEVE_OPTS, f.tun_metadata, size);
}

bool take_tunnel(ByteView attrs, bool is_mask, Flow& f, bool& complete) {
  uint16_t dp_flags = 0;
  for (Attr a : Attrs(attrs)) {
    auto type = std::ranges::find(kTunnelTypes, a.type);
    if (type != std::end(kTunnelTypes)) {
      const OdpPart& part = kTunnelParts[type - kTunnelTypes];
      if (a.data.size() != part.size) return false;
      std::memcpy(bytes_of(f, part), a.data.data(), part.size);
      if (a.type == OVS_TUNNEL_KEY_ATTR_ID) dp_flags |= kTunnelKey;
      continue;
    }
    switch (a.type) {
      case OVS_TUNNEL_KEY_ATTR_DONT_FRAGMENT: dp_flags |= kDontFragment; break;
      case OVS_TUNNEL_KEY_ATTR_CSUM: dp_flags |= kChecksum; break;
      case OVS_TUNNEL_KEY_ATTR_OAM: f.tunnel.flags |= be16(kOam); break;
      case OVS_TUNNEL_KEY_ATTR_GENEVE_OPTS:
        if (a.data.size() > kMaxGeneveBytes) return false;
        set_geneve_options(f, a.data);
        if (is_mask) f.tun_present = be64(UINT64_MAX);
        break;
      case OVS_TUNNEL_KEY_ATTR_VXLAN_OPTS:
        if (!take_gbp(a.data, f.tunnel)) return false;
        break;
      case OVS_TUNNEL_KEY_ATTR_ERSPAN_OPTS:
        if (!take_erspan(a, is_mask, f.tunnel)) return false;
        break;
      default: complete = false;
    }
  }
  f.tunnel.dp_flags |= be16(dp_flags);
  return true;
}

/// The contexts are there if the key's MD type says so, in masks too.
void put_nsh(const Flow& f, const Flow& key, AttrWriter& out) {
  out.value(OVS_NSH_KEY_ATTR_BASE, ovs_nsh_key_base{.flags = f.nsh_flags, .ttl = f.nsh_ttl, .mdtype = f.nsh_mdtype, .np = f.nsh_np, .path_hdr = f.nsh_path.raw()});
  if (key.nsh_mdtype == kNshMd1) out.put(OVS_NSH_KEY_ATTR_MD1, f.nsh_context, sizeof f.nsh_context);
}

bool take_nsh(ByteView attrs, Flow& f) {
  for (Attr a : Attrs(attrs)) {
    if (a.type == OVS_NSH_KEY_ATTR_BASE) {
      auto base = a.as<ovs_nsh_key_base>();
      if (!base) return false;
      f.nsh_flags = base->flags, f.nsh_ttl = base->ttl, f.nsh_mdtype = base->mdtype, f.nsh_np = base->np;
      f.nsh_path = be32::from_raw(base->path_hdr);
    } else if (a.type == OVS_NSH_KEY_ATTR_MD1) {
      if (a.data.size() != sizeof f.nsh_context) return false;
      std::memcpy(f.nsh_context, a.data.data(), sizeof f.nsh_context);
    }
  }
  return true;
}

}  // namespace

size_t payload_size(const OdpAttribute& a) { return a.wire == OdpWire::kStack ? sizeof(be32) : struct_size(a); }

void put_payload(const OdpAttribute& a, const Flow& f, bool is_mask, uint8_t* to) {
  if (a.wire == OdpWire::kStack) return std::memcpy(to, &f.mpls_lse[0], sizeof(be32)), void();
  uint8_t* at = to;
  for (const OdpPart& part : a.parts) put_part_bytes(part, f, is_mask, at), at += part.wire_size();
  if (a.wire == OdpWire::kHost) reverse_if_little(to, static_cast<size_t>(at - to));
}

void put_attribute(const OdpAttribute& a, const Flow& f, bool is_mask, AttrWriter& out, const Flow* key) {
  if (a.wire == OdpWire::kNested) return out.nest(a.type, [&] { put_tunnel(f, is_mask, out, key ? *key : f); });
  if (a.wire == OdpWire::kNsh) return out.nest(a.type, [&] { put_nsh(f, key ? *key : f, out); });
  put_payload(a, f, is_mask, out.room(a.type, payload_size(a)));
}

bool take_attribute(const OdpAttribute& a, const Attr& attr, bool is_mask, Flow& f, bool& complete) {
  if (a.wire == OdpWire::kNested) return take_tunnel(attr.data, is_mask, f, complete);
  if (a.wire == OdpWire::kNsh) return take_nsh(attr.data, f);
  if (a.wire == OdpWire::kStack) {
    size_t n = attr.data.size() / sizeof(be32);
    if (attr.data.size() % sizeof(be32)) return false;   // none: of a flow that matches no label
    if (n > kMplsLabels) complete = false;
    std::memcpy(f.mpls_lse, attr.data.data(), std::min<size_t>(n, kMplsLabels) * sizeof(be32));
    return true;
  }
  if (attr.data.size() != payload_size(a)) return false;
  const uint8_t* from = attr.data.data();
  uint8_t reversed[kLongestHost];
  if (a.wire == OdpWire::kHost) {
    std::memcpy(reversed, from, attr.data.size());
    reverse_if_little(reversed, attr.data.size());
    from = reversed;
  }
  for (const OdpPart& part : a.parts) {
    take_part_bytes(part, from, is_mask, f, complete);
    from += part.wire_size();
  }
  return true;
}

}  // namespace sluice

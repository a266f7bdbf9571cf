// SPDX-License-Identifier: Apache-2.0
// Keys and masks as OVS_KEY_ATTR_*.  See odp_netlink.h.
#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "datapath/edits.h"
#include "datapath/geneve.h"
#include "datapath/kernel/odp_parts.h"
#include "datapath/nsh.h"
#include "datapath/odp_fields.h"

namespace sluice {
namespace {

constexpr be16 kAll16(UINT16_MAX);
constexpr be32 kAll32(UINT32_MAX);

/// What text prints otherwise or not at all.
constexpr OdpPart kExtHdrsPart[] = {{"", offsetof(Flow, ipv6_exthdr), 2, kHex}};
constexpr OdpPart kCtTuple4Parts[] = {{"src", offsetof(Flow, ct_nw_src), 4, kIpv4}, {"dst", offsetof(Flow, ct_nw_dst), 4, kIpv4}, {"tp_src", offsetof(Flow, ct_tp_src), 2, kDecimal},
                                      {"tp_dst", offsetof(Flow, ct_tp_dst), 2, kDecimal}, {"proto", offsetof(Flow, ct_nw_proto), 1, kDecimal}};
constexpr OdpPart kCtTuple6Parts[] = {{"src", offsetof(Flow, ct_ipv6_src), 16, kIpv6}, {"dst", offsetof(Flow, ct_ipv6_dst), 16, kIpv6}, {"tp_src", offsetof(Flow, ct_tp_src), 2, kDecimal},
                                      {"tp_dst", offsetof(Flow, ct_tp_dst), 2, kDecimal}, {"proto", offsetof(Flow, ct_nw_proto), 1, kDecimal}};
constexpr OdpAttribute kOtherAttributes[] = {
    {"ct_tuple4", kCtTuple4Parts, OVS_KEY_ATTR_CT_ORIG_TUPLE_IPV4},
    {"ct_tuple6", kCtTuple6Parts, OVS_KEY_ATTR_CT_ORIG_TUPLE_IPV6},
    {"ipv6_exthdrs", kExtHdrsPart, OVS_KEY_ATTR_IPV6_EXTHDRS, OdpWire::kHost},
};

constexpr uint16_t kLastType = OVS_KEY_ATTR_IPV6_EXTHDRS;

constexpr auto kByType = [] {
  std::array<const OdpAttribute*, kLastType + 1> all{};
  for (const OdpAttribute& a : kOtherAttributes) all[a.type] = &a;
  for (const OdpProtocolAttribute& p : kProtocolAttributes) all[p.attribute.type] = &p.attribute;
  for (const OdpAttribute& a : kMetadataAttributes) all[a.type] = &a;
  all[OVS_KEY_ATTR_UNSPEC] = nullptr;   // of those that the kernel has not
  return all;
}();

/// Of a packet, not of its frame: bits by type.
constexpr uint64_t kMetadataTypes = [] {
  uint64_t bits = 0;
  for (const OdpAttribute& a : kOtherAttributes) bits |= uint64_t{1} << a.type;
  for (const OdpAttribute& a : kMetadataAttributes) bits |= uint64_t{1} << a.type;
  return bits & ~(uint64_t{1} << OVS_KEY_ATTR_UNSPEC | uint64_t{1} << OVS_KEY_ATTR_ETHERNET);
}();
static_assert(kLastType < 64);

}  // namespace

const OdpAttribute* find_odp_attribute(uint16_t type) { return type <= kLastType ? kByType[type] : nullptr; }

namespace {

bool is_l4(uint16_t type) {
  constexpr uint16_t kL4[] = {OVS_KEY_ATTR_TCP, OVS_KEY_ATTR_TCP_FLAGS, OVS_KEY_ATTR_UDP, OVS_KEY_ATTR_SCTP, OVS_KEY_ATTR_ICMP, OVS_KEY_ATTR_ICMPV6, OVS_KEY_ATTR_ND};
  return std::ranges::find(kL4, type) != std::end(kL4);
}

/// The kernel wants the ND attribute of every such ICMPv6 type, whatever the code.
bool is_nd_type(const Flow& key) { return odp::v6(key, kProtoIcmpv6) && (key.tp_src == be16(135) || key.tp_src == be16(136)); }

bool applies(const OdpProtocolAttribute& p, const Flow& key) {
  if (p.attribute.wire == OdpWire::kNone || (is_l4(p.attribute.type) && key.nw_frag & kFragLater)) return false;
  return p.attribute.type == OVS_KEY_ATTR_ND ? is_nd_type(key) : p.applies(key);
}

/// Word by word: most of what is asked about is zero, and some of it is long.
bool is_zero(const void* bytes, size_t n) {
  auto* p = static_cast<const uint8_t*>(bytes);
  uint64_t word = 0;
  for (; n >= sizeof word; p += sizeof word, n -= sizeof word)
    if (std::memcpy(&word, p, sizeof word); word) return false;
  if (uint32_t half = 0; n >= sizeof half) {
    if (std::memcpy(&half, p, sizeof half); half) return false;
    p += sizeof half, n -= sizeof half;
  }
  for (; n > 0; p++, n--)
    if (*p) return false;
  return true;
}

bool has_bits(const OdpAttribute& a, const Flow& f) {
  return std::ranges::any_of(a.parts, [&](const OdpPart& part) { return !is_zero(reinterpret_cast<const uint8_t*>(&f) + part.offset, part.size); });
}

bool is_tag(be16 tci) { return tci.host() & kVlanPresent; }

class KeyEncoder {
 public:
  /// given: the attributes to write, as OdpKeyMask has them; 0: those that the key has.
  KeyEncoder(const Flow& key, const Flow& mask, bool is_mask, AttrWriter& out, uint64_t given = 0)
      : key_(key), mask_(mask), shown_(is_mask ? mask : key), is_mask_(is_mask), out_(out), given_(given) {}
  void metadata() {
    for (const OdpAttribute& a : kMetadataAttributes)
      if (given_ ? a.type != OVS_KEY_ATTR_ETHERNET && is_given(a.type) : has_metadata(a)) put_attribute(a, shown_, is_mask_, out_, &key_);
    for (const OdpAttribute& a : kOtherAttributes)
      if (given_ ? is_given(a.type) : is_allowed(a) && has_bits(a, mask_)) put_attribute(a, shown_, is_mask_, out_);
  }
  void frame() {
    if (given_ ? is_given(OVS_KEY_ATTR_ETHERNET) : !key_.packet_type) put_attribute(*find_odp_attribute(OVS_KEY_ATTR_ETHERNET), shown_, is_mask_, out_);
    std::array<size_t, 2> open{};
    size_t tags = 0;
    if (is_tag(key_.vlan_tci)) open[tags++] = tag(key_.vlan_tpid, shown_.vlan_tci);
    if (tags == 1 && is_tag(key_.vlan2_tci)) open[tags++] = tag(key_.vlan2_tpid, shown_.vlan2_tci);
    network();
    while (tags > 0) out_.end(open[--tags]);
  }

 private:
  bool has_metadata(const OdpAttribute& a) const {
    switch (a.type) {
      case OVS_KEY_ATTR_UNSPEC: case OVS_KEY_ATTR_ETHERNET: case OVS_KEY_ATTR_PACKET_TYPE: return false;
      case OVS_KEY_ATTR_IN_PORT: return is_mask_ || key_.in_port != be32(kOdpNone.value);   // without it in the mask, no port would be any port
      case OVS_KEY_ATTR_RECIRC_ID: return true;
      case OVS_KEY_ATTR_TUNNEL: return key_.tunnel.is_present();
      default: return has_bits(a, key_) || has_bits(a, mask_);
    }
  }
  /// Both forms of a connection's tuple have its protocol and ports; the kernel takes that of the packet's EtherType only.
  bool is_allowed(const OdpAttribute& a) const {
    if (a.type == OVS_KEY_ATTR_CT_ORIG_TUPLE_IPV4) return key_.eth_type == kEthIpv4;
    if (a.type == OVS_KEY_ATTR_CT_ORIG_TUPLE_IPV6) return key_.eth_type == kEthIpv6;
    return true;
  }
  size_t tag(be16 tpid, be16 tci) {
    out_.value(OVS_KEY_ATTR_ETHERTYPE, is_mask_ ? kAll16 : tpid ? tpid : kEthVlan);
    out_.value(OVS_KEY_ATTR_VLAN, tci);
    return out_.begin(OVS_KEY_ATTR_ENCAP);
  }
  void network() {
    // A frame of 802.2 without an EtherType is told by the attribute that is missing from the key.
    if (given_ ? is_given(OVS_KEY_ATTR_ETHERTYPE) : is_mask_ || key_.eth_type != be16(kEthTypeNone)) out_.value(OVS_KEY_ATTR_ETHERTYPE, shown_.eth_type);
    if (is_vlan_type(key_.eth_type)) {  // a tag that is cut
      out_.value(OVS_KEY_ATTR_VLAN, is_mask_ ? kAll16 : be16());
      out_.flag(OVS_KEY_ATTR_ENCAP);
      return;
    }
    for (const OdpProtocolAttribute& p : kProtocolAttributes) {
      if (given_ ? p.attribute.wire == OdpWire::kNone || !is_given(p.attribute.type) : !applies(p, key_)) continue;
      if (p.attribute.wire == OdpWire::kStack) labels();
      else put_attribute(p.attribute, shown_, is_mask_, out_, &key_);
    }
  }
  /// As many as the mask asks for, at least one: the kernel counts them in keys and masks.
  void labels() {
    size_t n = kMplsLabels;
    while (n > 1 && !mask_.mpls_lse[n - 1]) n--;
    out_.put(OVS_KEY_ATTR_MPLS, shown_.mpls_lse, n * sizeof(be32));
  }

  bool is_given(uint16_t type) const { return given_ >> type & 1; }

  const Flow &key_, &mask_, &shown_;
  bool is_mask_;
  AttrWriter& out_;
  uint64_t given_;
};

/// Takes out of `part` of the mask what the kernel has no attribute for; true if there was something.
template <typename T>
bool take_out(T& part) {
  if (is_zero(&part, sizeof part)) return false;
  std::memset(static_cast<void*>(&part), 0, sizeof part);
  return true;
}

void narrow_tags(const Flow& key, Flow& mask) {
  auto narrow = [](be16 tci, be16& tci_mask, be16& tpid_mask) {
    tci_mask = is_tag(tci) ? tci_mask | be16(kVlanPresent) : kAll16;  // that there is no tag is always matched
    tpid_mask = kAll16;
  };
  narrow(key.vlan_tci, mask.vlan_tci, mask.vlan_tpid);
  narrow(key.vlan2_tci, mask.vlan2_tci, mask.vlan2_tpid);
}

/// Their length and their headers are matched, if anything of them is.
void narrow_options(const Flow& key, Flow& mask) {
  ByteView options = geneve_options(key);
  std::memset(mask.tun_metadata + options.size(), 0, sizeof mask.tun_metadata - options.size());
  if (!mask.tun_present && is_zero(mask.tun_metadata, sizeof mask.tun_metadata)) return;
  mask.tun_present = be64(UINT64_MAX);
  size_t at = 0;
  while (auto o = next_option(options, at)) std::memset(mask.tun_metadata + o->data_at - kGeneveOptionHeader, UINT8_MAX, kGeneveOptionHeader);
}

void narrow_tunnel(const Flow& key, Flow& mask) {
  FlowTunnel& tunnel = mask.tunnel;
  if (!key.tunnel.is_present()) return forget_tunnel(mask);   // told by in_port
  if (key.tunnel.dst) tunnel.dst = kAll32;
  else tunnel.ipv6_dst.b.fill(UINT8_MAX);
  if (tunnel.id) tunnel.dp_flags |= be16(kTunnelKey);
  if (tunnel.gbp_id || tunnel.gbp_flags) tunnel.dp_flags |= be16(kTunnelGbp);   // that it has one
  if (tunnel.erspan_idx || tunnel.erspan_dir || tunnel.erspan_hwid) tunnel.erspan_ver = UINT8_MAX;
  narrow_options(key, mask);
}

bool narrow_ip(const Flow& key, Flow& mask) {
  mask.nw_frag = UINT8_MAX;
  bool can = true;
  if (key.nw_frag & kFragLater) {  // no L4 header, so nothing of it decides
    mask.tp_src = mask.tp_dst = mask.tcp_flags = {};
    mask.arp_sha = mask.arp_tha = {};
    mask.nd_target = {};
  } else if (is_nd_type(key)) {
    if (!mask.nd_target.is_zero() || mask.arp_sha != MacAddr{} || mask.arp_tha != MacAddr{}) mask.tp_src = mask.tp_dst = kAll16;
  }
  // A part of a type could look like that of ND, whose attribute then had to be there.
  if (odp::v6(key, kProtoIcmpv6) && mask.tp_src) mask.tp_src = kAll16;
  can &= !take_out(mask.nd_reserved) & !take_out(mask.nd_options_type);
  if (mask.tp_src || mask.tp_dst || mask.tcp_flags || mask.nw_proto) mask.nw_proto = UINT8_MAX;
  return can;
}

}  // namespace

bool narrow_for_kernel(const Flow& key, Flow& mask, const KernelFeatures& features) {
  bool can = true;
  mask.in_port = mask.recirc_id = kAll32;
  mask.packet_type = kAll32;   // told by whether there is an Ethernet attribute
  mask.eth_type = kAll16;
  narrow_tags(key, mask);
  if (is_tag(key.vlan_tci) && features.vlan_tags < 2) can &= !is_tag(key.vlan2_tci);
  if (key.is_ip()) can &= narrow_ip(key, mask);
  narrow_tunnel(key, mask);
  if (key.eth_type != kEthIpv4) mask.ct_nw_src = mask.ct_nw_dst = {};   // a packet of another protocol has no such tuple
  if (key.eth_type != kEthIpv6) mask.ct_ipv6_src = mask.ct_ipv6_dst = {};
  if (!key.is_ip()) mask.ct_nw_proto = 0, mask.ct_tp_src = mask.ct_tp_dst = {};
  if (!features.ct_state) can &= !take_out(mask.ct_state);
  if (!features.ct_zone) can &= !take_out(mask.ct_zone);
  if (!features.ct_mark) can &= !take_out(mask.ct_mark);
  if (!features.ct_label) can &= !take_out(mask.ct_label);
  if (!features.ipv6_exthdrs) can &= !take_out(mask.ipv6_exthdr);
  for (unsigned i = 0; i < kMplsLabels; i++)
    if (i >= features.mpls_labels) can &= !take_out(mask.mpls_lse[i]);
  can &= !take_out(mask.pbb_uca) & !take_out(mask.pbb_isid);
  can &= !take_out(mask.tunnel.gtpu_flags) & !take_out(mask.tunnel.gtpu_msgtype);
  if (key.nsh_mdtype != kNshMd1) (void)take_out(mask.nsh_context);   // there are none
  if (key.eth_type != kEthNsh) mask.nsh_flags = mask.nsh_mdtype = mask.nsh_np = mask.nsh_ttl = 0, mask.nsh_path = {};
  return can;
}

void encode_odp_key(const Flow& key, const Flow& mask, AttrWriter& out) {
  KeyEncoder encoder(key, mask, false, out);
  encoder.metadata();
  encoder.frame();
}

void encode_odp_mask(const Flow& key, const Flow& mask, AttrWriter& out) {
  KeyEncoder encoder(key, mask, true, out);
  encoder.metadata();
  encoder.frame();
}

void encode_given_odp_key(const OdpKeyMask& km, bool is_mask, AttrWriter& out) {
  KeyEncoder encoder(km.key, km.mask, is_mask, out, km.given);
  encoder.metadata();
  encoder.frame();
}

void encode_odp_metadata(const Packet& packet, AttrWriter& out) {
  if (!packet.has_metadata() && !packet.has_ct_tuple) {   // what follows says the same with more effort
    out.value(OVS_KEY_ATTR_RECIRC_ID, uint32_t{0});
    if (packet.in_port != kOdpNone) out.value(OVS_KEY_ATTR_IN_PORT, packet.in_port.value);
    return;
  }
  Flow key{};
  copy_metadata(packet, key);
  KeyEncoder(key, zero_flow(), false, out).metadata();
  if (packet.packet_type != kPacketTypeEthernet) out.value(OVS_KEY_ATTR_ETHERTYPE, be16(static_cast<uint16_t>(packet.packet_type)));   // without one of Ethernet
  // The kernel refuses the tuple of a packet that is not (or is no longer) of its protocol.
  const bool v6 = packet.ct_tuple.ipv6;
  if (auto place = packet.has_ct_tuple ? network_header(packet) : std::nullopt; place && place->type == (v6 ? kEthIpv6 : kEthIpv4))
    put_attribute(*find_odp_attribute(v6 ? OVS_KEY_ATTR_CT_ORIG_TUPLE_IPV6 : OVS_KEY_ATTR_CT_ORIG_TUPLE_IPV4), key, false, out);
}

namespace {

class KeyDecoder {
 public:
  /// key: what a mask is of; of a key itself: null.
  explicit KeyDecoder(const Flow* key) : key_(key) {}
  /// The malformed attribute, if there is one.
  std::optional<uint16_t> read(ByteView attrs, unsigned tags);
  OdpReading reading;
  bool has_ethernet = false, has_ether_type = false;

 private:
  bool has_tag(unsigned n, be16 tci) const { return is_tag(!key_ ? tci : n == 0 ? key_->vlan_tci : key_->vlan2_tci); }
  bool attribute(const Attr& a);
  const Flow* key_;
};

std::optional<uint16_t> KeyDecoder::read(ByteView attrs, unsigned tags) {
  auto encap = Attrs(attrs).find(OVS_KEY_ATTR_ENCAP);
  auto tci = Attrs(attrs).find(OVS_KEY_ATTR_VLAN);
  auto tci_value = tci ? tci->as<be16>() : be16();
  if (!tci_value) return OVS_KEY_ATTR_VLAN;
  // What has nothing in it may be a tag that is cut, or a whole one of a frame without an EtherType.
  if (tci && encap && (tags == 2 ? !encap->data.empty() : has_tag(tags, *tci_value))) {
    if (tags == 2) {
      reading.complete = false;
      return std::nullopt;
    }
    auto tpid = Attrs(attrs).find(OVS_KEY_ATTR_ETHERTYPE);
    auto tpid_value = tpid ? tpid->as<be16>() : std::nullopt;
    (tags ? reading.flow.vlan2_tci : reading.flow.vlan_tci) = *tci_value;
    (tags ? reading.flow.vlan2_tpid : reading.flow.vlan_tpid) = tpid_value.value_or(be16());
    for (Attr a : Attrs(attrs))
      if (a.type != OVS_KEY_ATTR_ETHERTYPE && a.type != OVS_KEY_ATTR_VLAN && a.type != OVS_KEY_ATTR_ENCAP && !attribute(a)) return a.type;
    return read(encap->data, tags + 1);
  }
  for (Attr a : Attrs(attrs))
    if (!attribute(a)) return a.type;
  return std::nullopt;
}

bool KeyDecoder::attribute(const Attr& a) {
  if (a.type == OVS_KEY_ATTR_ETHERTYPE) {
    auto type = a.as<be16>();
    has_ether_type = true;
    if (type) reading.flow.eth_type = *type;
    return type.has_value();
  }
  if (a.type == OVS_KEY_ATTR_VLAN || a.type == OVS_KEY_ATTR_ENCAP) return true;  // of a tag that is cut
  const OdpAttribute* known = find_odp_attribute(a.type);
  if (!known || known->wire == OdpWire::kNone) {
    reading.complete = false;
    return true;
  }
  has_ethernet |= a.type == OVS_KEY_ATTR_ETHERNET;
  bool complete = true;
  bool ok = take_attribute(*known, a, key_ != nullptr, reading.flow, complete);
  reading.complete &= complete;
  return ok;
}

std::unexpected<std::string> malformed(uint16_t type) {
  const OdpAttribute* a = find_odp_attribute(type);
  return std::unexpected(fmt::format("malformed datapath key attribute {} ({})", type, a ? a->name : "eth_type or vlan"));
}

}  // namespace

std::expected<OdpReading, std::string> decode_odp_key(ByteView attrs) {
  KeyDecoder decoder(nullptr);
  decoder.reading.flow.in_port = be32(kOdpNone.value);   // unless there is one: 0 is a port
  if (auto bad = decoder.read(attrs, 0)) return malformed(*bad);
  Flow& f = decoder.reading.flow;
  if (!decoder.has_ethernet) f.packet_type = be32(1u << 16 | f.eth_type.host());
  else if (!decoder.has_ether_type) f.eth_type = be16(kEthTypeNone);
  return decoder.reading;
}

bool decode_odp_metadata(ByteView attrs, Packet& packet) {
  std::optional<Flow> flow;   // most packets have a port and nothing else
  std::optional<be16> eth_type;
  bool has_ethernet = false;
  for (Attr a : Attrs(attrs)) {
    has_ethernet |= a.type == OVS_KEY_ATTR_ETHERNET;
    if (a.type == OVS_KEY_ATTR_ETHERTYPE) eth_type = a.as<be16>();
    if (a.type == OVS_KEY_ATTR_IN_PORT) {
      auto port = a.as<uint32_t>();
      if (!port) return false;
      packet.in_port = OdpPort{*port};
      continue;
    }
    if (a.type > kLastType || !(kMetadataTypes >> a.type & 1) || is_zero(a.data.data(), a.data.size())) continue;
    if (!flow) flow.emplace();
    bool complete = true;
    if (!take_attribute(*find_odp_attribute(a.type), a, false, *flow, complete)) return false;
  }
  if (flow) {
    flow->in_port = be32(packet.in_port.value);
    copy_metadata(*flow, packet);
  }
  if (!has_ethernet && eth_type) packet.packet_type = bare_packet_type(*eth_type);
  return true;
}

std::expected<OdpReading, std::string> decode_odp_mask(ByteView attrs, const Flow& key) {
  KeyDecoder decoder(&key);
  if (auto bad = decoder.read(attrs, 0)) return malformed(*bad);
  Flow& f = decoder.reading.flow;
  f.packet_type = kAll32;
  if (!is_tag(key.vlan_tci)) f.vlan_tci = f.vlan_tpid = kAll16;
  if (!is_tag(key.vlan2_tci)) f.vlan2_tci = f.vlan2_tpid = kAll16;
  return decoder.reading;
}

}  // namespace sluice

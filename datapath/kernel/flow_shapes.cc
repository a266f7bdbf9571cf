// SPDX-License-Identifier: Apache-2.0
// See flow_shapes.h.
#include "datapath/kernel/flow_shapes.h"

#include <algorithm>
#include <bit>

#include "datapath/kernel/odp_parts.h"

namespace sluice {
namespace {

bool is_tag(be16 tci) { return tci.host() & kVlanPresent; }

template <typename T>
void copy_word(uint8_t* to, const uint8_t* from, const uint8_t* mask) {
  T value, bits;
  std::memcpy(&value, from, sizeof value);
  std::memcpy(&bits, mask, sizeof bits);
  value = static_cast<T>(value & bits);
  std::memcpy(to, &value, sizeof value);
}

constexpr size_t kBlock = 32;   // bytes that are compared at once

/// True if n words are not the same under the bits.
template <typename T, size_t n>
bool differ(const uint8_t* a, const uint8_t* b, const uint8_t* bits) {
  T x[n], y[n], m[n], all = 0;
  std::memcpy(x, a, sizeof x), std::memcpy(y, b, sizeof y), std::memcpy(m, bits, sizeof m);
  for (size_t i = 0; i < n; i++) all = static_cast<T>(all | ((x[i] ^ y[i]) & m[i]));
  return all;
}

/// The bytes that the mask leaves of `from`.
void copy_masked(uint8_t* to, const uint8_t* from, const uint8_t* mask, size_t n) {
  for (; n >= 8; n -= 8, to += 8, from += 8, mask += 8) copy_word<uint64_t>(to, from, mask);
  if (n & 4) copy_word<uint32_t>(to, from, mask), to += 4, from += 4, mask += 4;
  if (n & 2) copy_word<uint16_t>(to, from, mask), to += 2, from += 2, mask += 2;
  if (n & 1) *to = *from & *mask;
}

}  // namespace

FlowShapes::Layers::Layers(const Flow& key)
    : packet_type(key.packet_type), eth_type(key.eth_type), vlan_tpid(key.vlan_tpid), vlan2_tpid(key.vlan2_tpid), nw_proto(key.nw_proto), nw_frag(key.nw_frag),
      tagged(is_tag(key.vlan_tci)), tagged2(is_tag(key.vlan2_tci)), is_nd(key.nw_proto == kProtoIcmpv6 && (key.tp_src == be16(135) || key.tp_src == be16(136))),
      has_port(key.in_port != be32(kOdpNone.value)) {}

bool FlowShapes::encode(const Flow& key, const Flow& mask, const KernelFeatures& features, Bytes& out) {
  Layers layers(key);
  bool usual = !key.tunnel.is_present();   // the attributes of a tunnel's key depend on its values
  if (const Shape* shape = usual ? find(mask, layers) : nullptr) return shape->write(key, out), true;
  Flow narrowed = mask, masked = key;
  bool can = narrow_for_kernel(key, narrowed, features);
  mask_flow(masked, narrowed);
  size_t begun = out.size();
  AttrWriter w(out);
  w.nest(OVS_FLOW_ATTR_KEY, [&] { encode_odp_key(masked, narrowed, w); });
  w.nest(OVS_FLOW_ATTR_MASK, [&] { encode_odp_mask(masked, narrowed, w); });
  if (!can || !usual) return can;
  auto shape = std::make_unique<Shape>(Shape{.mask = mask, .narrowed = narrowed, .layers = layers, .attributes = {out.begin() + static_cast<ptrdiff_t>(begun), out.end()}, .copies = {}});
  auto learned = Attrs(shape->attributes).find(OVS_FLOW_ATTR_KEY);
  if (!learned || !shape->learn(learned->data, 0)) return can;
  shape->learn_meaning();
  if (shapes_.size() >= kMostShapes) shapes_.pop_back();
  shapes_.insert(shapes_.begin(), std::move(shape));
  return can;
}

bool FlowShapes::decode(ByteView attributes, Flow& key, Flow& mask) const {
  return std::ranges::any_of(shapes_, [&](auto& shape) { return shape->read(attributes, key, mask); });
}

const FlowShapes::Shape* FlowShapes::find(const Flow& mask, const Layers& layers) {
  for (size_t i = 0; i < shapes_.size(); i++) {
    if (!(shapes_[i]->layers == layers) || !(shapes_[i]->mask == mask)) continue;
    if (i > 0) std::swap(shapes_[i], shapes_[i - 1]);
    return shapes_[i > 0 ? i - 1 : 0].get();
  }
  return nullptr;
}

void FlowShapes::Shape::write(const Flow& key, Bytes& out) const {
  size_t begun = out.size();
  out.insert(out.end(), attributes.begin(), attributes.end());
  auto* from = reinterpret_cast<const uint8_t*>(&key);
  auto* mask_of = reinterpret_cast<const uint8_t*>(&narrowed);
  uint8_t* to = out.data() + begun;
  for (const Copy& c : copies) {
    copy_masked(to + c.to, from + c.from, mask_of + c.from, c.size);
    if (c.reversed) std::reverse(to + c.to, to + c.to + c.size);
  }
}

void FlowShapes::Shape::learn_meaning() {
  fixed.assign(attributes.size(), UINT8_MAX);
  for (const Copy& c : copies) std::fill_n(fixed.begin() + c.to, c.size, 0);
  auto key_part = Attrs(attributes).find(OVS_FLOW_ATTR_KEY), mask_part = Attrs(attributes).find(OVS_FLOW_ATTR_MASK);
  auto key = key_part ? decode_odp_key(key_part->data) : std::unexpected("");
  auto mask = key && mask_part ? decode_odp_mask(mask_part->data, key->flow) : std::unexpected("");
  readable = key && mask;
  if (readable) read_key = key->flow, read_mask = mask->flow;
}

bool FlowShapes::Shape::read(ByteView from, Flow& key, Flow& mask_of) const {
  if (!readable || from.size() < attributes.size()) return false;
  size_t i = 0;
  for (; i + kBlock <= attributes.size(); i += kBlock)
    if (differ<uint64_t, kBlock / 8>(&from[i], &attributes[i], &fixed[i])) return false;
  for (; i < attributes.size(); i += 4)   // they are padded to 4 bytes
    if (differ<uint32_t, 1>(&from[i], &attributes[i], &fixed[i])) return false;
  key = read_key, mask_of = read_mask;
  auto* to = reinterpret_cast<uint8_t*>(&key);
  for (const Copy& c : copies) {
    std::memcpy(to + c.from, from.data() + c.to, c.size);
    if (c.reversed) std::reverse(to + c.from, to + c.from + c.size);
  }
  return true;
}

/// Finds the values in a key's attributes, which are within this->attributes, inside of so many tags.  False: that is not known of each attribute.
bool FlowShapes::Shape::learn(ByteView attrs, unsigned tags) {
  constexpr bool kLittle = std::endian::native == std::endian::little;
  for (Attr a : Attrs(attrs)) {
    auto at = static_cast<uint16_t>(a.data.data() - attributes.data());
    if (a.type == OVS_KEY_ATTR_ETHERTYPE) continue;   // the same in all of this shape
    if (a.type == OVS_KEY_ATTR_VLAN) {
      if (tags < unsigned{layers.tagged} + (layers.tagged && layers.tagged2)) copies.push_back({static_cast<uint16_t>(tags ? offsetof(Flow, vlan2_tci) : offsetof(Flow, vlan_tci)), at, 2, false});
      continue;
    }
    if (a.type == OVS_KEY_ATTR_ENCAP) {
      if (!learn(a.data, tags + 1)) return false;
      continue;
    }
    const OdpAttribute* known = find_odp_attribute(a.type);
    if (!known || known->wire == OdpWire::kNested || known->wire == OdpWire::kNsh || known->wire == OdpWire::kNone) return false;
    if (known->wire == OdpWire::kStack) {
      copies.push_back({offsetof(Flow, mpls_lse), at, static_cast<uint8_t>(a.data.size()), false});
      continue;
    }
    bool reversed = known->wire == OdpWire::kHost && kLittle;
    size_t size = a.data.size(), done = 0;
    if (reversed && known->parts.size() != 1) return false;
    for (const OdpPart& part : known->parts) {
      size_t wide = part.wire_size(), n = std::min<size_t>(wide, part.size);   // the low bytes, if they differ
      if (part.shift) return false;
      if (part.form != kFragment)
        copies.push_back({static_cast<uint16_t>(part.offset + part.size - n), static_cast<uint16_t>(at + (reversed ? size - done - wide : done + wide - n)), static_cast<uint8_t>(n), reversed});
      done += wide;
    }
  }
  return true;
}

}  // namespace sluice

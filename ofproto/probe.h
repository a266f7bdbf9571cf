// SPDX-License-Identifier: Apache-2.0
// Probe: the packet as translation sees it.  Each getter marks what it reads in the mask, so that a megaflow cannot be wider than its decision.
// Setters mark too: whether the datapath must change a field depends on what the field was.
#pragma once

#include "datapath/flow.h"
#include "ofproto/openflow/field.h"

namespace sluice {

class Probe {
 public:
  Probe(Flow& flow, Flow& mask) : flow_(flow), mask_(mask) {}
  /// Of the bridge that reads now.
  void set_tlv(const ofp::TlvTable* tlv) { tlv_ = tlv; }

  /// probe.get<&Flow::eth_dst>()
  template <auto M>
  auto get() {
    mark<M>();
    return flow_.*M;
  }
  template <auto M>
  void mark() {
    std::memset(static_cast<void*>(&(mask_.*M)), 0xff, sizeof(mask_.*M));
  }
  /// Bits of a member only; T is a big-endian or byte type.
  template <auto M, typename T>
  T get_bits(T bits) {
    mask_.*M = static_cast<T>(mask_.*M | bits);
    return static_cast<T>(flow_.*M & bits);
  }
  template <auto M, typename T>
  void set(const T& value) {
    mark<M>();
    flow_.*M = value;
  }

  // What nearly every decision reads.  eth_type and nw_frag are always exact in a megaflow.
  be16 eth_type() { return get<&Flow::eth_type>(); }
  bool is_ipv4() { return eth_type() == be16(0x0800); }
  bool is_ipv6() { return eth_type() == be16(0x86dd); }
  bool is_ip() { return is_ipv4() || is_ipv6(); }
  bool is_arp() { return get<&Flow::eth_type>(), flow_.is_arp(); }
  bool is_mpls() { return get<&Flow::eth_type>(), flow_.is_mpls(); }
  bool is_l4(uint8_t proto) { return is_ip() && get<&Flow::nw_proto>() == proto && !(get_bits<&Flow::nw_frag>(kFragLater) & kFragLater); }
  bool has_vlan() { return static_cast<bool>(get_bits<&Flow::vlan_tci>(be16(kVlanPresent))); }

  /// Marks bits of a field; `bits` (of the field's wire size) null: all of it.
  void mark(ofp::FieldId field, const ofp::FieldValue* bits = nullptr);
  void mark(const ofp::Subfield& s);
  /// True if the packet has the field (OF1.3.5 7.2.3.8, prerequisites); marks what that takes.
  bool has(ofp::FieldId field);

 private:
  Flow& flow_;
  Flow& mask_;
  const ofp::TlvTable* tlv_ = nullptr;
};

}  // namespace sluice

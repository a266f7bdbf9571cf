// SPDX-License-Identifier: Apache-2.0
// FlowShapes: writes key and mask of a flow as netlink attributes, and reads them back.  Flows that come one after another mostly look alike: the mask is the same, the keys have the same layers.
// Of a flow that looks like one before, only the values are written into a copy of that one's attributes.
//
// Invariant (tested): the bytes are those that narrow_for_kernel(), encode_odp_key() and encode_odp_mask() give, and mean what decode_odp_key() and decode_odp_mask() say.
// Threads: one.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "datapath/kernel/odp_netlink.h"

namespace sluice {

inline constexpr size_t kMostShapes = 16;

class FlowShapes {
 public:
  /// Appends OVS_FLOW_ATTR_KEY and OVS_FLOW_ATTR_MASK.  False: the mask has bits that the kernel can't match on; they are left out.
  bool encode(const Flow& key, const Flow& mask, const KernelFeatures& features, Bytes& out);
  /// Reads attributes that look like some that were written; others may follow them.  False: they do not.
  bool decode(ByteView attributes, Flow& key, Flow& mask) const;
  /// Must be called when the features are others.
  void forget() { shapes_.clear(); }
  size_t size() const { return shapes_.size(); }

 private:
  /// What decides, besides the mask, which attributes a key has.
  struct Layers {
    be32 packet_type;
    be16 eth_type, vlan_tpid, vlan2_tpid;
    uint8_t nw_proto, nw_frag;
    bool tagged, tagged2, is_nd, has_port;
    explicit Layers(const Flow& key);
    friend bool operator==(const Layers&, const Layers&) = default;
  };
  /// A run of bytes of the key, and where it is in the attributes.
  struct Copy {
    uint16_t from, to;
    uint8_t size;
    bool reversed;
  };
  struct Shape {
    Flow mask, narrowed;
    Layers layers;
    Bytes attributes;            // of one such flow
    std::vector<Copy> copies;
    Bytes fixed;                 // of the bytes of `attributes`: 0 for those that are copied, else 0xff
    Flow read_key, read_mask;    // what `attributes` mean
    bool readable = false;
    void learn_meaning();
    bool read(ByteView from, Flow& key, Flow& mask) const;
    bool learn(ByteView attrs, unsigned tags);
    void write(const Flow& key, Bytes& out) const;
  };
  const Shape* find(const Flow& mask, const Layers& layers);
  std::vector<std::unique_ptr<Shape>> shapes_;   // those used last are first, roughly
};

}  // namespace sluice

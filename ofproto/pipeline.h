// SPDX-License-Identifier: Apache-2.0
// Pipeline: what translation reads: the bridges of one datapath with their ports, tables, groups and MAC tables.  Translation changes nothing in it.
// `generation` grows whenever a translation could come out differently.
// Threads: written by the control thread.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "datapath/dpif.h"
#include "datapath/port_no.h"
#include "lib/address.h"
#include "lib/time.h"
#include "ofproto/effect.h"
#include "ofproto/flow_table.h"
#include "ofproto/mac_table.h"
#include "ofproto/openflow/group_messages.h"
#include "ofproto/openflow/port_messages.h"
#include "ofproto/openflow/session_messages.h"
#include "ofproto/recirculation.h"
#include "ofproto/settings.h"
#include "ofproto/tunnel.h"

namespace sluice {

struct PortView {
  OfpPort ofport;
  OdpPort odp = kOdpNone;          // none: a patch port
  std::string name;
  PortId port = kNoPort;           // the Port (of one interface or several) that it is in
  uint32_t config = 0, state = 0;  // OFPPC_*, OFPPS_*
  bool is_patch = false;
  bool is_internal = false;
  std::shared_ptr<const TunnelSettings> tunnel;   // null: no tunnel
  BridgeId peer_bridge = 0;        // of a patch port; 0: the peer is not there
  OfpPort peer_port = OFPP_NONE;
  bool may_forward() const { return !(config & ofp::OFPPC_NO_FWD) && !(config & ofp::OFPPC_PORT_DOWN); }
};

/// A Port: what NORMAL switches between.
struct L2Port {
  PortId id = kNoPort;
  PortSettings settings;
  std::vector<OfpPort> members;    // ascending
  uint32_t mirrors_in = 0, mirrors_out = 0;   // bits of BridgeView::mirrors: of what it receives, of what it sends
  bool is_mirror_output = false;   // serves nothing else
};

struct Mirror {
  MirrorSettings settings;
  PortId output = kNoPort;
  std::optional<ofp::Match> filter;
};

struct GroupBucket {
  ofp::Bucket bucket;
  uint64_t packets = 0, bytes = 0;
};

struct Group {
  uint32_t id = 0;
  ofp::GroupType type = ofp::GroupType::kAll;
  std::vector<GroupBucket> buckets;
  ofp::GroupSelection selection;
  std::vector<uint16_t> by_hash;   // of a select group: bucket for each value of the datapath's hash (a power of two); empty: it hashes fields
  uint64_t packets = 0, bytes = 0;
  Time created{}, modified{};
};

struct BridgeMeter {
  ofp::MeterConfig config;
  uint32_t dp_id = 0;              // in the datapath
  Time created{};
};

/// OFPPR-independent settings of one bridge as translation needs them, and its tables.
struct BridgeView {
  BridgeId id = 0;
  std::string name;
  BridgeSettings settings;
  std::map<uint32_t, PortView> ports;           // by OpenFlow number
  std::map<PortId, L2Port> l2_ports;            // in the order of creation, which is that of flooding
  std::unique_ptr<FlowTables> tables;
  std::map<uint32_t, Group> groups;
  std::map<uint32_t, BridgeMeter> meters;
  ofp::TlvTable tlv;                            // where tun_metadata fields are in a Flow
  std::vector<Mirror> mirrors;                  // made by resolve_mirrors()
  MacTable macs{8192, seconds(300)};
  ofp::Fragments fragments = ofp::Fragments::kNormal;
  bool miss_to_controller = false;              // some controller wants packets that no flow matches (only before OpenFlow 1.3)

  const PortView* port(OfpPort p) const {
    auto it = ports.find(p.value);
    return it == ports.end() ? nullptr : &it->second;
  }
  const L2Port* l2_port(PortId id) const {
    auto it = l2_ports.find(id);
    return it == l2_ports.end() ? nullptr : &it->second;
  }
};

struct Pipeline {
  struct Place {
    BridgeView* bridge;
    OfpPort port;
  };
  std::map<BridgeId, BridgeView*> bridges;
  boost::unordered_flat_map<uint32_t, Place> by_odp;   // datapath port -> where it is
  struct TunnelPlace {
    Place place;
    std::shared_ptr<const TunnelSettings> settings;
  };
  std::map<uint32_t, std::vector<TunnelPlace>> tunnels;   // by the datapath port that they share
  RecircTable recircs;
  const Dpif* names_timeouts = nullptr;                   // ct actions name the timeouts of their zones as it says; null: the datapath knows them by itself
  bool tc_queues = false;                                 // the datapath knows queues by the handles of Linux' traffic control
  uint32_t max_hash_algorithm = 1;                        // of OdpHash that the datapath knows

  BridgeView* bridge(BridgeId id) const {
    auto it = bridges.find(id);
    return it == bridges.end() ? nullptr : it->second;
  }
  const Place* place(OdpPort p) const {
    auto it = by_odp.find(p.value);
    return it == by_odp.end() ? nullptr : &it->second;
  }
  /// Of a packet in datapath terms: of a tunnel's port, the one that its addresses and key fit best.
  const Place* place(const Flow& key) const {
    auto shared = tunnels.find(key.in_port.host());
    if (shared == tunnels.end()) return place(OdpPort{key.in_port.host()});
    const Place* best = nullptr;
    unsigned best_fit = 0;
    for (const TunnelPlace& t : shared->second)
      if (unsigned fit = tunnel_fit(*t.settings, key.tunnel); fit > best_fit) best = &t.place, best_fit = fit;
    return best;
  }
};

}  // namespace sluice

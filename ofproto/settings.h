// SPDX-License-Identifier: Apache-2.0
// What the configuration says of a bridge, as plain values that can be compared: vswitchd makes them from database rows, the bridge takes them.
#pragma once

#include <bitset>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "datapath/netdev.h"
#include "lib/uuid.h"
#include "ofproto/openflow/field.h"

namespace sluice {

using VlanSet = std::bitset<4096>;

enum class VlanMode : uint8_t { kAccess, kTrunk, kNativeTagged, kNativeUntagged, kDot1qTunnel };
enum class FailMode : uint8_t { kStandalone, kSecure };
enum class PriorityTags : uint8_t { kNever, kIfNonzero, kAlways };

/// An Interface row.
struct InterfaceSettings {
  NetdevSpec device;                           // device.name is the interface's name; type "patch" opens no device
  std::optional<uint32_t> ofport_request;      // 1..65279
  std::string patch_peer;                      // of type "patch": the other patch interface's name
  friend bool operator==(const InterfaceSettings&, const InterfaceSettings&) = default;
};

/// A Port row: one interface, or several (a bond).
struct PortSettings {
  std::string name;
  std::vector<std::string> interfaces;         // names, sorted
  VlanMode vlan_mode = VlanMode::kTrunk;
  uint16_t tag = 0;                            // access VLAN, native VLAN or S-VLAN; 0 of an access port: no tag
  VlanSet trunks = VlanSet().set();            // VLANs that a trunk carries (all by default)
  VlanSet cvlans = VlanSet().set();            // dot1q-tunnel
  bool qinq_8021q = false;                     // qinq-ethtype 802.1q instead of 802.1ad
  bool is_protected = false;
  PriorityTags priority_tags = PriorityTags::kNever;
  friend bool operator==(const PortSettings&, const PortSettings&) = default;
};

inline constexpr size_t kMaxMirrors = 32;      // of a bridge, as in Open vSwitch

/// A Mirror row.  Ports by name; they may not be there.
struct MirrorSettings {
  Uuid id;                                     // for its statistics
  bool select_all = false;
  std::vector<std::string> in_ports, out_ports;
  VlanSet vlans;                               // none: all
  std::string output_port;
  uint16_t output_vlan = 0;                    // 0: none
  uint16_t snaplen = 0;                        // bytes of each packet; 0: all
  std::string filter;                          // a flow's match; empty: all
  friend bool operator==(const MirrorSettings&, const MirrorSettings&) = default;
};

struct FlowTableSettings {
  std::string name;
  std::optional<uint32_t> flow_limit;
  bool evict = false;
  std::optional<std::vector<ofp::FieldId>> prefixes;   // that the classifier tracks; none given: its default
  std::vector<ofp::Subfield> groups;           // a flow is evicted from the largest group of flows that are equal in them
  friend bool operator==(const FlowTableSettings&, const FlowTableSettings&) = default;
};

/// A Bridge row without its ports and controllers.
struct BridgeSettings {
  std::string name;
  std::string datapath_type;                   // "system", "netdev"; fixed at creation
  uint64_t datapath_id = 0;                    // 0: made from the local port's MAC
  std::optional<MacAddr> hwaddr;               // other_config:hwaddr
  FailMode fail_mode = FailMode::kStandalone;
  uint32_t versions = 0x7e;                    // bit v = OpenFlow wire version v allowed
  uint32_t mac_aging_s = 300;
  uint32_t mac_table_size = 8192;
  bool forward_bpdu = false;
  VlanSet flood_vlans;
  std::string dp_desc, serial;                 // of OFPST_DESC; empty: defaults
  std::map<uint8_t, FlowTableSettings> flow_tables;
  std::vector<MirrorSettings> mirrors;
  friend bool operator==(const BridgeSettings&, const BridgeSettings&) = default;
};

}  // namespace sluice

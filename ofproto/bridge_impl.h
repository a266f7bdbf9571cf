// SPDX-License-Identifier: Apache-2.0
// The inside of a Bridge; shared by bridge*.cc and switch*.cc only.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "datapath/packet.h"
#include "ofproto/bridge.h"
#include "ofproto/pipeline.h"
#include "ofproto/switch.h"
#include "ofproto/translate.h"

namespace sluice {


struct MirrorCounters { uint64_t packets = 0, bytes = 0; };
struct PatchCounters { uint64_t rx_packets = 0, rx_bytes = 0, tx_packets = 0, tx_bytes = 0; };

/// An interface that the configuration asks for, whether it could be set up or not.
struct InterfaceRecord {
  InterfaceSettings settings;
  std::string error;                 // empty: it is there
  OfpPort ofport = OFPP_NONE;
  OdpPort odp = kOdpNone;
  Time created{};
  uint64_t seen_changes = 0;         // of NetdevState
  PatchCounters patch;               // of tunnels too
  std::shared_ptr<const TunnelSettings> tunnel;
  bool is_patch() const { return settings.device.type == "patch"; }
  bool has_device() const { return !is_patch() && !tunnel; }   // of its own
  bool works() const { return ofport != OFPP_NONE; }
};

/// A packet-out of a bundle: decided when it came, sent when the bundle is committed.
struct StagedPacket {
  Packet packet;
  Translation translation;
  uint16_t tcp_flags = 0;
};

struct Bridge::Impl {
  Switch& owner;
  BridgeView view;
  BridgeEvents* events = nullptr;
  std::map<std::string, InterfaceRecord> interfaces;
  std::map<uint32_t, std::string> by_number;     // of interfaces that work
  std::map<std::string, PortId> port_ids;
  std::map<uint32_t, bool> used_numbers;         // ever: a number is given again only when all others were
  std::map<Uuid, MirrorCounters> mirrored;
  PortId next_port = 1;
  uint64_t status_changes = 1;
  uint64_t config_generation = 1;                // of everything in the view that has no generation of its own
  uint64_t known_generation = 0, known_others = 0;   // what the switch has seen of generation(), and of that without the tables'
  uint64_t tlv_changes = 0;
  bool normal_by_default = false, fail_open = false;
  int least_mtu = 0;                             // of ports that are not internal; 0: not looked at yet
  bool staged = false;
  bool watches_vacancy = false;                  // some table was asked for vacancy events
  std::map<uint32_t, Group> staged_groups;       // as they were before the stage
  std::vector<StagedPacket> staged_packets;

  Impl(Switch& o) : owner(o) {}
  void send(StagedPacket& packet, Time now);
  /// Tells who wants to hear of it that a table has little room, or enough again.
  void check_vacancy();
  uint64_t other_generation() const { return config_generation + view.macs.generation(); }
  uint64_t generation() const { return other_generation() + view.tables->generation(); }
  InterfaceRecord* by_ofport(OfpPort port) {
    auto it = by_number.find(port.value);
    return it == by_number.end() ? nullptr : &interfaces.at(it->second);
  }
  const InterfaceRecord* by_ofport(OfpPort port) const { return const_cast<Impl*>(this)->by_ofport(port); }
};

}  // namespace sluice

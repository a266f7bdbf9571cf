// SPDX-License-Identifier: Apache-2.0
// translate(): a packet's key through the OpenFlow pipeline.  A pure function: it changes nothing, reads no clock, and what it decides depends on nothing but the
// pipeline and those bits of the key that are set in the mask of its result.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "datapath/flow.h"
#include "datapath/odp_action.h"
#include "ofproto/effect.h"
#include "ofproto/openflow/action.h"
#include "ofproto/pipeline.h"
#include "ofproto/trace_tree.h"

namespace sluice {

inline constexpr unsigned kMaxDepth = 64;            // resubmits, groups and patch ports within each other
inline constexpr unsigned kMaxResubmits = 4096;      // with groups and patch ports, of one translation
inline constexpr unsigned kMaxLivenessLooks = 1024;  // at watched groups, for one bucket: one that takes more is not live
inline constexpr size_t kMaxStackBytes = 65536;
inline constexpr size_t kMaxOdpActions = 16384;      // elements; a translation that exceeds it drops

enum class TranslateError : uint8_t { kNone, kNoInPort, kTooDeep, kTooManyResubmits, kStackTooDeep, kTooManyActions, kInvalidTunnel, kNoRecirculation, kTooManyLabels, kUnsupportedPacketType };
const char* describe(TranslateError e);

struct Translation {
  OdpActions actions;                                // OdpRecirc: the index in `frozen` plus one, until Switch::Impl::hold() puts the id there; OdpUserspace to controllers: in `packet_ins`
  std::vector<FrozenPtr> frozen;                     // what recirculations go on with
  /// Of a trace: what the packet looks like that comes back from the connection tracker.
  struct Tracked { size_t frozen; Flow key; uint16_t zone; std::optional<OdpNat> nat; };
  std::vector<Tracked> tracked;
  Flow mask{};                                       // bits of the key that decided
  be64 options_asked;                                // tun_metadata fields among them, for traces
  Effects effects;
  std::vector<PacketInSpec> packet_ins;
  SlowReason slow = SlowReason::kNone;               // not kNone: each packet must come to us
  bool sees_learned = false;                         // a lookup after a learn action would find the flow that it makes
  TranslateError error = TranslateError::kNone;      // then actions are empty, but effects stay
  Flow final_flow{};                                 // the packet as the last action left it, for traces
};

/// What to translate besides a received packet.
struct TranslateInput {
  Flow key;                                          // in_port: datapath port number, or OpenFlow port number if bridge is given
  const BridgeView* bridge = nullptr;                // null: of key.in_port
  const ofp::Actions* actions = nullptr;             // instead of table lookups: a packet-out
  FrozenPtr resume;                                  // goes on with this instead of key.recirc_id's (NXT_RESUME)
  size_t packet_size = 0;                            // bytes, 0: not known
  bool effects_follow = true;                        // false: a trace that changes nothing, and says so
};

Translation translate(const Pipeline& pipeline, const TranslateInput& input, TraceTree* trace = nullptr);

}  // namespace sluice

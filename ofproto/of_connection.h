// SPDX-License-Identifier: Apache-2.0
// OfConnection: one OpenFlow session over a byte stream: framing, version negotiation, what the session has set, bounded input and output.
// What messages mean is in handlers.h; who connects is in controllers.h.
//
// Invariants: messages are handled in the order of arrival, at most kMessagesPerTurn an iteration (others get their turn); one that looks at many
// flows ends the turn, and a long answer is made in slices, one a turn, before the next message.  Nothing is handled while more than
// kReplyHighWater bytes wait to be sent, so a client that does not read stops itself and nobody else.
// Threads: the control thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "lib/connection.h"
#include "ofproto/async_masks.h"
#include "ofproto/openflow/codec.h"
#include "ofproto/openflow/message.h"

namespace sluice {

inline constexpr size_t kMessagesPerTurn = 128;
inline constexpr size_t kReplyHighWater = 4 << 20;      // bytes: no more requests are handled above it
inline constexpr size_t kAsyncHighWater = 1 << 20;       // bytes: packet-ins are dropped (and counted) above it
inline constexpr size_t kInputHighWater = 64 << 10;      // bytes: no more is read above it; the longest message must come in whole
static_assert(kInputHighWater >= ofp::kMaxMessage);

enum class ConnectionKind : uint8_t {
  kPrimary,   // a controller that takes part in fail mode; gets asynchronous messages
  kService,   // somebody who connected to us: asynchronous messages only after a non-zero miss_send_len
  kSnoop,     // listens to the primary controllers' traffic
};

/// What the messages of a session have set.
struct SessionState {
  ofp::Role role = ofp::Role::kEqual;
  uint16_t miss_send_len = 0;
  uint16_t controller_id = 0;
  ofp::PacketInFormat packet_in_format = ofp::PacketInFormat::kStandard;
  bool nxm_flow_format = false;      // NXT_SET_FLOW_FORMAT: flow-removed in the Nicira form (1.0, 1.1)
  ofp::CodecOptions codec;
  AsyncMasks async = AsyncMasks::defaults();
};

class OfConnection {
 public:
  struct Handlers {
    std::function<void(OfConnection&, ofp::Message&, ByteView raw)> on_message;   // may take from the message
    std::function<void(OfConnection&, ByteView raw)> on_traffic;  // each message of both directions, for snoop; may be empty
    std::function<void(OfConnection&)> on_ready;                  // version negotiated
  };
  /// Does not own the stream; takes its on_data and on_drained.  `versions`: bit v = wire version v allowed.
  OfConnection(Connection& stream, ConnectionKind kind, uint32_t versions, Handlers handlers);
  OfConnection(const OfConnection&) = delete;
  OfConnection& operator=(const OfConnection&) = delete;

  ConnectionKind kind() const { return kind_; }
  bool is_ready() const { return ready_; }
  ofp::Version version() const { return version_; }   // REQUIRES: is_ready()
  const std::string& name() const { return stream_.peer_name(); }
  Connection& stream() { return stream_; }
  SessionState& session() { return session_; }
  const SessionState& session() const { return session_; }
  uint64_t dropped_async() const { return dropped_async_; }

  /// True if the session wants an asynchronous message of this kind and reason.
  bool wants(ofp::AsyncKind kind, unsigned reason) const;

  void send(const ofp::Message& message);               // version and xid as they are in the message
  void reply(const ofp::Message& request, ofp::MessageType type, ofp::Body body) { send(ofp::answer(request, type, std::move(body))); }
  void send_error(ofp::Error error, ByteView offending);
  /// Whole messages that are encoded already.
  void send_raw(Bytes bytes);
  /// An asynchronous message: dropped and counted if the queue is above kAsyncHighWater.
  void send_async(const ofp::Message& message);
  /// An echo request, to learn whether the other side lives.
  void probe();

  /// Of a handler: what it did was much, others have their turn now.
  void end_turn() { turn_ = 0; }
  /// Of a handler: the rest of its work, a slice a call, until that returns false.  The first is done at once.
  void work(std::move_only_function<bool()> slice);

  /// Handles what waits, within the quantum; true if more waits and could be handled now.
  bool run();

 private:
  void received(ByteView bytes);
  bool handle_next();
  void handle(const ofp::Header& header, ByteView raw);
  void negotiate(const ofp::Header& header, ByteView raw);
  void traffic(ByteView raw) { if (handlers_.on_traffic) handlers_.on_traffic(*this, raw); }
  void flow_control();

  Connection& stream_;
  ConnectionKind kind_;
  uint32_t versions_;
  Handlers handlers_;
  ofp::Version version_{};
  bool ready_ = false, broken_ = false;
  SessionState session_;
  size_t turn_ = 0;                                    // messages that may still be handled
  std::move_only_function<bool()> work_;               // under way; may be empty
  Bytes in_;
  size_t in_head_ = 0;
  uint32_t next_xid_ = 1;
  uint64_t dropped_async_ = 0;
};

}  // namespace sluice

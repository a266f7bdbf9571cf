// SPDX-License-Identifier: Apache-2.0
// Message: any OpenFlow message as a value.  `type` says which (a row of messages.def), `body` what is in it; several types
// share a body (OFPT_FLOW_MOD and NXT_FLOW_MOD are both a FlowMod), so code that does not care how a thing came over the
// wire looks at the body only.
//
// Dispatch:   auto m = decode(bytes, options);                      // codec.h
//             if (auto* fm = std::get_if<FlowMod>(&m->body)) ...
// Answer:     encode(answer(*m, MessageType::OFPT_BARRIER_REPLY, Empty{}), out);
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <variant>

#include "lib/alternative.h"
#include "ofproto/openflow/flow_messages.h"
#include "ofproto/openflow/flow_mod.h"
#include "ofproto/openflow/group_messages.h"
#include "ofproto/openflow/other_messages.h"
#include "ofproto/openflow/packet_messages.h"
#include "ofproto/openflow/port_messages.h"
#include "ofproto/openflow/session_messages.h"
#include "ofproto/openflow/table_messages.h"
#include "ofproto/openflow/version.h"

namespace sluice::ofp {

enum class MessageType : uint8_t {
#define PLAIN(name, ...) name,
#define NICIRA(name, ...) name,
#define ONF(name, ...) name,
#define STATS(name, ...) name##_REQUEST, name##_REPLY,
#define NXSTATS(name, ...) name##_REQUEST, name##_REPLY,
#define ONFSTATS(name, ...) name##_REQUEST, name##_REPLY,
#include "ofproto/openflow/messages.def"
  kCount
};
inline constexpr size_t kMessageTypes = static_cast<size_t>(MessageType::kCount);

using BodyVariant = std::variant<Empty
#define BODY(T) , T
#include "ofproto/openflow/bodies.def"
                                 >;

/// A BodyVariant whose copies are made in message.cc.
struct Body : BodyVariant {
  Body() noexcept;
  Body(const Body&);
  Body(Body&&) noexcept;
  Body& operator=(const Body&);
  Body& operator=(Body&&) noexcept;
  ~Body();
  template <typename T>
    requires is_alternative<T, BodyVariant>
  Body(T t) : BodyVariant(std::in_place_type<T>, std::move(t)) {}  // NOLINT: a body is a Body
};

struct Message {
  MessageType type = MessageType::OFPT_HELLO;
  Version version = Version::k10;
  uint32_t xid = 0;
  bool more = false;             // multipart: others of the same xid follow
  Body body;
};

/// A message of the same version and xid as `request`.
inline Message answer(const Message& request, MessageType type, Body body) {
  return {.type = type, .version = request.version, .xid = request.xid, .body = std::move(body)};
}

enum class Sender : uint8_t { kController, kSwitch, kBoth };

/// What messages.def says about a type.
struct MessageInfo {
  std::string_view name;         // as printed: "OFPT_HELLO", "OFPST_FLOW request"
  Sender sender;
  bool multipart, reply;         // `reply` of multiparts only
};
const MessageInfo& info(MessageType type);
/// True if the message exists in that version.
bool exists(MessageType type, Version version);
/// The multipart reply type of a request type (the next row).
constexpr MessageType reply_type(MessageType request) { return static_cast<MessageType>(static_cast<uint8_t>(request) + 1); }

}  // namespace sluice::ofp

// SPDX-License-Identifier: Apache-2.0
// Messages about a connection and the switch as a whole: hello, errors, echo, features, configuration, roles, asynchronous
// message masks, bundles, and the Nicira settings of one connection.  Values are independent of the version on the wire.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/bytes.h"
#include "ofproto/openflow/error.h"
#include "ofproto/openflow/port_messages.h"
#include "ofproto/openflow/version.h"

namespace sluice::ofp {

/// Bodies without content: barrier, features request, ...
struct Empty {};

/// OF1.3.5 7.5.1.  A hello without a bitmap element stands for all versions up to its header's (bitmap built at decode).
struct Hello {
  uint32_t versions = 0;         // bit v = wire version v (1 = 1.0)
  bool bitmap_element = true;    // the bitmap was, or is to be, on the wire
  bool has_unknown = false;      // decode only: elements or bytes that we make nothing of
};

/// OF1.3.5 7.4.
struct ErrorReport {
  std::optional<Error> error;    // none: a number unknown to us
  ErrorNumbers numbers;          // as on the wire; filled in at decode, used by encode only if there is no `error`
  Bytes data;                    // the begin of the offending message; text for HELLO_FAILED
};

struct Echo { Bytes data; };

// Capabilities, the bits of 1.1+ (OF1.3.5 7.3.1), and of 1.0's bit 3 a number of its own.
inline constexpr uint32_t OFPC_FLOW_STATS = 1 << 0, OFPC_TABLE_STATS = 1 << 1, OFPC_PORT_STATS = 1 << 2, OFPC_GROUP_STATS = 1 << 3,
                          OFPC_IP_REASM = 1 << 5, OFPC_QUEUE_STATS = 1 << 6, OFPC_ARP_MATCH_IP = 1 << 7, OFPC_PORT_BLOCKED = 1 << 8,
                          OFPC_BUNDLES = 1 << 9, OFPC_FLOW_MONITORING = 1 << 10, OFPC_STP = 1u << 31;

struct FeaturesReply {
  uint64_t datapath_id = 0;
  uint32_t n_buffers = 0;
  uint8_t n_tables = 0;
  uint8_t auxiliary_id = 0;      // 1.3+
  uint32_t capabilities = 0;     // OFPC_*; encode drops those that the version does not have
  uint64_t actions = 0;          // 1.0: bits of ActionBit
  std::vector<PortDesc> ports;   // 1.0-1.2; as many as fit are sent
};

enum class Fragments : uint8_t { kNormal, kDrop, kReassemble, kNxMatch };

/// Body of get-config reply and set-config.
struct SwitchConfig {
  Fragments fragments = Fragments::kNormal;
  bool invalid_ttl_to_controller = false;  // 1.0 (extension), 1.1, 1.2
  uint16_t miss_send_len = 0;
};

enum class Role : uint32_t { kNoChange = 0, kEqual = 1, kPrimary = 2, kSecondary = 3 };

/// Role request and reply, standard and Nicira (which has no generation id and no kNoChange).
struct RoleMessage {
  Role role = Role::kNoChange;
  bool have_generation_id = false;
  uint64_t generation_id = 0;
};

/// 1.4 ROLE_STATUS, and ONF's for 1.3.
struct RoleStatus {
  Role role = Role::kEqual;
  uint8_t reason = 0;            // 0 another asked for primary, 1 configuration, 2 experimenter
  uint64_t generation_id = 0;
};

/// Kinds of asynchronous messages that masks exist for (OF1.4.0 7.3.10).
enum AsyncKind : uint8_t { kAsyncPacketIn, kAsyncPortStatus, kAsyncFlowRemoved, kAsyncRoleStatus, kAsyncTableStatus, kAsyncRequestForward, kAsyncKinds };

/// Body of SET_ASYNC, GET_ASYNC reply, NXT_SET_ASYNC_CONFIG and _CONFIG2.  Bit n of a mask = reason n is sent.
struct AsyncConfig {
  std::array<uint32_t, kAsyncKinds> primary{}, secondary{};
  uint16_t primary_set = 0, secondary_set = 0;  // bit k: the mask of kind k is in the message
};

enum class BundleControlType : uint16_t { kOpenRequest, kOpenReply, kCloseRequest, kCloseReply, kCommitRequest, kCommitReply, kDiscardRequest, kDiscardReply };
inline constexpr uint16_t OFPBF_ATOMIC = 1, OFPBF_ORDERED = 2;

struct BundleControl {
  uint32_t bundle_id = 0;
  BundleControlType type = BundleControlType::kOpenRequest;
  uint16_t flags = 0;
};

enum class MessageType : uint8_t;   // message.h

struct BundleAdd {
  uint32_t bundle_id = 0;
  uint16_t flags = 0;
  ByteView message;              // a whole message, in the bytes of the outer one, whose version and xid it has; not owned
  MessageType type{};            // its, one of those that may be in bundles; from decoding
};

/// REQUESTFORWARD: the request of another controller.
struct RequestForward { Bytes message; };

/// One number: NXT_SET_FLOW_FORMAT, NXT_FLOW_MOD_TABLE_ID, NXT_SET_PACKET_IN_FORMAT, NXT_SET_CONTROLLER_ID,
/// NXT_FLOW_MONITOR_CANCEL, NXT_CT_FLUSH_ZONE.
struct Setting { uint32_t value = 0; };
inline constexpr uint32_t NXFF_OPENFLOW10 = 0, NXFF_NXM = 2;
enum class PacketInFormat : uint32_t { kStandard = 0, kNxm = 1, kNxm2 = 2 };

}  // namespace sluice::ofp

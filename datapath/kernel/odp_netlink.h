// SPDX-License-Identifier: Apache-2.0
// Datapath keys, masks and actions as netlink attributes (OVS_KEY_ATTR_*, OVS_ACTION_ATTR_*), both ways; derived from odp_fields.h.
//
// What a megaflow's key must look like for the kernel: the attributes of exactly the layers that its EtherType, protocol and so on say, and masks only over
// fields whose layer is matched exactly.  narrow_for_kernel() makes a mask so; after it, encoding loses nothing that narrow_for_kernel() did not name.
// Attributes that a newer kernel sends and we do not know are passed over; masks without them match any value.
#pragma once

#include <cstdint>
#include <expected>

#include "datapath/flow.h"
#include "datapath/kernel/netlink_attr.h"
#include "datapath/odp_action.h"
#include "datapath/odp_text.h"
#include "datapath/packet.h"
#include "lib/bytes.h"

namespace sluice {

inline constexpr size_t kMaxActionBytes = 32 * 1024;  // of one flow (the kernel's MAX_ACTIONS_BUFSIZE)
inline constexpr unsigned kMaxActionNesting = 16;

/// What this kernel has, found out by probing.
struct KernelFeatures {
  unsigned mpls_labels = 3;     // that a key can hold
  unsigned vlan_tags = 2;
  bool ipv6_exthdrs = false;    // OVS_KEY_ATTR_IPV6_EXTHDRS
  bool drop_action = false;     // OVS_ACTION_ATTR_DROP (6.7)
  bool add_mpls = true;         // OVS_ACTION_ATTR_ADD_MPLS (5.11)
  bool ct_eventmask = false;    // OVS_CT_ATTR_EVENTMASK
  bool ct_state = true, ct_zone = true, ct_mark = true, ct_label = true;
  friend bool operator==(const KernelFeatures&, const KernelFeatures&) = default;
};

/// Adds to `mask` the bits without which the kernel takes no mask for such a key.  False: it has bits that the kernel can't match on; they are taken out.
bool narrow_for_kernel(const Flow& key, Flow& mask, const KernelFeatures& features);

/// `key` is masked by `mask`, which is narrowed.
void encode_odp_key(const Flow& key, const Flow& mask, AttrWriter& out);
void encode_odp_mask(const Flow& key, const Flow& mask, AttrWriter& out);
/// What a user wrote, attribute by attribute, narrowed by nothing: the kernel may refuse it.
void encode_given_odp_key(const OdpKeyMask& km, bool is_mask, AttrWriter& out);
/// The metadata of a packet alone: the kernel parses the frame of OVS_PACKET_CMD_EXECUTE by itself.
void encode_odp_metadata(const Packet& packet, AttrWriter& out);

struct OdpReading {
  Flow flow{};
  bool complete = true;   // false: there were attributes or bits that Flow can't hold
};
/// The error names what is malformed.
std::expected<OdpReading, std::string> decode_odp_key(ByteView attrs);
/// Of a packet that came up: what its frame does not say, into `packet`.  False: it is malformed.
bool decode_odp_metadata(ByteView attrs, Packet& packet);
/// The mask over a key that was decoded.
std::expected<OdpReading, std::string> decode_odp_mask(ByteView attrs, const Flow& key);

/// Why the kernel can't have these actions.
enum class ActionTrouble : uint8_t { kNone, kUnsupported, kTooLong, kTooDeep };
/// True if the kernel has all of them.  (They may still be too long.)
bool kernel_can_do(const OdpActions& actions, const KernelFeatures& features = {});
/// Appends the actions.  upcall_pid: the socket of OdpUserspace.
ActionTrouble encode_odp_actions(const OdpActions& actions, uint32_t upcall_pid, const KernelFeatures& features, AttrWriter& out);

struct OdpActionsReading {
  OdpActions actions;
  bool complete = true;        // false: actions or arguments that OdpActions can't hold were left out
  bool has_userspace = false;
  uint32_t upcall_pid = 0;     // of the last OdpUserspace
};
std::expected<OdpActionsReading, std::string> decode_odp_actions(ByteView attrs);

/// The userdata of OVS_ACTION_ATTR_USERSPACE that we write; nothing if it is another's.
Bytes encode_userdata(const OdpUserspace& why);
std::optional<OdpUserspace> decode_userdata(ByteView bytes);

}  // namespace sluice

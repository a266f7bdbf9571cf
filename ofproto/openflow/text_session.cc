// SPDX-License-Identifier: Apache-2.0
// Text of: hello, errors, echo, features, configuration, roles, asynchronous masks, bundles, Nicira settings.
#include "ofproto/openflow/feature_bits.h"
#include "ofproto/openflow/text_body.h"

namespace sluice::ofp {
namespace {

constexpr BitName kCapabilities[] = {
    {OFPC_FLOW_STATS, "FLOW_STATS"}, {OFPC_TABLE_STATS, "TABLE_STATS"}, {OFPC_PORT_STATS, "PORT_STATS"}, {OFPC_GROUP_STATS, "GROUP_STATS"},
    {OFPC_STP, "STP"}, {OFPC_IP_REASM, "IP_REASM"}, {OFPC_QUEUE_STATS, "QUEUE_STATS"}, {OFPC_ARP_MATCH_IP, "ARP_MATCH_IP"},
    {OFPC_PORT_BLOCKED, "PORT_BLOCKED"}, {OFPC_BUNDLES, "BUNDLES"}, {OFPC_FLOW_MONITORING, "FLOW_MONITORING"},
};

std::string_view role_name(Role r) {
  constexpr std::string_view kNames[] = {"nochange", "equal", "primary", "secondary"};
  return kNames[static_cast<size_t>(r)];
}

/// Control characters as octal escapes.
std::string printable(ByteView text) {
  std::string out;
  for (uint8_t c : text) {
    if (c >= 0x20 && c < 0x7f) out += static_cast<char>(c);
    else append(out, "\\{:03o}", c);
  }
  return out;
}

struct AsyncKindText {
  std::string_view name;
  std::array<std::string_view, 6> reasons;
};
constexpr AsyncKindText kAsyncTexts[kAsyncKinds] = {
    {"PACKET_IN", {"no_match", "action", "invalid_ttl", "action_set", "group", "packet_out"}},
    {"PORT_STATUS", {"add", "delete", "modify"}},
    {"FLOW_REMOVED", {"idle", "hard", "delete", "group_delete", "meter_delete", "eviction"}},
    {"ROLE_STATUS", {"primary_request", "configuration_changed", "experimenter_data_changed"}},
    {"TABLE_STATUS", {"", "", "", "vacancy_down", "vacancy_up"}},
    {"REQUESTFORWARD", {"group_mod_request", "meter_mod_request"}},
};

void add_async(std::string& out, std::string_view who, const std::array<uint32_t, kAsyncKinds>& masks) {
  append(out, "\n {}:\n", who);
  for (unsigned kind = 0; kind < kAsyncKinds; kind++) {
    append(out, "{:>16}:", kAsyncTexts[kind].name);
    uint32_t mask = masks[kind];
    if (!mask) out += " (off)";
    for (unsigned bit = 0; bit < 32; bit++) {
      if (!(mask >> bit & 1)) continue;
      const auto& names = kAsyncTexts[kind].reasons;
      if (bit < names.size() && !names[bit].empty()) append(out, " {}", names[bit]);
      else append(out, " {}", bit);
    }
    out += '\n';
  }
}

std::string_view bundle_type_name(BundleControlType t) {
  constexpr std::string_view kNames[] = {"OPEN_REQUEST", "OPEN_REPLY", "CLOSE_REQUEST", "CLOSE_REPLY",
                                         "COMMIT_REQUEST", "COMMIT_REPLY", "DISCARD_REQUEST", "DISCARD_REPLY"};
  return kNames[static_cast<size_t>(t)];
}
constexpr BitName kBundleFlags[] = {{OFPBF_ATOMIC, "atomic"}, {OFPBF_ORDERED, "ordered"}};

}  // namespace

void format_body(std::string& out, const TextContext&, const Hello& m) {
  out += "\n version bitmap: ";
  std::string_view gap;
  for (unsigned v = 0; v < 32; v++) {
    if (!(m.versions >> v & 1)) continue;
    append(out, "{}0x{:02x}", gap, v);
    gap = ", ";
  }
}

namespace {

/// A message inside of another; options may have any length if nobody knows the switch's.
std::string format_inner(ByteView message, const TextContext& ctx) {
  TlvTable any(true);
  PrintOptions options = ctx.options;
  if (!options.names.tlv) options.names.tlv = &any;
  return format_wire(message, options, {.tlv = options.names.tlv});
}

}  // namespace

void format_body(std::string& out, const TextContext& ctx, const ErrorReport& m) {
  if (!m.error) {
    if (m.numbers.vendor) append(out, " vendor 0x{:x}, type {}, code {}\n", m.numbers.vendor, m.numbers.type, m.numbers.code);
    else append(out, " type {}, code {}\n", m.numbers.type, m.numbers.code);
    out += hex_dump(m.data);
    return;
  }
  append(out, " {}\n", error_name(*m.error));
  bool text = *m.error == Error::OFPHFC_INCOMPATIBLE || *m.error == Error::OFPHFC_EPERM;
  out += text ? printable(m.data) + "\n" : format_inner(m.data, ctx);
}

void format_body(std::string& out, const TextContext&, const Echo& m) {
  append(out, " {} bytes of payload\n", m.data.size());
  out += hex_dump(m.data);
}

void format_body(std::string& out, const TextContext& ctx, const FeaturesReply& m) {
  append(out, " dpid:{:016x}\nn_tables:{}, n_buffers:{}", m.datapath_id, m.n_tables, m.n_buffers);
  if (m.auxiliary_id) append(out, ", auxiliary_id:{}", m.auxiliary_id);
  out += "\ncapabilities: ";
  add_bits(out, m.capabilities, kCapabilities);
  out += '\n';
  if (ctx.version() == Version::k10 && m.actions) {
    out += "actions:";
    for (unsigned i = 0; i < kActionKindCount; i++)
      if (m.actions >> i & 1) append(out, " {}", kActionKinds[i].name);
    out += '\n';
  }
  format_body(out, ctx, PortDescReply{m.ports});
}

std::string_view fragments_name(Fragments f) {
  constexpr std::string_view kNames[] = {"normal", "drop", "reassemble", "nx-match"};
  return kNames[static_cast<size_t>(f)];
}

void format_body(std::string& out, const TextContext&, const SwitchConfig& m) {
  append(out, " frags={}", fragments_name(m.fragments));
  if (m.invalid_ttl_to_controller) out += " invalid_ttl_to_controller";
  append(out, " miss_send_len={}", m.miss_send_len);
}

void format_body(std::string& out, const TextContext& ctx, const RoleMessage& m) {
  append(out, " role={}", role_name(m.role));
  // Said, though it means nothing for that role.
  bool idle = ctx.type() == MessageType::OFPT_ROLE_REQUEST && m.role == Role::kEqual && m.generation_id != UINT64_MAX;
  if (m.have_generation_id || idle) append(out, " generation_id={}", m.generation_id);
}

void format_body(std::string& out, const TextContext&, const RoleStatus& m) {
  append(out, " role={}", role_name(m.role));
  if (m.generation_id != UINT64_MAX) append(out, " generation_id={}", m.generation_id);
  append(out, " reason={}", kAsyncTexts[kAsyncRoleStatus].reasons[m.reason % 3]);
}

void format_body(std::string& out, const TextContext&, const AsyncConfig& m) {
  add_async(out, "primary", m.primary);
  add_async(out, "secondary", m.secondary);
}

void format_body(std::string& out, const TextContext&, const BundleControl& m) {
  append(out, "\n bundle_id={} type={} flags=", hex_or_zero(m.bundle_id), bundle_type_name(m.type));
  add_bits(out, m.flags, kBundleFlags);
}

void format_body(std::string& out, const TextContext& ctx, const BundleAdd& m) {
  append(out, "\n bundle_id={} flags=", hex_or_zero(m.bundle_id));
  add_bits(out, m.flags, kBundleFlags);
  out += '\n';
  out += format_inner(m.message, ctx);
}

void format_body(std::string& out, const TextContext& ctx, const RequestForward& m) {
  out += " reason=";
  auto type = decode_type(m.message);
  out += type && *type == MessageType::OFPT_METER_MOD ? "meter_mod" : "group_mod";
  auto inner = decode(m.message);
  if (!inner) {
    append(out, "\n{}", format_inner(m.message, ctx));
    return;
  }
  if (const auto* group = std::get_if<GroupMod>(&inner->body)) format_body(out, {*inner, ctx.options}, *group);
  if (const auto* meter = std::get_if<MeterMod>(&inner->body)) format_body(out, {*inner, ctx.options}, *meter);
}

void format_body(std::string& out, const TextContext& ctx, const Setting& m) {
  switch (ctx.type()) {
    case MessageType::NXT_SET_FLOW_FORMAT: append(out, " format={}", m.value == NXFF_NXM ? "nxm" : "openflow10"); break;
    case MessageType::NXT_FLOW_MOD_TABLE_ID: append(out, " {}", m.value ? "enable" : "disable"); break;
    case MessageType::NXT_SET_PACKET_IN_FORMAT: {
      constexpr std::string_view kNames[] = {"standard", "nxt_packet_in", "nxt_packet_in2"};
      append(out, " format={}", kNames[m.value % 3]);
      break;
    }
    case MessageType::NXT_CT_FLUSH_ZONE: append(out, " zone_id={}", m.value); break;
    default: append(out, " id={}", m.value);
  }
}

}  // namespace sluice::ofp

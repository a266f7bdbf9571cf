// SPDX-License-Identifier: Apache-2.0
// Actions as OVS_ACTION_ATTR_*.  See odp_netlink.h.
#include <algorithm>
#include <cstring>

#include <fmt/core.h>

#include "datapath/geneve.h"
#include "datapath/kernel/odp_parts.h"
#include "datapath/nsh.h"
#include "datapath/odp_other.h"

namespace sluice {
namespace {

constexpr uint16_t kActionDrop = 24;  // OVS_ACTION_ATTR_DROP of Linux 6.7
/// Of which changes the kernel tells listeners, as bits of enum ip_conntrack_events: new, related, destroyed, mark, label.
constexpr uint32_t kCtEvents = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 7 | 1 << 10;

/// Userdata of OVS_ACTION_ATTR_USERSPACE.
struct Userdata {
  uint64_t cookie, rule_cookie;
  uint32_t max_len;
  uint16_t controller_id;
  uint8_t reason, packet_in_reason;
  uint8_t continuation;
  uint8_t zero[7];
};
static_assert(sizeof(Userdata) == 32);

const OdpSetName* find_set(OdpSetKind kind) {
  auto* set = std::ranges::find(kSetNames, kind, &OdpSetName::kind);
  return set == std::end(kSetNames) ? nullptr : set;
}

bool is_user_only(const OdpAction& a) { return std::holds_alternative<OdpTunnelPush>(a.v) || std::holds_alternative<OdpTunnelPop>(a.v); }

/// What the kernel's check of actions believes of the packet by now.
struct KernelView {
  bool bottom_popped = false;   // it knows no Ethernet type then, and pushes and pops no more labels
  bool bare = false;            // without an Ethernet header; lists in the list are checked as if it still had that of the key

  /// False: the kernel can't have this action here.
  bool follow(const OdpAction& a) {
    auto* pop = std::get_if<OdpPopMpls>(&a.v);
    if (pop || std::holds_alternative<OdpPushMpls>(a.v)) {
      if (bottom_popped) return false;
      bottom_popped = pop && !is_mpls_type(pop->eth_type);
    }
    bool holds_lists = false;
    for_each_list(a, [&](const OdpActions&) { holds_lists = true; });
    if (bare && holds_lists) return false;
    if (std::holds_alternative<OdpPushEth>(a.v)) bare = false;
    if (std::holds_alternative<OdpPopEth>(a.v) || std::holds_alternative<OdpPushNsh>(a.v) || std::holds_alternative<OdpPopNsh>(a.v)) bare = true;
    return true;
  }
};

class ActionEncoder {
 public:
  ActionEncoder(uint32_t pid, const KernelFeatures& features, AttrWriter& out) : pid_(pid), features_(features), out_(out) {}

  ActionTrouble list(const OdpActions& actions, unsigned depth) {
    if (depth > kMaxActionNesting) return ActionTrouble::kTooDeep;
    depth_ = depth;
    for (const OdpAction& a : actions) {
      if (std::holds_alternative<OdpDrop>(a.v) && !features_.drop_action) break;  // nothing after it is done
      if (!view_.follow(a)) return ActionTrouble::kUnsupported;
      if (ActionTrouble t = std::visit(*this, a.v); t != ActionTrouble::kNone) return t;
    }
    return ActionTrouble::kNone;
  }

  ActionTrouble operator()(const OdpOutput& a) { return value(OVS_ACTION_ATTR_OUTPUT, a.port.value); }
  ActionTrouble operator()(const OdpUserspace& a) {
    out_.nest(OVS_ACTION_ATTR_USERSPACE, [&] {
      out_.value(OVS_USERSPACE_ATTR_PID, pid_);
      out_.put(OVS_USERSPACE_ATTR_USERDATA, encode_userdata(a));
    });
    return ActionTrouble::kNone;
  }
  ActionTrouble operator()(const OdpSet& a);
  ActionTrouble operator()(const OdpPushVlan& a) {
    return value(OVS_ACTION_ATTR_PUSH_VLAN, ovs_action_push_vlan{.vlan_tpid = a.tpid ? a.tpid.raw() : kEthVlan.raw(), .vlan_tci = (a.tci | be16(kVlanPresent)).raw()});
  }
  ActionTrouble operator()(const OdpPopVlan&) { return out_.flag(OVS_ACTION_ATTR_POP_VLAN), ActionTrouble::kNone; }
  ActionTrouble operator()(const OdpPushMpls& a) {
    ovs_action_push_mpls push;
    std::memset(&push, 0, sizeof push);   // it has padding
    push.mpls_lse = a.lse.raw(), push.mpls_ethertype = a.eth_type.raw();
    return out_.put(OVS_ACTION_ATTR_PUSH_MPLS, &push, sizeof push), ActionTrouble::kNone;
  }
  ActionTrouble operator()(const OdpPopMpls& a) { return value(OVS_ACTION_ATTR_POP_MPLS, a.eth_type); }
  ActionTrouble operator()(const OdpRecirc& a) { return value(OVS_ACTION_ATTR_RECIRC, a.id); }
  ActionTrouble operator()(const OdpHash& a) { return value(OVS_ACTION_ATTR_HASH, ovs_action_hash{.hash_alg = a.algorithm, .hash_basis = a.basis}); }
  ActionTrouble operator()(const OdpTrunc& a) { return value(OVS_ACTION_ATTR_TRUNC, ovs_action_trunc{.max_len = a.max_len}); }
  ActionTrouble operator()(const OdpMeter& a) { return value(OVS_ACTION_ATTR_METER, a.id); }
  ActionTrouble operator()(const OdpClone& a) { return inside(OVS_ACTION_ATTR_CLONE, a.actions); }
  ActionTrouble operator()(const OdpSample& a) {
    return out_.nest(OVS_ACTION_ATTR_SAMPLE, [&] {
      out_.value(OVS_SAMPLE_ATTR_PROBABILITY, a.probability);
      return inside(OVS_SAMPLE_ATTR_ACTIONS, a.actions);
    });
  }
  ActionTrouble operator()(const OdpDrop& a) { return value(kActionDrop, a.reason); }
  ActionTrouble operator()(const OdpCt& a);
  ActionTrouble operator()(const OdpCtClear&) { return out_.flag(OVS_ACTION_ATTR_CT_CLEAR), ActionTrouble::kNone; }
  ActionTrouble operator()(const OdpCheckPktLen& a) {
    return out_.nest(OVS_ACTION_ATTR_CHECK_PKT_LEN, [&] {
      out_.value(OVS_CHECK_PKT_LEN_ATTR_PKT_LEN, a.length);
      ActionTrouble t = inside(OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_GREATER, a.greater);
      return t != ActionTrouble::kNone ? t : inside(OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_LESS_EQUAL, a.less_or_equal);
    });
  }
  ActionTrouble operator()(const OdpDecTtl& a) {
    return out_.nest(OVS_ACTION_ATTR_DEC_TTL, [&] { return inside(OVS_DEC_TTL_ATTR_ACTION, a.exhausted); });
  }
  ActionTrouble operator()(const OdpPushEth& a) {
    ovs_action_push_eth push{};
    std::ranges::copy(a.src.b, push.addresses.eth_src);
    std::ranges::copy(a.dst.b, push.addresses.eth_dst);
    return value(OVS_ACTION_ATTR_PUSH_ETH, push);
  }
  ActionTrouble operator()(const OdpPopEth&) { return out_.flag(OVS_ACTION_ATTR_POP_ETH), ActionTrouble::kNone; }
  ActionTrouble operator()(const OdpPushNsh& a) {
    if (a.metadata.empty()) return ActionTrouble::kUnsupported;   // the kernel wants some
    // The header is a key's attribute: the kernel takes its first attribute for that.
    out_.nest(OVS_ACTION_ATTR_PUSH_NSH, [&] {
      out_.nest(OVS_KEY_ATTR_NSH, [&] {
        out_.value(OVS_NSH_KEY_ATTR_BASE, ovs_nsh_key_base{.flags = a.flags, .ttl = a.ttl, .mdtype = a.mdtype, .np = a.np, .path_hdr = a.path.raw()});
        out_.put(a.mdtype == kNshMd1 ? OVS_NSH_KEY_ATTR_MD1 : OVS_NSH_KEY_ATTR_MD2, a.metadata);
      });
    });
    return ActionTrouble::kNone;
  }
  ActionTrouble operator()(const OdpPopNsh&) { return out_.flag(OVS_ACTION_ATTR_POP_NSH), ActionTrouble::kNone; }
  ActionTrouble operator()(const OdpAddMpls& a) {
    if (!features_.add_mpls) return ActionTrouble::kUnsupported;
    return value(OVS_ACTION_ATTR_ADD_MPLS, ovs_action_add_mpls{.mpls_lse = a.lse.raw(), .mpls_ethertype = a.eth_type.raw(), .tun_flags = static_cast<uint16_t>(a.after_ethernet ? OVS_MPLS_L3_TUNNEL_FLAG_MASK : 0)});
  }
  ActionTrouble operator()(const OdpOther& a) { return out_.put(a.type, a.payload), ActionTrouble::kNone; }
  ActionTrouble operator()(const OdpTunnelPush&) { return ActionTrouble::kUnsupported; }
  ActionTrouble operator()(const OdpTunnelPop&) { return ActionTrouble::kUnsupported; }

 private:
  template <typename T>
  ActionTrouble value(uint16_t type, const T& v) {
    out_.value(type, v);
    return ActionTrouble::kNone;
  }
  ActionTrouble inside(uint16_t type, const OdpActions& actions) {
    unsigned depth = depth_;
    const KernelView view = view_;
    ActionTrouble t = out_.nest(type, [&] { return list(actions, depth + 1); });
    depth_ = depth, view_ = view;
    return t;
  }

  uint32_t pid_;
  const KernelFeatures& features_;
  AttrWriter& out_;
  unsigned depth_ = 0;
  KernelView view_;
};

ActionTrouble ActionEncoder::operator()(const OdpSet& a) {
  const OdpSetName* set = find_set(a.kind);
  if (!set || !set->in_kernel) return ActionTrouble::kUnsupported;
  const OdpAttribute& attribute = set->attribute;
  if (attribute.wire == OdpWire::kNested) {  // tunnels can't be masked
    out_.nest(OVS_ACTION_ATTR_SET, [&] { put_attribute(attribute, a.fields.value(), false, out_); });
    return ActionTrouble::kNone;
  }
  Flow value = a.fields.value();
  const Flow mask = a.fields.mask();
  mask_flow(value, mask);
  size_t size = payload_size(attribute);
  out_.nest(OVS_ACTION_ATTR_SET_MASKED, [&] {
    uint8_t* both = out_.room(attribute.type, 2 * size);
    put_payload(attribute, value, false, both);
    put_payload(attribute, mask, true, both + size);
  });
  return ActionTrouble::kNone;
}

struct MarkAndMask { uint32_t value, mask; };
struct LabelAndMask { std::array<uint8_t, 16> value, mask; };

void put_nat(const OdpNat& nat, AttrWriter& out) {
  if (nat.src) out.flag(OVS_NAT_ATTR_SRC);
  if (nat.dst) out.flag(OVS_NAT_ATTR_DST);
  if (nat.family) {
    size_t size = nat.family == 4 ? 4 : 16;
    out.put(OVS_NAT_ATTR_IP_MIN, nat.ip_min.b.data(), size);
    out.put(OVS_NAT_ATTR_IP_MAX, nat.ip_max.b.data(), size);
  }
  if (nat.port_min) out.value(OVS_NAT_ATTR_PROTO_MIN, nat.port_min), out.value(OVS_NAT_ATTR_PROTO_MAX, nat.port_max);
  if (nat.persistent) out.flag(OVS_NAT_ATTR_PERSISTENT);
  if (nat.hash) out.flag(OVS_NAT_ATTR_PROTO_HASH);
  if (nat.random) out.flag(OVS_NAT_ATTR_PROTO_RANDOM);
}

std::optional<OdpNat> take_nat(ByteView attrs) {
  OdpNat nat;
  for (Attr a : Attrs(attrs)) {
    auto ip = [&](Ipv6Addr& to) {
      if (a.data.size() != 4 && a.data.size() != 16) return false;
      nat.family = a.data.size() == 4 ? 4 : 6;
      std::ranges::copy(a.data, to.b.begin());
      return true;
    };
    auto port = [&](uint16_t& to) {
      auto v = a.as<uint16_t>();
      if (v) to = *v;
      return v.has_value();
    };
    switch (a.type) {
      case OVS_NAT_ATTR_SRC: nat.src = true; break;
      case OVS_NAT_ATTR_DST: nat.dst = true; break;
      case OVS_NAT_ATTR_PERSISTENT: nat.persistent = true; break;
      case OVS_NAT_ATTR_PROTO_HASH: nat.hash = true; break;
      case OVS_NAT_ATTR_PROTO_RANDOM: nat.random = true; break;
      case OVS_NAT_ATTR_IP_MIN: if (!ip(nat.ip_min)) return std::nullopt; break;
      case OVS_NAT_ATTR_IP_MAX: if (!ip(nat.ip_max)) return std::nullopt; break;
      case OVS_NAT_ATTR_PROTO_MIN: if (!port(nat.port_min)) return std::nullopt; break;
      case OVS_NAT_ATTR_PROTO_MAX: if (!port(nat.port_max)) return std::nullopt; break;
      default: break;
    }
  }
  if (nat.family && nat.ip_max.is_zero()) nat.ip_max = nat.ip_min;
  if (!nat.port_max) nat.port_max = nat.port_min;
  return nat;
}

ActionTrouble ActionEncoder::operator()(const OdpCt& a) {
  out_.nest(OVS_ACTION_ATTR_CT, [&] {
    if (a.commit) out_.flag(a.force ? OVS_CT_ATTR_FORCE_COMMIT : OVS_CT_ATTR_COMMIT);
    if (a.zone) out_.value(OVS_CT_ATTR_ZONE, a.zone);
    if (a.mark_mask) out_.value(OVS_CT_ATTR_MARK, MarkAndMask{a.mark, a.mark_mask});
    if (a.label_mask != decltype(a.label_mask){}) out_.value(OVS_CT_ATTR_LABELS, LabelAndMask{reorder_label(a.label), reorder_label(a.label_mask)});
    if (!a.helper.empty()) out_.put(OVS_CT_ATTR_HELPER, a.helper);
    if (a.commit && features_.ct_eventmask) out_.value(OVS_CT_ATTR_EVENTMASK, kCtEvents);
    if (!a.timeout.empty()) out_.put(OVS_CT_ATTR_TIMEOUT, a.timeout);
    if (a.nat) out_.nest(OVS_CT_ATTR_NAT, [&] { put_nat(*a.nat, out_); });
  });
  return ActionTrouble::kNone;
}

}  // namespace

Bytes encode_userdata(const OdpUserspace& why) {
  const OdpPacketIn& p_in = why.packet_in;
  Userdata data{.cookie = why.cookie, .rule_cookie = p_in.rule_cookie, .max_len = why.max_len, .controller_id = p_in.controller_id,
                .reason = static_cast<uint8_t>(why.reason), .packet_in_reason = p_in.reason, .continuation = p_in.continuation, .zero = {}};
  auto* p = reinterpret_cast<const uint8_t*>(&data);
  return {p, p + sizeof data};
}

std::optional<OdpUserspace> decode_userdata(ByteView bytes) {
  Userdata data;
  if (bytes.size() != sizeof data) return std::nullopt;
  std::memcpy(&data, bytes.data(), sizeof data);
  bool known = data.reason <= static_cast<uint8_t>(SlowReason::kMatch) && data.continuation <= 1 && std::ranges::all_of(data.zero, [](uint8_t b) { return !b; });
  if (!known) return std::nullopt;
  return OdpUserspace{static_cast<SlowReason>(data.reason), data.cookie, data.max_len, {data.rule_cookie, data.controller_id, data.packet_in_reason, data.continuation != 0}};
}

namespace {

bool can_do(const OdpActions& actions, const KernelFeatures& features, KernelView view) {
  return std::ranges::all_of(actions, [&](const OdpAction& a) {
    if (auto* set = std::get_if<OdpSet>(&a.v)) {
      const OdpSetName* name = find_set(set->kind);
      return name && name->in_kernel;
    }
    if (is_user_only(a) || (std::holds_alternative<OdpAddMpls>(a.v) && !features.add_mpls)) return false;
    if (auto* nsh = std::get_if<OdpPushNsh>(&a.v); nsh && nsh->metadata.empty()) return false;
    if (!view.follow(a)) return false;
    bool all = true;
    for_each_list(a, [&](const OdpActions& inner) { all = all && can_do(inner, features, view); });
    return all;
  });
}

}  // namespace

bool kernel_can_do(const OdpActions& actions, const KernelFeatures& features) { return can_do(actions, features, {}); }

ActionTrouble encode_odp_actions(const OdpActions& actions, uint32_t upcall_pid, const KernelFeatures& features, AttrWriter& out) {
  size_t start = out.size();
  ActionTrouble t = ActionEncoder(upcall_pid, features, out).list(actions, 0);
  if (t == ActionTrouble::kNone && (!out.ok() || out.size() - start > kMaxActionBytes)) t = ActionTrouble::kTooLong;
  return t;
}

namespace {

/// All of what set(tunnel()) says.
Flow whole_tunnel(const Flow& value) {
  Flow mask{};
  auto* v = reinterpret_cast<const uint8_t*>(&value);
  auto* m = reinterpret_cast<uint8_t*>(&mask);
  auto take = [&](const OdpPart& part) { std::memset(m + part.offset, 0xff, part.size); };
  for (const OdpPart& part : kTunnelParts)
    if (std::any_of(v + part.offset, v + part.offset + part.size, [](uint8_t b) { return b != 0; })) take(part);
  if (value.tunnel.dp_flags.host() & kTunnelGbp) std::ranges::for_each(kGbpParts, take);
  if (value.tunnel.erspan_ver == 1) std::ranges::for_each(kErspan1Parts, take);
  if (value.tunnel.erspan_ver == 2) std::ranges::for_each(kErspan2Parts, take);
  if (size_t options = geneve_options(value).size()) mask.tun_present = be64(UINT64_MAX), std::memset(mask.tun_metadata, 0xff, options);
  return mask;
}

std::optional<OdpPushNsh> take_push_nsh(ByteView header) {
  auto nsh = Attrs(header).find(OVS_KEY_ATTR_NSH);
  if (!nsh) return std::nullopt;
  const ByteView attrs = nsh->data;
  auto base_attr = Attrs(attrs).find(OVS_NSH_KEY_ATTR_BASE);
  auto base = base_attr ? base_attr->as<ovs_nsh_key_base>() : std::nullopt;
  if (!base) return std::nullopt;
  OdpPushNsh push{.flags = base->flags, .ttl = base->ttl, .mdtype = base->mdtype, .np = base->np, .path = be32::from_raw(base->path_hdr), .metadata = {}};
  auto metadata = Attrs(attrs).find(base->mdtype == kNshMd1 ? OVS_NSH_KEY_ATTR_MD1 : OVS_NSH_KEY_ATTR_MD2);
  if (metadata) push.metadata.assign(metadata->data.begin(), metadata->data.end());
  if (push.metadata.size() > kMaxNshMetadata || push.metadata.size() % 4 || (base->mdtype == kNshMd1 && push.metadata.size() != kNshContextBytes)) return std::nullopt;
  return push;
}

/// Reads one list of actions.
class ActionDecoder {
 public:
  explicit ActionDecoder(OdpActionsReading& reading) : reading_(reading) {}
  std::optional<std::string> list(ByteView attrs, OdpActions& actions, unsigned depth);

 private:
  bool action(const Attr& a, OdpActions& actions, unsigned depth);
  bool set(ByteView attrs, bool is_masked, OdpActions& actions);
  bool userspace(ByteView attrs, OdpActions& actions);
  bool sample(ByteView attrs, OdpActions& actions, unsigned depth);
  bool ct(ByteView attrs, OdpActions& actions);
  bool check_pkt_len(ByteView attrs, OdpActions& actions, unsigned depth);
  OdpActionsReading& reading_;
};

std::optional<std::string> ActionDecoder::list(ByteView attrs, OdpActions& actions, unsigned depth) {
  if (depth > kMaxActionNesting) return "datapath actions are nested too deep";
  for (Attr a : Attrs(attrs))
    if (!action(a, actions, depth)) return fmt::format("malformed datapath action {}", a.type);
  return std::nullopt;
}

bool ActionDecoder::action(const Attr& a, OdpActions& actions, unsigned depth) {
  auto add = [&](auto read, auto make) {
    if (read) actions.push_back({make(*read)});
    return read.has_value();
  };
  switch (a.type) {
    case OVS_ACTION_ATTR_OUTPUT: return add(a.as<uint32_t>(), [](uint32_t v) { return OdpOutput{OdpPort{v}}; });
    case OVS_ACTION_ATTR_RECIRC: return add(a.as<uint32_t>(), [](uint32_t v) { return OdpRecirc{v}; });
    case OVS_ACTION_ATTR_METER: return add(a.as<uint32_t>(), [](uint32_t v) { return OdpMeter{v}; });
    case OVS_ACTION_ATTR_TRUNC: return add(a.as<uint32_t>(), [](uint32_t v) { return OdpTrunc{v}; });
    case OVS_ACTION_ATTR_HASH: return add(a.as<ovs_action_hash>(), [](ovs_action_hash v) { return OdpHash{v.hash_alg, v.hash_basis}; });
    case OVS_ACTION_ATTR_POP_MPLS: return add(a.as<be16>(), [](be16 v) { return OdpPopMpls{v}; });
    case OVS_ACTION_ATTR_PUSH_VLAN:
      return add(a.as<ovs_action_push_vlan>(), [](ovs_action_push_vlan v) { return OdpPushVlan{be16::from_raw(v.vlan_tpid), be16::from_raw(v.vlan_tci)}; });
    case OVS_ACTION_ATTR_PUSH_MPLS:
      return add(a.as<ovs_action_push_mpls>(), [](ovs_action_push_mpls v) { return OdpPushMpls{be32::from_raw(v.mpls_lse), be16::from_raw(v.mpls_ethertype)}; });
    case OVS_ACTION_ATTR_POP_VLAN: actions.push_back({OdpPopVlan{}}); return true;
    case OVS_ACTION_ATTR_SET: return set(a.data, false, actions);
    case OVS_ACTION_ATTR_SET_MASKED: return set(a.data, true, actions);
    case OVS_ACTION_ATTR_USERSPACE: return userspace(a.data, actions);
    case OVS_ACTION_ATTR_SAMPLE: return sample(a.data, actions, depth);
    case OVS_ACTION_ATTR_CLONE: {
      OdpClone clone;
      if (list(a.data, clone.actions, depth + 1)) return false;
      actions.push_back({std::move(clone)});
      return true;
    }
    case OVS_ACTION_ATTR_CT: return ct(a.data, actions);
    case OVS_ACTION_ATTR_CT_CLEAR: actions.push_back({OdpCtClear{}}); return true;
    case OVS_ACTION_ATTR_CHECK_PKT_LEN: return check_pkt_len(a.data, actions, depth);
    case kActionDrop: return add(a.as<uint32_t>(), [](uint32_t v) { return OdpDrop{v}; });
    case OVS_ACTION_ATTR_DEC_TTL: {
      OdpDecTtl ttl;
      auto inner = Attrs(a.data).find(OVS_DEC_TTL_ATTR_ACTION);
      if (!inner || list(inner->data, ttl.exhausted, depth + 1)) return false;
      actions.push_back({std::move(ttl)});
      return true;
    }
    case OVS_ACTION_ATTR_PUSH_ETH: return add(a.as<ovs_action_push_eth>(), [](const ovs_action_push_eth& v) {
      OdpPushEth push;
      std::ranges::copy(v.addresses.eth_src, push.src.b.begin());
      std::ranges::copy(v.addresses.eth_dst, push.dst.b.begin());
      return push;
    });
    case OVS_ACTION_ATTR_POP_ETH: actions.push_back({OdpPopEth{}}); return true;
    case OVS_ACTION_ATTR_PUSH_NSH: return add(take_push_nsh(a.data), [](OdpPushNsh v) { return v; });
    case OVS_ACTION_ATTR_POP_NSH: actions.push_back({OdpPopNsh{}}); return true;
    case OVS_ACTION_ATTR_ADD_MPLS:
      return add(a.as<ovs_action_add_mpls>(), [](ovs_action_add_mpls v) {
        return OdpAddMpls{be32::from_raw(v.mpls_lse), be16::from_raw(v.mpls_ethertype), (v.tun_flags & OVS_MPLS_L3_TUNNEL_FLAG_MASK) != 0};
      });
    default:   // kept as it is
      reading_.complete &= is_known_other(a.type);
      actions.push_back({OdpOther{a.type, {a.data.begin(), a.data.end()}}});
      return true;
  }
}

bool ActionDecoder::set(ByteView attrs, bool is_masked, OdpActions& actions) {
  for (Attr a : Attrs(attrs)) {
    auto* name = std::ranges::find(kSetNames, a.type, [](const OdpSetName& n) { return n.attribute.type; });
    if (name == std::end(kSetNames)) {
      reading_.complete = false;
      return true;
    }
    Flow value{}, mask{};
    if (!is_masked) {
      if (!take_attribute(name->attribute, a, false, value, reading_.complete)) return false;
      Bytes ones(payload_size(name->attribute), 0xff);
      bool ignored = true;
      if (name->attribute.wire == OdpWire::kNested) mask = whole_tunnel(value);
      else take_attribute(name->attribute, {a.type, ones}, true, mask, ignored);
    } else {
      size_t half = a.data.size() / 2;
      if (a.data.size() != 2 * half || name->attribute.wire == OdpWire::kNested) return false;
      if (!take_attribute(name->attribute, {a.type, a.data.first(half)}, false, value, reading_.complete)) return false;
      if (!take_attribute(name->attribute, {a.type, a.data.subspan(half)}, true, mask, reading_.complete)) return false;
    }
    actions.push_back({OdpSet{name->kind, {value, mask}}});
  }
  return true;
}

bool ActionDecoder::userspace(ByteView attrs, OdpActions& actions) {
  Attrs all(attrs);
  auto pid = all.find(OVS_USERSPACE_ATTR_PID);
  if (!pid || !pid->as<uint32_t>()) return false;
  auto userdata = all.find(OVS_USERSPACE_ATTR_USERDATA);
  auto ours = userdata ? decode_userdata(userdata->data) : std::nullopt;
  reading_.has_userspace = true;
  reading_.upcall_pid = *pid->as<uint32_t>();
  reading_.complete &= ours.has_value();
  if (ours) actions.push_back({*ours});
  else actions.push_back({OdpOther{OVS_ACTION_ATTR_USERSPACE, {attrs.begin(), attrs.end()}}});
  return true;
}

std::string name_of(const Attr& a) {
  std::string s(a.data.begin(), a.data.end());
  return s.substr(0, s.find('\0'));
}

bool ActionDecoder::ct(ByteView attrs, OdpActions& actions) {
  OdpCt ct;
  for (Attr a : Attrs(attrs)) {
    switch (a.type) {
      case OVS_CT_ATTR_FORCE_COMMIT: ct.force = true; [[fallthrough]];
      case OVS_CT_ATTR_COMMIT: ct.commit = true; break;
      case OVS_CT_ATTR_ZONE:
        if (auto v = a.as<uint16_t>()) ct.zone = *v; else return false;
        break;
      case OVS_CT_ATTR_MARK:
        if (auto v = a.as<MarkAndMask>()) ct.mark = v->value, ct.mark_mask = v->mask; else return false;
        break;
      case OVS_CT_ATTR_LABELS:
        if (auto v = a.as<LabelAndMask>()) ct.label = reorder_label(v->value), ct.label_mask = reorder_label(v->mask); else return false;
        break;
      case OVS_CT_ATTR_HELPER: ct.helper = name_of(a); break;
      case OVS_CT_ATTR_TIMEOUT: ct.timeout = name_of(a); break;
      case OVS_CT_ATTR_NAT: ct.nat = take_nat(a.data); if (!ct.nat) return false; break;
      case OVS_CT_ATTR_EVENTMASK: break;
      default: reading_.complete = false;
    }
  }
  actions.push_back({std::move(ct)});
  return true;
}

bool ActionDecoder::check_pkt_len(ByteView attrs, OdpActions& actions, unsigned depth) {
  Attrs all(attrs);
  auto length = all.find(OVS_CHECK_PKT_LEN_ATTR_PKT_LEN);
  auto greater = all.find(OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_GREATER), less = all.find(OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_LESS_EQUAL);
  OdpCheckPktLen check{};
  if (!length || !length->as<uint16_t>() || !greater || !less) return false;
  check.length = *length->as<uint16_t>();
  if (list(greater->data, check.greater, depth + 1) || list(less->data, check.less_or_equal, depth + 1)) return false;
  actions.push_back({std::move(check)});
  return true;
}

bool ActionDecoder::sample(ByteView attrs, OdpActions& actions, unsigned depth) {
  Attrs all(attrs);
  auto probability = all.find(OVS_SAMPLE_ATTR_PROBABILITY);
  auto inner = all.find(OVS_SAMPLE_ATTR_ACTIONS);
  OdpSample sample{};
  if (!probability || !inner || !probability->as<uint32_t>()) return false;
  sample.probability = *probability->as<uint32_t>();
  if (list(inner->data, sample.actions, depth + 1)) return false;
  actions.push_back({std::move(sample)});
  return true;
}

}  // namespace

std::expected<OdpActionsReading, std::string> decode_odp_actions(ByteView attrs) {
  OdpActionsReading reading;
  OdpActions actions;
  if (auto error = ActionDecoder(reading).list(attrs, actions, 0)) return std::unexpected(std::move(*error));
  reading.actions = std::move(actions);
  return reading;
}

}  // namespace sluice

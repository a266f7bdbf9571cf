// SPDX-License-Identifier: Apache-2.0
// Actions as OVS_ACTION_ATTR_*.  See odp_netlink.h.
#include <algorithm>

#include <fmt/core.h>

#include "datapath/kernel/odp_parts.h"

namespace sluice {
namespace {

constexpr uint16_t kActionDrop = 24;  // OVS_ACTION_ATTR_DROP of Linux 6.7

/// Userdata of OVS_ACTION_ATTR_USERSPACE.
struct Userdata {
  uint64_t cookie;
  uint32_t max_len;
  uint8_t reason;
  uint8_t zero[3];
};
static_assert(sizeof(Userdata) == 16);

const OdpSetName* find_set(OdpSetKind kind) {
  auto* set = std::ranges::find(kSetNames, kind, &OdpSetName::kind);
  return set == std::end(kSetNames) ? nullptr : set;
}

const OdpActions* nested(const OdpAction& a) {
  if (auto* clone = std::get_if<OdpClone>(&a.v)) return &clone->actions;
  if (auto* sample = std::get_if<OdpSample>(&a.v)) return &sample->actions;
  return nullptr;
}

class ActionEncoder {
 public:
  ActionEncoder(uint32_t pid, const KernelFeatures& features, AttrWriter& out) : pid_(pid), features_(features), out_(out) {}

  ActionTrouble list(const OdpActions& actions, unsigned depth) {
    if (depth > kMaxActionNesting) return ActionTrouble::kTooDeep;
    depth_ = depth;
    for (const OdpAction& a : actions) {
      if (std::holds_alternative<OdpDrop>(a.v) && !features_.drop_action) break;  // nothing after it is done
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
    return value(OVS_ACTION_ATTR_PUSH_MPLS, ovs_action_push_mpls{.mpls_lse = a.lse.raw(), .mpls_ethertype = a.eth_type.raw()});
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

 private:
  template <typename T>
  ActionTrouble value(uint16_t type, const T& v) {
    out_.value(type, v);
    return ActionTrouble::kNone;
  }
  ActionTrouble inside(uint16_t type, const OdpActions& actions) {
    unsigned depth = depth_;
    ActionTrouble t = out_.nest(type, [&] { return list(actions, depth + 1); });
    depth_ = depth;
    return t;
  }

  uint32_t pid_;
  const KernelFeatures& features_;
  AttrWriter& out_;
  unsigned depth_ = 0;
};

ActionTrouble ActionEncoder::operator()(const OdpSet& a) {
  const OdpSetName* set = find_set(a.kind);
  if (!set || !set->in_kernel) return ActionTrouble::kUnsupported;
  const OdpAttribute& attribute = set->attribute;
  if (attribute.wire == OdpWire::kNested) {  // tunnels can't be masked
    out_.nest(OVS_ACTION_ATTR_SET, [&] { put_attribute(attribute, a.value, false, out_); });
    return ActionTrouble::kNone;
  }
  Flow value = a.value;
  mask_flow(value, a.mask);
  Bytes both;
  put_payload(attribute, value, false, both);
  put_payload(attribute, a.mask, true, both);
  out_.nest(OVS_ACTION_ATTR_SET_MASKED, [&] { out_.put(attribute.type, both); });
  return ActionTrouble::kNone;
}

}  // namespace

Bytes encode_userdata(const OdpUserspace& why) {
  Userdata data{.cookie = why.cookie, .max_len = why.max_len, .reason = static_cast<uint8_t>(why.reason), .zero = {}};
  auto* p = reinterpret_cast<const uint8_t*>(&data);
  return {p, p + sizeof data};
}

std::optional<OdpUserspace> decode_userdata(ByteView bytes) {
  Userdata data;
  if (bytes.size() != sizeof data) return std::nullopt;
  std::memcpy(&data, bytes.data(), sizeof data);
  if (data.reason > static_cast<uint8_t>(SlowReason::kMatch) || data.zero[0] || data.zero[1] || data.zero[2]) return std::nullopt;
  return OdpUserspace{static_cast<SlowReason>(data.reason), data.cookie, data.max_len};
}

bool kernel_can_do(const OdpActions& actions) {
  return std::ranges::all_of(actions, [](const OdpAction& a) {
    if (auto* set = std::get_if<OdpSet>(&a.v)) {
      const OdpSetName* name = find_set(set->kind);
      return name && name->in_kernel;
    }
    const OdpActions* inner = nested(a);
    return !inner || kernel_can_do(*inner);
  });
}

ActionTrouble encode_odp_actions(const OdpActions& actions, uint32_t upcall_pid, const KernelFeatures& features, AttrWriter& out) {
  size_t start = out.size();
  ActionTrouble t = ActionEncoder(upcall_pid, features, out).list(actions, 0);
  if (t == ActionTrouble::kNone && (!out.ok() || out.size() - start > kMaxActionBytes)) t = ActionTrouble::kTooLong;
  return t;
}

namespace {

/// All of the parts that are not zero.
Flow whole_parts(const OdpAttribute& a, const Flow& value) {
  Flow mask{};
  auto* v = reinterpret_cast<const uint8_t*>(&value);
  auto* m = reinterpret_cast<uint8_t*>(&mask);
  for (const OdpPart& part : a.parts)
    if (std::any_of(v + part.offset, v + part.offset + part.size, [](uint8_t b) { return b != 0; })) std::memset(m + part.offset, 0xff, part.size);
  return mask;
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
    case kActionDrop: return add(a.as<uint32_t>(), [](uint32_t v) { return OdpDrop{v}; });
    default: reading_.complete = false; return true;
  }
}

bool ActionDecoder::set(ByteView attrs, bool is_masked, OdpActions& actions) {
  for (Attr a : Attrs(attrs)) {
    auto* name = std::ranges::find(kSetNames, a.type, [](const OdpSetName& n) { return n.attribute.type; });
    if (name == std::end(kSetNames)) {
      reading_.complete = false;
      return true;
    }
    OdpSet set{.kind = name->kind};
    if (!is_masked) {
      if (!take_attribute(name->attribute, a, false, set.value, reading_.complete)) return false;
      Bytes ones(payload_size(name->attribute), 0xff);
      bool ignored = true;
      if (name->attribute.wire == OdpWire::kNested) set.mask = whole_parts(name->attribute, set.value);
      else take_attribute(name->attribute, {a.type, ones}, true, set.mask, ignored);
    } else {
      size_t half = a.data.size() / 2;
      if (a.data.size() != 2 * half || name->attribute.wire == OdpWire::kNested) return false;
      if (!take_attribute(name->attribute, {a.type, a.data.first(half)}, false, set.value, reading_.complete)) return false;
      if (!take_attribute(name->attribute, {a.type, a.data.subspan(half)}, true, set.mask, reading_.complete)) return false;
    }
    actions.push_back({set});
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
  actions.push_back({ours.value_or(OdpUserspace{SlowReason::kNone})});
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

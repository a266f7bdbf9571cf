// SPDX-License-Identifier: Apache-2.0
// The requests of OpenFlow sessions: one table, a row a message type that a switch must answer; a type without a row is answered with BAD_TYPE.
// A handler that returns an error has changed nothing; the error goes back with the request's first bytes.
#include <algorithm>
#include <array>
#include <iterator>
#include <optional>

#include "ofproto/agent.h"
#include "ofproto/flow_table.h"

namespace sluice {
namespace {

using namespace ofp;
using Outcome = std::expected<void, ofp::Error>;

struct Request {
  Agent& agent;
  OfConnection& connection;
  Message& message;
  ByteView raw;
  Bridge& bridge() const { return agent.bridge(); }
  void reply(MessageType type, Body body) const { connection.reply(message, type, std::move(body)); }
  /// Of a multipart request.
  void reply(Body body) const { reply(reply_type(message.type), std::move(body)); }
  template <typename T>
  T& body() const { return std::get<T>(message.body); }
};

// --- the session ---

Outcome features(const Request& r) {
  r.reply(MessageType::OFPT_FEATURES_REPLY, r.bridge().features());
  return {};
}

Outcome get_config(const Request& r) {
  SwitchConfig config{.fragments = r.bridge().fragments(), .miss_send_len = r.connection.session().miss_send_len};
  config.invalid_ttl_to_controller = r.connection.session().async.wants(kAsyncPacketIn, static_cast<unsigned>(PacketInReason::kInvalidTtl), false);
  r.reply(MessageType::OFPT_GET_CONFIG_REPLY, config);
  return {};
}

Outcome set_config(const Request& r) {
  const auto& config = r.body<SwitchConfig>();
  OfConnection& c = r.connection;
  bool may_change = c.kind() != ConnectionKind::kPrimary || c.session().role != Role::kSecondary;
  if (may_change && config.fragments != Fragments::kReassemble) r.bridge().set_fragments(config.fragments, r.agent.now());
  if (c.version() < Version::k13) c.session().async.set(kAsyncPacketIn, static_cast<unsigned>(PacketInReason::kInvalidTtl), config.invalid_ttl_to_controller);
  c.session().miss_send_len = config.miss_send_len;
  return {};
}

Outcome barrier(const Request& r) {
  // Everything before it is done, in the datapath too, where no cached decision of before is taken any more.
  auto waits = [&agent = r.agent, &c = r.connection, request = r.message, generation = r.bridge().generation_to_wait_for()] {
    if (!agent.bridge().in_force(generation, agent.now())) return true;
    c.reply(request, MessageType::OFPT_BARRIER_REPLY, Empty{});
    return false;
  };
  if (waits()) r.connection.work(waits);
  return {};
}

Outcome role(const Request& r) {
  const auto& request = r.body<RoleMessage>();
  if (!r.agent.set_role(r.connection, request)) return std::unexpected(Error::OFPRRFC_STALE);
  RoleMessage answer{.role = r.connection.session().role};
  if (auto id = r.agent.generation_id()) {
    answer.have_generation_id = true;
    answer.generation_id = *id;
  } else {
    answer.generation_id = UINT64_MAX;
  }
  r.reply(r.message.type == MessageType::NXT_ROLE_REQUEST ? MessageType::NXT_ROLE_REPLY : MessageType::OFPT_ROLE_REPLY, answer);
  return {};
}

Outcome get_async(const Request& r) {
  r.reply(MessageType::OFPT_GET_ASYNC_REPLY, r.connection.session().async.to_config(r.connection.version()));
  return {};
}

Outcome set_async(const Request& r) {
  r.connection.session().async.apply(r.body<AsyncConfig>());
  if (r.connection.kind() == ConnectionKind::kService && r.connection.session().miss_send_len == 0) r.connection.session().miss_send_len = 128;
  return {};
}

Outcome set_flow_format(const Request& r) {
  r.connection.session().nxm_flow_format = r.body<Setting>().value == NXFF_NXM;
  return {};
}

Outcome set_table_id(const Request& r) {
  r.connection.session().codec.flow_mod_table_id = r.body<Setting>().value != 0;
  return {};
}

Outcome set_packet_in_format(const Request& r) {
  uint32_t format = r.body<Setting>().value;
  if (format > static_cast<uint32_t>(PacketInFormat::kNxm2)) return std::unexpected(Error::OFPBRC_EPERM);
  r.connection.session().packet_in_format = static_cast<PacketInFormat>(format);
  return {};
}

Outcome set_controller_id(const Request& r) {
  r.connection.session().controller_id = static_cast<uint16_t>(r.body<Setting>().value);
  return {};
}

Outcome nothing(const Request&) { return {}; }

// --- changes ---

Outcome flow_mod(const Request& r) {
  auto& mod = r.body<FlowMod>();
  if (mod.command == FlowModCommand::kModify || mod.command == FlowModCommand::kDelete) r.connection.end_turn();
  return r.bridge().flow_mod(mod, r.connection.version(), r.agent.now());
}
Outcome group_mod(const Request& r) {
  auto done = r.bridge().group_mod(r.body<GroupMod>(), r.agent.now());
  if (done) r.agent.forward_request(r.connection, r.body<GroupMod>());
  return done;
}
Outcome meter_mod(const Request& r) { return r.bridge().meter_mod(r.body<MeterMod>(), r.agent.now()); }
Outcome port_mod(const Request& r) { return r.bridge().port_mod(r.body<PortMod>(), r.agent.now()); }
Outcome table_mod(const Request& r) { return r.bridge().table_mod(r.body<TableMod>(), r.connection.version(), r.agent.now()); }
Outcome tlv_table_mod(const Request& r) { return r.bridge().tlv_table_mod(r.body<TlvTableMod>(), r.agent.now()); }
Outcome tlv_table(const Request& r) {
  r.reply(MessageType::NXT_TLV_TABLE_REPLY, r.bridge().tlv_table());
  return {};
}
Outcome resume(const Request& r) { return r.bridge().resume(r.body<PacketIn>(), r.agent.now()); }
Outcome ct_flush(const Request& r) {
  r.bridge().flush_connections(r.body<CtFlush>(), r.agent.now());
  return {};
}
Outcome ct_flush_zone(const Request& r) {
  r.bridge().flush_connections({.zone = static_cast<uint16_t>(r.body<Setting>().value)}, r.agent.now());
  return {};
}
Outcome packet_out(const Request& r) { return r.bridge().packet_out(r.body<PacketOut>(), r.connection.version(), r.agent.now()); }

// --- statistics ---

Outcome desc(const Request& r) {
  r.reply(r.bridge().description());
  return {};
}

Outcome flow_stats(const Request& r) {
  r.connection.work([&agent = r.agent, &c = r.connection, request = r.body<FlowStatsRequest>(), type = reply_type(r.message.type), version = r.message.version,
                     xid = r.message.xid, at = FlowCursor{}]() mutable {
    Bytes out;
    MultipartWriter writer(out, type, version, xid, c.session().codec);
    bool more = agent.bridge().flow_stats(request, at, agent.now(), [&](const FlowStatsHead& head, const Rule& rule) { writer.append(head, rule.match, rule.actions->actions); });
    writer.finish(more);
    c.send_raw(std::move(out));
    return more;
  });
  return {};
}

Outcome aggregate(const Request& r) {
  r.connection.end_turn();
  auto sum = r.bridge().aggregate(r.body<FlowStatsRequest>(), r.agent.now());
  if (!sum) return std::unexpected(sum.error());
  r.reply(*sum);
  return {};
}

Outcome table_stats(const Request& r) {
  r.reply(TableStatsReply{r.bridge().table_stats()});
  return {};
}

Outcome port_stats(const Request& r) {
  auto ports = r.bridge().port_stats(r.body<PortRequest>().port_no, r.agent.now());
  if (!ports) return std::unexpected(ports.error());
  r.reply(PortStatsReply{std::move(*ports)});
  return {};
}

Outcome port_desc(const Request& r) {
  auto ports = r.bridge().port_descs();
  OfpPort wanted = r.message.version >= Version::k15 ? r.body<PortRequest>().port_no : OFPP_NONE;
  if (wanted != OFPP_NONE) std::erase_if(ports, [&](const PortDesc& p) { return p.port_no != wanted; });
  r.reply(PortDescReply{std::move(ports)});
  return {};
}

Outcome queue_stats(const Request& r) {
  auto ports = r.bridge().queues(r.body<QueueRequest>());
  if (!ports) return std::unexpected(ports.error());
  QueueStatsReply reply;
  for (OfpPort port : *ports) reply.queues.push_back({.port_no = port});
  r.reply(std::move(reply));
  return {};
}

Outcome queue_config(const Request& r) {
  const auto& request = r.body<QueueRequest>();
  if (r.message.version == Version::k10 && request.port_no == OFPP_NONE) return std::unexpected(Error::OFPQOFC_BAD_PORT);   // of one port only
  auto ports = r.bridge().queues(request);
  if (!ports) return std::unexpected(ports.error());
  QueueDescReply reply{.port_no = request.port_no};
  for (OfpPort port : *ports) reply.queues.push_back({.port_no = port});
  r.reply(r.message.type == MessageType::OFPST_QUEUE_DESC_REQUEST ? MessageType::OFPST_QUEUE_DESC_REPLY : MessageType::OFPT_QUEUE_GET_CONFIG_REPLY, std::move(reply));
  return {};
}

Outcome ipfix_stats(const Request&) { return std::unexpected(Error::NXST_NOT_CONFIGURED); }

Outcome group_desc(const Request& r) {
  bool says_which = r.message.version >= Version::k15 || r.message.type == MessageType::NXST_GROUP_DESC_REQUEST;
  uint32_t id = says_which ? r.body<GroupRequest>().group_id : OFPG_ALL;
  r.reply(GroupDescReply{r.bridge().group_descs(id)});
  return {};
}

Outcome group_stats(const Request& r) {
  r.reply(GroupStatsReply{r.bridge().group_stats(r.body<GroupRequest>().group_id, r.agent.now())});
  return {};
}

Outcome group_features(const Request& r) {
  r.reply(r.bridge().group_features());
  return {};
}

/// Of one meter, or of all.
template <typename Reply, typename Got>
Outcome meter_reply(const Request& r, Got got) {
  if (!got) return std::unexpected(got.error());
  r.reply(Reply{std::move(*got)});
  return {};
}
Outcome meter_stats(const Request& r) { return meter_reply<MeterStatsReply>(r, r.bridge().meter_stats(r.body<MeterRequest>().meter_id, r.agent.now())); }
Outcome meter_config(const Request& r) { return meter_reply<MeterConfigReply>(r, r.bridge().meter_configs(r.body<MeterRequest>().meter_id)); }
Outcome meter_features(const Request& r) {
  r.reply(r.bridge().meter_features());
  return {};
}

/// The tables' features as the version can tell them.
std::vector<TableFeatures> told_features(const Request& r) {
  std::vector<TableFeatures> all;
  Bytes out;
  if (!encode({.type = MessageType::OFPST_TABLE_FEATURES_REPLY, .version = r.message.version, .body = TableFeaturesMessage{r.bridge().table_features()}}, out)) return all;
  for (ByteView rest = out; rest.size() >= kHeaderSize;) {
    size_t length = peek_header(rest)->length;
    auto part = decode(rest.first(length));
    if (!part) break;
    rest = rest.subspan(length);
    std::ranges::move(std::get<TableFeaturesMessage>(part->body).tables, std::back_inserter(all));
  }
  return all;
}

/// Names can be set, nothing else (as with Open vSwitch).
Outcome set_table_names(const Request& r) {
  auto told = told_features(r);
  for (const TableFeatures& wanted : r.body<TableFeaturesMessage>().tables) {
    auto now = std::ranges::find(told, wanted.table_id, &TableFeatures::table_id);
    if (now == told.end()) return std::unexpected(Error::OFPTFFC_BAD_TABLE);
    bool same = wanted.nonmiss == now->nonmiss && wanted.miss == now->miss && wanted.match == now->match && wanted.mask == now->mask && wanted.wildcard == now->wildcard;
    if (wanted.any_properties && !same) return std::unexpected(Error::OFPTFFC_EPERM);
  }
  for (const TableFeatures& wanted : r.body<TableFeaturesMessage>().tables)
    if (auto set = r.bridge().set_table_name(wanted.table_id, wanted.name); !set) return set;
  return {};
}

Outcome table_features(const Request& r) {
  if (!r.body<TableFeaturesMessage>().tables.empty())
    if (auto set = set_table_names(r); !set) return set;
  if (!r.message.more) r.reply(TableFeaturesMessage{r.bridge().table_features()});
  return {};
}

Outcome table_desc(const Request& r) {
  r.reply(TableDescReply{r.bridge().table_descs()});
  return {};
}

// --- flow monitors ---

Outcome flow_monitor(const Request& r) {
  FlowMonitorReply initial;
  auto done = r.agent.monitors(r.connection).request(r.body<FlowMonitorRequest>(), r.bridge(), initial.updates);
  r.agent.monitors_changed();
  if (done) r.reply(std::move(initial));
  return done;
}

Outcome flow_monitor_cancel(const Request& r) {
  auto done = r.agent.monitors(r.connection).cancel(r.body<Setting>().value);
  r.agent.monitors_changed();
  return done;
}

// --- bundles (OF1.4.0 7.3.9) ---

Outcome bundle_control(const Request& r);
Outcome bundle_add(const Request& r);

enum class Allowed : uint8_t { kAll, kNotSecondary };  // who may send it

struct Row {
  MessageType type;
  Outcome (*handler)(const Request&);
  Allowed allowed = Allowed::kAll;
};

constexpr Row kHandlers[] = {
    {MessageType::OFPT_FEATURES_REQUEST, features},
    {MessageType::OFPT_GET_CONFIG_REQUEST, get_config},
    {MessageType::OFPT_SET_CONFIG, set_config},
    {MessageType::OFPT_BARRIER_REQUEST, barrier},
    {MessageType::OFPT_ROLE_REQUEST, role},
    {MessageType::NXT_ROLE_REQUEST, role},
    {MessageType::OFPT_GET_ASYNC_REQUEST, get_async},
    {MessageType::OFPT_SET_ASYNC, set_async},
    {MessageType::NXT_SET_ASYNC_CONFIG, set_async},
    {MessageType::NXT_SET_ASYNC_CONFIG2, set_async},
    {MessageType::NXT_SET_FLOW_FORMAT, set_flow_format},
    {MessageType::NXT_FLOW_MOD_TABLE_ID, set_table_id},
    {MessageType::NXT_SET_PACKET_IN_FORMAT, set_packet_in_format},
    {MessageType::NXT_SET_CONTROLLER_ID, set_controller_id},
    {MessageType::NXT_FLOW_AGE, nothing},
    {MessageType::OFPT_FLOW_MOD, flow_mod, Allowed::kNotSecondary},
    {MessageType::NXT_FLOW_MOD, flow_mod, Allowed::kNotSecondary},
    {MessageType::OFPT_GROUP_MOD, group_mod, Allowed::kNotSecondary},
    {MessageType::NXT_GROUP_MOD, group_mod, Allowed::kNotSecondary},
    {MessageType::OFPT_METER_MOD, meter_mod, Allowed::kNotSecondary},
    {MessageType::OFPT_PORT_MOD, port_mod, Allowed::kNotSecondary},
    {MessageType::OFPT_TABLE_MOD, table_mod, Allowed::kNotSecondary},
    {MessageType::OFPT_PACKET_OUT, packet_out, Allowed::kNotSecondary},
    {MessageType::NXT_RESUME, resume, Allowed::kNotSecondary},
    {MessageType::NXT_TLV_TABLE_MOD, tlv_table_mod, Allowed::kNotSecondary},
    {MessageType::NXT_TLV_TABLE_REQUEST, tlv_table},
    {MessageType::NXT_CT_FLUSH_ZONE, ct_flush_zone, Allowed::kNotSecondary},
    {MessageType::NXT_CT_FLUSH, ct_flush, Allowed::kNotSecondary},
    {MessageType::OFPT_QUEUE_GET_CONFIG_REQUEST, queue_config},
    {MessageType::OFPST_QUEUE_DESC_REQUEST, queue_config},
    {MessageType::OFPT_BUNDLE_CONTROL, bundle_control, Allowed::kNotSecondary},
    {MessageType::ONFT_BUNDLE_CONTROL, bundle_control, Allowed::kNotSecondary},
    {MessageType::OFPT_BUNDLE_ADD_MESSAGE, bundle_add, Allowed::kNotSecondary},
    {MessageType::ONFT_BUNDLE_ADD_MESSAGE, bundle_add, Allowed::kNotSecondary},
    {MessageType::OFPST_DESC_REQUEST, desc},
    {MessageType::OFPST_FLOW_REQUEST, flow_stats},
    {MessageType::NXST_FLOW_REQUEST, flow_stats},
    {MessageType::OFPST_AGGREGATE_REQUEST, aggregate},
    {MessageType::NXST_AGGREGATE_REQUEST, aggregate},
    {MessageType::OFPST_TABLE_REQUEST, table_stats},
    {MessageType::OFPST_TABLE_FEATURES_REQUEST, table_features},
    {MessageType::OFPST_TABLE_DESC_REQUEST, table_desc},
    {MessageType::OFPST_PORT_REQUEST, port_stats},
    {MessageType::OFPST_PORT_DESC_REQUEST, port_desc},
    {MessageType::OFPST_QUEUE_REQUEST, queue_stats},
    {MessageType::NXST_IPFIX_BRIDGE_REQUEST, ipfix_stats},
    {MessageType::NXST_IPFIX_FLOW_REQUEST, ipfix_stats},
    {MessageType::OFPST_FLOW_MONITOR_REQUEST, flow_monitor},
    {MessageType::NXST_FLOW_MONITOR_REQUEST, flow_monitor},
    {MessageType::ONFST_FLOW_MONITOR_REQUEST, flow_monitor},
    {MessageType::NXT_FLOW_MONITOR_CANCEL, flow_monitor_cancel},
    {MessageType::ONFT_FLOW_MONITOR_CANCEL, flow_monitor_cancel},
    {MessageType::OFPST_METER_REQUEST, meter_stats},
    {MessageType::OFPST_METER_CONFIG_REQUEST, meter_config},
    {MessageType::OFPST_METER_FEATURES_REQUEST, meter_features},
    {MessageType::OFPST_GROUP_REQUEST, group_stats},
    {MessageType::NXST_GROUP_REQUEST, group_stats},
    {MessageType::OFPST_GROUP_DESC_REQUEST, group_desc},
    {MessageType::NXST_GROUP_DESC_REQUEST, group_desc},
    {MessageType::OFPST_GROUP_FEATURES_REQUEST, group_features},
    {MessageType::NXST_GROUP_FEATURES_REQUEST, group_features},
};

/// Row of each type, or null: made at compile time so that dispatch is one index.
constexpr auto kByType = [] {
  std::array<const Row*, kMessageTypes> t{};
  for (const Row& row : kHandlers) t[static_cast<size_t>(row.type)] = &row;
  return t;
}();

Outcome dispatch(const Request& r) {
  const Row* row = kByType[static_cast<size_t>(r.message.type)];
  if (!row) return std::unexpected(info(r.message.type).multipart ? Error::OFPBRC_BAD_STAT : Error::OFPBRC_BAD_TYPE);
  if (row->allowed == Allowed::kNotSecondary && r.connection.session().role == Role::kSecondary) return std::unexpected(Error::OFPBRC_IS_SECONDARY);
  return row->handler(r);
}

/// All or nothing: the bridge keeps its old tables until the last message has succeeded.
Outcome commit_bundle(const Request& r, OpenBundle bundle) {
  auto staged = r.bridge().stage();
  r.connection.end_turn();
  Time now = r.agent.now();
  bool as_read = bundle.tlv_changes == r.bridge().tlv_changes();   // tun_metadata fields are where they were
  auto apply = [&](BundledMessage& waiting) {
    if (waiting.flow_mod && as_read) return r.bridge().flow_mod(*waiting.flow_mod, r.connection.version(), now);
    Message message;
    Outcome read = read_message(waiting.raw, r.connection.session().codec, message);
    return read ? dispatch({r.agent, r.connection, message, waiting.raw}) : read;
  };
  for (BundledMessage& waiting : bundle.messages) {
    if (Outcome done = apply(waiting); !done) {
      r.connection.send_error(done.error(), waiting.raw);
      r.bridge().roll_back(std::move(staged), now);
      return std::unexpected(Error::OFPBFC_MSG_FAILED);
    }
  }
  r.bridge().commit(std::move(staged), now);
  return {};
}

Outcome bundle_control(const Request& r) {
  const auto& [id, type, flags] = r.body<BundleControl>();
  Bundles& bundles = r.agent.bundles(r.connection);
  Outcome done;
  switch (type) {
    case BundleControlType::kOpenRequest: done = bundles.open(id, flags, r.raw, r.agent.now()); break;
    case BundleControlType::kCloseRequest: done = bundles.close(id, flags, r.agent.now()); break;
    case BundleControlType::kCommitRequest: {
      auto bundle = bundles.take(id, flags);
      done = bundle ? commit_bundle(r, std::move(*bundle)) : std::unexpected(bundle.error());
      break;
    }
    case BundleControlType::kDiscardRequest: done = bundles.discard(id, flags); break;
    default: return std::unexpected(Error::OFPBFC_BAD_TYPE);
  }
  if (!done) return done;
  r.reply(r.message.type, BundleControl{id, static_cast<BundleControlType>(static_cast<uint16_t>(type) + 1), 0});
  return {};
}

Outcome bundle_add(const Request& r) {
  const auto& add = r.body<BundleAdd>();
  Bundles& bundles = r.agent.bundles(r.connection);
  auto bundle = bundles.to_fill(add.bundle_id, add.flags, r.raw, r.agent.now());
  if (!bundle) return std::unexpected(bundle.error());
  if ((*bundle)->messages.empty()) (*bundle)->tlv_changes = r.bridge().tlv_changes();
  // Which messages may be in a bundle, the codec knows.
  return bundles.add(**bundle, add.message, [&](BundledMessage& waiting) -> Outcome {
    const CodecOptions& codec = r.connection.session().codec;
    if (add.type == MessageType::OFPT_FLOW_MOD || add.type == MessageType::NXT_FLOW_MOD) {
      FlowMod& mod = waiting.flow_mod.emplace();
      Outcome read = read_flow_mod(add.message, add.type, codec, mod);
      if (read && mod.table_id == kHiddenTable) return std::unexpected(Error::OFPBRC_EPERM);
      return read;
    }
    Message message;
    return read_message(add.message, codec, message);
  });
}

}  // namespace

void handle_message(Agent& agent, OfConnection& c, ofp::Message& m, ByteView raw) {
  if (auto done = dispatch({agent, c, m, raw}); !done) c.send_error(done.error(), raw);
}

}  // namespace sluice

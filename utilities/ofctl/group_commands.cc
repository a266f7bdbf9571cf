// SPDX-License-Identifier: Apache-2.0
// Commands about groups and meters.
#include "lib/program.h"
#include "ofproto/openflow/group_text.h"
#include "ofproto/openflow/text.h"
#include "utilities/ofctl/flows.h"

namespace sluice::ofctl {
namespace {

using namespace ofp;  // NOLINT

MessageType group_mod_type(const Client& c) { return c.version() == Version::k10 ? MessageType::NXT_GROUP_MOD : MessageType::OFPT_GROUP_MOD; }

void send_groups(const Settings& s, const std::string& bridge, std::vector<GroupMod> mods, ProtocolSet usable, std::unique_ptr<Client> c,
                 const TlvTable* tlv) {
  if (s.bundle) {
    VersionSet versions = bundle_versions(s.versions);
    if (versions & protocols_versions(usable))
      for (const GroupMod& m : mods) need_bucket_commands(versions, m.command);
    std::vector<BundleItem> items;
    for (GroupMod& m : mods) items.push_back({std::move(m), usable});
    return run_bundle(s, bridge, items, usable, tlv, std::move(c));
  }
  FlowSession session = open_for_flow_mods(s, bridge, usable, std::move(c));
  std::vector<Bytes> requests;
  for (const GroupMod& m : mods) {
    need_bucket_commands(version_bit(session.client->version()), m.command);
    requests.push_back(encode_or_die(session.client->make(group_mod_type(*session.client), m), {.tlv = tlv}));
  }
  transact_many(s, *session.client, requests);
}

void change_groups_file(const Settings& s, Words w, std::optional<GroupCommand> command) {
  auto c = open_bridge(s, w[0]);
  Names names(s);
  std::vector<Line> lines = read_lines(w[1]);
  TextNames read = names.for_reading(*c, lines);
  std::vector<GroupMod> mods;
  ProtocolSet usable = kAllProtocols;
  for (const Line& line : lines) {
    auto group = parse_group(line.text, command, read);
    if (!group) fatal("{}:{}: {}", w[1], line.number, group.error());
    usable &= group->usable;
    mods.push_back(std::move(group->mod));
  }
  send_groups(s, w[0], std::move(mods), usable, std::move(c), read.tlv);
}

void change_group(const Settings& s, Words w, GroupCommand command) {
  bool adds = command == GroupCommand::kAdd;  // then lines may have other commands, as in files
  if (w.size() > 1 && w[1] == "-") return change_groups_file(s, w, adds ? std::nullopt : std::optional(command));
  auto c = open_bridge(s, w[0]);
  Names names(s);
  std::string_view text = w.size() > 1 ? std::string_view(w[1]) : std::string_view{};
  TextNames read = names.for_reading(*c, text);
  auto group = parse_group(text, command, read);
  if (!group) fatal("{}", group.error());
  std::vector<GroupMod> mods;
  mods.push_back(std::move(group->mod));
  send_groups(s, w[0], std::move(mods), group->usable, std::move(c), read.tlv);
}

void add_group(const Settings& s, Words w) { change_group(s, w, GroupCommand::kAdd); }
void add_groups(const Settings& s, Words w) { change_groups_file(s, w, std::nullopt); }
void mod_group(const Settings& s, Words w) { change_group(s, w, s.may_create ? GroupCommand::kAddOrModify : GroupCommand::kModify); }
void del_groups(const Settings& s, Words w) { change_group(s, w, GroupCommand::kDelete); }
void insert_buckets(const Settings& s, Words w) { change_group(s, w, GroupCommand::kInsertBucket); }
void remove_buckets(const Settings& s, Words w) { change_group(s, w, GroupCommand::kRemoveBucket); }

uint32_t group_number(std::string_view text) {
  if (equal_ignoring_case(text, "all")) return OFPG_ALL;
  if (equal_ignoring_case(text, "any")) return OFPG_ANY;
  auto n = parse_number(text);
  if (!n || *n > UINT32_MAX) fatal("invalid group id {}", text);
  return static_cast<uint32_t>(*n);
}

/// "group_id=5".
uint32_t named_group(std::string_view text) {
  size_t end = text.find_first_of("=:");
  if (text.substr(0, end) != "group_id" || end == std::string_view::npos) fatal("unknown keyword {}", text.substr(0, end));
  return group_number(text.substr(end + 1));
}

/// The Nicira form in 1.0 (and, for features, 1.1).
MessageType choose(const Client& c, MessageType standard, MessageType nicira) { return exists(standard, c.version()) ? standard : nicira; }

void dump_groups(const Settings& s, Words w) {
  auto c = open_bridge(s, w[0]);
  uint32_t group = w.size() > 1 ? group_number(w[1]) : OFPG_ALL;
  Names names(s);
  dump(s, *c, c->make(choose(*c, MessageType::OFPST_GROUP_DESC_REQUEST, MessageType::NXST_GROUP_DESC_REQUEST), GroupRequest{group}), names.for_printing(*c));
}

void dump_group_stats(const Settings& s, Words w) {
  auto c = open_bridge(s, w[0]);
  dump(s, *c, c->make(choose(*c, MessageType::OFPST_GROUP_REQUEST, MessageType::NXST_GROUP_REQUEST), GroupRequest{w.size() > 1 ? named_group(w[1]) : OFPG_ALL}));
}

void dump_group_features(const Settings& s, Words w) {
  auto c = open_bridge(s, w[0]);
  dump(s, *c, c->make(choose(*c, MessageType::OFPST_GROUP_FEATURES_REQUEST, MessageType::NXST_GROUP_FEATURES_REQUEST), Empty{}));
}

// --- Meters ---

void change_meter(const Settings& s, Words w, MeterCommand command) {
  MeterMod m{.command = command, .meter = {.meter_id = OFPM_ALL}};
  if (w.size() > 1) {
    auto parsed = parse_meter(w[1], command);
    if (!parsed) fatal("{}", parsed.error());
    m = std::move(*parsed);
  }
  FlowSession session = open_for_flow_mods(s, w[0], kMeterProtocols);
  transact_noreply(s, *session.client, encode_or_die(session.client->make(MessageType::OFPT_METER_MOD, m)));
}

void add_meter(const Settings& s, Words w) { change_meter(s, w, MeterCommand::kAdd); }
void mod_meter(const Settings& s, Words w) { change_meter(s, w, MeterCommand::kModify); }
void del_meters(const Settings& s, Words w) { change_meter(s, w, MeterCommand::kDelete); }

void query_meters(const Settings& s, Words w, MessageType type) {
  MeterRequest request;
  if (w.size() > 1) {
    auto id = parse_meter_id(w[1]);
    if (!id) fatal("{}", id.error());
    request.meter_id = *id;
  }
  FlowSession session = open_for_flow_mods(s, w[0], kMeterProtocols);
  if (type == MessageType::OFPST_METER_FEATURES_REQUEST) return dump(s, *session.client, session.client->make(type, Empty{}));
  dump(s, *session.client, session.client->make(type, request));
}

void dump_meters(const Settings& s, Words w) { query_meters(s, w, MessageType::OFPST_METER_CONFIG_REQUEST); }
void meter_stats(const Settings& s, Words w) { query_meters(s, w, MessageType::OFPST_METER_REQUEST); }
void meter_features(const Settings& s, Words w) { query_meters(s, w, MessageType::OFPST_METER_FEATURES_REQUEST); }

constexpr Command kCommands[] = {
    {"add-group", "switch group", 1, 2, kWrites, add_group, "add group described by GROUP"},
    {"add-groups", "switch file", 2, 2, kWrites, add_groups, "add group from FILE"},
    {"mod-group", "switch group", 1, 2, kWrites, mod_group, "modify specific group (--may-create: or add it)"},
    {"del-groups", "switch [group]", 1, 2, kWrites, del_groups, "delete matching GROUPs"},
    {"insert-buckets", "switch [group]", 1, 2, kWrites, insert_buckets, "add buckets to GROUP"},
    {"remove-buckets", "switch [group]", 1, 2, kWrites, remove_buckets, "remove buckets from GROUP"},
    {"dump-group-features", "switch", 1, 1, kReads, dump_group_features, "print group features"},
    {"dump-groups", "switch [group]", 1, 2, kReads, dump_groups, "print group description"},
    {"dump-group-stats", "switch [group]", 1, 2, kReads, dump_group_stats, "print group statistics"},
    {"add-meter", "switch meter", 2, 2, kWrites, add_meter, "add meter described by METER"},
    {"mod-meter", "switch meter", 2, 2, kWrites, mod_meter, "modify specific METER"},
    {"del-meters", "switch [meter]", 1, 2, kWrites, del_meters, "delete meters matching METER"},
    {"del-meter", "switch meter", 1, 2, kWrites, del_meters, ""},
    {"dump-meters", "switch [meter]", 1, 2, kReads, dump_meters, "print METER configuration"},
    {"dump-meter", "switch meter", 1, 2, kReads, dump_meters, ""},
    {"meter-stats", "switch [meter]", 1, 2, kReads, meter_stats, "print meter statistics"},
    {"meter-features", "switch", 1, 1, kReads, meter_features, "print meter features"},
};

}  // namespace

void need_bucket_commands(VersionSet versions, GroupCommand command) {
  bool bucket = command == GroupCommand::kInsertBucket || command == GroupCommand::kRemoveBucket;
  if (!bucket || versions & (version_bit(Version::k10) | version_bit(Version::k15))) return;
  fatal("{} needs OpenFlow 1.5 or later ('-O OpenFlow15')", command == GroupCommand::kInsertBucket ? "insert-bucket" : "remove-bucket");
}

std::span<const Command> group_commands() { return kCommands; }

}  // namespace sluice::ofctl

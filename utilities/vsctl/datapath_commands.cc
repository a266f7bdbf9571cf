// SPDX-License-Identifier: Apache-2.0
// Commands on connection tracking zones, datapath capabilities and Auto Attach.
#include <fmt/core.h>

#include <cstdlib>

#include "utilities/vsctl/model.h"
#include "lib/decimal.h"

namespace sluice::vsctl {
namespace {

std::optional<RowId> find_datapath(View& view, std::string_view name) {
  RowId r = root(view);
  Datum all = view.get(r, "datapaths");
  size_t at = all.ref().find(name);
  if (at == all.size()) return std::nullopt;
  return RowId{&view.table("Datapath"), all.ref().value(at).uuid()};
}

RowId datapath(View& view, std::string_view name) {
  if (auto d = find_datapath(view, name)) return *d;
  throw Failure{fmt::format("datapath {} does not exist", name)};
}

int64_t zone_of(std::string_view argument) {
  size_t equals = argument.find('=');
  return equals == argument.npos ? 0 : std::atoll(std::string(argument.substr(equals + 1)).c_str());
}

std::optional<RowId> find_zone(View& view, const RowId& dp, int64_t zone) {
  Datum zones = view.get(dp, "ct_zones");
  size_t at = zones.ref().find(zone);
  if (at == zones.size()) return std::nullopt;
  return RowId{&view.table("CT_Zone"), zones.ref().value(at).uuid()};
}

/// "icmp_first=60 udp_first=30" as a map.
Datum timeouts(std::span<const std::string> arguments) {
  ovsdb::DatumBuilder b(AtomType::string, AtomType::integer);
  for (const std::string& a : arguments) {
    size_t equals = a.find('=');
    int64_t seconds = equals == a.npos ? 0 : std::atoll(a.c_str() + equals + 1);
    b.add(std::string_view(a).substr(0, equals), seconds);
  }
  b.sort_unique();
  return b.finish();
}

void add_zone_tp(Context& ctx) {
  View& view = ctx.view;
  RowId dp = datapath(view, ctx.arg(0));
  int64_t id = zone_of(ctx.arg(1));
  auto zone = find_zone(view, dp, id);
  if (zone && !ctx.command.has("--may-exist")) throw Failure{fmt::format("zone id {} already exists", id)};
  RowId policy = view.insert("CT_Timeout_Policy");
  view.set(policy, "timeouts", timeouts(std::span(ctx.command.args).subspan(2)));
  if (!zone) {
    zone = view.insert("CT_Zone");
    std::pair<AtomRef, AtomRef> pair{id, zone->uuid};
    view.add(dp, "ct_zones", Datum::map(AtomType::integer, AtomType::uuid, std::span(&pair, 1)));
  }
  view.set(*zone, "timeout_policy", ref(policy));
}

void del_zone_tp(Context& ctx) {
  RowId dp = datapath(ctx.view, ctx.arg(0));
  int64_t id = zone_of(ctx.arg(1));
  if (find_zone(ctx.view, dp, id)) return ctx.view.remove(dp, "ct_zones", Datum::scalar(id));
  if (!ctx.command.has("--if-exists")) throw Failure{fmt::format("zone id {} does not exist", id)};
}

void list_zone_tp(Context& ctx) {
  View& view = ctx.view;
  auto dp = find_datapath(view, ctx.arg(0));
  if (!dp) throw Failure{fmt::format("datapath: {} record not found", ctx.arg(0))};
  Datum zones = view.get(*dp, "ct_zones");
  for (size_t i = 0; i < zones.size(); i++) {
    std::string line = fmt::format("Zone:{}, Timeout Policies: ", zones.ref().key(i).integer());
    auto policies = view.referenced({&view.table("CT_Zone"), zones.ref().value(i).uuid()}, "timeout_policy");
    if (policies.empty()) {
      ctx.print_line(line + "system default");
      continue;
    }
    Datum t = view.get(policies[0], "timeouts");
    for (size_t k = 0; k < t.size(); k++) line += fmt::format("{}{}={}", k ? " " : "", t.ref().key(k).string(), t.ref().value(k).integer());
    ctx.print_line(line);
  }
}

void list_dp_cap(Context& ctx) {
  auto dp = find_datapath(ctx.view, ctx.arg(0));
  if (!dp) throw Failure{fmt::format("datapath \"{}\" record not found", ctx.arg(0))};
  Datum caps = ctx.view.get(*dp, "capabilities");
  for (size_t i = 0; i < caps.size(); i++) ctx.print(fmt::format("{}{}={}", i ? " " : "", caps.ref().key(i).string(), caps.ref().value(i).string()));
  ctx.print("\n");
}

int64_t number(const std::string& s) {
  auto v = parse_decimal<int64_t>(s);
  if (!v) throw Failure{fmt::format("Invalid argument {}", s)};
  return *v;
}

std::optional<RowId> auto_attach(View& view, const Bridge& b) {
  auto rows = view.referenced(b.row, "auto_attach");
  return rows.empty() ? std::nullopt : std::optional(rows[0]);
}

void add_aa_mapping(Context& ctx) {
  View& view = ctx.view;
  int64_t isid = number(ctx.arg(1)), vlan = number(ctx.arg(2));
  Bridge b = bridge(view, ctx.arg(0));
  auto row = auto_attach(view, b);
  if (!row) {
    row = view.insert("AutoAttach");
    view.set(b.row, "auto_attach", ref(*row));
  }
  std::pair<AtomRef, AtomRef> pair{isid, vlan};
  view.add(*row, "mappings", Datum::map(AtomType::integer, AtomType::integer, std::span(&pair, 1)));
}

void del_aa_mapping(Context& ctx) {
  int64_t isid = number(ctx.arg(1)), vlan = number(ctx.arg(2));
  auto row = auto_attach(ctx.view, bridge(ctx.view, ctx.arg(0)));
  if (!row) return;
  std::pair<AtomRef, AtomRef> pair{isid, vlan};
  ctx.view.remove(*row, "mappings", Datum::map(AtomType::integer, AtomType::integer, std::span(&pair, 1)));
}

void get_aa_mapping(Context& ctx) {
  auto row = auto_attach(ctx.view, bridge(ctx.view, ctx.arg(0)));
  if (!row) return;
  Datum m = ctx.view.get(*row, "mappings");
  for (size_t i = 0; i < m.size(); i++) ctx.print_line(fmt::format("{} {}", m.ref().key(i).integer(), m.ref().value(i).integer()));
}

constexpr CommandSpec kCommands[] = {
    {"add-zone-tp", 3, kAny, "!DATAPATH !ZONE +KEY=VALUE", "--may-exist", add_zone_tp},
    {"del-zone-tp", 2, 2, "!DATAPATH !ZONE", "--if-exists", del_zone_tp},
    {"list-zone-tp", 1, 1, "!DATAPATH", "", list_zone_tp},
    {"list-dp-cap", 1, 1, "!DATAPATH", "", list_dp_cap},
    {"add-aa-mapping", 3, 3, "!BRIDGE !ARG !ARG", "", add_aa_mapping},
    {"del-aa-mapping", 3, 3, "!BRIDGE !ARG !ARG", "", del_aa_mapping},
    {"get-aa-mapping", 1, 1, "!BRIDGE", "", get_aa_mapping},
};

}  // namespace

std::span<const CommandSpec> datapath_commands() { return kCommands; }

}  // namespace sluice::vsctl

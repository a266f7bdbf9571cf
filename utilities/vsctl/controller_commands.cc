// SPDX-License-Identifier: Apache-2.0
// Commands on controllers, fail modes, managers and SSL.
#include <fmt/core.h>

#include <cstdlib>
#include <set>

#include "lib/target.h"
#include "utilities/vsctl/model.h"

namespace sluice::vsctl {
namespace {

std::vector<std::string> targets_of(View& view, const std::vector<RowId>& rows) {
  std::vector<std::string> out;
  for (const RowId& r : rows) out.push_back(view.get_string(r, "target"));
  return out;
}

/// New rows of Controller or Manager, one for each distinct target.
Datum insert_targets(Context& ctx, std::string_view table, std::span<const std::string> targets) {
  ovsdb::DatumBuilder refs(AtomType::uuid);
  auto probe = ctx.command.options.find("--inactivity-probe");
  for (const std::string& target : std::set<std::string>(targets.begin(), targets.end())) {
    if (!looks_like_active_target(target) && !looks_like_passive_target(target))
      ctx.warnings.push_back(fmt::format("vsctl|WARN|target type \"{}\" is possibly erroneous", target));
    RowId row = ctx.view.insert(table);
    ctx.view.set(row, "target", text(target));
    if (probe != ctx.command.options.end()) ctx.view.set(row, "inactivity_probe", Datum::scalar(int64_t{std::atoll(probe->second.c_str())}));
    refs.add(row.uuid);
  }
  refs.sort_unique();
  return refs.finish();
}

void erase_all(View& view, const std::vector<RowId>& rows) {
  for (const RowId& r : rows) view.erase(r);
}

void get_controller(Context& ctx) {
  Bridge b = bridge(ctx.view, ctx.arg(0));
  ctx.print_sorted(targets_of(ctx.view, ctx.view.referenced(b.row, "controller")));
}

void set_controllers(Context& ctx, std::span<const std::string> targets) {
  Bridge b = real_bridge(ctx.view, ctx.arg(0));
  ctx.view.verify(b.row, "controller");
  std::vector<RowId> old = ctx.view.referenced(b.row, "controller");
  ctx.view.set(b.row, "controller", insert_targets(ctx, "Controller", targets));
  erase_all(ctx.view, old);
}

void del_controller(Context& ctx) { set_controllers(ctx, {}); }
void set_controller(Context& ctx) { set_controllers(ctx, std::span(ctx.command.args).subspan(1)); }

void get_fail_mode(Context& ctx) {
  std::string mode = ctx.view.get_string(bridge(ctx.view, ctx.arg(0)).row, "fail_mode");
  if (!mode.empty()) ctx.print_line(mode);
}

void del_fail_mode(Context& ctx) { ctx.view.set(real_bridge(ctx.view, ctx.arg(0)).row, "fail_mode", Datum(AtomType::string)); }

void set_fail_mode(Context& ctx) {
  Bridge b = real_bridge(ctx.view, ctx.arg(0));
  const std::string& mode = ctx.arg(1);
  if (mode != "standalone" && mode != "secure") throw Failure{"fail-mode must be \"standalone\" or \"secure\""};
  ctx.view.set(b.row, "fail_mode", text(mode));
}

void get_manager(Context& ctx) { ctx.print_sorted(targets_of(ctx.view, ctx.view.referenced(root(ctx.view), "manager_options"))); }

void set_managers(Context& ctx, std::span<const std::string> targets) {
  RowId r = root(ctx.view);
  ctx.view.verify(r, "manager_options");
  std::vector<RowId> old = ctx.view.referenced(r, "manager_options");
  ctx.view.set(r, "manager_options", insert_targets(ctx, "Manager", targets));
  erase_all(ctx.view, old);
}

void del_manager(Context& ctx) { set_managers(ctx, {}); }
void set_manager(Context& ctx) { set_managers(ctx, ctx.command.args); }

void get_ssl(Context& ctx) {
  std::vector<RowId> rows = ctx.view.referenced(root(ctx.view), "ssl");
  if (rows.empty()) return;
  constexpr std::pair<std::string_view, std::string_view> kLines[] = {
      {"Private key", "private_key"}, {"Certificate", "certificate"}, {"CA Certificate", "ca_cert"}};
  for (const auto& [title, column] : kLines) ctx.print_line(fmt::format("{}: {}", title, ctx.view.get_string(rows[0], column)));
  ctx.print_line(fmt::format("Bootstrap: {}", ctx.view.get(rows[0], "bootstrap_ca_cert").ref().boolean()));
}

void del_ssl(Context& ctx) {
  RowId r = root(ctx.view);
  std::vector<RowId> old = ctx.view.referenced(r, "ssl");
  ctx.view.set(r, "ssl", Datum(AtomType::uuid));
  erase_all(ctx.view, old);
}

void set_ssl(Context& ctx) {
  del_ssl(ctx);
  RowId row = ctx.view.insert("SSL");
  ctx.view.set(row, "private_key", text(ctx.arg(0)));
  ctx.view.set(row, "certificate", text(ctx.arg(1)));
  ctx.view.set(row, "ca_cert", text(ctx.arg(2)));
  ctx.view.set(row, "bootstrap_ca_cert", Datum::scalar(ctx.command.has("--bootstrap")));
  ctx.view.set(root(ctx.view), "ssl", ref(row));
}

constexpr CommandSpec kCommands[] = {
    {"get-controller", 1, 1, "!BRIDGE", "", get_controller},
    {"del-controller", 1, 1, "!BRIDGE", "", del_controller},
    {"set-controller", 1, kAny, "!BRIDGE +TARGET", "--inactivity-probe=", set_controller},
    {"get-fail-mode", 1, 1, "!BRIDGE", "", get_fail_mode},
    {"del-fail-mode", 1, 1, "!BRIDGE", "", del_fail_mode},
    {"set-fail-mode", 2, 2, "!BRIDGE !MODE", "", set_fail_mode},
    {"get-manager", 0, 0, "", "", get_manager},
    {"del-manager", 0, 0, "", "", del_manager},
    {"set-manager", 1, kAny, "+TARGET", "--inactivity-probe=", set_manager},
    {"get-ssl", 0, 0, "", "", get_ssl},
    {"del-ssl", 0, 0, "", "", del_ssl},
    {"set-ssl", 3, 3, "!PRIVATE-KEY !CERTIFICATE !CA-CERT", "--bootstrap", set_ssl},
};

}  // namespace

std::span<const CommandSpec> controller_commands() { return kCommands; }

}  // namespace sluice::vsctl

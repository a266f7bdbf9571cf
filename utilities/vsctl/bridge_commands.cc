// SPDX-License-Identifier: Apache-2.0
// Commands on bridges, fake ones included.
#include <fmt/core.h>

#include <charconv>

#include "utilities/vsctl/model.h"
#include "utilities/vsctl/names.h"

namespace sluice::vsctl {
namespace {

/// The command as it was given, for messages: "--may-exist add-br f0 br7 11".
std::string may_exist_text(const Context& ctx) {
  std::string s = fmt::format("\"--may-exist {}", ctx.command.spec->name);
  for (const std::string& a : ctx.command.args) s += " " + a;
  return s + "\"";
}

/// --may-exist: the bridge that is there must be the one that was asked for.
void check_existing(const Context& ctx, const Bridge& b, const std::string* parent, int64_t vlan, std::string_view parent_real) {
  std::string given = may_exist_text(ctx);
  if (!parent) {
    if (b.fake_port) throw Failure{fmt::format("{} but {} is a VLAN bridge for VLAN {}", given, b.name, b.vlan)};
    return;
  }
  if (!b.fake_port) throw Failure{fmt::format("{} but {} is not a VLAN bridge", given, b.name)};
  if (parent_real != *parent) throw Failure{fmt::format("{} but {} has the wrong parent {}", given, b.name, parent_real)};
  if (b.vlan != vlan) throw Failure{fmt::format("{} but {} is a VLAN bridge for the wrong VLAN {}", given, b.name, b.vlan)};
}

RowId local_port(Context& ctx, std::string_view name) {
  RowId i = new_interface(ctx, name);
  ctx.view.set(i, "type", text("internal"));
  RowId p = ctx.view.insert("Port");
  ctx.view.set(p, "name", text(name));
  ctx.view.set(p, "interfaces", ref(i));
  return p;
}

void add_br(Context& ctx) {
  if (ctx.arg_count() == 2) throw Failure{"'add-br' command takes exactly 1 or 3 arguments"};
  const std::string& name = ctx.arg(0);
  const std::string* parent = ctx.arg_count() == 3 ? &ctx.arg(1) : nullptr;
  int64_t vlan = parent ? std::atoi(ctx.arg(2).c_str()) : 0;
  if (parent && (vlan < 0 || vlan > 4095)) throw Failure{"add-br: vlan must be between 0 and 4095"};
  View& view = ctx.view;
  if (name.empty()) throw Failure{"bridge name must not be empty string"};
  if (ctx.command.has("--may-exist")) {
    if (auto b = find_bridge(view, name)) return check_existing(ctx, *b, parent, vlan, view.get_string(b->row, "name"));
  }
  check_conflicts(view, name, fmt::format("cannot create a bridge named {}", name));
  if (!parent) {
    RowId b = view.insert("Bridge");
    view.set(b, "name", text(name));
    view.set(b, "ports", ref(local_port(ctx, name)));
    view.add(root(view), "bridges", ref(b));
    return;
  }
  auto p = find_bridge(view, *parent);
  if (p && p->fake_port) throw Failure{"cannot create bridge with fake bridge as parent"};
  if (!p) throw Failure{fmt::format("parent bridge {} does not exist", *parent)};
  for (const Bridge& b : bridges(view))
    if (b.fake_port && b.row == p->row && b.vlan == vlan)
      throw Failure{fmt::format("bridge {} already has a child VLAN bridge {} on VLAN {}", *parent, b.name, vlan)};
  RowId port = local_port(ctx, name);
  view.set(port, "fake_bridge", Datum::scalar(true));
  view.set(port, "tag", Datum::scalar(vlan));
  view.add(p->row, "ports", ref(port));
}

void del_br(Context& ctx) {
  auto b = find_bridge(ctx.view, ctx.arg(0));
  if (!b && ctx.command.has("--if-exists")) return;
  delete_bridge(ctx.view, b ? *b : bridge(ctx.view, ctx.arg(0)));
}

void list_br(Context& ctx) {
  bool real = ctx.command.has("--real"), fake = ctx.command.has("--fake");
  if (!real && !fake) real = fake = true;
  std::vector<std::string> names;
  for (const Bridge& b : bridges(ctx.view))
    if (b.fake_port ? fake : real) names.push_back(b.name);
  ctx.print_sorted(std::move(names));
}

void br_exists(Context& ctx) {
  if (!find_bridge(ctx.view, ctx.arg(0))) throw Failure{"", 2};
}

void br_to_vlan(Context& ctx) { ctx.print_line(fmt::format("{}", bridge(ctx.view, ctx.arg(0)).vlan)); }
void br_to_parent(Context& ctx) { ctx.print_line(ctx.view.get_string(bridge(ctx.view, ctx.arg(0)).row, "name")); }

void br_set_external_id(Context& ctx) {
  Bridge b = bridge(ctx.view, ctx.arg(0));
  const RowId& row = b.fake_port ? *b.fake_port : b.row;
  std::string key = b.fake_port ? fake_key(ctx.arg(1)) : ctx.arg(1);
  if (ctx.arg_count() == 2) return ctx.view.remove(row, "external_ids", text(key));
  std::pair<AtomRef, AtomRef> pair{key, ctx.arg(2)};
  ctx.view.add(row, "external_ids", Datum::map(AtomType::string, AtomType::string, std::span(&pair, 1)));
}

void br_get_external_id(Context& ctx) {
  Bridge b = bridge(ctx.view, ctx.arg(0));
  Datum ids = ctx.view.get(b.fake_port ? *b.fake_port : b.row, "external_ids");
  std::string prefix = b.fake_port ? fake_key("") : "";
  for (size_t i = 0; i < ids.size(); i++) {
    std::string_view key = ids.ref().key(i).string(), value = ids.ref().value(i).string();
    if (!key.starts_with(prefix)) continue;
    key.remove_prefix(prefix.size());
    if (ctx.arg_count() == 1) ctx.print_line(fmt::format("{}={}", key, value));
    else if (key == ctx.arg(1)) ctx.print_line(value);
  }
}

constexpr CommandSpec kCommands[] = {
    {"add-br", 1, 3, "!NEW-BRIDGE ?PARENT ?NEW-VLAN", "--may-exist", add_br},
    {"del-br", 1, 1, "!BRIDGE", "--if-exists", del_br},
    {"list-br", 0, 0, "", "--real,--fake", list_br},
    {"br-exists", 1, 1, "!BRIDGE", "", br_exists},
    {"br-to-vlan", 1, 1, "!BRIDGE", "", br_to_vlan},
    {"br-to-parent", 1, 1, "!BRIDGE", "", br_to_parent},
    {"br-set-external-id", 2, 3, "!BRIDGE !KEY ?VALUE", "", br_set_external_id},
    {"br-get-external-id", 1, 2, "!BRIDGE ?KEY", "", br_get_external_id},
};

}  // namespace

std::span<const CommandSpec> bridge_commands() { return kCommands; }

}  // namespace sluice::vsctl

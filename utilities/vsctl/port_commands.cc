// SPDX-License-Identifier: Apache-2.0
// Commands on ports, bonds and interfaces.
#include <fmt/core.h>

#include <algorithm>

#include "dbserver/ovsdb/value_text.h"
#include "lib/text.h"
#include "utilities/vsctl/model.h"
#include "utilities/vsctl/names.h"

namespace sluice::vsctl {
namespace {

void list_ports(Context& ctx) {
  std::vector<std::string> names;
  for (const Port& p : ports(ctx.view, bridge(ctx.view, ctx.arg(0)))) names.push_back(p.name);
  ctx.print_sorted(std::move(names));
}

std::vector<std::string> interface_names(View& view, const RowId& port) {
  std::vector<std::string> names;
  for (const RowId& i : view.referenced(port, "interfaces")) names.push_back(view.get_string(i, "name"));
  std::sort(names.begin(), names.end());
  return names;
}

void list_ifaces(Context& ctx) {
  std::vector<std::string> names;
  View& view = ctx.view;
  std::vector<Port> all = ports(view, bridge(view, ctx.arg(0)));
  std::vector<Uuid> uuids;
  for (const Port& p : all)
    for (const RowId& i : view.referenced(p.row, "interfaces")) uuids.push_back(i.uuid);
  view.load(view.table("Interface"), uuids, {"name"});
  for (const Port& p : all)
    for (std::string& s : interface_names(view, p.row)) names.push_back(std::move(s));
  ctx.print_sorted(std::move(names));
}

struct NewPort {
  std::string bridge, name;
  std::vector<std::string> interfaces;
  std::span<const std::string> settings;  // COLUMN[:KEY]=VALUE
  bool fake_interface = false;
};

/// --may-exist: the port that is there must be the one that was asked for.
void check_existing(Context& ctx, const Port& p, const NewPort& wanted) {
  std::string given = fmt::format("\"--may-exist {} {} {}", ctx.command.spec->name, wanted.bridge, wanted.name);
  if (ctx.command.spec->name == "add-bond") given += " " + join(wanted.interfaces, " ");
  given += '"';
  if (p.bridge.name != wanted.bridge) throw Failure{fmt::format("{} but {} is actually attached to bridge {}", given, wanted.name, p.bridge.name)};
  std::vector<std::string> there = interface_names(ctx.view, p.row), want = wanted.interfaces;
  std::sort(want.begin(), want.end());
  if (there != want) throw Failure{fmt::format("{} but {} actually has interface(s) {}", given, wanted.name, join(there, ", "))};
}

void add(Context& ctx, const NewPort& n) {
  View& view = ctx.view;
  if (n.name.empty()) throw Failure{"port name must not be empty string"};
  for (const std::string& i : n.interfaces)
    if (i.empty()) throw Failure{"interface name must not be empty string"};
  if (ctx.command.has("--may-exist"))
    if (auto p = find_port(view, n.name)) return check_existing(ctx, *p, n);
  check_conflicts(view, n.name, fmt::format("cannot create a port named {}", n.name));
  for (const std::string& i : n.interfaces)
    if (i != n.name) check_conflicts(view, i, fmt::format("cannot create an interface named {}", i));
  Bridge b = bridge(view, n.bridge);
  ovsdb::DatumBuilder refs(AtomType::uuid);
  for (const std::string& name : n.interfaces) refs.add(new_interface(ctx, name).uuid);
  refs.sort_unique();
  RowId p = view.insert("Port");
  view.set(p, "name", text(n.name));
  view.set(p, "interfaces", refs.finish());
  if (n.fake_interface) view.set(p, "bond_fake_iface", Datum::scalar(true));
  if (b.fake_port) view.set(p, "tag", Datum::scalar(b.vlan));
  for (const std::string& s : n.settings) set_column(ctx, p, s, true);
  view.add(b.row, "ports", ref(p));
}

void add_port(Context& ctx) {
  std::span<const std::string> args = ctx.command.args;
  add(ctx, {args[0], args[1], {args[1]}, args.subspan(2)});
}

void add_bond(Context& ctx) {
  std::span<const std::string> args = ctx.command.args;
  size_t n = 2;
  while (n < args.size() && args[n].find('=') == std::string::npos) n++;
  if (n < 4) throw Failure{fmt::format("add-bond requires at least 2 interfaces, but only {} were specified", n - 2)};
  add(ctx, {args[0], args[1], {args.begin() + 2, args.begin() + static_cast<ptrdiff_t>(n)}, args.subspan(n), ctx.command.has("--fake-iface")});
}

void del_port(Context& ctx) {
  View& view = ctx.view;
  const std::string& name = ctx.command.args.back();
  const std::string* on = ctx.arg_count() == 2 ? &ctx.arg(0) : nullptr;
  bool must_exist = !ctx.command.has("--if-exists"), with_iface = ctx.command.has("--with-iface");
  if (find_bridge(view, name)) {
    if (!must_exist) return;
    throw Failure{fmt::format("cannot delete port {} because it is the local port for bridge {} (deleting this port requires deleting the entire bridge)", name, name)};
  }
  auto p = find_port(view, name);
  if (!p && with_iface)
    if (auto i = find_interface(view, name)) p = i->port;
  if (!p) {
    if (!must_exist) return;
    throw Failure{with_iface ? fmt::format("no port or interface named {}", name) : fmt::format("no port named {}", name)};
  }
  if (on) {
    Bridge b = bridge(view, *on);
    if (p->bridge.name != b.name) {
      bool child = p->bridge.fake_port && !b.fake_port && p->bridge.row == b.row;
      throw Failure{fmt::format("bridge {} does not have a port {}{}", *on, name,
                                child ? fmt::format(" (although its child bridge {} does)", p->bridge.name) : "")};
    }
  }
  delete_port(view, *p);
}

void port_to_br(Context& ctx) { ctx.print_line(port(ctx.view, ctx.arg(0)).bridge.name); }
void iface_to_br(Context& ctx) { ctx.print_line(interface(ctx.view, ctx.arg(0)).port.bridge.name); }

void add_bond_iface(Context& ctx) {
  View& view = ctx.view;
  Port p = port(view, ctx.arg(0));
  const std::string& name = ctx.arg(1);
  if (ctx.command.has("--may-exist")) {
    if (auto i = find_interface(view, name)) {
      if (i->port.row == p.row) return;
      throw Failure{fmt::format("\"--may-exist add-bond-iface {} {}\" but {} is actually attached to port {}", ctx.arg(0), name, name, i->port.name)};
    }
  }
  check_conflicts(view, name, fmt::format("cannot create an interface named {}", name));
  view.add(p.row, "interfaces", ref(new_interface(ctx, name)));
}

void del_bond_iface(Context& ctx) {
  View& view = ctx.view;
  const std::string& name = ctx.command.args.back();
  auto i = find_interface(view, name);
  if (!i && ctx.command.has("--if-exists")) return;
  if (!i) i = interface(view, name);
  if (ctx.arg_count() == 2) {
    Port p = port(view, ctx.arg(0));
    if (!(i->port.row == p.row)) throw Failure{fmt::format("port {} does not have an interface {}", ctx.arg(0), name)};
  }
  if (view.get(i->port.row, "interfaces").size() <= 1) throw Failure{fmt::format("cannot delete last interface from port {}", i->port.name)};
  view.remove(i->port.row, "interfaces", ref(i->row));
  view.erase(i->row);
}

constexpr CommandSpec kCommands[] = {
    {"list-ports", 1, 1, "!BRIDGE", "", list_ports},
    {"add-port", 2, kAny, "!BRIDGE !NEW-PORT *COLUMN?:KEY=VALUE", "--may-exist", add_port},
    {"add-bond", 4, kAny, "!BRIDGE !BOND +IFACE *COLUMN?:KEY=VALUE", "--may-exist,--fake-iface", add_bond},
    {"del-port", 1, 2, "?BRIDGE !PORT|IFACE", "--if-exists,--with-iface", del_port},
    {"port-to-br", 1, 1, "!PORT", "", port_to_br},
    {"add-bond-iface", 2, 2, "!BOND !IFACE", "--may-exist", add_bond_iface},
    {"del-bond-iface", 1, 2, "?BOND !IFACE", "--if-exists", del_bond_iface},
    {"list-ifaces", 1, 1, "!BRIDGE", "", list_ifaces},
    {"iface-to-br", 1, 1, "!IFACE", "", iface_to_br},
};

}  // namespace

std::span<const CommandSpec> port_commands() { return kCommands; }

}  // namespace sluice::vsctl

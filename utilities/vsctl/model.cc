// SPDX-License-Identifier: Apache-2.0
// Finding, checking and deleting bridges, ports and interfaces.
#include "utilities/vsctl/model.h"

#include <fmt/core.h>

#include <algorithm>

namespace sluice::vsctl {
namespace {

constexpr int64_t kMaxVlan = 4095;

/// The real bridge that has this port, if any: rows that nobody refers to are about to vanish and do not count.
std::optional<RowId> owner(View& view, const RowId& port) {
  auto owners = view.find_including(view.table("Bridge"), "ports", port.uuid, {"name"});
  return owners.empty() ? std::nullopt : std::optional(owners[0]);
}

std::optional<int64_t> fake_vlan(View& view, const RowId& port) {
  if (!view.get(port, "fake_bridge").ref().boolean()) return std::nullopt;
  Datum tag = view.get(port, "tag");
  if (tag.empty() || tag.ref().integer() < 0 || tag.ref().integer() > kMaxVlan) return std::nullopt;
  return tag.ref().integer();
}

Bridge make_bridge(View& view, const RowId& row) { return {row, view.get_string(row, "name"), std::nullopt, 0}; }

std::vector<RowId> fake_ports(View& view) { return view.find(view.table("Port"), "fake_bridge", true, {"name", "tag"}); }

std::optional<Bridge> make_fake(View& view, const RowId& port) {
  auto vlan = fake_vlan(view, port);
  auto parent = vlan ? owner(view, port) : std::nullopt;
  if (!parent) return std::nullopt;
  return Bridge{*parent, view.get_string(port, "name"), port, *vlan};
}

/// The bridge that a port of `real` is on: the fake one of its tag if there is one.
Bridge bridge_of(View& view, const RowId& real, const RowId& port) {
  Datum tag = view.get(port, "tag");
  if (!tag.empty()) {
    for (const RowId& f : fake_ports(view)) {
      auto fake = make_fake(view, f);
      if (fake && fake->row == real && fake->vlan == tag.ref().integer()) return *fake;
    }
  }
  return make_bridge(view, real);
}

}  // namespace

Datum text(std::string_view s) { return Datum::scalar(s); }
Datum ref(const RowId& row) { return Datum::scalar(row.uuid); }
std::string fake_key(std::string_view key) { return fmt::format("fake-bridge-{}", key); }

RowId root(View& view) {
  auto rows = view.rows(view.table("Open_vSwitch"));
  if (!rows.empty()) return rows[0];
  return view.insert("Open_vSwitch");
}

std::vector<Bridge> bridges(View& view) {
  std::vector<Bridge> out;
  for (const RowId& r : view.rows(view.table("Bridge"), {"name"})) out.push_back(make_bridge(view, r));
  for (const RowId& p : fake_ports(view))
    if (auto fake = make_fake(view, p)) out.push_back(std::move(*fake));
  return out;
}

std::optional<Bridge> find_bridge(View& view, std::string_view name) {
  auto real = view.find(view.table("Bridge"), "name", name);
  if (!real.empty()) return make_bridge(view, real[0]);
  for (const RowId& p : view.find(view.table("Port"), "name", name, {"fake_bridge", "tag", "interfaces"}))
    if (auto fake = make_fake(view, p)) return fake;
  return std::nullopt;
}

Bridge bridge(View& view, std::string_view name) {
  if (auto b = find_bridge(view, name)) return *b;
  throw Failure{fmt::format("no bridge named {}", name)};
}

Bridge real_bridge(View& view, std::string_view name) {
  Bridge b = bridge(view, name);
  if (b.fake_port) throw Failure{fmt::format("{} is a fake bridge", name)};
  return b;
}

std::optional<Port> find_port(View& view, std::string_view name) {
  for (const RowId& p : view.find(view.table("Port"), "name", name, {"fake_bridge", "tag", "interfaces"})) {
    auto real = owner(view, p);
    if (!real || view.get_string(*real, "name") == name || fake_vlan(view, p)) continue;
    return Port{p, std::string(name), bridge_of(view, *real, p)};
  }
  return std::nullopt;
}

Port port(View& view, std::string_view name) {
  if (auto p = find_port(view, name)) return *p;
  throw Failure{fmt::format("no port named {}", name)};
}

std::optional<Interface> find_interface(View& view, std::string_view name) {
  for (const RowId& i : view.find(view.table("Interface"), "name", name)) {
    auto holders = view.find_including(view.table("Port"), "interfaces", i.uuid, {"name", "fake_bridge", "tag", "interfaces"});
    if (holders.empty()) continue;
    auto real = owner(view, holders[0]);
    std::string port_name = view.get_string(holders[0], "name");
    if (!real || port_name == view.get_string(*real, "name") || fake_vlan(view, holders[0])) continue;
    return Interface{i, std::string(name), {holders[0], port_name, bridge_of(view, *real, holders[0])}};
  }
  return std::nullopt;
}

Interface interface(View& view, std::string_view name) {
  if (auto i = find_interface(view, name)) return *i;
  throw Failure{fmt::format("no interface named {}", name)};
}

std::vector<Port> ports(View& view, const Bridge& b) {
  Datum all = view.get(b.row, "ports");
  std::vector<Uuid> uuids;
  for (size_t i = 0; i < all.size(); i++) uuids.push_back(all.ref().key(i).uuid());
  view.load(view.table("Port"), uuids, {"name", "tag", "fake_bridge", "interfaces"});
  std::vector<RowId> rows = view.referenced(b.row, "ports");
  std::vector<int64_t> fake_vlans;
  for (const RowId& p : rows)
    if (auto vlan = fake_vlan(view, p)) fake_vlans.push_back(*vlan);
  std::string real_name = view.get_string(b.row, "name");
  std::vector<Port> out;
  for (const RowId& p : rows) {
    std::string name = view.get_string(p, "name");
    if (fake_vlan(view, p) || name == real_name) continue;
    Datum tag = view.get(p, "tag");
    bool on_fake = !tag.empty() && std::find(fake_vlans.begin(), fake_vlans.end(), tag.ref().integer()) != fake_vlans.end();
    if (b.fake_port ? !tag.empty() && tag.ref().integer() == b.vlan : !on_fake) out.push_back({p, std::move(name), b});
  }
  std::sort(out.begin(), out.end(), [](const Port& x, const Port& y) { return x.name < y.name; });
  return out;
}

void check_conflicts(View& view, std::string_view name, std::string_view message) {
  if (find_bridge(view, name)) throw Failure{fmt::format("{} because a bridge named {} already exists", message, name)};
  if (auto p = find_port(view, name)) throw Failure{fmt::format("{} because a port named {} already exists on bridge {}", message, name, p->bridge.name)};
  if (auto i = find_interface(view, name))
    throw Failure{fmt::format("{} because an interface named {} already exists on bridge {}", message, name, i->port.bridge.name)};
}

void delete_port(View& view, const Port& p) {
  view.remove(p.bridge.row, "ports", ref(p.row));
  for (const RowId& i : view.referenced(p.row, "interfaces")) view.erase(i);
  view.erase(p.row);
}

void delete_bridge(View& view, const Bridge& b) {
  if (b.fake_port) {
    for (const Port& p : ports(view, b)) delete_port(view, p);
    delete_port(view, {*b.fake_port, b.name, b});
    return;
  }
  // Its ports and all that belongs to them go with it: nothing else refers to them.  Here they are taken as gone at once.
  std::vector<RowId> gone = view.referenced(b.row, "ports");
  std::vector<Uuid> uuids;
  for (const RowId& p : gone) uuids.push_back(p.uuid);
  view.load(view.table("Port"), uuids, {"interfaces"});
  for (const RowId& p : gone) {
    for (const RowId& i : view.referenced(p, "interfaces")) view.erase(i);
    view.erase(p);
  }
  view.remove(root(view), "bridges", ref(b.row));
  view.erase(b.row);
}

RowId new_interface(Context& ctx, std::string_view name) {
  RowId i = ctx.view.insert("Interface");
  ctx.view.set(i, "name", text(name));
  ctx.new_interfaces.push_back(i);
  return i;
}

}  // namespace sluice::vsctl

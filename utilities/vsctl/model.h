// SPDX-License-Identifier: Apache-2.0
// Bridges, ports and interfaces as vsctl's commands speak of them, fake bridges included.
//
// A fake bridge is a port of a real bridge with fake_bridge=true and a tag; ports of the real bridge with that tag are its ports, and it is itself the
// interface that the port has.  A bridge's own local port is no port for these commands.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "utilities/vsctl/command.h"

namespace sluice::vsctl {

struct Bridge {
  RowId row;                       // the real bridge
  std::string name;
  std::optional<RowId> fake_port;  // set if it is a fake one
  int64_t vlan = 0;
};
struct Port {
  RowId row;
  std::string name;
  Bridge bridge;  // the fake one if it is on one
};
struct Interface {
  RowId row;
  std::string name;
  Port port;
};

RowId root(View& view);  // the Open_vSwitch row
std::vector<Bridge> bridges(View& view);
std::optional<Bridge> find_bridge(View& view, std::string_view name);
Bridge bridge(View& view, std::string_view name);       // "no bridge named X"
Bridge real_bridge(View& view, std::string_view name);  // and no fake one
std::optional<Port> find_port(View& view, std::string_view name);
Port port(View& view, std::string_view name);
std::optional<Interface> find_interface(View& view, std::string_view name);
Interface interface(View& view, std::string_view name);
/// By name, without local ports and fake bridges.
std::vector<Port> ports(View& view, const Bridge& b);
/// What the bridge or fake bridge's settings (external-ids...) are kept in.
std::string fake_key(std::string_view key);  // "fake-bridge-KEY"

/// Throws if a bridge, port or interface of that name exists: MESSAGE + " because a bridge named X already exists".
void check_conflicts(View& view, std::string_view name, std::string_view message);
void delete_port(View& view, const Port& p);
void delete_bridge(View& view, const Bridge& b);
/// A new interface, whose set-up is checked after the commit.
RowId new_interface(Context& ctx, std::string_view name);

Datum text(std::string_view s);
Datum ref(const RowId& row);

}  // namespace sluice::vsctl

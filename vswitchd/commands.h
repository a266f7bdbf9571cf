// SPDX-License-Identifier: Apache-2.0
// The switch daemon's ovs-appctl commands (spec/unixctl.md): thin, each calls one function of what it shows.
#pragma once

#include "datapath/netdev/dummy_device.h"
#include "datapath/netdev/gen_device.h"
#include "lib/loop.h"
#include "lib/unixctl.h"
#include "vswitchd/datapaths.h"
#include "vswitchd/vswitchd.h"

namespace sluice {

struct CommandContext {
  Loop& loop;
  Datapaths& datapaths;
  Vswitchd& vswitchd;
  GenDevices& gens;
};

/// fdb/*, ofproto/*, dpif/*, bridge/*, upcall/*, revalidator/*, gen/stats, exit.
void add_switch_commands(UnixctlServer& server, CommandContext context);
/// time/stop, time/warp, netdev-dummy/*: with --enable-dummy only.
void add_dummy_commands(UnixctlServer& server, CommandContext context, DummyDevices& dummies);

}  // namespace sluice

// SPDX-License-Identifier: Apache-2.0
// What the kernel knows of a network interface, and setting it (rtnetlink, ioctl).  All calls name the interface; errors are errno values.
#pragma once

#include <expected>
#include <string>

#include "datapath/netdev.h"

namespace sluice {

struct LinkReport {
  NetdevState state;   // without the settings below
  NetdevStats stats;
};

/// One RTM_GETLINK.
std::expected<LinkReport, int> read_link(const std::string& name);
/// Speed, duplex, features and driver, which change rarely and cost an ioctl each (ethtool).
void read_link_settings(const std::string& name, NetdevState& state);

int set_link_mac(const std::string& name, const MacAddr& mac);
int set_link_mtu(const std::string& name, int mtu);
int set_link_up(const std::string& name, bool up);

/// Takes over `fresh` into `state`, counting a change if there is one.
void update_state(NetdevState& state, const NetdevState& fresh);

}  // namespace sluice

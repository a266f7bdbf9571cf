// SPDX-License-Identifier: Apache-2.0
// Internal ports have the smallest MTU of the bridge's other ports, so that hosts behind them send nothing that those could not; unless one is asked for (mtu_request).
#include <algorithm>
#include <utility>

#include "ofproto/switch_impl.h"

namespace sluice {

constexpr int kUsualMtu = 1500;   // where there are no others

void Switch::Impl::fit_mtus(Bridge::Impl& b) {
  auto device_of = [&](const InterfaceRecord& r) { return r.works() && !r.is_patch() && !r.tunnel ? dpif.netdev(r.odp) : nullptr; };
  auto is_fitted = [](const InterfaceRecord& r) { return r.settings.device.type == "internal" && !r.settings.device.mtu; };
  int least = 0;
  for (auto& [name, r] : b.interfaces)
    if (const Netdev* dev = is_fitted(r) ? nullptr : device_of(r); dev && dev->state().mtu > 0) least = least ? std::min(least, dev->state().mtu) : dev->state().mtu;
  if (!least) least = kUsualMtu;
  // What someone has made smaller by hand stays until the others change.
  bool changed = std::exchange(b.least_mtu, least) != least;
  for (auto& [name, r] : b.interfaces)
    if (Netdev* dev = is_fitted(r) ? device_of(r) : nullptr; dev && (dev->state().mtu > least || (changed && dev->state().mtu != least))) dev->set_mtu(least);
}

}  // namespace sluice

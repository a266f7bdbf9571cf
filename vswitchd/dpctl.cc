// SPDX-License-Identifier: Apache-2.0
// See dpctl.h.
#include "vswitchd/dpctl.h"

#include <fmt/core.h>

#include <algorithm>

#include "datapath/odp_text.h"
#include "lib/program.h"

namespace sluice {
namespace {

/// "NAME" or "TYPE@NAME".
bool is_named(Switch* s, const std::string& word) { return word == s->dpif().name() || word == s->dpif().type() + "@" + s->dpif().name(); }

std::expected<std::vector<Switch*>, std::string> choose(const std::vector<Switch*>& switches, const std::vector<std::string>& words) {
  if (words.empty()) return switches;
  std::vector<Switch*> chosen;
  for (const std::string& word : words) {
    auto it = std::ranges::find_if(switches, [&](Switch* s) { return is_named(s, word); });
    if (it == switches.end()) return std::unexpected(fmt::format("{}: datapath not found (Invalid argument)\n", program_name()));
    chosen.push_back(*it);
  }
  return chosen;
}

std::string port_statistics(const NetdevStats& s) {
  auto known = [](const std::optional<uint64_t>& v) { return v ? fmt::format("{}", *v) : std::string("?"); };
  return fmt::format("    RX packets:{} errors:{} dropped:{} overruns:{} frame:{}\n    TX packets:{} errors:{} dropped:{} aborted:? carrier:?\n    collisions:{}\n"
                     "    RX bytes:{}  TX bytes:{}\n",
                     s.rx_packets, s.rx_errors, s.rx_dropped, known(s.rx_over_err), known(s.rx_frame_err), s.tx_packets, s.tx_errors, s.tx_dropped, known(s.collisions),
                     s.rx_bytes, s.tx_bytes);
}

}  // namespace

UnixctlText dpctl_show(const std::vector<Switch*>& switches, const std::vector<std::string>& words, bool statistics) {
  auto chosen = choose(switches, words);
  if (!chosen) return std::unexpected(chosen.error());
  std::string out;
  for (Switch* s : *chosen) {
    Dpif& dpif = s->dpif();
    DpifStats st = dpif.stats();
    out += fmt::format("{}@{}:\n  lookups: hit:{} missed:{} lost:{}\n  flows: {}\n", dpif.type(), dpif.name(), st.hit, st.missed, st.lost, st.flows);
    auto ports = dpif.ports();
    std::ranges::sort(ports, {}, &DpPort::port);
    for (const DpPort& p : ports) {
      out += fmt::format("  port {}: {}{}\n", p.port.value, p.name, p.type == "system" ? "" : fmt::format(" ({})", p.type));
      if (Netdev* dev = dpif.netdev(p.port); dev && statistics) out += port_statistics(dev->stats());
    }
  }
  return out;
}

UnixctlText dpctl_dump_flows(const std::vector<Switch*>& switches, const std::vector<std::string>& words, bool more, bool names, Time now) {
  auto chosen = choose(switches, words);
  if (!chosen) return std::unexpected(chosen.error());
  std::string out;
  for (Switch* s : *chosen) {
    Dpif& dpif = s->dpif();
    OdpTextOptions options{.verbose = more};
    if (names)
      options.port_name = [&](OdpPort port) {
        Netdev* dev = dpif.netdev(port);
        return dev ? dev->name() : fmt::format("{}", port.value);
      };
    std::string flows;
    for (uint64_t from = 0; (from = dpif.flow_dump(from, 10000, [&](const Megaflow& f) {
           flows += format_megaflow(f, now, options) + "\n";
           return true;
         })) != 0;) {
    }
    if (!flows.empty()) out += "flow-dump from the main thread:\n" + flows;
  }
  return out;
}

}  // namespace sluice

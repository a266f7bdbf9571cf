// SPDX-License-Identifier: Apache-2.0
// See dpctl.h.
#include "vswitchd/dpctl.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

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

std::string cache_statistics(const DpifStats& s) {
  uint64_t lookups = s.hit + s.missed;
  auto of_lookups = [&](uint64_t n) { return lookups ? static_cast<double>(n) / static_cast<double>(lookups) : 0.0; };
  return fmt::format("  masks: hit:{} total:{} hit/pkt:{:.2f}\n  cache: hit:{} hit-rate:{:.2f}%\n", s.mask_hit, s.masks, of_lookups(s.mask_hit), s.cache_hit,
                     100 * of_lookups(s.cache_hit));
}

OdpTextOptions text_options(Dpif& dpif, bool more, bool names) {
  OdpTextOptions options{.verbose = more, .packet_type = !dpif.is_kernel()};
  if (names)
    options.port_name = [&](OdpPort port) {
      Netdev* dev = dpif.netdev(port);
      return dev ? dev->name() : fmt::format("{}", port.value);
    };
  options.port_number = [&](std::string_view name) -> std::optional<OdpPort> {
    for (const DpPort& p : dpif.ports())
      if (p.name == name) return p.port;
    return std::nullopt;
  };
  return options;
}

/// What a command on one flow was given.
struct FlowWords {
  Dpif* dpif;
  std::optional<Ufid> ufid;
  OdpKeyMask flow;
};

std::unexpected<std::string> failed(std::string_view what, int error) { return std::unexpected(fmt::format("{}: {} ({})\n", program_name(), what, std::strerror(error))); }

/// words: [DP] FLOW and `after` more.
std::expected<FlowWords, std::string> take_flow(const std::vector<Switch*>& switches, const std::vector<std::string>& words, size_t after) {
  size_t at = words.size() > after + 1 ? 1 : 0;
  auto chosen = choose(switches, {words.begin(), words.begin() + static_cast<ptrdiff_t>(at)});
  if (!chosen) return std::unexpected(chosen.error());
  if (chosen->empty()) return failed("no datapaths exist", ENODEV);
  if (chosen->size() > 1) return failed("multiple datapaths, specify one", EINVAL);
  FlowWords w{.dpif = &chosen->front()->dpif(), .ufid = {}, .flow = {}};
  const std::string& text = words[at];
  if (text.starts_with("ufid:")) {
    w.ufid = parse_ufid(std::string_view(text).substr(0, text.find_first_of(", ")));
    if (!w.ufid) return failed("parsing ufid", EINVAL);
    if (text.find_first_of(", ") == text.npos) return w;
  }
  auto flow = parse_odp_key(text, text_options(*w.dpif, false, false));
  if (!flow) return failed(fmt::format("parsing flow key ({})", flow.error()), EINVAL);
  w.flow = *flow;
  return w;
}

/// The flow of that ufid, or else the widest that asks for all that is asked for here.
std::optional<Megaflow> find_flow(const FlowWords& w) {
  std::optional<Megaflow> found;
  size_t found_bits = SIZE_MAX;
  w.dpif->flow_dump(0, SIZE_MAX, [&](const Megaflow& f) {
    if (w.ufid && f.ufid == *w.ufid) found = f, found_bits = 0;
    if (w.ufid || !equal_under(f.key, w.flow.key, w.flow.mask)) return true;
    size_t bits = 0;
    bool all = true;
    for (size_t i = 0; i < kFlowWords; i++) {
      bits += static_cast<size_t>(std::popcount(f.mask.words()[i]));
      all &= (w.flow.mask.words()[i] & ~f.mask.words()[i]) == 0;
    }
    if (all && bits < found_bits) found = f, found_bits = bits;
    return true;
  });
  return found;
}

}  // namespace

UnixctlText dpctl_put_flow(const std::vector<Switch*>& switches, const std::vector<std::string>& words, DpctlPut how, Time now) {
  auto w = take_flow(switches, words, 1);
  if (!w) return std::unexpected(w.error());
  auto actions = parse_odp_actions(words.back(), text_options(*w->dpif, false, false));
  if (!actions) return failed("parsing actions", EINVAL);
  auto old = find_flow(*w);
  if (how == DpctlPut::kAdd && old) return failed("updating flow table", EEXIST);
  if (how == DpctlPut::kModify && !old) return failed("updating flow table", ENOENT);
  Flow key = old ? old->key : w->flow.key, mask = old ? old->mask : w->flow.mask;
  if (w->dpif->flow_put({.key = key, .mask = mask, .actions = *actions, .generation = 0, .cookie = 0}, now) != SlowReason::kNone) return failed("updating flow table", EINVAL);
  return "";
}

UnixctlText dpctl_get_flow(const std::vector<Switch*>& switches, const std::vector<std::string>& words, bool more, bool names, Time now) {
  auto w = take_flow(switches, words, 0);
  if (!w) return std::unexpected(w.error());
  auto flow = find_flow(*w);
  if (!flow) return failed("getting flow", ENOENT);
  return format_megaflow(*flow, now, text_options(*w->dpif, more, names)) + "\n";
}

UnixctlText dpctl_del_flow(const std::vector<Switch*>& switches, const std::vector<std::string>& words, bool statistics, Time now) {
  auto w = take_flow(switches, words, 0);
  if (!w) return std::unexpected(w.error());
  auto flow = find_flow(*w);
  if (!flow) return failed("deleting flow", ENOENT);
  w->dpif->flow_del(flow->ufid, now);
  if (!statistics) return "";
  std::string text = format_megaflow(*flow, now);
  size_t from = text.find("packets:"), to = text.find(", actions:");
  return text.substr(from, to - from) + "\n";
}

UnixctlText dpctl_show(const std::vector<Switch*>& switches, const std::vector<std::string>& words, bool statistics) {
  auto chosen = choose(switches, words);
  if (!chosen) return std::unexpected(chosen.error());
  std::string out;
  for (Switch* s : *chosen) {
    Dpif& dpif = s->dpif();
    DpifStats st = dpif.stats();
    out += fmt::format("{}@{}:\n  lookups: hit:{} missed:{} lost:{}\n  flows: {}\n", dpif.type(), dpif.name(), st.hit, st.missed, st.lost, st.flows);
    if (dpif.is_kernel()) out += cache_statistics(st);
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
    OdpTextOptions options = text_options(dpif, more, names);
    std::string flows;
    for (uint64_t from = 0; (from = dpif.flow_dump(from, 10000, [&](const Megaflow& f) {
           flows += format_megaflow(f, now, options) + "\n";
           return true;
         })) != 0;) {
    }
    if (!flows.empty()) out += (dpif.is_kernel() ? "" : "flow-dump from the main thread:\n") + flows;
  }
  return out;
}

}  // namespace sluice

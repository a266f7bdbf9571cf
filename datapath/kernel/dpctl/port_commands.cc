// SPDX-License-Identifier: Apache-2.0
// Datapaths, their ports and caches.
#include <algorithm>
#include <charconv>

#include <fmt/core.h>

#include "datapath/kernel/dpctl/command.h"
#include "lib/decimal.h"

namespace sluice {
namespace {

/// "NAME[,type=TYPE][,port_no=N][,OPTION=VALUE]..."
struct Iface {
  NetdevSpec spec;
  bool has_type = false;
  std::optional<OdpPort> number;
};

uint32_t leading_number(std::string_view s) {
  uint32_t n = 0;
  std::from_chars(s.data(), s.data() + s.size(), n);
  return n;
}

Iface parse_iface(std::string_view text) {
  Iface iface{.spec = {.name = std::string(text.substr(0, text.find(','))), .type = "system", .options = {}, .mac = {}, .mtu = {}}, .number = {}};
  for (size_t at = text.find(','); at != text.npos; at = text.find(',')) {
    text.remove_prefix(at + 1);
    std::string_view item = text.substr(0, text.find(','));
    size_t equals = item.find('=');
    std::string key(item.substr(0, equals)), value(equals == item.npos ? "" : item.substr(equals + 1));
    if (key == "type") iface.spec.type = value, iface.has_type = true;
    else if (key == "port_no") iface.number = OdpPort{leading_number(value)};
    else if (!key.empty()) iface.spec.options[key] = value;
  }
  return iface;
}

/// Does `one` with each interface; goes on after errors, the last of which it returns.
template <typename Fn>
int each_iface(DpctlRun& run, DpctlWords words, Fn one) {
  auto dp = run.open(words[0]);
  if (!dp) return run.fail(dp.error(), "opening datapath");
  int last = 0;
  for (const std::string& word : words.subspan(1))
    if (int error = one(**dp, word)) last = error;
  return last;
}

int add_iface(DpctlRun& run, DpctlDatapath& dp, const std::string& dp_name, const std::string& word) {
  Iface iface = parse_iface(word);
  if (int error = dp.can_open(iface.spec)) return run.fail(error, fmt::format("{}: failed to open network device", iface.spec.name));
  int error = dp.port_add(iface.spec, iface.number);
  return error ? run.fail(error, fmt::format("adding {} to {} failed", iface.spec.name, dp_name)) : 0;
}

std::string known(const std::optional<uint64_t>& v) { return v ? fmt::format("{}", *v) : "?"; }

/// `all`: the device has a counter for everything (dummies do not).
std::string statistics_text(const NetdevStats& s) {
  bool all = s.rx_over_err.has_value();
  auto if_all = [&](uint64_t v) { return all ? fmt::format("{}", v) : std::string("?"); };
  return fmt::format("    RX packets:{} errors:{} dropped:{} overruns:{} frame:{}\n    TX packets:{} errors:{} dropped:{} aborted:{} carrier:{}\n    collisions:{}\n"
                     "    RX bytes:{}  TX bytes:{}\n",
                     s.rx_packets, if_all(s.rx_errors), if_all(s.rx_dropped), known(s.rx_over_err), known(s.rx_frame_err), s.tx_packets, if_all(s.tx_errors),
                     if_all(s.tx_dropped), known(s.tx_aborted_err), known(s.tx_carrier_err), known(s.collisions), s.rx_bytes, s.tx_bytes);
}

std::string caches_text(DpctlDatapath& dp) {
  std::string out;
  for (const DpctlCache& c : dp.caches()) out += fmt::format("{}    {}: size:{}\n", out.empty() ? "  caches:\n" : "", c.name, c.size);
  return out;
}

std::string port_text(const DpctlPort& p) {
  std::string detail = p.type == "system" ? "" : p.type;
  for (auto& [key, value] : p.options) detail += fmt::format("{}{}={}", &key == &p.options.front().first ? (detail.empty() ? "" : ": ") : ", ", key, value);
  return fmt::format("  port {}: {}{}\n", p.port.value, p.name, detail.empty() ? "" : fmt::format(" ({})", detail));
}

int show(DpctlRun& run, DpctlDatapath& dp) {
  run.print(fmt::format("{}@{}:\n", dp.type(), dp.name()));
  if (auto s = dp.stats()) {
    run.print(fmt::format("  lookups: hit:{} missed:{} lost:{}\n  flows: {}\n", s->hit, s->missed, s->lost, s->flows));
    uint64_t lookups = s->hit + s->missed;
    auto part = [&](uint64_t n) { return lookups ? static_cast<double>(n) / static_cast<double>(lookups) : 0.0; };
    if (dp.is_kernel()) run.print(fmt::format("  masks: hit:{} total:{} hit/pkt:{:.2f}\n", s->mask_hit, s->masks, part(s->mask_hit)));
    if (dp.is_kernel() && s->cache_hit) run.print(fmt::format("  cache: hit:{} hit-rate:{:.2f}%\n", s->cache_hit, 100 * part(s->cache_hit)));
  }
  run.print(caches_text(dp));
  auto ports = dp.ports();
  if (!ports) return ports.error();
  std::ranges::sort(*ports, {}, &DpctlPort::port);
  for (const DpctlPort& p : *ports) {
    run.print(port_text(p));
    if (!run.options.statistics) continue;
    if (auto s = dp.port_stats(p)) run.print(statistics_text(*s));
  }
  return 0;
}

/// Calls for the datapaths that are named, or for all.
template <typename Fn>
int each_datapath(DpctlRun& run, DpctlWords words, std::string_view opening, Fn fn) {
  std::vector<std::string> names(words.begin(), words.end());
  if (words.empty()) names = run.source.names();
  int last = 0;
  for (const std::string& name : names) {
    auto dp = run.open(name);
    int error = dp ? fn(**dp) : run.fail(dp.error(), fmt::format("{} datapath {} failed", opening, name));
    if (error) last = error;
  }
  return last;
}

}  // namespace

int dpctl_add_dp(DpctlRun& run, DpctlWords words) {
  auto [type, name] = split_datapath_name(words[0]);
  auto dp = run.source.create(type, name);
  if (!dp) return run.fail(dp.error(), "add_dp");
  return words.size() > 1 ? dpctl_add_if(run, words) : 0;
}

int dpctl_del_dp(DpctlRun& run, DpctlWords words) {
  auto dp = run.open(words[0]);
  if (!dp) return run.fail(dp.error(), "opening datapath");
  int error = (*dp)->destroy();
  return error ? run.fail(error, "del_dp") : 0;
}

int dpctl_add_if(DpctlRun& run, DpctlWords words) {
  return each_iface(run, words, [&](DpctlDatapath& dp, const std::string& word) { return add_iface(run, dp, words[0], word); });
}

int dpctl_set_if(DpctlRun& run, DpctlWords words) {
  return each_iface(run, words, [&](DpctlDatapath& dp, const std::string& word) {
    Iface iface = parse_iface(word);
    auto ports = dp.ports().value_or(std::vector<DpctlPort>{});
    auto port = std::ranges::find(ports, iface.spec.name, &DpctlPort::name);
    auto refuse = [&](const std::string& why) {
      run.fail(0, why);
      return EINVAL;
    };
    if (port == ports.end()) return run.fail(ENODEV, fmt::format("{}: failed to query port in {}", iface.spec.name, words[0]));
    if (iface.has_type && iface.spec.type != port->type) return refuse(fmt::format("{}: can't change type from {} to {}", port->name, port->type, iface.spec.type));
    if (iface.number && *iface.number != port->port)
      return refuse(fmt::format("{}: can't change port number from {} to {}", port->name, port->port.value, iface.number->value));
    return 0;   // devices of these types have nothing more to set
  });
}

int dpctl_del_if(DpctlRun& run, DpctlWords words) {
  return each_iface(run, words, [&](DpctlDatapath& dp, const std::string& word) {
    OdpPort port{leading_number(word)};
    if (word.find_first_not_of("0123456789") != word.npos) {
      auto ports = dp.ports().value_or(std::vector<DpctlPort>{});
      auto found = std::ranges::find(ports, word, &DpctlPort::name);
      if (found == ports.end()) {
        run.fail(0, fmt::format("no port named {}", word));
        return ENOENT;
      }
      port = found->port;
    }
    int error = dp.port_del(port);
    return error ? run.fail(error, fmt::format("deleting port {} from {} failed", word, words[0])) : 0;
  });
}

int dpctl_dump_dps(DpctlRun& run, DpctlWords) {
  for (const std::string& name : run.source.names()) run.print(name + "\n");
  return 0;
}

int dpctl_show(DpctlRun& run, DpctlWords words) {
  return each_datapath(run, words, "opening", [&](DpctlDatapath& dp) { return show(run, dp); });
}

int dpctl_cache_get_size(DpctlRun& run, DpctlWords words) {
  return each_datapath(run, words, "Opening", [&](DpctlDatapath& dp) {
    run.print(fmt::format("{}@{}:\n{}", dp.type(), dp.name(), caches_text(dp)));
    return 0;
  });
}

int dpctl_cache_set_size(DpctlRun& run, DpctlWords words) {
  auto dp = run.open(words[0]);
  if (!dp) return run.fail(dp.error(), fmt::format("Opening datapath {} failed", words[0]));
  auto size = parse_decimal<uint32_t>(words[2]);
  if (!size) return run.fail(EINVAL, "Invalid cache size");
  auto caches = (*dp)->caches();
  if (caches.empty()) return run.fail(EOPNOTSUPP, "Setting caches not supported");
  if (std::ranges::find(caches, words[1], &DpctlCache::name) == caches.end()) return run.fail(EINVAL, fmt::format("Cache name \"{}\" not found on dpif", words[1]));
  if (int error = (*dp)->set_cache_size(words[1], *size)) return run.fail(error, "Setting cache size failed");
  for (const DpctlCache& c : (*dp)->caches())
    if (c.name == words[1]) run.print(fmt::format("Setting cache size successful, new size {}\n", c.size));
  return 0;
}

int dpctl_offload_stats_show(DpctlRun& run, DpctlWords words) {
  auto dp = run.open_optional(words);
  if (!dp) return dp.error();
  return run.fail((*dp)->is_kernel() ? EOPNOTSUPP : EINVAL, "retrieving offload statistics");
}

}  // namespace sluice

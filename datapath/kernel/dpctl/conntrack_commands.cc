// SPDX-License-Identifier: Apache-2.0
// The connection tracker: connections, limits, and what a datapath says that has none of that.
#include <algorithm>
#include <cctype>
#include <map>

#include <fmt/core.h>

#include "datapath/l4.h"
#include "datapath/kernel/dpctl/command.h"
#include "datapath/kernel/dpctl/connection_text.h"
#include "lib/decimal.h"

namespace sluice {
namespace {

/// "zone=N" at the end of the words is taken away.
std::optional<uint16_t> take_zone(DpctlWords& words) {
  if (words.empty() || !words.back().starts_with("zone=")) return std::nullopt;
  auto zone = parse_decimal<uint16_t>(std::string_view(words.back()).substr(5));
  if (zone) words = words.first(words.size() - 1);
  return zone;
}

int refuse(DpctlRun& run, DpctlWords words, std::string_view what) {
  auto dp = run.open_optional(words);
  return dp ? run.fail(EOPNOTSUPP, what) : dp.error();
}

// --- limits ---

/// "zone=N,limit=L".
std::string parse_limit(std::string_view text, CtZoneLimit& out) {
  bool has_zone = false, has_limit = false;
  for (; !text.empty(); text.remove_prefix(std::min(text.find(',') + 1, text.size()))) {
    std::string_view item = text.substr(0, text.find(','));
    size_t equals = item.find('=');
    std::string_view name = item.substr(0, equals);
    if (equals == item.npos) return fmt::format("field {} missing value", name);
    std::string_view value = item.substr(equals + 1);
    if (name == "zone") {
      auto zone = parse_decimal<uint16_t>(value);
      if (!zone) return "failed to parse field zone";
      out.zone = *zone, has_zone = true;
    } else if (name == "limit") {
      auto limit = parse_decimal<uint32_t>(value);
      if (!limit) return "failed to parse field limit";
      out.limit = *limit, has_limit = true;
    } else {
      return fmt::format("invalid zone limit field: {}", name);
    }
    if (text.find(',') == text.npos) break;
  }
  return has_zone && has_limit ? "" : "failed to parse zone limit";
}

/// "zone=N[,N]..."; nothing: malformed.
std::optional<std::vector<uint16_t>> parse_zones(std::string_view text) {
  std::vector<uint16_t> zones;
  text.remove_prefix(5);
  for (;;) {
    auto zone = parse_decimal<uint16_t>(text.substr(0, text.find(',')));
    if (!zone) return std::nullopt;
    zones.push_back(*zone);
    if (text.find(',') == text.npos) return zones;
    text.remove_prefix(text.find(',') + 1);
  }
}

}  // namespace

int dpctl_dump_conntrack(DpctlRun& run, DpctlWords words) {
  auto zone = take_zone(words);
  auto dp = run.open_optional(words);
  if (!dp) return dp.error();
  int error = (*dp)->ct_dump(zone, run.now, [&](const CtEntry& e) { run.print(format_connection(e, run.options.more, run.options.statistics) + "\n"); });
  return error ? run.fail(error, "dumping conntrack entry") : 0;
}

int dpctl_flush_conntrack(DpctlRun& run, DpctlWords words) {
  bool has_dp = !words.empty() && run.exists(words[0]);
  auto dp = run.open_optional(words.first(has_dp));
  if (!dp) return dp.error();
  words = words.subspan(has_dp);
  std::optional<uint16_t> zone;
  if (!words.empty() && words[0].starts_with("zone=")) {
    zone = parse_decimal<uint16_t>(std::string_view(words[0]).substr(5));
    if (!zone) return run.fail(EINVAL, "failed to parse zone");
    words = words.subspan(1);
  }
  TuplePattern patterns[2];   // of the original direction, and of the reply
  for (size_t i = 0; i < words.size(); i++) {
    if (i == 2) return run.fail(EINVAL, "invalid arguments");
    auto pattern = parse_tuple(words[i]);
    if (!pattern) return run.fail(EINVAL, pattern.error());
    patterns[i] = *pattern;
  }
  if (words.empty()) return (*dp)->ct_flush(zone, run.now, nullptr);
  // One that is meant is in a zone, 0 if no other is said, and that there is none is an error then.
  bool is_one = patterns[0].is_whole() || patterns[1].is_whole();
  if (is_one && !zone) zone = uint16_t{0};
  // A whole tuple names its connection whichever end's it is.
  bool either_end = words.size() == 1 && patterns[0].is_whole();
  int error = (*dp)->ct_flush(zone, run.now, [&](const CtEntry& e) {
    if (either_end && patterns[0].matches(e.reply, e.icmp_id_reply)) return true;
    return patterns[0].matches(e.orig, e.icmp_id_orig) && patterns[1].matches(e.reply, e.icmp_id_reply);
  });
  return error && (is_one || error != ENOENT) ? run.fail(error, "failed to flush conntrack") : 0;
}

int dpctl_ct_stats_show(DpctlRun& run, DpctlWords words) {
  bool verbose = !words.empty() && words.back() == "verbose";
  if (verbose) words = words.first(words.size() - 1);
  auto zone = take_zone(words);
  auto dp = run.open_optional(words);
  if (!dp) return dp.error();
  std::map<std::pair<uint8_t, std::string>, unsigned> by_protocol;
  std::map<CtTcpState, unsigned> by_state;
  unsigned total = 0;
  int error = (*dp)->ct_dump(zone, run.now, [&](const CtEntry& e) {
    total++;
    if (e.orig.proto == kProtoIcmpv6) return;   // in the sum alone, as Open vSwitch has it
    // TCP before UDP before the others.
    uint8_t order = e.orig.proto == kProtoTcp ? 0 : e.orig.proto == kProtoUdp ? 1 : 2;
    std::string name = protocol_name(e);
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    by_protocol[{order, name}]++;
    if (order == 0) by_state[tcp_state_of(e)]++;
  });
  if (error) return run.fail(error, "dumping conntrack entry");
  run.print(fmt::format("Connections Stats:\n    Total: {}\n", total));
  for (auto& [key, n] : by_protocol) {
    run.print(fmt::format("  {}: {}\n", key.second, n));
    if (!verbose || key.first != 0) continue;
    run.print("    Conn per TCP states:\n");
    for (auto& [state, m] : by_state) run.print(fmt::format("\t  [{}]={}\n", ct_tcp_state_name(state), m));
  }
  return 0;
}

int dpctl_ct_bkts(DpctlRun& run, DpctlWords words) {
  if (!words.empty() && words.back().starts_with("gt=") && parse_decimal<uint16_t>(std::string_view(words.back()).substr(3))) words = words.first(words.size() - 1);
  auto dp = run.open_optional(words);
  if (!dp) return dp.error();
  auto stats = (*dp)->ct_stats();
  if (!stats) return run.print("Command is available for UserSpace ConnTracker only.\n"), 0;
  run.print(fmt::format("Total Buckets: 1\nCurrent Connections: {}\n\n", stats->connections));
  if (stats->connections)
    run.print(fmt::format("+-----------+-----------------------------------------+\n|  Buckets  |         Connections per Buckets         |\n"
                          "+-----------+-----------------------------------------+\n   0..  7   | {:>5}\n\n", stats->connections));
  return 0;
}

int dpctl_ct_set_maxconns(DpctlRun& run, DpctlWords words) {
  auto n = parse_decimal<uint32_t>(words.back());
  if (!n) return run.fail(EINVAL, "maxconns missing or malformed");
  auto dp = run.open_optional(words.first(words.size() - 1));
  if (!dp) return dp.error();
  if (int error = (*dp)->ct_set_max_connections(*n)) return run.fail(error, "ct set maxconns failed");
  run.print("setting maxconns successful\n");
  return 0;
}

namespace {

/// Prints what `text` makes of the tracker's numbers.
template <typename Fn>
int with_stats(DpctlRun& run, DpctlWords words, std::string_view failure, Fn text) {
  auto dp = run.open_optional(words);
  if (!dp) return dp.error();
  auto stats = (*dp)->ct_stats();
  if (!stats) return run.fail(EOPNOTSUPP, failure);
  run.print(text(*stats) + "\n");
  return 0;
}

int set_tcp_check(DpctlRun& run, DpctlWords words, bool on) {
  std::string what = fmt::format("{} TCP sequence checking", on ? "enabling" : "disabling");
  auto dp = run.open_optional(words);
  if (!dp) return dp.error();
  if (int error = (*dp)->ct_set_tcp_sequence_check(on)) return run.fail(error, what + " failed");
  run.print(what + " successful\n");
  return 0;
}

}  // namespace

int dpctl_ct_get_maxconns(DpctlRun& run, DpctlWords words) {
  return with_stats(run, words, "maxconns could not be retrieved", [](const CtStats& s) { return fmt::format("{}", s.max_connections); });
}
int dpctl_ct_get_nconns(DpctlRun& run, DpctlWords words) {
  return with_stats(run, words, "nconns could not be retrieved", [](const CtStats& s) { return fmt::format("{}", s.connections); });
}
int dpctl_ct_get_tcp_seq_chk(DpctlRun& run, DpctlWords words) {
  return with_stats(run, words, "TCP sequence checking query failed",
                    [](const CtStats& s) { return fmt::format("TCP sequence checking: {}", s.tcp_sequence_check ? "enabled" : "disabled"); });
}
int dpctl_ct_enable_tcp_seq_chk(DpctlRun& run, DpctlWords words) { return set_tcp_check(run, words, true); }
int dpctl_ct_disable_tcp_seq_chk(DpctlRun& run, DpctlWords words) { return set_tcp_check(run, words, false); }

int dpctl_ct_set_limits(DpctlRun& run, DpctlWords words) {
  bool has_dp = run.exists(words[0]);
  auto dp = run.open_optional(words.first(has_dp));
  if (!dp) return dp.error();
  std::vector<CtZoneLimit> limits;
  for (const std::string& word : words.subspan(has_dp)) {
    CtZoneLimit limit{.zone = -1, .limit = 0, .count = 0};
    if (word.starts_with("default=")) {
      auto v = parse_decimal<uint32_t>(std::string_view(word).substr(8));
      if (!v) return run.fail(EINVAL, "invalid default limit");
      limit.limit = *v;
    } else if (std::string error = parse_limit(word, limit); !error.empty()) {
      return run.fail(EINVAL, error);
    }
    limits.push_back(limit);
  }
  int error = (*dp)->set_zone_limits(limits);
  return error ? run.fail(error, "failed to set conntrack limit") : 0;
}

int dpctl_ct_del_limits(DpctlRun& run, DpctlWords words) {
  auto dp = run.open_optional(words.first(words.size() - 1));
  if (!dp) return dp.error();
  if (!words.back().starts_with("zone=")) return run.fail(EINVAL, fmt::format("invalid argument {}", words.back()));
  auto zones = parse_zones(words.back());
  if (!zones) return run.fail(EINVAL, "invalid zone");
  int error = (*dp)->del_zone_limits(*zones);
  return error ? run.fail(error, "failed to delete conntrack limit") : 0;
}

int dpctl_ct_get_limits(DpctlRun& run, DpctlWords words) {
  std::vector<uint16_t> wanted;
  if (!words.empty() && words.back().starts_with("zone=")) {
    auto zones = parse_zones(words.back());
    if (!zones) return run.fail(EINVAL, "invalid zone");
    wanted = *zones;
    words = words.first(words.size() - 1);
  }
  auto dp = run.open_optional(words);
  if (!dp) return dp.error();
  auto limits = (*dp)->zone_limits(wanted);
  if (!limits) return run.fail(limits.error(), "failed to get conntrack limit");
  std::ranges::sort(*limits, {}, &CtZoneLimit::zone);
  for (const CtZoneLimit& l : *limits)
    run.print(l.zone < 0 ? fmt::format("default limit={}\n", l.limit) : fmt::format("zone={},limit={},count={}\n", l.zone, l.limit, l.count));
  return 0;
}

// --- fragments, which are reassembled for the tracker ---

namespace {

/// Is the word that names the protocol there?
int ipf_switch(DpctlRun& run, DpctlWords words, std::string_view what) {
  if (words.back() != "v4" && words.back() != "v6") return run.fail(EINVAL, "parameter missing: 'v4' for IPv4 or 'v6' for IPv6");
  return refuse(run, words.first(words.size() - 1), what);
}

}  // namespace

int dpctl_ipf_set_enabled(DpctlRun& run, DpctlWords words) { return ipf_switch(run, words, "enabling fragmentation reassembly failed"); }
int dpctl_ipf_set_disabled(DpctlRun& run, DpctlWords words) { return ipf_switch(run, words, "disabling fragmentation reassembly failed"); }

int dpctl_ipf_set_min_frag(DpctlRun& run, DpctlWords words) {
  const std::string& family = words[words.size() - 2];
  if (family != "v4" && family != "v6") return run.fail(EINVAL, "parameter missing: 'v4' for IPv4 or 'v6' for IPv6");
  if (!parse_decimal<uint32_t>(words.back())) return run.fail(EINVAL, "parameter missing for minimum fragment size");
  return refuse(run, words.first(words.size() - 2), "requested minimum fragment size too small; see documentation");
}

int dpctl_ipf_set_max_nfrags(DpctlRun& run, DpctlWords words) {
  if (!parse_decimal<uint32_t>(words.back())) return run.fail(EINVAL, "parameter missing for maximum fragments");
  return refuse(run, words.first(words.size() - 1), "setting maximum fragments failed");
}

int dpctl_ipf_get_status(DpctlRun& run, DpctlWords words) { return refuse(run, words, "ipf status could not be retrieved"); }

}  // namespace sluice

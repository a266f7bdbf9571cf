// SPDX-License-Identifier: Apache-2.0
// The connection tracker: its limits, and what a datapath says that has none of that.
#include <algorithm>
#include <charconv>

#include <fmt/core.h>

#include "dpctl/command.h"

namespace sluice {
namespace {

template <typename T>
std::optional<T> number(std::string_view s) {
  T v{};
  auto [end, bad] = std::from_chars(s.data(), s.data() + s.size(), v);
  return bad == std::errc() && end == s.data() + s.size() ? std::optional(v) : std::nullopt;
}

/// "zone=N" at the end of the words is taken away.
std::optional<uint16_t> take_zone(DpctlWords& words) {
  if (words.empty() || !words.back().starts_with("zone=")) return std::nullopt;
  auto zone = number<uint16_t>(std::string_view(words.back()).substr(5));
  if (zone) words = words.first(words.size() - 1);
  return zone;
}

int refuse(DpctlRun& run, DpctlWords words, std::string_view what) {
  auto dp = run.open_optional(words);
  return dp ? run.fail(EOPNOTSUPP, what) : dp.error();
}

// --- the tuple of flush-conntrack ---

constexpr std::string_view kTupleFields[] = {"ct_nw_src", "ct_nw_dst", "ct_ipv6_src", "ct_ipv6_dst", "ct_nw_proto", "ct_tp_src", "ct_tp_dst", "icmp_type", "icmp_code", "icmp_id"};

/// The error, or "".
std::string check_tuple(std::string_view text) {
  for (; !text.empty(); text.remove_prefix(std::min(text.find(',') + 1, text.size()))) {
    std::string_view item = text.substr(0, text.find(','));
    size_t equals = item.find('=');
    std::string_view name = item.substr(0, equals), value = equals == item.npos ? "" : item.substr(equals + 1);
    if (equals == item.npos || value.empty()) return fmt::format("field {} missing value", name);
    if (std::ranges::find(kTupleFields, name) == std::end(kTupleFields)) return fmt::format("invalid conntrack tuple field: {}", name);
    bool ok = name.find("nw_s") != name.npos || name.find("nw_d") != name.npos ? parse_ipv4(value).has_value()
              : name.starts_with("ct_ipv6")                                    ? parse_ipv6(value).has_value()
                                                                               : number<uint16_t>(value).has_value();
    if (!ok) return fmt::format("failed to parse field {}", name);
    if (text.find(',') == text.npos) break;
  }
  return "";
}

// --- limits ---

/// "zone=N,limit=L".
std::string parse_limit(std::string_view text, DpctlZoneLimit& out) {
  bool has_zone = false, has_limit = false;
  for (; !text.empty(); text.remove_prefix(std::min(text.find(',') + 1, text.size()))) {
    std::string_view item = text.substr(0, text.find(','));
    size_t equals = item.find('=');
    std::string_view name = item.substr(0, equals);
    if (equals == item.npos) return fmt::format("field {} missing value", name);
    std::string_view value = item.substr(equals + 1);
    if (name == "zone") {
      auto zone = number<uint16_t>(value);
      if (!zone) return "failed to parse field zone";
      out.zone = *zone, has_zone = true;
    } else if (name == "limit") {
      auto limit = number<uint32_t>(value);
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
    auto zone = number<uint16_t>(text.substr(0, text.find(',')));
    if (!zone) return std::nullopt;
    zones.push_back(*zone);
    if (text.find(',') == text.npos) return zones;
    text.remove_prefix(text.find(',') + 1);
  }
}

}  // namespace

int dpctl_dump_conntrack(DpctlRun& run, DpctlWords words) {
  (void)take_zone(words);
  auto dp = run.open_optional(words);
  return dp ? 0 : dp.error();
}

int dpctl_flush_conntrack(DpctlRun& run, DpctlWords words) {
  size_t plain = 0;   // the datapath
  while (plain < words.size() && plain < 1 && run.exists(words[plain])) plain++;
  auto dp = run.open_optional(words.first(plain));
  if (!dp) return dp.error();
  words = words.subspan(plain);
  if (!words.empty() && words[0].starts_with("zone=")) words = words.subspan(1);
  for (const std::string& tuple : words)
    if (std::string error = check_tuple(tuple); !error.empty()) return run.fail(EINVAL, error);
  return words.empty() ? 0 : run.fail(EOPNOTSUPP, "failed to flush conntrack");
}

int dpctl_ct_stats_show(DpctlRun& run, DpctlWords words) {
  if (!words.empty() && words.back() == "verbose") words = words.first(words.size() - 1);
  (void)take_zone(words);
  auto dp = run.open_optional(words);
  if (!dp) return dp.error();
  run.print("Connections Stats:\n    Total: 0\n");
  return 0;
}

int dpctl_ct_bkts(DpctlRun& run, DpctlWords words) {
  if (!words.empty() && words.back().starts_with("gt=") && number<uint16_t>(std::string_view(words.back()).substr(3))) words = words.first(words.size() - 1);
  auto dp = run.open_optional(words);
  if (!dp) return dp.error();
  if ((*dp)->is_kernel()) run.print("Command is available for UserSpace ConnTracker only.\n");
  else run.print("Total Buckets: 1\nCurrent Connections: 0\n\n");
  return 0;
}

int dpctl_ct_set_maxconns(DpctlRun& run, DpctlWords words) {
  if (!number<uint32_t>(words.back())) return run.fail(EINVAL, "maxconns missing or malformed");
  return refuse(run, words.first(words.size() - 1), "ct set maxconns failed");
}

int dpctl_ct_get_maxconns(DpctlRun& run, DpctlWords words) { return refuse(run, words, "maxconns could not be retrieved"); }
int dpctl_ct_get_nconns(DpctlRun& run, DpctlWords words) { return refuse(run, words, "nconns could not be retrieved"); }
int dpctl_ct_enable_tcp_seq_chk(DpctlRun& run, DpctlWords words) { return refuse(run, words, "enabling TCP sequence checking failed"); }
int dpctl_ct_disable_tcp_seq_chk(DpctlRun& run, DpctlWords words) { return refuse(run, words, "disabling TCP sequence checking failed"); }
int dpctl_ct_get_tcp_seq_chk(DpctlRun& run, DpctlWords words) { return refuse(run, words, "TCP sequence checking query failed"); }

int dpctl_ct_set_limits(DpctlRun& run, DpctlWords words) {
  bool has_dp = run.exists(words[0]);
  auto dp = run.open_optional(words.first(has_dp));
  if (!dp) return dp.error();
  std::vector<DpctlZoneLimit> limits;
  for (const std::string& word : words.subspan(has_dp)) {
    DpctlZoneLimit limit{.zone = -1, .limit = 0, .count = 0};
    if (word.starts_with("default=")) {
      auto v = number<uint32_t>(std::string_view(word).substr(8));
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
  std::ranges::sort(*limits, {}, &DpctlZoneLimit::zone);
  for (const DpctlZoneLimit& l : *limits)
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
  if (!number<uint32_t>(words.back())) return run.fail(EINVAL, "parameter missing for minimum fragment size");
  return refuse(run, words.first(words.size() - 2), "requested minimum fragment size too small; see documentation");
}

int dpctl_ipf_set_max_nfrags(DpctlRun& run, DpctlWords words) {
  if (!number<uint32_t>(words.back())) return run.fail(EINVAL, "parameter missing for maximum fragments");
  return refuse(run, words.first(words.size() - 1), "setting maximum fragments failed");
}

int dpctl_ipf_get_status(DpctlRun& run, DpctlWords words) { return refuse(run, words, "ipf status could not be retrieved"); }

}  // namespace sluice

// SPDX-License-Identifier: Apache-2.0
// See command.h.
#include "datapath/kernel/dpctl/command.h"

#include <algorithm>
#include <climits>
#include <cstring>

#include <fmt/core.h>

#include "lib/program.h"

namespace sluice {
namespace {

constexpr DpctlCommand kCommands[] = {
    {"add-dp", "dp [iface...]", 1, INT_MAX, dpctl_add_dp, true},
    {"del-dp", "dp", 1, 1, dpctl_del_dp, true},
    {"add-if", "dp iface...", 2, INT_MAX, dpctl_add_if, true},
    {"del-if", "dp iface...", 2, INT_MAX, dpctl_del_if, true},
    {"set-if", "dp iface...", 2, INT_MAX, dpctl_set_if, true},
    {"dump-dps", "", 0, 0, dpctl_dump_dps},
    {"show", "[-s] [dp...]", 0, INT_MAX, dpctl_show},
    {"dump-flows", "[-m] [--names] [dp] [filter=..] [type=..] [pmd=..]", 0, 6, dpctl_dump_flows},
    {"add-flow", "[dp] flow actions", 2, 3, dpctl_add_flow, true},
    {"mod-flow", "[dp] flow actions", 2, 3, dpctl_mod_flow, true},
    {"get-flow", "[dp] ufid", 1, 2, dpctl_get_flow},
    {"del-flow", "[dp] flow", 1, 2, dpctl_del_flow, true},
    {"add-flows", "[dp] file", 1, 2, dpctl_add_flows, true},
    {"mod-flows", "[dp] file", 1, 2, dpctl_mod_flows, true},
    {"del-flows", "[dp] [file]", 0, 2, dpctl_del_flows, true},
    {"offload-stats-show", "[dp]", 0, 1, dpctl_offload_stats_show},
    {"dump-conntrack", "[-m] [-s] [dp] [zone=N]", 0, 4, dpctl_dump_conntrack},
    {"flush-conntrack", "[dp] [zone=N] [ct-orig-tuple] [ct-reply-tuple]", 0, 4, dpctl_flush_conntrack, true},
    {"cache-get-size", "[dp]", 0, 1, dpctl_cache_get_size},
    {"cache-set-size", "dp cache <size>", 3, 3, dpctl_cache_set_size, true},
    {"ct-stats-show", "[dp] [zone=N]", 0, 3, dpctl_ct_stats_show},
    {"ct-bkts", "[dp] [gt=N]", 0, 2, dpctl_ct_bkts},
    {"ct-set-maxconns", "[dp] maxconns", 1, 2, dpctl_ct_set_maxconns, true},
    {"ct-get-maxconns", "[dp]", 0, 1, dpctl_ct_get_maxconns},
    {"ct-get-nconns", "[dp]", 0, 1, dpctl_ct_get_nconns},
    {"ct-enable-tcp-seq-chk", "[dp]", 0, 1, dpctl_ct_enable_tcp_seq_chk, true},
    {"ct-disable-tcp-seq-chk", "[dp]", 0, 1, dpctl_ct_disable_tcp_seq_chk, true},
    {"ct-get-tcp-seq-chk", "[dp]", 0, 1, dpctl_ct_get_tcp_seq_chk},
    {"ct-set-limits", "[dp] [default=L] [zone=N,limit=L]...", 1, INT_MAX, dpctl_ct_set_limits},
    {"ct-del-limits", "[dp] zone=N1[,N2]...", 1, 2, dpctl_ct_del_limits},
    {"ct-get-limits", "[dp] [zone=N1[,N2]...]", 0, 2, dpctl_ct_get_limits},
    {"ipf-set-enabled", "[dp] v4|v6", 1, 2, dpctl_ipf_set_enabled, true},
    {"ipf-set-disabled", "[dp] v4|v6", 1, 2, dpctl_ipf_set_disabled, true},
    {"ipf-set-min-frag", "[dp] v4|v6 minfragment", 2, 3, dpctl_ipf_set_min_frag, true},
    {"ipf-set-max-nfrags", "[dp] maxfrags", 1, 2, dpctl_ipf_set_max_nfrags, true},
    {"ipf-get-status", "[dp]", 0, 1, dpctl_ipf_get_status},
    {"help", "", 0, INT_MAX, nullptr},
    {"list-commands", "", 0, INT_MAX, dpctl_list_commands},
    {"parse-actions", "actions", 1, INT_MAX, dpctl_parse_actions},
    {"normalize-actions", "actions", 2, INT_MAX, dpctl_normalize_actions},
};

}  // namespace

std::span<const DpctlCommand> dpctl_commands() { return kCommands; }

const DpctlCommand* find_dpctl_command(std::string_view name) {
  auto* c = std::ranges::find(kCommands, name, &DpctlCommand::name);
  return c == std::end(kCommands) ? nullptr : c;
}

int DpctlRun::fail(int error, std::string_view what) {
  write_(error ? fmt::format("{}: {} ({})\n", program_name(), what, errno_text(error)) : fmt::format("{}: {}\n", program_name(), what), true);
  return error;
}

std::pair<std::string, std::string> split_datapath_name(const std::string& name) {
  size_t at = name.find('@');
  return at == name.npos ? std::pair(std::string("system"), name) : std::pair(name.substr(0, at), name.substr(at + 1));
}

bool DpctlRun::exists(const std::string& name) {
  auto [type, bare] = split_datapath_name(name);
  auto all = source.names();
  return std::ranges::find(all, type + "@" + bare) != all.end();
}

std::expected<std::unique_ptr<DpctlDatapath>, int> DpctlRun::open(const std::string& name) {
  auto [type, bare] = split_datapath_name(name);
  return source.open(type, bare);
}

std::expected<std::unique_ptr<DpctlDatapath>, int> DpctlRun::open_optional(DpctlWords words) {
  auto all = source.names();
  std::string name;
  if (words.size() == 1 && exists(words[0])) name = words[0];
  else if (words.empty() && all.size() == 1) name = all[0];
  else if (words.empty()) fail(0, all.empty() ? "no datapaths exist" : "multiple datapaths, specify one");
  if (name.empty()) return std::unexpected(fail(EINVAL, "datapath not found"));
  auto dp = open(name);
  if (!dp) fail(dp.error(), "opening datapath");
  return dp;
}

OdpTextOptions DpctlRun::text_options(DpctlDatapath& datapath, bool with_names) const {
  auto ports = std::make_shared<std::vector<DpctlPort>>(datapath.ports().value_or(std::vector<DpctlPort>{}));
  OdpTextOptions text{.verbose = options.more, .packet_type = !datapath.is_kernel()};
  if (with_names)
    text.port_name = [ports](OdpPort port) {
      auto p = std::ranges::find(*ports, port, &DpctlPort::port);
      return p == ports->end() ? fmt::format("{}", port.value) : p->name;
    };
  text.port_number = [ports](std::string_view name) -> std::optional<OdpPort> {
    auto p = std::ranges::find(*ports, name, &DpctlPort::name);
    return p == ports->end() ? std::nullopt : std::optional(p->port);
  };
  return text;
}

int dpctl_list_commands(DpctlRun& run, DpctlWords) {
  run.print("The available commands are:\n");
  for (const DpctlCommand& c : kCommands)
    if (c.run || !run.options.in_daemon) run.print(fmt::format("  {}{:<23} {}\n", run.options.in_daemon ? "dpctl/" : "", c.name, c.usage));
  return 0;
}

}  // namespace sluice

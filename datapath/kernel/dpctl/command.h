// SPDX-License-Identifier: Apache-2.0
// The dpctl commands: one table, run by ovs-dpctl and by the switch daemon ("dpctl/NAME").
// A command prints as it goes.  In the daemon text and error messages are one answer, in their order; the tool has stdout and stderr.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "datapath/kernel/dpctl/datapath.h"

namespace sluice {

struct DpctlOptions {
  bool statistics = false, more = false, may_create = false, read_only = false, clear = false;
  std::optional<bool> names;   // nothing: with `more` only
  bool in_daemon = false;
};

using DpctlWrite = std::function<void(std::string_view text, bool is_error)>;

/// A match in OpenFlow's words, which this room doesn't know.
using DpctlParseFilter = std::expected<OdpKeyMask, std::string> (*)(std::string_view text, const std::map<uint32_t, std::string>& port_names);

/// One command being run.
class DpctlRun {
 public:
  DpctlRun(DpctlSource& source, DpctlOptions options, Time now, DpctlParseFilter parse_filter, DpctlWrite write)
      : source(source), options(options), now(now), parse_filter(parse_filter), write_(std::move(write)) {}

  void print(std::string_view text) { write_(text, false); }
  /// "PROGRAM: WHAT (strerror)\n"; error 0: without the parenthesis.  Returns the error.
  int fail(int error, std::string_view what);

  /// "TYPE@NAME", or "NAME" of type system; fails as the peer does.
  std::expected<std::unique_ptr<DpctlDatapath>, int> open(const std::string& name);
  /// `words` is "[DP]": the one that is named, or else the only one.
  std::expected<std::unique_ptr<DpctlDatapath>, int> open_optional(std::span<const std::string> words);
  bool exists(const std::string& name);
  /// How ports are printed and read.
  OdpTextOptions text_options(DpctlDatapath& datapath, bool with_names) const;
  bool with_names() const { return options.names.value_or(options.more); }

  DpctlSource& source;
  const DpctlOptions options;
  const Time now;
  const DpctlParseFilter parse_filter;

 private:
  DpctlWrite write_;
};

using DpctlWords = std::span<const std::string>;

struct DpctlCommand {
  std::string_view name, usage;
  int min_args, max_args;
  int (*run)(DpctlRun&, DpctlWords);   // 0: done
  bool changes = false;                // not with --read-only
};

std::span<const DpctlCommand> dpctl_commands();
const DpctlCommand* find_dpctl_command(std::string_view name);

/// "type@name" or "name", which is of type system.
std::pair<std::string, std::string> split_datapath_name(const std::string& name);

// --- what the table runs ---
int dpctl_add_dp(DpctlRun&, DpctlWords);
int dpctl_del_dp(DpctlRun&, DpctlWords);
int dpctl_add_if(DpctlRun&, DpctlWords);
int dpctl_set_if(DpctlRun&, DpctlWords);
int dpctl_del_if(DpctlRun&, DpctlWords);
int dpctl_dump_dps(DpctlRun&, DpctlWords);
int dpctl_show(DpctlRun&, DpctlWords);
int dpctl_cache_get_size(DpctlRun&, DpctlWords);
int dpctl_cache_set_size(DpctlRun&, DpctlWords);
int dpctl_offload_stats_show(DpctlRun&, DpctlWords);
int dpctl_dump_flows(DpctlRun&, DpctlWords);
int dpctl_add_flow(DpctlRun&, DpctlWords);
int dpctl_mod_flow(DpctlRun&, DpctlWords);
int dpctl_get_flow(DpctlRun&, DpctlWords);
int dpctl_del_flow(DpctlRun&, DpctlWords);
int dpctl_add_flows(DpctlRun&, DpctlWords);
int dpctl_mod_flows(DpctlRun&, DpctlWords);
int dpctl_del_flows(DpctlRun&, DpctlWords);
int dpctl_parse_actions(DpctlRun&, DpctlWords);
int dpctl_normalize_actions(DpctlRun&, DpctlWords);
int dpctl_dump_conntrack(DpctlRun&, DpctlWords);
int dpctl_flush_conntrack(DpctlRun&, DpctlWords);
int dpctl_ct_stats_show(DpctlRun&, DpctlWords);
int dpctl_ct_bkts(DpctlRun&, DpctlWords);
int dpctl_ct_set_maxconns(DpctlRun&, DpctlWords);
int dpctl_ct_get_maxconns(DpctlRun&, DpctlWords);
int dpctl_ct_get_nconns(DpctlRun&, DpctlWords);
int dpctl_ct_enable_tcp_seq_chk(DpctlRun&, DpctlWords);
int dpctl_ct_disable_tcp_seq_chk(DpctlRun&, DpctlWords);
int dpctl_ct_get_tcp_seq_chk(DpctlRun&, DpctlWords);
int dpctl_ct_set_limits(DpctlRun&, DpctlWords);
int dpctl_ct_del_limits(DpctlRun&, DpctlWords);
int dpctl_ct_get_limits(DpctlRun&, DpctlWords);
int dpctl_ipf_set_enabled(DpctlRun&, DpctlWords);
int dpctl_ipf_set_disabled(DpctlRun&, DpctlWords);
int dpctl_ipf_set_min_frag(DpctlRun&, DpctlWords);
int dpctl_ipf_set_max_nfrags(DpctlRun&, DpctlWords);
int dpctl_ipf_get_status(DpctlRun&, DpctlWords);
int dpctl_list_commands(DpctlRun&, DpctlWords);

}  // namespace sluice

// SPDX-License-Identifier: Apache-2.0
// See dp_features.h.
#include "vswitchd/dp_features.h"

#include <algorithm>
#include <string_view>

#include <fmt/core.h>

#include "lib/decimal.h"
#include "lib/log.h"

namespace sluice {
namespace {

Log log("ofproto_dpif");

/// `text` of the log: what is supported, or, with "{}", the sentence around a number.
struct Feature { std::string_view title, name, text; };
constexpr Feature kFeatures[] = {
    {"Masked set action", "masked_set_action", "masked set action"},
    {"Tunnel push pop", "tnl_push_pop", "tunnel push and pop"},
    {"Ufid", "ufid", "unique flow ids"},
    {"Truncate action", "trunc", "truncate action"},
    {"Clone action", "clone", "clone action"},
    {"Sample nesting", "sample_nesting", "Max sample nesting level probed as {}"},
    {"Conntrack eventmask", "ct_eventmask", "eventmask in conntrack action"},
    {"Conntrack clear", "ct_clear", "ct_clear action"},
    {"Max dp_hash algorithm", "max_hash_alg", "Max dp_hash algorithm probed to be {}"},
    {"Check pkt length action", "check_pkt_len", "check_pkt_len action"},
    {"Conntrack timeout policy", "ct_timeout", "timeout policy in conntrack action"},
    {"Explicit Drop action", "explicit_drop_action", "explicit drop action"},
    {"Optimized Balance TCP mode", "lb_output_action", "optimized balance TCP mode"},
    {"Conntrack all-zero IP SNAT", "ct_zero_snat", "ct_zero_snat"},
    {"MPLS Label add", "add_mpls", "add_mpls action"},
    {"Max VLAN headers", "max_vlan_headers", "VLAN header stack length probed as {}"},
    {"Max MPLS depth", "max_mpls_depth", "MPLS label stack length probed as {}"},
    {"Recirc", "recirc", "recirculation"},
    {"CT state", "ct_state", "ct_state"},
    {"CT zone", "ct_zone", "ct_zone"},
    {"CT mark", "ct_mark", "ct_mark"},
    {"CT label", "ct_label", "ct_label"},
    {"CT state NAT", "ct_state_nat", "ct_state_nat"},
    {"CT orig tuple", "ct_orig_tuple", "ct_orig_tuple"},
    {"CT orig tuple for IPv6", "ct_orig_tuple6", "ct_orig_tuple6"},
    {"IPv6 ND Extension", "nd_ext", "IPv6 ND Extensions"},
};

const Feature* find_title(std::string_view title) {
  auto* f = std::ranges::find(kFeatures, title, &Feature::title);
  return f == std::end(kFeatures) ? nullptr : f;
}

std::string plain(const std::string& value) { return value == "Yes" ? "true" : value == "No" ? "false" : value; }
bool is_flag(const std::string& value) { return value == "Yes" || value == "No"; }

}  // namespace

std::map<std::string, std::string> datapath_capabilities(const Switch& sw) {
  std::map<std::string, std::string> all{{"ct_flush", "true"}};
  for (auto& [title, value] : sw.features())
    if (const Feature* f = find_title(title)) all[std::string(f->name)] = f->name == "sample_nesting" ? "true" : plain(value);
  return all;
}

std::expected<std::string, std::string> list_datapath_features(const Switch& sw, const std::string& name) {
  std::string out;
  auto now = sw.features();
  for (auto at = now.begin(); auto& [title, value] : sw.dpif().features()) {
    const std::string& left = (at++)->second;
    const Feature* f = find_title(title);
    if (f && (name.empty() || name == f->name)) out += fmt::format("{} ({}) : [run time]:{}, [boot time]:{}\n", f->name, title, plain(left), plain(value));
  }
  if (out.empty() && !name.empty()) return std::unexpected("Unexpected support field");
  return out;
}

std::string set_datapath_feature(Switch& sw, const std::string& name, const std::string& value, Time now) {
  for (auto& [title, has] : sw.dpif().features()) {
    const Feature* f = find_title(title);
    if (!f || f->name != name) continue;
    std::string wanted = value;
    if (is_flag(has)) {
      if (value != "true" && value != "false") return "Boolean value expected";
      if (value == "true" && has == "No") return "Can not set value beyond the datapath capability";
      wanted = value == "true" ? "Yes" : "No";
    } else {
      auto n = parse_decimal<unsigned>(value);
      if (!n) return "Integer number expected";
      if (*n > parse_decimal<unsigned>(has).value_or(0)) return "Can not set value beyond the datapath capability";
    }
    sw.limit_feature(title, wanted, now);
    return "";
  }
  return "Unexpected support field";
}

void log_datapath_features(const Dpif& dpif) {
  for (auto& [title, value] : dpif.features()) {
    const Feature* f = find_title(title);
    if (!f) continue;
    std::string text(f->text);
    if (is_flag(value)) text = fmt::format("Datapath {} {}", value == "Yes" ? "supports" : "does not support", f->text);
    else text.replace(text.find("{}"), 2, value);
    log.info("{}@{}: {}", dpif.type(), dpif.name(), text);
  }
}

}  // namespace sluice

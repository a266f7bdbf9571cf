// SPDX-License-Identifier: Apache-2.0
// Flows: dumped, added, changed, deleted; one by one or from a file.
#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>

#include <fmt/core.h>

#include "datapath/kernel/odp_netlink.h"
#include "datapath/kernel/odp_netlink_text.h"
#include "datapath/kernel/dpctl/command.h"
#include "lib/files.h"

namespace sluice {
namespace {

constexpr size_t kMaxFileSize = size_t{64} << 20;
constexpr int kMainThread = -1;   // pmd=-1: the thread that is no PMD's

std::string_view strip(std::string_view s) {
  constexpr std::string_view kBlanks = " \t\r\n";
  size_t from = s.find_first_not_of(kBlanks);
  return from == s.npos ? "" : s.substr(from, s.find_last_not_of(kBlanks) - from + 1);
}

// --- one flow ---

/// An error that was told is in `error`.
std::optional<OdpKeyMask> parse_key(DpctlRun& run, const std::string& text, const OdpTextOptions& options, std::string_view what, int& error) {
  if (text.starts_with("ufid:") && !parse_ufid(std::string_view(text).substr(0, text.find_first_of(", ")))) {
    error = run.fail(EINVAL, "parsing flow ufid");
    return std::nullopt;
  }
  auto key = parse_odp_key(text, options);
  if (key) return *key;
  error = run.fail(EINVAL, what.empty() ? key.error() : fmt::format("{} ({})", what, key.error()));
  return std::nullopt;
}

int put_flow(DpctlRun& run, DpctlDatapath& dp, const std::string& flow, const std::string& actions_text, DpctlPut how) {
  OdpTextOptions options = run.text_options(dp, false);
  int error = 0;
  auto key = parse_key(run, flow, options, "parsing flow key", error);
  if (!key) return error;
  auto actions = parse_odp_actions(actions_text, options);
  if (!actions) return run.fail(EINVAL, "parsing actions");
  FlowStats old;
  error = dp.flow_put({.key = *key, .actions = *actions, .how = how, .clear = run.options.clear}, old, run.now);
  if (error) return run.fail(error, "updating flow table");
  if (run.options.statistics) run.print(format_stats(old, run.now) + "\n");
  return 0;
}

int delete_flow(DpctlRun& run, DpctlDatapath& dp, const std::string& flow) {
  int error = 0;
  auto key = parse_key(run, flow, run.text_options(dp, false), "", error);
  if (!key) return error;
  FlowStats old;
  error = dp.flow_del(*key, old, run.now);
  if (error) {
    run.fail(error, "deleting flow");
    if (error == ENOENT) run.print("Perhaps you need to specify a UFID?\n");
    return error;
  }
  if (run.options.statistics) run.print(format_stats(old, run.now) + "\n");
  return 0;
}

int put_command(DpctlRun& run, DpctlWords words, DpctlPut how) {
  auto dp = run.open_optional(words.first(words.size() - 2));
  return dp ? put_flow(run, **dp, words[words.size() - 2], words.back(), how) : dp.error();
}

DpctlPut modification(const DpctlRun& run) { return run.options.may_create ? DpctlPut::kCreateOrModify : DpctlPut::kModify; }

// --- files of flows ---

enum class LineCommand { kAdd, kModify, kDelete };

/// "[add|modify|delete] FLOW [ACTIONS]"; false: malformed.
bool do_line(DpctlRun& run, DpctlDatapath& dp, std::string_view line, LineCommand command) {
  struct Word { std::string_view word; LineCommand command; };
  for (Word w : {Word{"add", LineCommand::kAdd}, {"modify", LineCommand::kModify}, {"delete", LineCommand::kDelete}})
    if (line.starts_with(w.word) && line.size() > w.word.size() && std::strchr(" \t", line[w.word.size()])) {
      command = w.command;
      line = strip(line.substr(w.word.size()));
      break;
    }
  size_t blank = line.find_last_of(" \t");
  if (command == LineCommand::kDelete) {
    if (blank != line.npos && line.find_first_of(" \t") == blank && !line.starts_with("ufid:")) return false;
    delete_flow(run, dp, std::string(line));
    return true;
  }
  if (blank == line.npos) return false;
  put_flow(run, dp, std::string(strip(line.substr(0, blank))), std::string(line.substr(blank + 1)), command == LineCommand::kAdd ? DpctlPut::kCreate : modification(run));
  return true;
}

/// Errors of lines are told; the rest goes on.
int do_file(DpctlRun& run, DpctlDatapath& dp, const std::string& path, LineCommand command) {
  auto text = read_file(path == "-" ? "/dev/stdin" : path, kMaxFileSize);
  if (!text) {
    run.fail(text.error().error, fmt::format("Opening file \"{}\" failed", path));
    return 0;
  }
  std::string_view rest = *text;
  for (unsigned number = 1; !rest.empty(); number++) {
    size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    line = strip(line.substr(0, line.find('#')));
    if (!line.empty() && !do_line(run, dp, line, command)) run.fail(0, fmt::format("Failed parsing line number {}, skipped!", number));
  }
  return 0;
}

int file_command(DpctlRun& run, DpctlWords words, LineCommand command) {
  auto dp = run.open_optional(words.first(words.size() - 1));
  return dp ? do_file(run, **dp, words.back(), command) : dp.error();
}

// --- dumps ---

/// The words of dump-flows that are no datapath.
struct DumpWords {
  std::string filter;
  std::optional<std::string> types;
  std::optional<int> pmd;
  bool bad_pmd = false;
};

DumpWords take_dump_words(std::vector<std::string>& words) {
  DumpWords d;
  std::erase_if(words, [&](std::string_view word) {
    if (word.starts_with("filter=") && d.filter.empty()) {
      d.filter = word.substr(7);
    } else if (word.starts_with("type=") && !d.types) {
      d.types = word.substr(5);
    } else if (word.starts_with("pmd=") && !d.pmd) {
      int pmd = 0;
      auto [end, bad] = std::from_chars(word.data() + 4, word.data() + word.size(), pmd);
      if (bad != std::errc() || end != word.data() + word.size()) d.bad_pmd = true;
      d.pmd = pmd;
    } else {
      return false;
    }
    return true;
  });
  return d;
}

/// True if flows that nothing is offloaded of are asked for; nothing: a type that is none.
std::optional<bool> wants_plain_flows(std::string_view types, std::string& bad) {
  bool wanted = false;
  for (; !types.empty(); types.remove_prefix(std::min(types.find(',') + 1, types.size()))) {
    std::string_view type = types.substr(0, types.find(','));
    constexpr std::string_view kPlain[] = {"all", "ovs", "non-offloaded"}, kOther[] = {"tc", "dpdk", "offloaded", "partially-offloaded"};
    if (std::ranges::find(kPlain, type) != std::end(kPlain)) wanted = true;
    else if (std::ranges::find(kOther, type) == std::end(kOther)) return bad = type, std::nullopt;
    if (types.find(',') == types.npos) break;
  }
  return wanted;
}

std::string flow_line(const DpctlFlow& f, const DpctlRun& run) {
  std::string ufid = run.options.more && f.ufid ? format_ufid(*f.ufid) + ", " : "";
  return fmt::format("{}{}, {}{}, actions:{}\n", ufid, f.key, format_stats(f.stats, run.now), run.options.more ? ", dp:ovs" : "", f.actions);
}

}  // namespace

int dpctl_dump_flows(DpctlRun& run, DpctlWords words) {
  std::vector<std::string> others(words.begin(), words.end());
  DumpWords d = take_dump_words(others);
  if (d.bad_pmd) return EINVAL;
  auto dp = run.open_optional(others);
  if (!dp) return dp.error();
  std::string bad;
  if (d.types && !run.options.in_daemon) {
    run.fail(0, "Invalid argument 'type'. Use 'ovs-appctl dpctl/dump-flows' instead.");
    return EINVAL;
  }
  auto wanted = d.types ? wants_plain_flows(*d.types, bad) : true;
  if (!wanted) return run.fail(EINVAL, fmt::format("Failed to parse type ({})", bad));
  OdpTextOptions text = run.text_options(**dp, run.with_names());
  OdpKeyMask filter{};
  if (!d.filter.empty()) {
    std::map<uint32_t, std::string> ports;
    for (const DpctlPort& p : (*dp)->ports().value_or(std::vector<DpctlPort>{})) ports[p.port.value] = p.name;
    auto parsed = run.parse_filter(d.filter, ports);
    if (!parsed) {
      run.fail(0, fmt::format("Failed to parse filter ({})", parsed.error()));
      return EINVAL;
    }
    filter = *parsed;
  }
  bool of_pmd = d.pmd && *d.pmd != kMainThread, first = true;
  if (!*wanted || of_pmd) return 0;
  return (*dp)->flow_dump(text, [&](const DpctlFlow& f) {
    // All that packets of the filter could meet.
    Flow both = filter.mask;
    mask_flow(both, f.mask);
    if (!equal_under(filter.key, f.flow, both)) return;
    if (first && !(*dp)->is_kernel()) run.print("flow-dump from the main thread:\n");
    first = false;
    run.print(flow_line(f, run));
  });
}

int dpctl_add_flow(DpctlRun& run, DpctlWords words) { return put_command(run, words, DpctlPut::kCreate); }
int dpctl_mod_flow(DpctlRun& run, DpctlWords words) { return put_command(run, words, modification(run)); }

int dpctl_get_flow(DpctlRun& run, DpctlWords words) {
  auto dp = run.open_optional(words.first(words.size() - 1));
  if (!dp) return dp.error();
  auto ufid = words.back().starts_with("ufid:") ? parse_ufid(words.back()) : std::nullopt;
  if (!ufid) {
    run.fail(words.back().starts_with("ufid:") ? EINVAL : 0, "parsing flow ufid");
    return 0;   // as Open vSwitch has it
  }
  auto flow = (*dp)->flow_get(*ufid, run.text_options(**dp, run.with_names()));
  if (!flow) return run.fail(flow.error(), "getting flow");
  run.print(flow_line(*flow, run));
  return 0;
}

int dpctl_del_flow(DpctlRun& run, DpctlWords words) {
  auto dp = run.open_optional(words.first(words.size() - 1));
  return dp ? delete_flow(run, **dp, words.back()) : dp.error();
}

int dpctl_add_flows(DpctlRun& run, DpctlWords words) { return file_command(run, words, LineCommand::kAdd); }
int dpctl_mod_flows(DpctlRun& run, DpctlWords words) { return file_command(run, words, LineCommand::kModify); }

int dpctl_del_flows(DpctlRun& run, DpctlWords words) {
  bool has_file = words.size() == 2 || (words.size() == 1 && !run.exists(words[0]));
  if (has_file) return file_command(run, words, LineCommand::kDelete);
  auto dp = run.open_optional(words);
  if (!dp) return dp.error();
  int error = (*dp)->flow_flush(run.now);
  return error ? run.fail(error, "deleting all flows") : 0;
}

int dpctl_parse_actions(DpctlRun& run, DpctlWords words) {
  for (const std::string& word : words) {
    auto actions = parse_odp_actions(word);
    if (!actions) return run.fail(EINVAL, "odp_actions_from_string");
    run.print(format_odp_actions(*actions) + "\n");
  }
  return 0;
}

namespace {

/// Outermost first.
struct Tags {
  std::vector<uint16_t> vlans;
  std::vector<uint32_t> labels;
  auto operator<=>(const Tags&) const = default;
};

/// What is done with the packet under each set of tags; outputs that follow each other by number.
std::map<Tags, OdpActions> by_tags(const Flow& key, const OdpActions& actions) {
  Tags now;
  for (be16 tci : {key.vlan_tci, key.vlan2_tci})
    if (tci) now.vlans.push_back(tci.host());
  for (be32 lse : key.mpls_lse)
    if (lse) now.labels.push_back(lse.host());
  std::map<Tags, OdpActions> out;
  if (actions.empty()) out[now];
  for (const OdpAction& a : actions) {
    if (auto* v = std::get_if<OdpPushVlan>(&a.v)) {
      now.vlans.insert(now.vlans.begin(), v->tci.host());
    } else if (auto* m = std::get_if<OdpPushMpls>(&a.v)) {
      now.labels.insert(now.labels.begin(), m->lse.host());
    } else if (std::holds_alternative<OdpPopVlan>(a.v)) {
      if (!now.vlans.empty()) now.vlans.erase(now.vlans.begin());
    } else if (std::holds_alternative<OdpPopMpls>(a.v)) {
      if (!now.labels.empty()) now.labels.erase(now.labels.begin());
    } else {
      out[now].push_back(a);
    }
  }
  auto is_output = [](const OdpAction& a) { return std::holds_alternative<OdpOutput>(a.v); };
  for (auto& [tags, done] : out)
    for (auto from = done.begin(); from != done.end();) {
      auto to = std::find_if_not(from, done.end(), is_output);
      std::ranges::sort(from, to, {}, [](const OdpAction& a) { return std::get<OdpOutput>(a.v).port.value; });
      from = std::find_if(to, done.end(), is_output);
    }
  return out;
}

}  // namespace

int dpctl_normalize_actions(DpctlRun& run, DpctlWords words) {
  auto flow = parse_odp_key(words[0]);
  if (!flow) return run.fail(EINVAL, fmt::format("odp_flow_key_from_string ({})", flow.error()));
  Bytes attrs;
  AttrWriter writer(attrs);
  encode_given_odp_key(*flow, false, writer);
  run.print(fmt::format("input flow: {}\n", format_odp_netlink_key(attrs, std::nullopt, {})));
  auto actions = parse_odp_actions(words[1]);
  if (!actions) return run.fail(EINVAL, "odp_actions_from_string");
  for (auto& [tags, done] : by_tags(flow->key, *actions)) {
    std::string text;
    for (uint16_t tci : tags.vlans) text += fmt::format("vlan(vid={},pcp={}): ", tci & 0xfff, tci >> 13);
    if (tags.vlans.empty()) text += "no vlan: ";
    for (uint32_t lse : tags.labels) text += fmt::format("mpls(label={},tc={},ttl={}): ", lse >> 12, lse >> 9 & 7, lse & 0xff);
    if (tags.labels.empty()) text += "no mpls: ";
    run.print(text + format_odp_actions(done));
  }
  return 0;
}

}  // namespace sluice

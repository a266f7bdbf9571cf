// SPDX-License-Identifier: Apache-2.0
// See dpctl.h.
#include "vswitchd/dpctl.h"

#include <algorithm>

#include <fmt/core.h>

#include "datapath/kernel/dpctl/command.h"
#include "datapath/kernel/dpctl/dpif_datapath.h"
#include "ofproto/openflow/flow_text.h"

namespace sluice {
namespace {

/// "-m", "-s", or several letters in one word.
bool take_letters(std::string_view letters, DpctlOptions& o) {
  for (char letter : letters) {
    if (letter == 's') o.statistics = true;
    else if (letter == 'm') o.more = true;
    else return false;
  }
  return true;
}

/// Takes the options out of `args`, wherever they stand.  The error names the one that is none.  (--read-only is the tool's: here the socket's permissions say who may.)
std::expected<DpctlOptions, std::string> take_options(std::vector<std::string>& args) {
  DpctlOptions o{.names = {}, .in_daemon = true};
  struct Flag { std::string_view name; bool DpctlOptions::*to; };
  constexpr Flag kFlags[] = {{"--statistics", &DpctlOptions::statistics}, {"--more", &DpctlOptions::more}, {"--may-create", &DpctlOptions::may_create}, {"--clear", &DpctlOptions::clear}};
  std::string unknown;
  std::erase_if(args, [&](const std::string& arg) {
    if (!arg.starts_with('-') || arg == "-") return false;
    auto* flag = std::ranges::find(kFlags, arg, &Flag::name);
    if (flag != std::end(kFlags)) o.*flag->to = true;
    else if (arg == "--names" || arg == "--no-names") o.names = arg == "--names";
    else if ((arg.starts_with("--") || !take_letters(std::string_view(arg).substr(1), o)) && unknown.empty()) unknown = arg;
    return true;
  });
  if (!unknown.empty()) return std::unexpected(fmt::format("Unrecognized option {}", unknown));
  return o;
}

UnixctlText run_command(const DpctlCommand& command, DpctlSource& source, std::vector<std::string> words, Time now) {
  auto options = take_options(words);
  if (!options) return std::unexpected(options.error());
  if (static_cast<int>(words.size()) < command.min_args) return std::unexpected(fmt::format("'{}' command requires at least {} arguments", command.name, command.min_args));
  std::string text;
  DpctlRun run(source, *options, now, ofp::parse_packet_filter, [&](std::string_view part, bool) { text += part; });
  if (command.run(run, words)) return std::unexpected(std::move(text));
  return text;
}

}  // namespace

/// The kernel's own, where type system is the kernel's.
KernelDpctlSource* DaemonDpctlSource::kernel() {
  if (!datapaths_.is_kernel_type("system")) return nullptr;
  if (!kernel_ || kernel_->error()) kernel_ = std::make_unique<KernelDpctlSource>();   // the module may come later
  return kernel_.get();
}

std::vector<std::string> DaemonDpctlSource::names() {
  std::vector<std::string> names;
  auto add = [&](Dpif& dpif) {
    if (!dpif.is_kernel()) names.push_back(dpif.type() + "@" + dpif.name());
  };
  for (Switch* s : datapaths_.all()) add(s->dpif());
  for (Dpif* dpif : datapaths_.spare()) add(*dpif);
  if (auto* k = kernel()) std::ranges::copy(k->names(), std::back_inserter(names));
  std::ranges::sort(names);
  return names;
}

std::expected<std::unique_ptr<DpctlDatapath>, int> DaemonDpctlSource::wrap(Dpif& dpif, Switch* of) {
  DpifDpctl::Hooks hooks{.factory = &factory_, .put = {}, .destroy = {}, .local_type = factory_.has("dummy-internal") ? "dummy-internal" : "tap"};
  if (of) hooks.put = [of](const Flow& key, const Flow& mask, const OdpActions& actions, Time now) { return of->put_by_hand(key, mask, actions, now); };
  else hooks.destroy = [this, type = dpif.type(), name = dpif.name()] { datapaths_.remove_spare(type, name); };
  return std::make_unique<DpifDpctl>(dpif, std::move(hooks));
}

std::expected<std::unique_ptr<DpctlDatapath>, int> DaemonDpctlSource::open(const std::string& type, const std::string& name) {
  for (Switch* s : datapaths_.all())
    if (!s->dpif().is_kernel() && s->dpif().type() == type && s->dpif().name() == name) return wrap(s->dpif(), s);
  for (Dpif* dpif : datapaths_.spare())
    if (dpif->type() == type && dpif->name() == name) return wrap(*dpif, nullptr);
  if (type == "system")
    if (auto* k = kernel()) return k->open(type, name);
  return std::unexpected(datapaths_.has_type(type) ? ENODEV : EAFNOSUPPORT);
}

std::expected<std::unique_ptr<DpctlDatapath>, int> DaemonDpctlSource::create(const std::string& type, const std::string& name) {
  if (type == "system")
    if (auto* k = kernel()) return k->create(type, name);
  auto all = names();
  if (std::ranges::find(all, type + "@" + name) != all.end()) return std::unexpected(EEXIST);
  Dpif* dpif = datapaths_.add_spare(type, name);
  if (!dpif) return std::unexpected(EAFNOSUPPORT);
  return wrap(*dpif, nullptr);
}

void add_dpctl_commands(UnixctlServer& server, Loop& loop, DaemonDpctlSource& source) {
  for (const DpctlCommand& c : dpctl_commands())
    if (c.run)
      server.add_text("dpctl/" + std::string(c.name), std::string(c.usage), c.min_args, c.max_args,
                      [&](UnixctlArgs args) { return run_command(c, source, {args.begin(), args.end()}, loop.now()); });
}

}  // namespace sluice

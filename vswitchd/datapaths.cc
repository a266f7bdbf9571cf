// SPDX-License-Identifier: Apache-2.0
// See datapaths.h.
#include "vswitchd/datapaths.h"

#include <fmt/core.h>

#include <algorithm>

#include "lib/log.h"
#include "vswitchd/dp_features.h"

namespace sluice {
namespace {

Log log("bridge");

}  // namespace

void Datapaths::add_type(const std::string& type, Opener opener, SpareOpener spare) {
  entries_[type].opener = std::move(opener);
  entries_[type].spare_opener = std::move(spare);
}

Dpif* Datapaths::add_spare(const std::string& type, const std::string& name) {
  auto it = entries_.find(type);
  if (it == entries_.end() || !it->second.spare_opener) return nullptr;
  return spare_.emplace_back(it->second.spare_opener(name)).get();
}

void Datapaths::remove_spare(const std::string& type, const std::string& name) {
  std::erase_if(spare_, [&](auto& dpif) { return dpif->type() == type && dpif->name() == name; });
}

std::vector<Dpif*> Datapaths::spare() {
  std::vector<Dpif*> all;
  for (auto& dpif : spare_) all.push_back(dpif.get());
  return all;
}

std::string Datapaths::resolve(const std::string& type) const {
  auto alias = aliases_.find(type);
  return alias == aliases_.end() ? type : alias->second;
}

std::expected<Switch*, std::string> Datapaths::get(const std::string& wanted) {
  std::string type = resolve(wanted);
  auto it = entries_.find(type);
  if (it == entries_.end()) return std::unexpected(fmt::format("datapath type \"{}\" is not known", wanted));
  if (!fallen_.contains(type)) {
    auto opened = open(type, it->second);
    if (opened) return it->second.sw.get();
    auto fallback = fallbacks_.find(type);
    if (fallback == fallbacks_.end()) return std::unexpected(opened.error());
    if (!fallback_allowed_) return std::unexpected(opened.error() + "; or allow the userspace datapath instead (other_config:datapath-fallback=true)");
    fallen_[type] = opened.error();
    log.warn("datapath type {} can't be had: {}; bridges of it are on the userspace datapath", type, opened.error());
  }
  return get(fallbacks_.at(type));
}

std::expected<void, std::string> Datapaths::open(const std::string& type, Entry& e) {
  if (e.sw) return {};
  auto opened = e.opener();
  if (!opened) return std::unexpected(opened.error());
  e.dpif = std::move(opened->dpif);
  log_datapath_features(*e.dpif);
  e.sw = std::make_unique<Switch>(*e.dpif, options_, seed_);
  e.sw->configure_tracking(tracking_[type], loop_.now());
  open_.clear();
  for (auto& [other, entry] : entries_)
    if (entry.sw) open_.push_back(entry.sw.get());
  // Waking up is all that is needed: every iteration of the loop runs the datapaths.
  if (opened->wait_fd >= 0) e.watch = loop_.watch(opened->wait_fd, true, false, [](bool, bool) {}, "datapath");
  return {};
}

std::string Datapaths::fallback_reason(const std::string& type) const {
  auto fallen = fallen_.find(resolve(type));
  return fallen == fallen_.end() ? "" : fallen->second;
}

std::string Datapaths::version(const std::string& type) const {
  auto it = entries_.find(resolve(type));
  // That of the module is not told by kernels of today.
  return it != entries_.end() && it->second.dpif && it->second.dpif->is_kernel() ? "<unknown>" : "<built-in>";
}

const Switch* Datapaths::opened(const std::string& type) const {
  auto it = entries_.find(resolve(type));
  return it == entries_.end() ? nullptr : it->second.sw.get();
}

std::vector<std::string> Datapaths::types() const {
  std::vector<std::string> names;
  for (auto& [type, e] : entries_) names.push_back(type);
  for (auto& [type, to] : aliases_)
    if (!type.empty() && !entries_.contains(type)) names.push_back(type);
  std::ranges::sort(names);
  return names;
}

Bridge* Datapaths::find_bridge(const std::string& name) {
  for (Switch* s : all())
    if (Bridge* b = s->find(name)) return b;
  return nullptr;
}

void Datapaths::set_options(const SwitchOptions& options) {
  options_ = options;
  for (Switch* s : all()) s->set_options(options);
}

void Datapaths::configure_tracking(const std::map<std::string, CtSettings>& settings) {
  std::map<std::string, CtSettings> before = std::exchange(tracking_, {});
  for (auto& [type, of_type] : settings) tracking_[resolve(type)] = of_type;
  for (auto& [type, e] : entries_)
    if (const CtSettings& wanted = tracking_[type]; e.sw && wanted != before[type]) e.sw->configure_tracking(wanted, loop_.now());
}

bool Datapaths::run(Time now) {
  bool more = false;
  for (Switch* s : open_) more |= s->run(now);
  for (auto& dpif : spare_) more |= dpif->run(now);
  return more;
}

Time Datapaths::deadline(Time now) const {
  Time soonest = kNever;
  for (Switch* s : open_) soonest = std::min(soonest, s->deadline(now));
  for (auto& dpif : spare_) soonest = std::min(soonest, dpif->deadline(now));
  return soonest;
}

}  // namespace sluice

// SPDX-License-Identifier: Apache-2.0
// See datapaths.h.
#include "vswitchd/datapaths.h"

#include <algorithm>

namespace sluice {

void Datapaths::add_type(const std::string& type, Opener opener) { entries_[type].opener = std::move(opener); }

Switch* Datapaths::get(const std::string& type) {
  auto alias = aliases_.find(type);
  auto it = entries_.find(alias == aliases_.end() ? type : alias->second);
  if (it == entries_.end()) return nullptr;
  Entry& e = it->second;
  if (!e.sw) {
    Opened opened = e.opener();
    e.dpif = std::move(opened.dpif);
    e.sw = std::make_unique<Switch>(*e.dpif, options_, seed_);
    // Waking up is all that is needed: every iteration of the loop runs the datapaths.
    if (opened.wait_fd >= 0) e.watch = loop_.watch(opened.wait_fd, true, false, [](bool, bool) {}, "datapath");
  }
  return e.sw.get();
}

std::vector<Switch*> Datapaths::all() {
  std::vector<Switch*> open;
  for (auto& [type, e] : entries_)
    if (e.sw) open.push_back(e.sw.get());
  return open;
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

bool Datapaths::run(Time now) {
  bool more = false;
  for (Switch* s : all()) more |= s->run(now);
  return more;
}

Time Datapaths::deadline(Time now) const {
  Time soonest = kNever;
  for (auto& [type, e] : entries_)
    if (e.sw) soonest = std::min(soonest, e.sw->deadline(now));
  return soonest;
}

}  // namespace sluice

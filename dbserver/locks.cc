// SPDX-License-Identifier: Apache-2.0
#include "dbserver/locks.h"

#include <algorithm>

namespace sluice::ovsdb {

bool LockTable::has_requested(const std::string& name, uint64_t session) const {
  auto it = locks_.find(name);
  if (it == locks_.end()) return false;
  const Lock& l = it->second;
  bool queued = std::any_of(l.queue.begin(), l.queue.end(), [&](const Waiter& w) { return w.session == session; });
  return queued || std::find(l.ousted.begin(), l.ousted.end(), session) != l.ousted.end();
}

bool LockTable::owns(const std::string& name, uint64_t session) const {
  auto it = locks_.find(name);
  return it != locks_.end() && !it->second.queue.empty() && it->second.queue.front().session == session;
}

bool LockTable::lock(const std::string& name, uint64_t session) {
  Lock& l = locks_[name];
  l.queue.push_back({session, false});
  return l.queue.size() == 1;
}

LockTable::Effect LockTable::steal(const std::string& name, uint64_t session) {
  Lock& l = locks_[name];
  Effect effect;
  if (!l.queue.empty()) {
    Waiter owner = l.queue.front();
    effect.stolen = owner.session;
    if (owner.stole) {
      l.queue.pop_front();
      l.ousted.push_back(owner.session);
    }
  }
  l.queue.push_front({session, true});
  return effect;
}

LockTable::Effect LockTable::unlock(const std::string& name, uint64_t session) {
  Effect effect;
  auto it = locks_.find(name);
  if (it == locks_.end()) return effect;
  Lock& l = it->second;
  std::erase(l.ousted, session);
  size_t left = std::erase_if(l.queue, [&](const Waiter& w) { return w.session == session; });
  if (left && !l.queue.empty()) effect.granted = l.queue.front().session;
  if (l.queue.empty() && l.ousted.empty()) locks_.erase(it);
  return effect;
}

std::vector<std::pair<std::string, uint64_t>> LockTable::forget(uint64_t session) {
  std::vector<std::string> names;
  for (const auto& [name, lock] : locks_)
    if (has_requested(name, session)) names.push_back(name);
  std::vector<std::pair<std::string, uint64_t>> granted;
  for (const std::string& name : names)
    if (Effect e = unlock(name, session); e.granted) granted.emplace_back(name, *e.granted);
  return granted;
}

size_t LockTable::held(uint64_t session) const {
  return static_cast<size_t>(std::count_if(locks_.begin(), locks_.end(), [&](const auto& l) { return owns(l.first, session); }));
}

size_t LockTable::waiting(uint64_t session) const {
  return static_cast<size_t>(
      std::count_if(locks_.begin(), locks_.end(), [&](const auto& l) { return !owns(l.first, session) && has_requested(l.first, session); }));
}

}  // namespace sluice::ovsdb

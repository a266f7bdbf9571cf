// SPDX-License-Identifier: Apache-2.0
// Monitors and history of one database.  A client that reads slowly is not sent updates one by one: they are merged until it has room again.
#include <algorithm>

#include "dbserver/hosted.h"
#include "dbserver/session.h"

namespace sluice::ovsdb {
namespace {

constexpr size_t kShareBelow = 64u << 10;  // bytes of an update; larger ones are shared without their head

}  // namespace

void HostedDatabase::tell_monitors(const std::shared_ptr<Commit>& commit) {
  remember(commit);
  log.note(db_->schema(), *commit);
  uint64_t number = last_number();
  for (const RowChange& c : commit->changes) table_changed_[c.table] = number;
  for (auto& [key, entry] : specs_) {
    std::shared_ptr<const std::string> body;
    bool rendered = false;
    // Many clients name their monitor alike: then they get the same text.
    std::shared_ptr<const std::string> message;
    const Monitor* alike = nullptr;
    for (Monitor& m : entry->monitors) {
      if (m.seen >= number) continue;
      if (m.session->is_congested() || m.seen + 1 < number) {  // catch_up() will tell it
        limits_.merged_updates.add();
        m.session->note_behind();
        continue;
      }
      if (!rendered) {
        std::string text = entry->spec->update(commit->changes);
        if (!text.empty()) body = std::make_shared<const std::string>(std::move(text));
        rendered = true;
      }
      m.seen = number;
      if (!body) continue;
      if (body->size() > kShareBelow) {
        m.session->send_update(m, last_id_, body);
        continue;
      }
      if (!alike || alike->version != m.version || !(alike->id == m.id)) {
        std::string text;
        Session::append_update(text, m, last_id_, *body);
        message = std::make_shared<const std::string>(std::move(text));
        alike = &m;
      }
      m.session->send_shared(message);
    }
  }
}

void HostedDatabase::remember(std::shared_ptr<const Commit> commit) {
  last_id_ = commit->id;
  history_changes_ += commit->changes.size();
  history_.push_back(std::move(commit));
  while (history_.size() > 1 && (history_.size() > kHistoryCommits || history_changes_ > kHistoryChanges)) {
    history_changes_ -= history_.front()->changes.size();
    history_.pop_front();
    first_number_++;
  }
}

std::optional<uint64_t> HostedDatabase::find_commit(const Uuid& id) const {
  for (size_t i = history_.size(); i-- > 0;)
    if (history_[i]->id == id) return first_number_ + i;
  return std::nullopt;
}

std::optional<std::vector<RowChange>> HostedDatabase::changes_since(uint64_t number) const {
  if (number + 1 < first_number_) return std::nullopt;
  Changes net;
  for (uint64_t n = number + 1; n <= last_number(); n++) {
    for (const RowChange& c : history_[n - first_number_]->changes) {
      RowChange* earlier = net.find(c.table, c.uuid());
      if (!earlier) {
        net.add(c);
        continue;
      }
      // Both ends null would lose the uuid: an insert that was deleted again is marked instead.
      if (c.after) earlier->after = c.after, earlier->cancelled = false;
      else if (earlier->before) earlier->after = {};
      else earlier->cancelled = true;
    }
  }
  std::erase_if(net.list(), [](const RowChange& c) { return c.cancelled || c.before == c.after; });
  std::stable_sort(net.list().begin(), net.list().end(), [](const RowChange& a, const RowChange& b) { return a.table < b.table; });
  return std::move(net.list());
}

void HostedDatabase::catch_up(Monitor& m) {
  if (m.seen >= last_number()) return;
  auto changes = changes_since(m.seen);
  if (!changes) {
    limits_.slow_monitors.add();
    return m.session->close("client is too slow for the changes it monitors");
  }
  m.seen = last_number();
  std::string text = m.spec->update(*changes);
  if (!text.empty()) m.session->send_update(m, last_id_, std::make_shared<const std::string>(std::move(text)));
}

Monitor* HostedDatabase::find_monitor(Session& session, const Json& id) {
  for (auto& [key, entry] : specs_)
    for (Monitor& m : entry->monitors)
      if (m.session == &session && m.id == id) return &m;
  return nullptr;
}

Monitor& HostedDatabase::add_monitor(Session& session, const Json& id, MonitorVersion version, std::shared_ptr<const MonitorSpec> spec) {
  auto& entry = specs_[spec->key()];
  if (!entry) entry = std::make_unique<SpecEntry>(SpecEntry{spec, {}});
  entry->monitors.push_back({&session, id, version, entry->spec, last_number()});
  return entry->monitors.back();
}

void HostedDatabase::remove_monitor(Monitor& m) {
  auto it = specs_.find(m.spec->key());
  if (it == specs_.end()) return;
  it->second->monitors.remove_if([&](const Monitor& x) { return &x == &m; });
  if (it->second->monitors.empty()) specs_.erase(it);
}

void HostedDatabase::change_spec(Monitor& m, std::shared_ptr<const MonitorSpec> spec) {
  if (spec->key() == m.spec->key()) return;
  auto from = specs_.find(m.spec->key());
  auto& target = specs_[spec->key()];
  if (!target) target = std::make_unique<SpecEntry>(SpecEntry{spec, {}});
  SpecEntry* to = target.get();
  from = specs_.find(m.spec->key());
  auto& list = from->second->monitors;
  auto at = std::find_if(list.begin(), list.end(), [&](const Monitor& x) { return &x == &m; });
  to->monitors.splice(to->monitors.end(), list, at);
  m.spec = to->spec;
  if (list.empty()) specs_.erase(from);
}

std::vector<Monitor*> HostedDatabase::monitors_of(const Session& session) {
  std::vector<Monitor*> all;
  for (auto& [key, entry] : specs_)
    for (Monitor& m : entry->monitors)
      if (m.session == &session) all.push_back(&m);
  return all;
}

std::vector<Monitor*> HostedDatabase::all_monitors() {
  std::vector<Monitor*> all;
  for (auto& [key, entry] : specs_)
    for (Monitor& m : entry->monitors) all.push_back(&m);
  return all;
}

void HostedDatabase::forget(Session& session) {
  boost::unordered::erase_if(specs_, [&](auto& e) {
    e.second->monitors.remove_if([&](const Monitor& m) { return m.session == &session; });
    return e.second->monitors.empty();
  });
  auto is_its = [&](const auto& w) { return w.session == session.number(); };
  waiting_.remove_if(is_its);
  postponed_.remove_if(is_its);
}

size_t HostedDatabase::monitor_count() const {
  size_t n = 0;
  for (const auto& [key, entry] : specs_) n += entry->monitors.size();
  return n;
}

void HostedDatabase::replace(std::unique_ptr<Database> db) {
  specs_.clear();
  history_.clear();
  history_changes_ = 0;
  first_number_ = 1;
  last_id_ = {};
  db_ = std::move(db);
  table_changed_.assign(db_->tables().size(), 0);
  generation_++;
}

}  // namespace sluice::ovsdb

// SPDX-License-Identifier: Apache-2.0
// Transactions of one database from request to reply.  Monitors and history are in hosted_monitors.cc.
#include "dbserver/hosted.h"

#include <fmt/core.h>

#include <algorithm>

#include "dbserver/engine/permissions.h"
#include "dbserver/server.h"
#include "dbserver/session.h"

namespace sluice::ovsdb {

void HostedDatabase::transact(Session& session, const Json& params, const Json& id, Time now) {
  if (conversion_) return postpone(session, params, id);
  if (held_.size() >= kMaxUnwritten) flush(now, session.server().wall_ms());
  if (held_.size() >= kMaxUnwritten) {
    limits_.unwritten.add();
    return refuse(session, id, fmt::format("{} transactions wait for the disk", held_.size()));
  }
  TransactContext context = context_for(session, now, now);
  auto permissions = session.permissions(*this);
  context.permissions = permissions.get();
  settle(session, runner_.run(*db_, params, context), params, id, now);
}

bool HostedDatabase::runs_at_once() const { return !conversion_ && !reserved && !relay && held_.size() < kMaxUnwritten; }

void HostedDatabase::transact_scanned(Session& session, const Json& id, Time now) {
  settle(session, runner_.run_scanned(context_for(session, now, now)), Json(), id, now);
}

void HostedDatabase::refuse(Session& session, const Json& id, std::string why) {
  session.error(DbError{"resources exhausted", std::move(why), {}, {}}.to_json(), id);
}

TransactContext HostedDatabase::context_for(Session& session, Time now, Time started) {
  TransactContext c;
  c.reserved = reserved;
  c.read_only = !reserved && (session.options().read_only || session.server().is_read_only());
  c.durable_storage = journal_ != nullptr;
  c.elapsed_ms = to_ms(now - started);
  c.owns_lock = [&session](std::string_view lock) { return session.server().locks().owns(std::string(lock), session.number()); };
  return c;
}

void HostedDatabase::settle(Session& session, TransactOutcome outcome, const Json& params, const Json& id, Time started) {
  if (outcome.must_wait) return wait(session, outcome, params, id, started);
  total_transactions++;
  if (!outcome.commit && held_.empty()) return session.reply_text(outcome.results, id);
  if (outcome.commit && journal_) journal_->add(db_->schema(), *outcome.commit, session.server().wall_ms());
  held_.push_back({session.number(), id, std::move(outcome.results), std::move(outcome.commit)});
}

TransactOutcome HostedDatabase::transact_internal(const Json& params, int64_t wall_ms) {
  if (conversion_) return {};  // it is said again later
  TransactContext context;
  context.owns_lock = [](std::string_view) { return true; };
  TransactOutcome outcome = runner_.run(*db_, params, context);
  if (outcome.commit) {
    if (journal_) journal_->add(db_->schema(), *outcome.commit, wall_ms);
    held_.push_back({0, Json(), {}, outcome.commit});
  }
  return outcome;
}

void HostedDatabase::apply_remote(std::vector<RowChange> changes, const Uuid& id, int64_t wall_ms) {
  db_->apply(changes);
  auto commit = std::make_shared<Commit>(Commit{.id = id, .comment = {}, .durable = false, .changes = std::move(changes)});
  if (journal_) journal_->add(db_->schema(), *commit, wall_ms);
  held_.push_back({0, Json(), {}, std::move(commit)});
}

void HostedDatabase::flush(Time now, int64_t wall_ms) {
  while (run_journal(now, wall_ms)) {
  }
  run_waiting(now);  // for what is published now
  while (run_journal(now, wall_ms)) {
  }
}

void HostedDatabase::drain(Time now, int64_t wall_ms) {
  flush(now, wall_ms);
  while (!held_.empty()) {
    journal_->writer().wait();
    flush(now, wall_ms);
  }
}

/// Takes the result of the last write, and starts the next one.  True if something was published or refused.
bool HostedDatabase::run_journal(Time now, int64_t wall_ms) {
  if (run_conversion(now, wall_ms)) return true;
  if (!journal_) return held_.empty() ? false : (publish(held_.size()), true);
  bool compacted = run_compaction(wall_ms);
  if (!submitted_ && !held_.empty()) {
    if (journal_->needs_rewrite()) {
      // What is published, as it is in memory, becomes a new file; then what is held is written to that.
      if (!compaction_) compact("compacting database after an I/O error", [](const IoStatus&) {});
      return run_compaction(wall_ms) || compacted;
    }
    submitted_ = held_.size();
    journal_->submit();
  }
  auto written = submitted_ ? journal_->take_written() : std::nullopt;
  if (!written) return compacted;
  if (*written) publish(std::exchange(submitted_, 0));
  else refuse_all(written->error());
  return true;
}

/// Starts a compaction if one is wanted and no write is going on; ends the one that is done.  True if one has ended.
bool HostedDatabase::run_compaction(int64_t wall_ms) {
  if (!compaction_) return false;
  if (!compaction_->started && !submitted_) {
    compaction_->started = true;
    shift_held(false);
    journal_->compact(*db_, wall_ms, compaction_->comment);
    shift_held(true);
  }
  auto status = compaction_->started ? journal_->take_compacted() : std::nullopt;
  if (!status) return false;
  CompactionDone done = std::move(compaction_->done);
  compaction_.reset();
  if (!*status && !submitted_ && journal_->needs_rewrite()) refuse_all(status->error());
  done(*status);
  return true;
}

bool HostedDatabase::compact(std::string comment, CompactionDone done) {
  if (!journal_ || compaction_ || conversion_) return false;
  compaction_.emplace(std::move(comment), std::move(done));
  return true;
}

/// Tells everybody about the first `count` of what is held.
void HostedDatabase::publish(size_t count) {
  for (size_t i = 0; i < count; i++) {
    Held& h = held_[i];
    if (h.commit) tell_monitors(h.commit);
    auto session = sessions_.find(h.session);
    if (session != sessions_.end()) session->second->reply_text(h.results, h.id);
  }
  held_.erase(held_.begin(), held_.begin() + static_cast<ptrdiff_t>(count));
}

/// What was written later builds on what failed: nothing of all that is held can stay.
void HostedDatabase::refuse_all(const IoError& error) {
  shift_held(false);
  submitted_ = 0;
  journal_->drop_batch();
  last_error_ = error.text();
  DbError refusal{"I/O error", error.what, {}, error.text()};
  for (Held& h : std::exchange(held_, {})) {
    auto session = sessions_.find(h.session);
    if (session != sessions_.end()) session->second->reply_text("[" + refusal.to_json().to_string() + "]", h.id);
  }
}

void HostedDatabase::shift_held(bool forward) {
  if (forward) {
    for (Held& h : held_)
      if (h.commit) db_->apply(h.commit->changes);
  } else {
    for (auto h = held_.rbegin(); h != held_.rend(); ++h)
      if (h->commit) db_->revert(*h->commit);
  }
}

void HostedDatabase::wait(Session& session, const TransactOutcome& outcome, const Json& params, const Json& id, Time started) {
  auto is_its = [&](const Waiting& w) { return w.session == session.number(); };
  if (static_cast<size_t>(std::count_if(waiting_.begin(), waiting_.end(), is_its)) >= kMaxWaiting) {
    limits_.waiting.add();
    return refuse(session, id, fmt::format("{} transactions wait already", kMaxWaiting));
  }
  Waiting w{session.number(), params, id, started, outcome.timeout_ms ? started + milliseconds(*outcome.timeout_ms) : kNever, last_number(), {}};
  for (const Json& op : params.elements())
    if (const Table* t = op.is_object() ? db_->find_table(op.get("table").string()) : nullptr) w.tables.push_back(t->schema().index);
  waiting_.push_back(std::move(w));
}

bool HostedDatabase::is_worth_a_try(const Waiting& w, Time now) const {
  return w.deadline <= now || std::any_of(w.tables.begin(), w.tables.end(), [&](uint16_t t) { return table_changed_[t] > w.tried; });
}

/// A few in a turn, so that those who wait don't hold up the others.
void HostedDatabase::run_waiting(Time now) {
  if (conversion_) return;
  size_t tries = 0, left = waiting_.size();
  for (auto it = waiting_.begin(); left > 0; left--) {
    auto at = it++;
    if (!is_worth_a_try(*at, now)) continue;
    if (tries++ == kWaitingATurn) return;
    if (!try_again(*at, now)) {
      waiting_.splice(waiting_.end(), waiting_, at);  // its turn comes again after the others'
      continue;
    }
    waiting_.erase(at);
    if (!held_.empty()) return;  // publish first, if the disk lets us
  }
}

/// False: it still has to wait.
bool HostedDatabase::try_again(Waiting& w, Time now) {
  auto session = sessions_.find(w.session);
  if (session == sessions_.end()) return true;
  TransactContext context = context_for(*session->second, now, w.started);
  auto permissions = session->second->permissions(*this);
  context.permissions = permissions.get();
  TransactOutcome outcome = runner_.run(*db_, w.params, context);
  if (!outcome.must_wait) {
    settle(*session->second, std::move(outcome), w.params, w.id, w.started);
    return true;
  }
  w.tried = last_number();
  w.deadline = outcome.timeout_ms ? w.started + milliseconds(*outcome.timeout_ms) : kNever;
  return false;
}

bool HostedDatabase::is_waiting(const Session& session, const Json& id) const {
  auto is_it = [&](const auto& w) { return w.session == session.number() && w.id == id; };
  return std::any_of(waiting_.begin(), waiting_.end(), is_it) || std::any_of(postponed_.begin(), postponed_.end(), is_it);
}

bool HostedDatabase::cancel(Session& session, const Json& id) {
  auto is_it = [&](const auto& w) { return w.session == session.number() && w.id == id; };
  if (!waiting_.remove_if(is_it) && !postponed_.remove_if(is_it)) return false;
  session.error("canceled", id);
  return true;
}

void HostedDatabase::cancel_all() {
  for (Waiting& w : std::exchange(waiting_, {})) {
    auto session = sessions_.find(w.session);
    if (session != sessions_.end() && session->second->is_change_aware()) session->second->error("canceled", w.id);
  }
}

Time HostedDatabase::deadline() const {
  // What is being written wakes us when it is done.
  bool writing = submitted_ || (compaction_ && compaction_->started) || (conversion_ && conversion_->converted);
  Time nearest = !writing && (compaction_ || conversion_ || !held_.empty()) ? Time::min() : kNever;
  if (conversion_) return nearest;
  for (const Waiting& w : waiting_) nearest = is_worth_a_try(w, Time::min()) ? Time::min() : std::min(nearest, w.deadline);
  return nearest;
}

}  // namespace sluice::ovsdb

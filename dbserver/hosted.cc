// SPDX-License-Identifier: Apache-2.0
// Transactions of one database from request to reply.  Monitors and history are in hosted_monitors.cc.
#include "dbserver/hosted.h"

#include <algorithm>

#include "dbserver/engine/permissions.h"
#include "dbserver/server.h"
#include "dbserver/session.h"

namespace sluice::ovsdb {

void HostedDatabase::transact(Session& session, const Json& params, const Json& id, Time now) {
  TransactContext context = context_for(session, now, now);
  auto permissions = session.permissions(*this);
  context.permissions = permissions.get();
  settle(session, runner_.run(*db_, params, context), params, id, now);
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
  if (outcome.must_wait) {
    Time deadline = outcome.timeout_ms ? started + milliseconds(*outcome.timeout_ms) : kNever;
    waiting_.push_back({session.number(), params, id, started, deadline, last_number()});
    return;
  }
  total_transactions++;
  if (!outcome.commit && held_.empty()) return session.reply_text(outcome.results, id);
  if (outcome.commit && journal_) journal_->add(db_->schema(), *outcome.commit, session.server().wall_ms());
  held_.push_back({session.number(), id, std::move(outcome.results), std::move(outcome.commit)});
}

TransactOutcome HostedDatabase::transact_internal(const Json& params, int64_t wall_ms) {
  TransactContext context;
  context.owns_lock = [](std::string_view) { return true; };
  TransactOutcome outcome = runner_.run(*db_, params, context);
  if (outcome.commit) {
    if (journal_) journal_->add(db_->schema(), *outcome.commit, wall_ms);
    held_.push_back({0, Json(), {}, outcome.commit});
  }
  return outcome;
}

void HostedDatabase::flush(Time now, int64_t wall_ms) {
  // Replies to what is published may make nothing new, but transactions that waited may.
  do {
    if (!held_.empty()) {
      IoStatus status;
      if (journal_ && journal_->needs_rewrite()) status = rewrite_journal(wall_ms);
      else if (journal_) status = journal_->flush();
      std::vector<Held> held = std::move(held_);
      held_.clear();
      if (status) {
        for (Held& h : held) publish(h);
      } else {
        refuse(held, status.error());
      }
    }
    run_waiting(now);
  } while (!held_.empty());
}

/// The file can't be appended to: everything in memory, with what is pending, becomes a new file.
IoStatus HostedDatabase::rewrite_journal(int64_t wall_ms) { return journal_->compact(*db_, wall_ms, "compacting database after an I/O error"); }

void HostedDatabase::publish(Held& h) {
  if (h.commit) tell_monitors(h.commit);
  auto session = sessions_.find(h.session);
  if (session != sessions_.end()) session->second->reply_text(h.results, h.id);
}

void HostedDatabase::refuse(std::vector<Held>& held, const IoError& error) {
  for (auto h = held.rbegin(); h != held.rend(); ++h)
    if (h->commit) db_->revert(*h->commit);
  DbError refusal{"I/O error", error.what, {}, error.text()};
  for (Held& h : held) {
    auto session = sessions_.find(h.session);
    if (session != sessions_.end()) session->second->reply_text("[" + refusal.to_json().to_string() + "]", h.id);
  }
  last_error_ = error.text();
}

void HostedDatabase::run_waiting(Time now) {
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    bool due = it->deadline <= now;
    if (!due && it->tried == last_number()) {
      ++it;
      continue;
    }
    auto session = sessions_.find(it->session);
    if (session == sessions_.end()) {
      it = waiting_.erase(it);
      continue;
    }
    TransactContext context = context_for(*session->second, now, it->started);
    auto permissions = session->second->permissions(*this);
    context.permissions = permissions.get();
    TransactOutcome outcome = runner_.run(*db_, it->params, context);
    if (outcome.must_wait) {
      it->tried = last_number();
      it->deadline = outcome.timeout_ms ? it->started + milliseconds(*outcome.timeout_ms) : kNever;
      ++it;
      continue;
    }
    Waiting done = std::move(*it);
    it = waiting_.erase(it);
    settle(*session->second, std::move(outcome), done.params, done.id, done.started);
    if (!held_.empty()) return;  // publish first
  }
}

bool HostedDatabase::is_waiting(const Session& session, const Json& id) const {
  return std::any_of(waiting_.begin(), waiting_.end(), [&](const Waiting& w) { return w.session == session.number() && w.id == id; });
}

bool HostedDatabase::cancel(Session& session, const Json& id) {
  for (auto it = waiting_.begin(); it != waiting_.end(); ++it) {
    if (it->session != session.number() || !(it->id == id)) continue;
    waiting_.erase(it);
    session.error("canceled", id);
    return true;
  }
  return false;
}

void HostedDatabase::cancel_all() {
  for (Waiting& w : std::exchange(waiting_, {})) {
    auto session = sessions_.find(w.session);
    if (session != sessions_.end()) session->second->error("canceled", w.id);
  }
}

Time HostedDatabase::deadline() const {
  Time nearest = held_.empty() ? kNever : Time::min();
  for (const Waiting& w : waiting_) nearest = std::min(nearest, w.deadline);
  return nearest;
}

}  // namespace sluice::ovsdb

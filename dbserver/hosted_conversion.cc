// SPDX-License-Identifier: Apache-2.0
// Conversion of one database to another schema: its rows are converted at once, the file is written by the journal's threads, and transactions wait meanwhile.
#include "dbserver/engine/convert.h"
#include "dbserver/hosted.h"
#include "dbserver/session.h"

namespace sluice::ovsdb {

bool HostedDatabase::convert(std::shared_ptr<const DatabaseSchema> schema, UuidSource& uuids, ConversionDone done) {
  if (conversion_) return false;
  conversion_.emplace(std::move(schema), uuids, std::move(done), nullptr);
  return true;
}

/// Begins when nothing else is written; ends when the new file is in place.  True if it has ended.
bool HostedDatabase::run_conversion(Time now, int64_t wall_ms) {
  if (!conversion_ || compaction_ || !held_.empty()) return false;
  Conversion& c = *conversion_;
  if (!c.converted) {
    auto converted = convert_database(*db_, c.schema, c.uuids);
    if (!converted) return end_conversion(std::unexpected(converted.error()), now), true;
    c.converted = std::move(*converted);
    if (journal_) journal_->compact(*c.converted, wall_ms, "converted by ovsdb-server");
  }
  auto written = journal_ ? journal_->take_compacted() : IoStatus();
  if (!written) return false;
  if (*written) end_conversion(std::move(c.converted), now);
  else end_conversion(std::unexpected(DbError{"I/O error", written->error().what, {}, written->error().text()}), now);
  return true;
}

void HostedDatabase::end_conversion(Result<std::unique_ptr<Database>> outcome, Time now) {
  ConversionDone done = std::move(conversion_->done);
  conversion_.reset();
  bool converted = outcome.has_value();
  done(std::move(outcome));
  for (Postponed& p : std::exchange(postponed_, {})) {
    auto session = sessions_.find(p.session);
    // Who does not know of conversions is disconnected.
    if (session != sessions_.end() && (!converted || session->second->is_change_aware())) transact(*session->second, p.params, p.id, now);
  }
}

void HostedDatabase::postpone(Session& session, const Json& params, const Json& id) {
  if (postponed_.size() >= kMaxPostponed) {
    limits_.unwritten.add();
    return refuse(session, id, "too many transactions wait for a conversion");
  }
  postponed_.push_back({session.number(), params, id});
}

void HostedDatabase::give_up_conversion() {
  if (conversion_) end_conversion(fail("canceled", "the database is removed"), Time{});
}

}  // namespace sluice::ovsdb

// SPDX-License-Identifier: Apache-2.0
// Following: live -> (standby) not our own server -> schema (relay) -> the whole difference once -> changes as they come.
#include "dbserver/source.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "dbserver/server.h"
#include "dbserver/session.h"
#include "lib/log.h"

namespace sluice::ovsdb {
namespace {

Log log_("replication");
Log reconnect_log_("reconnect");

bool same_values(const TableSchema& t, const Row& a, const Row& b) {
  for (const ColumnSchema& c : t.columns)
    if (!(a.get(c) == b.get(c))) return false;
  return true;
}

}  // namespace

std::expected<Duration, std::string> parse_probe_interval(const std::string& text) {
  int64_t ms = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ms);
  if (error != std::errc() || *end) return std::unexpected("Invalid probe interval, integer value expected");
  return milliseconds(std::max<int64_t>(ms, 0));  // negative: never, likewise
}

std::unique_ptr<Database> empty_database(const std::string& name, UuidSource& uuids) {
  auto schema = std::make_shared<DatabaseSchema>();
  schema->name = name;
  return std::make_unique<Database>(std::move(schema), uuids);
}

Source::Source(Loop& loop, Server& server, HostedDatabase& db, Options options)
    : loop_(loop),
      server_(server),
      db_(db),
      options_(std::move(options)),
      connector_{.probe_interval = options_.probe_interval, .tls = options_.tls},
      replica_(loop, options_.targets, replica_options(), {.on_change = {}, .on_lock = {}, .log = [](std::string_view line) { reconnect_log_.info("{}", line); }},
               server.uuids()) {}

Replica::Options Source::replica_options() {
  Replica::Options o;
  o.database = db_.name();
  if (options_.use == Use::standby) o.schema = db_.db().schema_ptr();
  o.connector = connector_;
  o.select = [this](const DatabaseSchema& schema) { return select(schema); };
  return o;
}

std::vector<TableSelection> Source::select(const DatabaseSchema& schema) const {
  std::vector<TableSelection> all;
  for (const TableSchema& t : schema.tables)
    if (!options_.excluded.contains(t.name)) all.push_back({t.name, std::vector<ColumnUse>(t.columns.size(), ColumnUse::read), Json()});
  return all;
}

void Source::set_probe_interval(Duration d) {
  connector_.probe_interval = d;
  replica_.connector().set_options(connector_);
}

void Source::run() {
  if (replica_.is_live() != live_) {
    live_ = !live_;
    if (live_) went_live();
    else server_.announce(db_);
  }
  if (live_ && checked_ && replica_.seqno() != seen_) pull();
}

void Source::went_live() {
  whole_ = true;
  if (options_.use == Use::relay) {
    checked_ = contents_ = true;  // before pull(), which announces a new schema: connected and schema in one
    pull();
    server_.announce(db_);
    for (Forwarded& f : std::exchange(unsent_, {})) send(std::move(f));
    return;
  }
  checked_ = false;
  replica_.request("get_server_id", Json::array(), [this](const Json& result, const Json& error) {
    if (!error.is_null() && error.string() == "canceled") return;  // the connection is gone
    bool self = result.string() == format(server_.id());
    if (self) log_.err("Server ID check failed: Self replicating is not allowed");
    impossible_ = self || !schema_fits();
    if (impossible_) return;
    checked_ = true;
    log_.info("{}: contents received, replacing the database's", db_.name());
    pull();
  });
}

/// There must be room here for all that is there.
bool Source::schema_fits() const {
  const DatabaseSchema &ours = db_.db().schema(), &theirs = *replica_.server_schema();
  if (ours.to_json() == theirs.to_json()) return true;
  log_.warn("Schema version mismatch, checking if {} can still be replicated or not.", ours.name);
  for (const TableSchema& t : theirs.tables) {
    if (options_.excluded.contains(t.name)) continue;
    const TableSchema* here = ours.find(t.name);
    bool fits = here && std::all_of(t.columns.begin(), t.columns.end(), [&](const ColumnSchema& c) { return here->find(c.name); });
    if (fits) continue;
    log_.warn("{} cannot be replicated.", ours.name);
    return false;
  }
  log_.info("{} can be replicated.", ours.name);
  return true;
}

void Source::pull() {
  seen_ = replica_.seqno();
  if (options_.use == Use::relay) adopt_schema();
  std::vector<RowChange> changes = whole_ ? whole_difference() : recent_changes();
  whole_ = false;
  if (!changes.empty()) db_.apply_remote(std::move(changes), replica_.last_transaction(), server_.wall_ms());
}

/// A relay's schema is the other server's.
void Source::adopt_schema() {
  auto schema = replica_.shared_schema();
  if (schema == db_.db().schema_ptr()) return;
  server_.replace_contents(db_, std::make_unique<Database>(schema, server_.uuids()));
  whole_ = true;
}

std::vector<RowChange> Source::whole_difference() {
  replica_.take_changes();
  std::vector<RowChange> changes;
  for (Table& t : db_.db().tables()) {
    const TableSchema& schema = t.schema();
    if (options_.excluded.contains(schema.name)) continue;
    const Replica::Rows& there = replica_.rows(schema);
    for (const RowPtr& row : t)
      if (!there.contains(row->uuid())) changes.push_back({schema.index, row, {}});
    for (const auto& [uuid, row] : there) {
      const RowPtr* here = t.find(uuid);
      if (!here || !same_values(schema, **here, *row)) changes.push_back({schema.index, here ? *here : RowPtr(), row});
    }
  }
  return changes;
}

std::vector<RowChange> Source::recent_changes() {
  std::vector<RowChange> changes;
  for (ReplicaChange& c : replica_.take_changes()) {
    const RowPtr* here = db_.db().table(c.table->index).find(c.uuid);
    if (here || c.after) changes.push_back({c.table->index, here ? *here : RowPtr(), std::move(c.after)});
  }
  return changes;
}

// --- requests passed on ---

void Source::forward(Session& session, std::string_view method, const Json& params, const Json& id) {
  Forwarded f{session.number(), std::string(method), params, id};
  if (live_) return send(std::move(f));
  if (unsent_.size() >= kMaxForwarded) return session.error(DbError{"resources exhausted", "too many requests wait for the other server", {}, {}}.to_json(), id);
  unsent_.push_back(std::move(f));
}

void Source::send(Forwarded f) {
  Json params = f.params;
  std::string method = f.method;
  replica_.request(method, params, [this, f = std::move(f)](const Json& result, const Json& error) { answer(f, result, error); });
}

/// The changes that it caused have arrived before it: they go out first.
void Source::answer(const Forwarded& f, const Json& result, const Json& error) {
  if (live_ && replica_.seqno() != seen_) pull();
  db_.flush(loop_.now(), server_.wall_ms());
  auto session = server_.sessions().find(f.session);
  if (session == server_.sessions().end()) return;
  if (error.is_null()) session->second->reply(result, f.id);
  else session->second->error(error, f.id);
}

}  // namespace sluice::ovsdb

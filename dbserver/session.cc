// SPDX-License-Identifier: Apache-2.0
// The JSON-RPC methods of a database server (RFC 7047 4.1 and OVS's additions).
#include "dbserver/session.h"

#include <fmt/core.h>

#include <algorithm>

#include "dbserver/ovsdb/object_reader.h"
#include "dbserver/engine/permissions.h"
#include "dbserver/server.h"
#include "dbserver/source.h"

namespace sluice::ovsdb {
namespace {

using Failure = std::unexpected<Json>;

Failure wrong(const DbError& e) { return Failure(e.to_json()); }
Failure wrong_syntax(const Json& j, std::string details) { return Failure(DbError{"syntax error", std::move(details), j.to_error_text(), {}}.to_json()); }

}  // namespace

Session::Session(Server& server, SessionOutput& output, SessionOptions options)
    : server_(server), output_(output), options_(std::move(options)), number_(server.add_session(*this)) {}

Session::~Session() { server_.remove_session(*this); }

struct Session::Method {
  std::string_view name;
  Reply (Session::*run)(const Json& params, const Json& id, Time now);
  bool begins_conditional = false;  // a monitor with conditions
};

const Session::Method Session::kMethods[] = {
    {"transact", &Session::transact},
    {"echo", &Session::echo},
    {"monitor", &Session::monitor},
    {"monitor_cond", &Session::monitor_cond, true},
    {"monitor_cond_since", &Session::monitor_cond_since, true},
    {"monitor_cond_change", &Session::monitor_cond_change},
    {"monitor_cancel", &Session::monitor_cancel},
    {"lock", &Session::lock},
    {"steal", &Session::steal},
    {"unlock", &Session::unlock},
    {"list_dbs", &Session::list_dbs},
    {"get_schema", &Session::get_schema},
    {"get_server_id", &Session::get_server_id},
    {"set_db_change_aware", &Session::set_db_change_aware},
    {"convert", &Session::convert},
};

void Session::request(std::string_view method, const Json& params, const Json& id, Time now) {
  const Method* found = std::find_if(std::begin(kMethods), std::end(kMethods), [&](const Method& m) { return m.name == method; });
  if (found == std::end(kMethods) || (found->begins_conditional && !server_.allows_conditions())) return error("unknown method", id);
  if (auto reply = (this->*found->run)(params, id, now); !reply) error(reply.error(), id);
}

void Session::notification(std::string_view method, const Json& params, Time) {
  if (method != "cancel" || params.size() != 1) return;
  for (auto& [name, db] : server_.databases())
    if (db->cancel(*this, params[0])) return;
}

void Session::note_behind() {
  if (std::exchange(behind_, true)) return;
  server_.add_behind(number_);
}

void Session::drained() {
  behind_ = false;
  for (auto& [name, db] : server_.databases())
    for (Monitor* m : db->monitors_of(*this)) db->catch_up(*m);
}

// --- output ---

void Session::reply_text(std::string_view result, const Json& id) {
  constexpr size_t kCopyBelow = 1024;
  std::string own, &out = result.size() < kCopyBelow ? server_.scratch() : own;
  out.clear();
  out.reserve(result.size() + 64);
  out += "{\"error\":null,\"id\":";
  id.append_to(out);
  out += ",\"result\":";
  out += result;
  out += '}';
  if (result.size() < kCopyBelow) output_.send_copy(out);
  else output_.send(std::move(own));
}

void Session::error(const Json& e, const Json& id) {
  std::string out = "{\"error\":";
  e.append_to(out);
  out += ",\"id\":";
  id.append_to(out);
  out += '}';
  output_.send(std::move(out));
}

void Session::notify(std::string_view method, std::string_view params) {
  output_.send(fmt::format("{{\"id\":null,\"method\":\"{}\",\"params\":{}}}", method, params));
}

void Session::append_update(std::string& out, const Monitor& m, const Uuid& txn, std::string_view body) {
  static constexpr std::string_view kNames[] = {"update", "update2", "update3"};
  out += "{\"id\":null,\"method\":\"";
  out += kNames[static_cast<size_t>(m.version)];
  out += "\",\"params\":[";
  m.id.append_to(out);
  out += ',';
  if (m.version == MonitorVersion::v3) {
    char text[] = "\"00000000-0000-0000-0000-000000000000\",";
    format_to(text + 1, txn);
    out.append(text, sizeof text - 1);
  }
  out += body;
  if (!body.empty()) out += "]}";
}

void Session::send_update(const Monitor& m, const Uuid& txn, const std::shared_ptr<const std::string>& body) {
  constexpr size_t kCopyBelow = 1024;  // a short text is cheaper to copy than to share
  std::string head;
  if (body->size() < kCopyBelow) {
    append_update(head, m, txn, *body);
    output_.send(std::move(head));
    return;
  }
  append_update(head, m, txn, {});
  output_.send(std::move(head));
  output_.send(body);
  output_.send(std::string("]}"));
}

// --- databases ---

std::expected<HostedDatabase*, Json> Session::find_database(std::string_view method, const Json& params) {
  if (!params[0].is_string()) return wrong_syntax(params, fmt::format("{} request params must begin with <db-name>", method));
  HostedDatabase* db = server_.find(params[0].string());
  if (!db)
    return wrong(DbError{"unknown database", fmt::format("{} request specifies unknown database {}", method, params[0].string()), params.to_error_text(), {}});
  if (db->relay && !db->relay->has_contents())
    return wrong(DbError{"database not available",
                         fmt::format("{} request specifies database {} which is not yet available because it has not completed joining its cluster", method,
                                     db->name()),
                         {}, {}});
  return db;
}

namespace {

/// A relay answers by itself what only reads.
bool only_reads(const Json& params) {
  auto ops = params.elements();
  return std::all_of(ops.begin() + 1, ops.end(), [](const Json& op) { return op.get("op").string() == "select"; });
}

}  // namespace

Session::Reply Session::list_dbs(const Json&, const Json& id, Time) {
  Json names = Json::array();
  for (const std::string& name : server_.names()) names.push_back(name);
  reply(names, id);
  return {};
}

Session::Reply Session::get_schema(const Json& params, const Json& id, Time) {
  auto db = find_database("get_schema", params);
  if (!db) return Failure(db.error());
  reply((*db)->db().schema().to_json(), id);
  return {};
}

Session::Reply Session::get_server_id(const Json&, const Json& id, Time) {
  reply(format(server_.id()), id);
  return {};
}

Session::Reply Session::echo(const Json& params, const Json& id, Time) {
  reply(params, id);
  return {};
}

Session::Reply Session::set_db_change_aware(const Json& params, const Json& id, Time) {
  if (params.size() != 1 || !params[0].is_bool()) return wrong_syntax(params, "set_db_change_aware: true or false parameter expected");
  change_aware_ = params[0].boolean();
  reply_text("{}", id);
  return {};
}

Session::Reply Session::convert(const Json& params, const Json& id, Time now) {
  auto db = find_database("convert", params);
  if (!db) return Failure(db.error());
  if (params.size() != 2) return wrong_syntax(params, "array expected");
  if (!options_.role.empty())
    return wrong(DbError{"permission error",
                         fmt::format("RBAC rules for client \"{}\" role \"{}\" prohibit \"convert\" of database {} (only the root role may convert databases)",
                                     options_.id, options_.role, (*db)->name()),
                         {}, {}});
  auto schema = DatabaseSchema::from_json(params[1]);
  if (!schema) return wrong(schema.error());
  if ((*db)->reserved || options_.read_only || server_.is_read_only())
    return wrong(DbError{"not allowed", fmt::format("convert operation not allowed on database {}", (*db)->name()), {}, {}});
  if ((*db)->relay) {
    (*db)->relay->forward(*this, "convert", params, id);
    return {};
  }
  auto done = [&server = server_, number = number_, id = Json(id)](const Status& s) {
    auto session = server.sessions().find(number);
    if (session == server.sessions().end()) return;
    if (s) session->second->reply_text("{}", id);
    else session->second->error(s.error().to_json(), id);
  };
  if (auto s = server_.convert(**db, std::move(*schema), std::move(done)); !s) return wrong(s.error());
  server_.run(now, server_.wall_ms());
  return {};
}

// --- transactions ---

std::unique_ptr<Permissions> Session::permissions(HostedDatabase& db) const {
  if (options_.role.empty()) return nullptr;
  return std::make_unique<Permissions>(db.db(), options_.role, options_.id);
}

Session::Reply Session::transact(const Json& params, const Json& id, Time now) {
  auto db = find_database("transact", params);
  if (!db) return Failure(db.error());
  if ((*db)->relay && !options_.read_only && !only_reads(params)) {
    (*db)->relay->forward(*this, "transact", params, id);
    return {};
  }
  if ((*db)->is_waiting(*this, id)) return wrong_syntax(params, "transact: duplicate request ID");
  (*db)->transact(*this, params, id, now);
  return {};
}

// --- monitors ---

std::pair<HostedDatabase*, Monitor*> Session::find_monitor(const Json& id) {
  for (auto& [name, db] : server_.databases())
    if (Monitor* m = db->find_monitor(*this, id)) return {db.get(), m};
  return {nullptr, nullptr};
}

Session::Reply Session::monitor(const Json& params, const Json& id, Time now) {
  auto db = find_database("monitor", params);
  if (!db) return Failure(db.error());
  if (params.size() < 3) return wrong_syntax(params, "invalid parameters");
  return start_monitor(**db, params, id, 1, now);
}

Session::Reply Session::monitor_cond(const Json& params, const Json& id, Time now) {
  auto db = find_database("monitor_cond", params);
  if (!db) return Failure(db.error());
  if (params.size() != 3) return wrong_syntax(params, "invalid parameters");
  return start_monitor(**db, params, id, 2, now);
}

Session::Reply Session::monitor_cond_since(const Json& params, const Json& id, Time now) {
  auto db = find_database("monitor_cond_since", params);
  if (!db) return Failure(db.error());
  if (params.size() != 4) return wrong_syntax(params, "invalid parameters");
  return start_monitor(**db, params, id, 3, now);
}

Session::Reply Session::start_monitor(HostedDatabase& db, const Json& params, const Json& id, int version, Time now) {
  const Json& monitor_id = params[1];
  if (!params[2].is_object()) return wrong_syntax(params[2], "monitor-requests must be object");
  if (find_monitor(monitor_id).second) return wrong_syntax(monitor_id, "duplicate monitor ID");
  if (monitors_ >= kMaxMonitors) server_.limits().monitors.add();
  if (monitors_ >= kMaxMonitors) return wrong(DbError{"resources exhausted", fmt::format("a session may have {} monitors", kMaxMonitors), {}, {}});
  std::optional<Uuid> since;
  if (version == 3) {
    if (!params[3].is_string()) return wrong_syntax(params[3], "last-txn-id must be string");
    since = parse_uuid(params[3].string());
    if (!since) return wrong_syntax(params[3], "last-txn-id must be UUID format.");
  }
  auto spec = MonitorSpec::parse(db.db().schema(), params[2], version == 1);
  if (!spec) return wrong(spec.error());

  db.flush(now, server_.wall_ms());
  Monitor& m = db.add_monitor(*this, monitor_id, static_cast<MonitorVersion>(version - 1), *spec);
  monitors_++;
  if (version < 3) {
    reply_text(db.as_published([&] { return m.spec->initial(db.db()); }), id);
    return {};
  }
  std::optional<uint64_t> from = since->is_zero() ? std::nullopt : db.find_commit(*since);
  std::optional<std::vector<RowChange>> missed;
  if (from) missed = db.changes_since(*from);
  std::string contents = missed ? m.spec->update(*missed) : db.as_published([&] { return m.spec->initial(db.db()); });
  if (contents.empty()) contents = "{}";
  reply_text(fmt::format("[{},\"{}\",{}]", missed.has_value(), format(db.last_id()), contents), id);
  return {};
}

Session::Reply Session::monitor_cond_change(const Json& params, const Json& id, Time now) {
  if (params.size() != 3) return wrong_syntax(params, "invalid parameters");
  auto [db, m] = find_monitor(params[0]);
  if (!m) return wrong_syntax(params[0], "unknown monitor session");
  if (!(params[0] == params[1]) && find_monitor(params[1]).second) return wrong_syntax(params[1], "duplicate monitor ID");
  auto next = m->spec->with_conditions(db->db().schema(), params[2]);
  if (!next) return wrong(next.error());
  db->flush(now, server_.wall_ms());
  db->catch_up(*m);
  m->id = params[1];
  std::string changes = db->as_published([&] { return m->spec->condition_change(db->db(), **next); });
  db->change_spec(*m, *next);
  if (!changes.empty()) send_update(*m, db->last_id(), std::make_shared<const std::string>(std::move(changes)));
  reply_text("{}", id);
  return {};
}

Session::Reply Session::monitor_cancel(const Json& params, const Json& id, Time) {
  if (params.size() != 1) return Failure(Json("invalid parameters"));
  auto [db, m] = find_monitor(params[0]);
  if (!m) return Failure(Json("unknown monitor"));
  db->remove_monitor(*m);
  monitors_--;
  reply_text("{}", id);
  return {};
}

// --- locks ---

std::expected<std::string, Json> Session::lock_name(std::string_view method, const Json& params) {
  if (options_.read_only || server_.is_read_only()) return Failure(Json("lock and unlock methods not allowed, DB server is read only."));
  if (params.size() != 1 || !is_id(params[0].string())) return wrong_syntax(params, fmt::format("{} request params must be <id>", method));
  return std::string(params[0].string());
}

Session::Reply Session::take_lock(std::string_view method, const Json& params, const Json& id, bool steal) {
  auto name = lock_name(method, params);
  if (!name) return Failure(name.error());
  if (server_.locks().has_requested(*name, number_)) return wrong_syntax(params, fmt::format("must issue \"unlock\" before new \"{}\"", method));
  bool held = true;
  if (steal) server_.told(*name, server_.locks().steal(*name, number_));
  else held = server_.locks().lock(*name, number_);
  reply_text(held ? "{\"locked\":true}" : "{\"locked\":false}", id);
  return {};
}

Session::Reply Session::lock(const Json& params, const Json& id, Time) { return take_lock("lock", params, id, false); }
Session::Reply Session::steal(const Json& params, const Json& id, Time) { return take_lock("steal", params, id, true); }

Session::Reply Session::unlock(const Json& params, const Json& id, Time) {
  auto name = lock_name("unlock", params);
  if (!name) return Failure(name.error());
  if (!server_.locks().has_requested(*name, number_)) return wrong_syntax(params, "unlock: \"unlock\" without \"lock\" or \"steal\"");
  server_.told(*name, server_.locks().unlock(*name, number_));
  reply_text("{}", id);
  return {};
}

size_t Session::locks_held() const { return server_.locks().held(number_); }
size_t Session::locks_waiting() const { return server_.locks().waiting(number_); }

}  // namespace sluice::ovsdb

// SPDX-License-Identifier: Apache-2.0
// Databases come and go, and clients hear of it.
#include "dbserver/server.h"

#include <fmt/core.h>

#include "dbserver/source.h"

namespace sluice::ovsdb {

const char kServerSchema[] =
    R"({"name":"_Server","version":"1.2.0","cksum":"3009684573 744","tables":{"Database":{"columns":{)"
    R"("name":{"type":"string"},"model":{"type":{"key":{"type":"string","enum":["set",["clustered","relay","standalone"]]}}},)"
    R"("connected":{"type":"boolean"},"leader":{"type":"boolean"},"schema":{"type":{"key":"string","min":0}},)"
    R"("cid":{"type":{"key":"uuid","min":0}},"sid":{"type":{"key":"uuid","min":0}},"index":{"type":{"key":"integer","min":0}}}}}})";

Server::Server(UuidSource& uuids) : uuids_(uuids), id_(uuids.next()), runner_(uuids) {
  auto schema = DatabaseSchema::from_json(*Json::parse(kServerSchema));
  auto hosted = std::make_unique<HostedDatabase>(std::make_unique<Database>(*schema, uuids_), nullptr, runner_, sessions_, limits_);
  hosted->reserved = true;
  HostedDatabase& db = *hosted;
  databases_.emplace("_Server", std::move(hosted));
  announce(db);
}

Server::~Server() = default;

Status Server::add_database(std::unique_ptr<Database> db, std::unique_ptr<Journal> journal, std::string file) {
  std::string name = db->name();
  if (databases_.contains(name)) return fail("ovsdb error", fmt::format("{}: duplicate database name", name));
  auto hosted = std::make_unique<HostedDatabase>(std::move(db), std::move(journal), runner_, sessions_, limits_);
  hosted->file = std::move(file);
  announce(*hosted);
  databases_.emplace(std::move(name), std::move(hosted));
  disconnect_unaware("database added");
  return {};
}

bool Server::remove_database(const std::string& name) {
  auto it = databases_.find(name);
  if (it == databases_.end() || it->second->reserved) return false;
  HostedDatabase& db = *it->second;
  db.give_up_conversion();
  db.drain(Time{}, wall_ms_);
  db.cancel_all();
  for (Monitor* m : db.all_monitors()) m->session->notify("monitor_canceled", Json::array({m->id}).to_string());
  databases_.erase(it);
  Json op = Json::object({{"op", "delete"}, {"table", "Database"}});
  op.set("where", Json::array({Json::array({"name", "==", name})}));
  find("_Server")->transact_internal(Json::array({"_Server", std::move(op)}), wall_ms_);
  disconnect_unaware("database removed");
  return true;
}

HostedDatabase* Server::find(std::string_view name) {
  auto it = databases_.find(name);
  return it == databases_.end() ? nullptr : it->second.get();
}

std::vector<std::string> Server::names() const {
  std::vector<std::string> all;
  for (const auto& [name, db] : databases_) all.push_back(name);
  return all;
}

void Server::announce(const HostedDatabase& hosted) {
  HostedDatabase& db = const_cast<HostedDatabase&>(hosted);
  const Source* relay = db.relay;
  Json row = Json::object({{"name", db.name()}, {"model", relay ? "relay" : "standalone"}, {"connected", !relay || relay->is_live()}, {"leader", !relay}});
  Json schema = Json::array({"set", Json::array()});
  if (!relay || relay->has_contents()) schema = db.db().schema().to_json().to_string();
  row.set("schema", std::move(schema));
  Json where = Json::array({Json::array({"name", "==", db.name()})});
  Json update = Json::object({{"op", "update"}, {"table", "Database"}, {"where", std::move(where)}, {"row", row}});
  HostedDatabase* server = find("_Server");
  TransactOutcome known = server->transact_internal(Json::array({"_Server", std::move(update)}), wall_ms_);
  if (known.results != R"([{"count":0}])") return;
  server->transact_internal(Json::array({"_Server", Json::object({{"op", "insert"}, {"table", "Database"}, {"row", std::move(row)}})}), wall_ms_);
}

void Server::disconnect_unaware(std::string_view why) {
  for (auto& [number, session] : sessions_)
    if (!session->is_change_aware()) session->close(why);
}

Status Server::convert(HostedDatabase& hosted, std::shared_ptr<const DatabaseSchema> schema, std::move_only_function<void(const Status&)> done) {
  if (schema->name != hosted.name())
    return fail("invalid parameters", fmt::format("new schema name ({}) does not match database name ({})", schema->name, hosted.name()));
  bool begun = hosted.convert(std::move(schema), uuids_, [this, &hosted, done = std::move(done)](Result<std::unique_ptr<Database>> converted) mutable {
    if (!converted) return done(std::unexpected(converted.error()));
    replace_contents(hosted, std::move(*converted), [&] { done({}); });
  });
  if (!begun) return fail("not allowed", fmt::format("{}: a conversion is going on", hosted.name()));
  return {};
}

void Server::replace_contents(HostedDatabase& hosted, std::unique_ptr<Database> contents, const std::function<void()>& reply) {
  hosted.cancel_all();
  for (Monitor* m : hosted.all_monitors())
    if (m->session->is_change_aware()) m->session->notify("monitor_canceled", Json::array({m->id}).to_string());
  hosted.replace(std::move(contents));
  announce(hosted);
  if (reply) reply();
  disconnect_unaware("database converted");
}

void Server::run(Time now, int64_t wall_ms) {
  wall_ms_ = wall_ms;
  for (auto& [name, db] : databases_) db->flush(now, wall_ms);
  for (uint64_t number : std::exchange(behind_, {})) {
    auto it = sessions_.find(number);
    if (it == sessions_.end()) continue;
    if (it->second->is_congested()) behind_.push_back(number);
    else it->second->drained();
  }
}

Time Server::deadline() const {
  Time nearest = kNever;
  for (const auto& [name, db] : databases_) nearest = std::min(nearest, db->deadline());
  return nearest;
}

uint64_t Server::add_session(Session& s) {
  sessions_.emplace(next_session_, &s);
  return next_session_++;
}

void Server::remove_session(Session& s) {
  sessions_.erase(s.number());
  for (auto& [name, db] : databases_) db->forget(s);
  for (auto& [lock, session] : locks_.forget(s.number())) {
    LockTable::Effect e;
    e.granted = session;
    told(lock, e);
  }
}

void Server::told(const std::string& lock, const LockTable::Effect& effect) {
  std::string params = Json::array({lock}).to_string();
  auto tell = [&](std::optional<uint64_t> number, const char* method) {
    if (!number) return;
    auto it = sessions_.find(*number);
    if (it == sessions_.end()) return;
    if (std::string_view(method) == "stolen") it->second->locks_lost++;
    it->second->notify(method, params);
  };
  tell(effect.stolen, "stolen");
  tell(effect.granted, "locked");
}

void Server::set_read_only(bool on) {
  if (read_only_ == on) return;
  read_only_ = on;
  disconnect_unaware("server's mode changed");
}

}  // namespace sluice::ovsdb

// SPDX-License-Identifier: Apache-2.0
// Transactions, dumps, locks, and waiting for a database.
#include <fmt/core.h>

#include <thread>

#include "dbserver/ovsdb/value_json.h"
#include "lib/log.h"
#include "lib/program.h"
#include "lib/reconnect.h"
#include "utilities/dbclient/background.h"

namespace sluice::dbclient {
namespace {

Log reconnect_log("reconnect");

Json transaction(const std::string& text) {
  Json j = parse_json(text);
  if (!j.is_array() || !j.size() || !j[0].is_string()) fatal("not a valid OVSDB query");
  return j;
}

}  // namespace

/// One that waits may be detached meanwhile.
void transact(Session& s, Words words) {
  Json request = transaction(words[0]);
  Background background(s, Background::Keep::output_and_errors);
  if (s.db_change_aware.value_or(false)) s.set_db_change_aware();
  background.ready();
  print_json(s.call("transact", request), s.style);
}

/// The operations and then "abort", whose own result is not shown.
void query(Session& s, Words words) {
  Json request = transaction(words[0]);
  request.push_back(Json::object({{"op", "abort"}}));
  Json result = s.call("transact", request), shown = Json::array();
  size_t n = result.size();
  bool aborted = n && n == request.size() - 1 && result[n - 1].get("error").string() == "aborted";
  for (size_t i = 0; i < (aborted ? n - 1 : n); i++) shown.push_back(result[i]);
  print_json(shown, s.style);
}

void dump(Session& s, Words words) {
  auto schema = s.schema();
  if (!words.empty() && !schema->find(words[0])) fatal("No table \"{}\" found.", words[0]);
  Json request = Json::array({s.database});
  std::vector<std::pair<const ovsdb::TableSchema*, std::vector<const ovsdb::ColumnSchema*>>> shown;
  for (const ovsdb::TableSchema& t : schema->tables) {
    if (!words.empty() && t.name != words[0]) continue;
    auto& columns = shown.emplace_back(&t, std::vector<const ovsdb::ColumnSchema*>()).second;
    if (words.size() > 1) {
      for (const std::string& name : words.subspan(1)) {
        const ovsdb::ColumnSchema* c = t.find(name);
        if (!c) fatal("Table \"{}\" has no column {}.", t.name, name);
        if (c != &t.version_column) columns.push_back(c);  // says nothing that would last
      }
      std::sort(columns.begin(), columns.end(), [](auto* a, auto* b) { return a->name < b->name; });
    } else {
      columns.push_back(&t.uuid_column);
      for (const ovsdb::ColumnSchema& c : t.columns) columns.push_back(&c);
    }
    Json names = Json::array();
    for (const auto* c : columns) names.push_back(c->name);
    request.push_back(Json::object({{"op", "select"}, {"table", t.name}, {"where", Json::array()}, {"columns", std::move(names)}}));
  }
  Json result = s.call("transact", request);
  for (size_t i = 0; i < shown.size(); i++) {
    const auto& [t, columns] = shown[i];
    if (!result[i].find("rows")) fatal("{} table reply is not an object with a \"rows\" member array: {}", t->name, result[i].to_string());
    ovsdb::TextTable table(t->name + " table");
    for (const auto* c : columns) table.add_column(c->name);
    for (const Json& row : result[i].get("rows").elements()) {
      table.add_row();
      for (const auto* c : columns) {
        auto value = ovsdb::parse_datum_lenient(row.get(c->name), c->type);
        if (!value) fatal("{}.{}: {}", t->name, c->name, value.error().to_string());
        table.add(std::move(*value), c->type);
      }
    }
    table.sort();
    print_table(table, s.style);
  }
}

namespace {

/// Prints the answer, then every "locked" and "stolen", until the connection ends.
void keep_lock(Session& s, std::string_view method, const std::string& name) {
  Background background(s, Background::Keep::output);
  int64_t asked = 0;  // the request of the control command that waits for its answer
  for (const char* m : {"lock", "steal", "unlock"})
    background.control().add_text(m, "LOCK", 1, 1, [&s, &asked, m](UnixctlArgs args) -> UnixctlText {
      asked = s.client().send(m, Json::array({args[0]}));
      return "";
    });
  print_json(s.call(method, Json::array({name})), s.style);
  background.ready();
  for (;;) {
    JsonRpcClient::Message m = background.receive();
    if (m.method.empty()) {
      if (m.id.integer() == asked) print_json(m.error.is_null() ? m.params : m.error, s.style);
      continue;
    }
    print_text(m.method + "\n");
    print_json(m.params, s.style);
  }
}

/// Whether the database is in the state, by the rows of _Server.
bool in_state(JsonRpcClient& client, const std::string& database, const std::string& state) {
  Json where = Json::array({Json::array({"name", "==", database})});
  Json op = Json::object({{"op", "select"}, {"table", "Database"}, {"where", std::move(where)}, {"columns", Json::array({"connected"})}});
  auto result = client.call("transact", Json::array({"_Server", std::move(op)}));
  if (!result) return false;
  const Json& rows = (*result)[0].get("rows");
  if (state == "removed") return rows.size() == 0;
  return rows.size() && (state == "added" || rows[0].get("connected").boolean());
}

}  // namespace

void lock(Session& s, Words words) { keep_lock(s, "lock", words[0]); }
void steal(Session& s, Words words) { keep_lock(s, "steal", words[0]); }
void unlock(Session& s, Words words) { keep_lock(s, "unlock", words[0]); }

/// Also waits for the server itself.
void wait(Session& s, Words words) {
  const std::string &database = words[0], &state = words[1];
  if (state != "added" && state != "connected" && state != "removed") fatal("{}: unknown state", state);
  auto targets = parse_remotes(s.server, kOvsdbPort, s.run_directory);
  if (!targets) fatal("failed to connect or listen to \"{}\" ({})", s.server, targets.error().text());
  for (;; std::this_thread::sleep_for(kDefaultMinBackoff)) {
    reconnect_log.info("{}: connecting...", s.server);
    auto client = JsonRpcClient::connect(*targets, {.timeout = std::nullopt, .tls = s.tls});
    if (!client) {
      reconnect_log.info("{}: connection attempt failed ({})", s.server, client.error());
      continue;
    }
    reconnect_log.info("{}: connected", s.server);
    Json request = Json::object({{"Database", Json::array({Json::object()})}});
    if (!(*client)->call("set_db_change_aware", Json::array({true}))) continue;
    if (!(*client)->call("monitor", Json::array({"_Server", "wait", std::move(request)}))) continue;
    while (!in_state(**client, database, state))
      if (!(*client)->receive(std::nullopt)) break;
    if (in_state(**client, database, state)) return;
  }
}

}  // namespace sluice::dbclient

// SPDX-License-Identifier: Apache-2.0
// monitor, monitor-cond, monitor-cond-since: prints the contents of tables, then each change, until the connection ends.
#include <fmt/core.h>

#include <algorithm>

#include "dbserver/ovsdb/value_json.h"
#include "lib/clock.h"
#include "lib/date.h"
#include "lib/program.h"
#include "utilities/dbclient/background.h"

namespace sluice::dbclient {
namespace {

/// One table that is monitored.
struct Watched {
  const ovsdb::TableSchema* table;
  std::vector<const ovsdb::ColumnSchema*> columns;
  Json requests = Json::array();
};

constexpr std::string_view kSelections[] = {"initial", "insert", "delete", "modify"};

/// "name,tag,!initial" as one monitor request.
void add_request(Session& s, Watched& w, std::string_view list, const Json& where) {
  Json columns = Json::array(), select = Json::object();
  bool given = false;
  for (size_t i = 0; i <= list.size();) {
    size_t end = std::min(list.find(',', i), list.size());
    std::string_view word = list.substr(i, end - i);
    i = end + 1;
    if (word.starts_with('!')) {
      word.remove_prefix(1);
      if (std::find(std::begin(kSelections), std::end(kSelections), word) == std::end(kSelections))
        fatal("{}: table \"{}\" in {} does not have a column named \"!{}\"", s.server, w.table->name, s.database, word);
      select.set(word, false);
      continue;
    }
    if (word.empty()) continue;
    const ovsdb::ColumnSchema* c = w.table->find(word);
    if (!c) fatal("{}: table \"{}\" in {} does not have a column named \"{}\"", s.server, w.table->name, s.database, word);
    if (std::find(w.columns.begin(), w.columns.end(), c) != w.columns.end()) fatal("{}: column \"{}\" mentioned multiple times", s.server, word);
    given = true;
    w.columns.push_back(c);
    columns.push_back(c->name);
  }
  if (!given) {
    for (const ovsdb::ColumnSchema& c : w.table->columns) {
      if (std::find(w.columns.begin(), w.columns.end(), &c) != w.columns.end()) fatal("{}: column \"{}\" mentioned multiple times", s.server, c.name);
      w.columns.push_back(&c);
      columns.push_back(c.name);
    }
    w.columns.push_back(&w.table->version_column);
    columns.push_back("_version");
  }
  Json request = Json::object({{"columns", std::move(columns)}, {"select", std::move(select)}});
  if (!where.is_null()) request.set("where", where);
  w.requests.push_back(std::move(request));
}

class Monitor {
 public:
  explicit Monitor(Session& s) : s_(s), schema_(s.schema()) {}

  void add_all() {
    for (const ovsdb::TableSchema& t : schema_->tables) add(t, {}, {});
    titles_ = true;
  }

  void add_words(Words words, const Json& where) {
    const ovsdb::TableSchema* t = schema_->find(words[0]);
    if (!t) fatal("{}: {} does not have a table named \"{}\"", s_.server, s_.database, words[0]);
    add(*t, words.subspan(1), where);
  }

  Json requests() const {
    Json out = Json::object();
    for (const Watched& w : watched_) out.set(w.table->name, w.requests);
    return out;
  }

  /// {TABLE: {UUID: {old, new}}}
  void print_v1(const Json& updates, bool initial) {
    for_each(updates, [&](ovsdb::TextTable& table, const Watched& w, std::string_view uuid, const Json& update) {
      const Json *before = update.find("old"), *after = update.find("new");
      std::string row(uuid);
      if (before) add_row(table, w, std::exchange(row, ""), after ? "old" : "delete", *before);
      if (after) add_row(table, w, row, initial ? "initial" : before ? "new" : "insert", *after);
    });
  }

  /// {TABLE: {UUID: {initial|insert|delete|modify}}}
  void print_v2(const Json& updates, bool under_a_line = false) {
    under_a_line_ = under_a_line;
    for_each(updates, [&](ovsdb::TextTable& table, const Watched& w, std::string_view uuid, const Json& update) {
      for (const JsonMember& m : update.members()) add_row(table, w, std::string(uuid), m.name(), m.value);
    });
  }

 private:
  void add(const ovsdb::TableSchema& t, Words column_lists, const Json& where) {
    Watched& w = watched_.emplace_back(Watched{&t, {}});
    if (column_lists.empty()) add_request(s_, w, "", where);
    for (const std::string& list : column_lists) add_request(s_, w, list, where);
  }

  template <typename F>
  void for_each(const Json& updates, F fn) {
    for (const Watched& w : watched_) {
      const Json& rows = updates.get(w.table->name);
      if (!rows.size()) continue;
      ovsdb::TextTable table(titles_ ? w.table->name : "");
      table.set_timestamp(format_date(Clock().wall_ms(), false));
      table.add_column("row");
      table.add_column("action");
      for (const auto* c : w.columns) table.add_column(c->name);
      for (const JsonMember& m : rows.members()) fn(table, w, m.name(), m.value);
      print_table(table, s_.style, std::exchange(under_a_line_, false));
    }
  }

  void add_row(ovsdb::TextTable& table, const Watched& w, std::string uuid, std::string_view action, const Json& values) {
    table.add_row();
    table.add(std::move(uuid));
    table.add(std::string(action));
    for (const auto* c : w.columns) {
      const Json* j = values.find(c->name);
      auto value = j ? ovsdb::parse_datum_lenient(*j, c->type) : ovsdb::Result<ovsdb::Datum>();
      if (!j)
        table.add(Json());
      else if (value)
        table.add(std::move(*value), c->type);
      else
        table.add(*j);
    }
  }

  Session& s_;
  std::shared_ptr<const ovsdb::DatabaseSchema> schema_;
  std::vector<Watched> watched_;
  bool titles_ = false, under_a_line_ = false;
};

/// ovsdb-client/block, unblock and cond_change TABLE CONDITION.
void add_commands(Session& s, Background& background) {
  auto set_blocked = [&background](bool on) {
    return [&background, on](UnixctlArgs) -> UnixctlText {
      background.block(on);
      return on ? "blocked" : "unblocked";
    };
  };
  background.control().add_text("ovsdb-client/block", "", 0, 0, set_blocked(true));
  background.control().add_text("ovsdb-client/unblock", "", 0, 0, set_blocked(false));
  background.control().add_text("ovsdb-client/cond_change", "TABLE COND", 2, 2, [&s](UnixctlArgs args) -> UnixctlText {
    auto where = Json::parse(args[1]);
    if (!where) return std::unexpected(where.error().text);
    Json change = Json::object({{args[0], Json::array({Json::object({{"where", std::move(*where)}})})}});
    s.client().send("monitor_cond_change", Json::array({Json(nullptr), Json(nullptr), std::move(change)}));
    return "";
  });
}

/// Sends the request, prints its answer and what follows, for ever.
[[noreturn]] void follow(Session& s, Monitor& m, std::string_view method, const Json& last_id) {
  Background background(s, Background::Keep::output_and_errors);
  add_commands(s, background);
  if (s.db_change_aware.value_or(true)) s.set_db_change_aware();
  Json params = Json::array({s.database, Json(nullptr), m.requests()});
  if (!last_id.is_null()) params.push_back(last_id);
  Json result = s.call(method, params);
  auto line = [](std::string_view name, const Json& id) { print_text(fmt::format("{}last_id: {}\n", name, id.string())); };
  if (method == "monitor") {
    m.print_v1(result, true);
  } else if (method == "monitor_cond") {
    m.print_v2(result);
  } else {
    line(fmt::format("found: {}, ", result[0].boolean()), result[1]);
    m.print_v2(result[2]);
  }
  background.ready();
  for (;;) {
    JsonRpcClient::Message n = background.receive();
    const Json& p = n.params;
    if (n.method == "monitor_canceled") background.fail(fmt::format("{} database was removed", s.database));
    if (n.method == "update") m.print_v1(p[1], false);
    if (n.method == "update2") m.print_v2(p[1]);
    if (n.method == "update3") {
      line("\n", p[1]);
      m.print_v2(p[2], true);
    }
  }
}

}  // namespace

void monitor(Session& s, Words words) {
  Monitor m(s);
  if (words.size() == 1 && words[0] == "ALL")
    m.add_all();
  else
    m.add_words(words, {});
  follow(s, m, "monitor", {});
}

void monitor_cond(Session& s, Words words) {
  Monitor m(s);
  m.add_words(words.subspan(1), parse_json(words[0]));
  follow(s, m, "monitor_cond", {});
}

void monitor_cond_since(Session& s, Words words) {
  Json last = "00000000-0000-0000-0000-000000000000";
  if (parse_uuid(words[0])) {
    last = words[0];
    words = words.subspan(1);
  }
  if (words.size() < 2) fatal("invalid syntax for 'monitor-cond-since' (use --help for help)");
  Monitor m(s);
  m.add_words(words.subspan(1), parse_json(words[0]));
  follow(s, m, "monitor_cond_since", last);
}

}  // namespace sluice::dbclient

// SPDX-License-Identifier: Apache-2.0
// Random transactions against a naive oracle (whole-state copies, rules by their definition), and monitors of all three versions replayed on the
// client's side: what clients know always equals the server's tables.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "dbserver/ovsdb/diff.h"
#include "dbserver/ovsdb/value_json.h"
#include "tests/unit/dbserver/recorder.h"

namespace sluice::ovsdb {
namespace {

constexpr const char* kSchema = R"({"name":"T","tables":{
 "R":{"isRoot":true,"maxRows":6,"indexes":[["name"]],"columns":{"name":{"type":"string"},"i":{"type":{"key":"integer","min":0}},
   "kids":{"type":{"key":{"type":"uuid","refTable":"N"},"min":0,"max":"unlimited"}},
   "weak":{"type":{"key":{"type":"uuid","refTable":"N","refType":"weak"},"min":0,"max":"unlimited"}},
   "m":{"type":{"key":"string","value":"integer","min":0,"max":"unlimited"}}}},
 "N":{"columns":{"v":{"type":"integer"},"next":{"type":{"key":{"type":"uuid","refTable":"N"},"min":0}},
   "back":{"type":{"key":{"type":"uuid","refTable":"R","refType":"weak"},"min":0,"max":"unlimited"}}}}}})";

using Set = std::set<std::string>;
struct NaiveRow {
  std::string table;
  std::string name;       // R
  std::optional<int> i;   // R
  int v = 0;              // N
  Set strong, weak;       // kids and weak, next and back
  std::map<std::string, int> m;
  friend bool operator==(const NaiveRow&, const NaiveRow&) = default;
};
using State = std::map<std::string, NaiveRow>;

/// The rules of a commit by their definition.  False: refused.
bool naive_commit(State& s) {
  for (auto& [uuid, row] : s)
    for (const std::string& to : row.strong)
      if (!s.contains(to) || s[to].table != "N") return false;
  for (bool again = true; again;) {
    again = false;
    Set referenced;
    for (auto& [uuid, row] : s)
      for (const std::string& to : row.strong)
        if (to != uuid) referenced.insert(to);
    for (auto it = s.begin(); it != s.end();) {
      bool garbage = it->second.table == "N" && !referenced.contains(it->first);
      it = garbage ? (again = true, s.erase(it)) : std::next(it);
    }
  }
  Set names;
  size_t roots = 0;
  for (auto& [uuid, row] : s) {
    std::string target = row.table == "R" ? "N" : "R";
    std::erase_if(row.weak, [&](const std::string& to) { return !s.contains(to) || s[to].table != target; });
    if (row.table != "R") continue;
    roots++;
    if (!names.insert(row.name).second) return false;
  }
  return roots <= 6;
}

Json uuid_json(const std::string& u) { return Json::array({"uuid", u}); }
Json set_json(const Set& s) {
  Json all = Json::array();
  for (const std::string& u : s) all.push_back(uuid_json(u));
  return Json::array({"set", std::move(all)});
}

/// Builds random operations and applies them to a copy of the naive state at the same time.
class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}
  Json operations(State& s) {
    Json params = Json::array({"T"});
    for (size_t n = 1 + pick(4); n > 0; n--) params.push_back(one(s));
    return params;
  }
  size_t pick(size_t n) { return random_() % n; }
  bool coin() { return random_() & 1; }

 private:
  std::string new_uuid(State&) {
    Uuid u{0, ++next_};
    return format(u);
  }
  std::string some(const State& s, const std::string& table) {
    std::vector<std::string> all;
    for (auto& [uuid, row] : s)
      if (row.table == table) all.push_back(uuid);
    if (all.empty() || pick(12) == 0) return format(Uuid{9, pick(3)});  // nobody
    return all[pick(all.size())];
  }
  Set some_set(const State& s, const std::string& table, size_t max) {
    Set out;
    for (size_t n = pick(max + 1); n > 0; n--) out.insert(some(s, table));
    return out;
  }
  static Json where(const std::string& uuid) { return Json::array({Json::array({"_uuid", "==", uuid_json(uuid)})}); }

  Json insert_root(State& s) {
    NaiveRow row;
    row.table = "R";
    row.name = "n" + std::to_string(pick(9));
    if (coin()) row.i = static_cast<int>(pick(5));
    row.strong = some_set(s, "N", 2), row.weak = some_set(s, "N", 2);
    row.m["k" + std::to_string(pick(3))] = static_cast<int>(pick(3));
    std::string u = new_uuid(s);
    Json m = Json::array();
    for (auto& [k, v] : row.m) m.push_back(Json::array({k, v}));
    Json columns = Json::object({{"name", row.name}, {"kids", set_json(row.strong)}, {"weak", set_json(row.weak)}});
    columns.set("m", Json::array({"map", std::move(m)}));
    if (row.i) columns.set("i", *row.i);
    s[u] = row;
    return Json::object({{"op", "insert"}, {"table", "R"}, {"uuid", u}, {"row", std::move(columns)}});
  }
  Json insert_node(State& s) {
    NaiveRow row;
    row.table = "N";
    row.v = static_cast<int>(pick(4));
    std::string u = new_uuid(s);
    if (coin()) row.strong = {pick(8) ? some(s, "N") : u};
    row.weak = some_set(s, "R", 2);
    Json columns = Json::object({{"v", row.v}, {"next", set_json(row.strong)}, {"back", set_json(row.weak)}});
    s[u] = row;
    return Json::object({{"op", "insert"}, {"table", "N"}, {"uuid", u}, {"row", std::move(columns)}});
  }
  Json erase(State& s) {
    std::string table = pick(3) ? "R" : "N", u = some(s, table);
    if (s.contains(u) && s[u].table == table) s.erase(u);
    return Json::object({{"op", "delete"}, {"table", table}, {"where", where(u)}});
  }
  Json update(State& s) {
    std::string u = some(s, "R");
    Set kids = some_set(s, "N", 3);
    std::string name = "n" + std::to_string(pick(9));
    Json row = Json::object({{"kids", set_json(kids)}});
    bool rename = pick(3) == 0;
    if (rename) row.set("name", name);
    if (s.contains(u)) {
      s[u].strong = kids;
      if (rename) s[u].name = name;
    }
    return Json::object({{"op", "update"}, {"table", "R"}, {"where", where(u)}, {"row", std::move(row)}});
  }
  Json mutate(State& s) {
    std::string u = some(s, "R"), kid = some(s, "N");
    bool add = coin();
    int amount = static_cast<int>(pick(3));
    std::string key = "k" + std::to_string(pick(3));
    if (s.contains(u)) {
      NaiveRow& row = s[u];
      if (add) row.strong.insert(kid), row.m.emplace(key, amount);
      else row.strong.erase(kid), row.m.erase(key);
      if (row.i) *row.i += amount;
    }
    Json list = Json::array({Json::array({"kids", add ? "insert" : "delete", uuid_json(kid)}), Json::array({"i", "+=", amount})});
    if (add) list.push_back(Json::array({"m", "insert", Json::array({"map", Json::array({Json::array({key, amount})})})}));
    else list.push_back(Json::array({"m", "delete", key}));
    return Json::object({{"op", "mutate"}, {"table", "R"}, {"where", where(u)}, {"mutations", std::move(list)}});
  }
  Json one(State& s) {
    switch (pick(7)) {
      case 0: case 1: return insert_root(s);
      case 2: case 3: return insert_node(s);
      case 4: return erase(s);
      case 5: return update(s);
      default: return mutate(s);
    }
  }
  std::mt19937_64 random_;
  uint64_t next_ = 100;
};

/// The server's tables in the naive form.
State observe(Database& db) {
  State s;
  for (Table& t : db.tables()) {
    auto get = [&](const Row& row, const char* c) { return row.get(*t.schema().find(c)); };
    auto uuids = [&](DatumRef d) {
      Set out;
      for (size_t i = 0; i < d.size(); i++) out.insert(format(d.key(i).uuid()));
      return out;
    };
    for (const RowPtr& row : t) {
      NaiveRow& n = s[format(row->uuid())];
      n.table = t.schema().name;
      bool root = n.table == "R";
      n.strong = uuids(get(*row, root ? "kids" : "next")), n.weak = uuids(get(*row, root ? "weak" : "back"));
      if (!root) {
        n.v = static_cast<int>(get(*row, "v").integer());
        continue;
      }
      n.name = get(*row, "name").string();
      if (DatumRef i = get(*row, "i"); !i.empty()) n.i = static_cast<int>(i.integer());
      DatumRef m = get(*row, "m");
      for (size_t k = 0; k < m.size(); k++) n.m[std::string(m.key(k).string())] = static_cast<int>(m.value(k).integer());
    }
  }
  return s;
}

/// What a client knows: {table uuid: {column: value}}, kept up to date from messages alone.
class Mirror {
 public:
  explicit Mirror(const DatabaseSchema& schema) : schema_(schema) {}
  void apply(const Json& updates) {
    for (const JsonMember& t : updates.members())
      for (const JsonMember& r : t.value.members()) apply_row(*schema_.find(t.name()), std::string(t.name()) + " " + std::string(r.name()), r.value);
  }
  using Columns = std::map<std::string, std::string>;
  std::map<std::string, Columns> rows;

 private:
  void apply_row(const TableSchema& table, const std::string& key, const Json& change) {
    const Json *fresh = change.find("initial"), *modify = change.find("modify");
    if (!fresh) fresh = change.find("insert");
    if (!fresh) fresh = change.find("new");
    if (fresh) {
      bool v2 = !change.find("new");
      Columns& columns = rows[key];
      if (v2) {
        EXPECT_TRUE(columns.empty()) << "inserted twice: " << key;
        for (const ColumnSchema& c : table.columns) columns[c.name] = datum_to_json(c.default_value).to_string();
      }
      for (const JsonMember& m : fresh->members()) columns[std::string(m.name())] = m.value.to_string();
    } else if (modify) {
      EXPECT_TRUE(rows.contains(key)) << "modified but unknown: " << key;
      for (const JsonMember& m : modify->members()) {
        const ColumnType& type = table.find(m.name())->type;
        std::string& value = rows[key][std::string(m.name())];
        auto old = parse_datum(*Json::parse("[" + value + "]")->elements().data(), type);
        auto result = datum_apply_diff(*old, *parse_datum_lenient(m.value, type), type);
        EXPECT_TRUE(result.has_value());
        value = datum_to_json(*result).to_string();
      }
    } else {
      EXPECT_EQ(rows.erase(key), 1u) << "deleted but unknown: " << key;
    }
  }
  const DatabaseSchema& schema_;
};

std::map<std::string, Mirror::Columns> expected_mirror(Database& db, const std::function<bool(const Table&, const Row&)>& visible) {
  std::map<std::string, Mirror::Columns> all;
  for (Table& t : db.tables())
    for (const RowPtr& row : t) {
      if (!visible(t, *row)) continue;
      for (const ColumnSchema& c : t.schema().columns) all[t.schema().name + " " + format(row->uuid())][c.name] = datum_to_json(row->get(c)).to_string();
    }
  return all;
}

constexpr const char* kRequests = R"({"R":[{"columns":["name","i","kids","weak","m"]}],"N":[{"columns":["v","next","back"]}]})";

struct World {
  World() : server(uuids), client(server) {
    (void)server.add_database(make_database(kSchema, uuids), nullptr, "");
    client.out.closed = false;
  }
  Database& db() { return server.find("T")->db(); }
  UuidSource uuids{{5, 6, 7, 8}};
  Server server;
  TestClient client;
};

TEST(Property, TransactionsMatchTheOracle) {
  for (uint64_t seed = 0; seed < 20; seed++) {
    World w;
    Generator g(seed);
    State state;
    size_t accepted = 0;
    for (int step = 0; step < 200; step++) {
      State wanted = state;
      Json params = g.operations(wanted);
      bool ok = naive_commit(wanted);
      auto replies = w.client.say(Json::object({{"id", 1}, {"method", "transact"}, {"params", params}}));
      const Json& result = replies.back().get("result");
      bool failed = false;
      for (const Json& r : result.elements()) failed |= r.is_null() || r.find("error");
      ASSERT_EQ(ok, !failed) << "seed " << seed << " step " << step << ": " << params.to_string() << " -> " << result.to_string();
      if (ok) state = wanted, accepted++;
      ASSERT_EQ(observe(w.db()), state) << "seed " << seed << " step " << step << ": " << params.to_string();
    }
    EXPECT_GT(accepted, 30u);
  }
}

TEST(Property, MonitorsMirrorTheTables) {
  for (uint64_t seed = 100; seed < 112; seed++) {
    World w;
    Generator g(seed);
    TestClient watcher(w.server);
    const DatabaseSchema& schema = w.db().schema();
    Mirror v1(schema), v2(schema), v3(schema), conditional(schema);
    std::string limit = "2", last_id = "00000000-0000-0000-0000-000000000000";
    auto requests = [&](const char* columns_of_r, const char* columns_of_n) {
      return fmt::format(R"({{"R":[{{{}"where":[["i","<",{}]]}}],"N":[{{{}"where":[["v",">=",{}]]}}]}})", columns_of_r, limit, columns_of_n, limit);
    };
    auto start = [&](const std::string& method, const std::string& id, const std::string& requests, const std::string& rest = "") {
      return watcher.say_text("{\"id\":1,\"method\":\"" + method + "\",\"params\":[\"T\",\"" + id + "\"," + requests + rest + "]}").back().get("result");
    };
    v1.apply(start("monitor", "v1", R"({"R":{"columns":["name","i","kids","weak","m"]},"N":{"columns":["v","next","back"]}})"));
    v2.apply(start("monitor_cond", "v2", kRequests));
    v3.apply(start("monitor_cond_since", "v3", kRequests, ",\"" + last_id + "\"")[2]);
    conditional.apply(start("monitor_cond", "c", requests(R"("columns":["name","i","kids","weak","m"],)", R"("columns":["v","next","back"],)")));
    auto deliver = [&](const std::vector<Json>& messages) {
      for (const Json& m : messages) {
        const Json& p = m.get("params");
        if (m.get("method").is_null()) continue;
        if (p[0].string() == "v1") v1.apply(p[1]);
        if (p[0].string() == "v2") v2.apply(p[1]);
        if (p[0].string() == "v3") v3.apply(p[2]), last_id = p[1].string();
        if (p[0].string() == "c") conditional.apply(p[1]);
      }
    };
    State ignored;
    for (int step = 0; step < 150; step++) {
      State s = observe(w.db());
      w.client.say(Json::object({{"id", 1}, {"method", "transact"}, {"params", g.operations(s)}}));
      if (g.pick(10) == 0) watcher.out.pretend_queued = watcher.out.pretend_queued ? 0 : kMonitorHighWater + 1;  // a slow reader
      if (!watcher.out.pretend_queued) w.server.run(Time{}, 0);
      deliver(watcher.out.take());
      if (g.pick(9) == 0) {
        limit = std::to_string(g.pick(4));
        Json r = *Json::parse(requests("", ""));
        deliver(watcher.say(Json::object({{"id", 2}, {"method", "monitor_cond_change"}, {"params", Json::array({"c", "c", r})}})));
      }
      if (watcher.out.pretend_queued) continue;
      auto everything = expected_mirror(w.db(), [](const Table&, const Row&) { return true; });
      ASSERT_EQ(v1.rows, everything) << seed << " " << step;
      ASSERT_EQ(v2.rows, everything) << seed << " " << step;
      ASSERT_EQ(v3.rows, everything) << seed << " " << step;
      int64_t n = std::stoll(limit);
      auto some = expected_mirror(w.db(), [&](const Table& t, const Row& row) {
        if (t.schema().name == "N") return row.get(*t.schema().find("v")).integer() >= n;
        DatumRef i = row.get(*t.schema().find("i"));
        return !i.empty() && i.integer() < n;
      });
      ASSERT_EQ(conditional.rows, some) << seed << " " << step;
      // A client that was away gets only what it missed.
      if (g.pick(5) == 0) {
        State t = s;
        Mirror away = v3;
        std::string since = last_id;
        if (since == "00000000-0000-0000-0000-000000000000") continue;
        for (int n = 0; n < 3; n++) w.client.say(Json::object({{"id", 1}, {"method", "transact"}, {"params", g.operations(t)}}));
        TestClient back(w.server);
        auto reply = back.say_text("{\"id\":1,\"method\":\"monitor_cond_since\",\"params\":[\"T\",\"b\"," + std::string(kRequests) + ",\"" + since + "\"]}").back().get("result");
        ASSERT_TRUE(reply[0].boolean());
        away.apply(reply[2]);
        ASSERT_EQ(away.rows, expected_mirror(w.db(), [](const Table&, const Row&) { return true; }));
        deliver(watcher.out.take());
      }
    }
  }
}

}  // namespace
}  // namespace sluice::ovsdb

// SPDX-License-Identifier: Apache-2.0
// Replicas and client transactions against our server, over a unix socket, all in one loop: what a replica has must be what the server has.
#include "dbserver/ovsdb/replica.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <random>

#include "dbserver/ovsdb/value_json.h"
#include "dbserver/remotes.h"
#include "tests/unit/dbserver/recorder.h"
#include "tests/unit/dbserver/sim_disk.h"

namespace sluice::ovsdb {
namespace {

constexpr char kSchema[] = R"({"name":"N","version":"1.0.0","tables":{
  "box":{"isRoot":true,"indexes":[["name"]],"columns":{"name":{"type":"string"},"count":{"type":"integer"},"note":{"type":{"key":"string","min":0}},
    "tags":{"type":{"key":"integer","min":0,"max":"unlimited"}},"info":{"type":{"key":"string","value":"string","min":0,"max":"unlimited"}},
    "items":{"type":{"key":{"type":"uuid","refTable":"item"},"min":0,"max":"unlimited"}}}},
  "item":{"columns":{"label":{"type":"string"}}}}})";

class ReplicaTest : public ::testing::Test {
 protected:
  ReplicaTest() : loop(clock), server(uuids), remotes(loop, server, nullptr, "/tmp"), socket("/tmp/sluice-replica-test-" + std::to_string(getpid())) {
    schema = *DatabaseSchema::from_json(*Json::parse(kSchema));
    auto journal = std::make_unique<Journal>(std::make_unique<SimDisk>(), 0, 0);
    (void)server.add_database(std::make_unique<Database>(schema, uuids), std::move(journal), "");
    runner = loop.add_runner("server", [this](Time now) { server.run(now, 1'700'000'000'000); }, [this] { return server.deadline(); });
    remotes.set({{"punix:" + socket, {}}});
    EXPECT_TRUE(remotes.errors().empty());
  }

  std::unique_ptr<Replica> connect(std::function<std::vector<TableSelection>(const DatabaseSchema&)> select = everything, std::string lock = "") {
    Replica::Options o;
    o.database = "N";
    o.select = std::move(select);
    o.lock = std::move(lock);
    o.connector.min_backoff = milliseconds(1);
    o.connector.max_backoff = milliseconds(2);
    auto r = std::make_unique<Replica>(loop, std::vector{*parse_active_target("unix:" + socket, 0)}, std::move(o), Replica::Handlers{}, uuids);
    until([&] { return r->is_live(); });
    return r;
  }
  static std::vector<TableSelection> everything(const DatabaseSchema& s) {
    std::vector<TableSelection> out;
    for (const TableSchema& t : s.tables) out.push_back({t.name, std::vector<ColumnUse>(t.columns.size(), ColumnUse::read), {}});
    return out;
  }

  template <typename F>
  void until(F done) {
    Time end = clock.now() + seconds(20);
    while (!done() && clock.now() < end) loop.run_once(milliseconds(20));
    ASSERT_TRUE(done());
  }
  CommitOutcome commit(Replica& r, ClientTransaction txn, ClientTransaction* back = nullptr) {
    std::optional<CommitOutcome> outcome;
    r.commit(std::move(txn), [&](ClientTransaction& t, const CommitOutcome& o) {
      outcome = o;
      if (back) *back = t;
    });
    until([&] { return outcome.has_value(); });
    return outcome.value_or(CommitOutcome{CommitStatus::failed, "no answer"});
  }

  const TableSchema& box(Replica& r) { return *r.schema()->find("box"); }
  const TableSchema& item(Replica& r) { return *r.schema()->find("item"); }
  Uuid add_box(Replica& r, std::string_view name, int64_t count = 0) {
    ClientTransaction t = r.transaction();
    Uuid u = t.insert(box(r));
    t.set(box(r), u, *box(r).find("name"), Datum::scalar(name));
    t.set(box(r), u, *box(r).find("count"), Datum::scalar(count));
    ClientTransaction back = t;
    EXPECT_TRUE(commit(r, std::move(t), &back).ok());
    return back.real_uuid(u).value_or(Uuid{});
  }

  /// Every row and column of the replica against the server's own.
  void expect_same(Replica& r) {
    Database& db = server.find("N")->db();
    for (const TableSchema& t : schema->tables) {
      const TableSchema& mine = *r.schema()->find(t.name);
      size_t n = 0;
      for (const RowPtr& row : *db.find_table(t.name)) {
        n++;
        RowPtr copy = r.row(mine, row->uuid());
        ASSERT_TRUE(copy) << t.name;
        for (const ColumnSchema& c : t.columns) EXPECT_EQ(datum_to_json(row->get(c)).to_string(), datum_to_json(copy->get(mine.columns[c.index])).to_string());
      }
      EXPECT_EQ(r.rows(mine).size(), n) << t.name;
    }
  }

  Clock clock;
  Loop loop;
  UuidSource uuids{{1, 2, 3, 4}};
  std::shared_ptr<const DatabaseSchema> schema;
  Server server;
  Remotes remotes;
  Runner runner;
  std::string socket;
};

TEST_F(ReplicaTest, TransactionsAreSeenByTheirOwnReplicaBeforeTheyAreDone) {
  auto r = connect();
  Uuid u = add_box(*r, "a", 5);
  RowPtr row = r->find(box(*r), *box(*r).find("name"), "a");
  ASSERT_TRUE(row);
  EXPECT_EQ(row->uuid(), u);
  auto changes = r->take_changes();
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_FALSE(changes[0].before);
  EXPECT_EQ(changes[0].after, row);

  ClientTransaction t = r->transaction();
  t.increment(box(*r), u, *box(*r).find("count"));
  ClientTransaction back = t;
  EXPECT_EQ(commit(*r, std::move(t), &back).status, CommitStatus::success);
  EXPECT_EQ(back.incremented(), 6);
  EXPECT_EQ(r->row(box(*r), u)->get(*box(*r).find("count")).integer(), 6);
}

TEST_F(ReplicaTest, ReferencesWithinATransactionAndGarbage) {
  auto r = connect();
  ClientTransaction t = r->transaction();
  Uuid b = t.insert(box(*r)), i = t.insert(item(*r));
  t.set(box(*r), b, *box(*r).find("name"), Datum::scalar("b"));
  t.add(box(*r), b, *box(*r).find("items"), Datum::scalar(i));
  EXPECT_TRUE(t.get(box(*r), b, *box(*r).find("items")).ref().contains(i));
  EXPECT_EQ(t.references_to(i), 2);
  ClientTransaction back = t;
  ASSERT_TRUE(commit(*r, std::move(t), &back).ok());
  Uuid real_box = *back.real_uuid(b), real_item = *back.real_uuid(i);
  EXPECT_TRUE(r->row(item(*r), real_item));
  t = r->transaction();
  t.remove(box(*r), real_box, *box(*r).find("items"), Datum::scalar(real_item));
  ASSERT_TRUE(commit(*r, std::move(t)).ok());
  EXPECT_FALSE(r->row(item(*r), real_item));
}

TEST_F(ReplicaTest, SettingWhatIsThereSendsNothing) {
  auto r = connect();
  Uuid u = add_box(*r, "a", 5);
  ClientTransaction t = r->transaction();
  t.set(box(*r), u, *box(*r).find("count"), Datum::scalar(6));
  t.set(box(*r), u, *box(*r).find("count"), Datum::scalar(5));
  EXPECT_TRUE(t.empty());
  EXPECT_EQ(commit(*r, std::move(t)).status, CommitStatus::unchanged);
}

TEST_F(ReplicaTest, AStaleVerificationAsksForAnotherTry) {
  auto r = connect(), other = connect();
  Uuid u = add_box(*r, "a");
  until([&] { return other->rows(box(*other)).size() == 1; });
  ClientTransaction t = r->transaction();
  t.verify(box(*r), u, *box(*r).find("count"));
  t.set(box(*r), u, *box(*r).find("note"), Datum::scalar("x"));
  ClientTransaction steal = other->transaction();
  steal.set(box(*other), u, *box(*other).find("count"), Datum::scalar(9));
  bool stolen = false;
  other->commit(std::move(steal), [&](ClientTransaction&, const CommitOutcome&) { stolen = true; });
  Json early = t.params();  // composed from the old state
  until([&] { return stolen; });
  TestClient raw(server);
  auto reply = raw.say(Json::object({{"id", 1}, {"method", "transact"}, {"params", early}}));
  ASSERT_EQ(reply.size(), 1u);
  EXPECT_EQ(t.decode(reply[0].get("result"), reply[0].get("error")).status, CommitStatus::try_again);
}

TEST_F(ReplicaTest, ServersRefusalIsAnErrorWithItsText) {
  auto r = connect();
  add_box(*r, "a");
  ClientTransaction t = r->transaction();
  t.set(box(*r), t.insert(box(*r)), *box(*r).find("name"), Datum::scalar("a"));
  CommitOutcome o = commit(*r, std::move(t));
  EXPECT_EQ(o.status, CommitStatus::failed);
  EXPECT_NE(o.error_text.find("constraint violation"), std::string::npos) << o.error_text;
}

TEST_F(ReplicaTest, ConditionsAndQuietColumns) {
  auto writer = connect();
  add_box(*writer, "a", 1);
  Uuid b = add_box(*writer, "b", 2);
  auto r = connect([](const DatabaseSchema& s) {
    const TableSchema& t = *s.find("box");
    TableSelection sel{"box", std::vector<ColumnUse>(t.columns.size(), ColumnUse::unused), *Json::parse(R"([["name","==","b"]])")};
    sel.columns[t.find("name")->index] = ColumnUse::read;
    sel.columns[t.find("count")->index] = ColumnUse::quiet;
    return std::vector{sel};
  });
  ASSERT_EQ(r->rows(box(*r)).size(), 1u);
  r->take_changes();
  uint64_t before = r->seqno();
  ClientTransaction t = writer->transaction();
  t.set(box(*writer), b, *box(*writer).find("count"), Datum::scalar(7));
  ASSERT_TRUE(commit(*writer, std::move(t)).ok());
  until([&] { return r->row(box(*r), b)->get(*box(*r).find("count")).integer() == 7; });
  EXPECT_EQ(r->seqno(), before);
  EXPECT_FALSE(r->has_changes());
  r->set_condition("box", {});
  until([&] { return r->rows(box(*r)).size() == 2; });
}

TEST_F(ReplicaTest, LocksPassOnWhenTheirOwnerGoes) {
  auto first = connect(everything, "l");
  until([&] { return first->has_lock(); });
  auto second = connect(everything, "l");
  until([&] { return second->lock_contended(); });
  ClientTransaction t = second->transaction();
  t.set(box(*second), t.insert(box(*second)), *box(*second).find("name"), Datum::scalar("x"));
  EXPECT_EQ(commit(*second, std::move(t)).status, CommitStatus::not_locked);
  first.reset();
  until([&] { return second->has_lock(); });
}

TEST_F(ReplicaTest, WhatChangedWhileDisconnectedShowsAsChanges) {
  auto r = connect();
  Uuid a = add_box(*r, "a", 1);
  add_box(*r, "b", 2);
  r->take_changes();
  remotes.reconnect("test");
  until([&] { return !r->is_live(); });
  TestClient raw(server);
  raw.transact(R"({"op":"delete","table":"box","where":[["name","==","b"]]},{"op":"update","table":"box","where":[["name","==","a"]],"row":{"count":3}})", "N");
  until([&] { return r->is_live(); });
  auto changes = r->take_changes();
  EXPECT_EQ(changes.size(), 2u);
  EXPECT_EQ(r->row(box(*r), a)->get(*box(*r).find("count")).integer(), 3);
  expect_same(*r);
}

/// Two writers at random, their replicas and a reader's against the server.
TEST_F(ReplicaTest, RandomTransactionsAreMirrored) {
  auto a = connect(), b = connect(), reader = connect();
  std::mt19937 random(7);
  auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (int round = 0; round < 300; round++) {
    Replica& r = pick(2) ? *a : *b;
    const TableSchema& t = box(r);
    ClientTransaction txn = r.transaction();
    std::vector<Uuid> rows;
    for (const auto& [u, row] : r.rows(t)) rows.push_back(u);
    for (int k = pick(4); k >= 0; k--) {
      bool fresh = rows.empty() || pick(4) == 0;
      Uuid u = fresh ? txn.insert(t) : rows[static_cast<size_t>(pick(static_cast<int>(rows.size())))];
      if (fresh) {
        std::string name = "n" + std::to_string(round) + "." + std::to_string(k);
        txn.set(t, u, *t.find("name"), Datum::scalar(std::string_view(name)));
        rows.push_back(u);
      }
      switch (pick(6)) {
        case 0: txn.set(t, u, *t.find("note"), pick(2) ? Datum::scalar(std::to_string(pick(9))) : Datum(AtomType::string)); break;
        case 1: txn.add(t, u, *t.find("tags"), Datum::set(AtomType::integer, {pick(9), pick(9)})); break;
        case 2: txn.remove(t, u, *t.find("tags"), Datum::set(AtomType::integer, {pick(9), pick(9)})); break;
        case 3: {
          std::string key = std::to_string(pick(4)), value = std::to_string(pick(4));
          std::pair<AtomRef, AtomRef> pair{key, value};
          txn.add(t, u, *t.find("info"), Datum::map(AtomType::string, AtomType::string, std::span(&pair, 1)));
          EXPECT_EQ(txn.get(t, u, *t.find("info")).ref().get(key), value);
          break;
        }
        case 4: txn.add(t, u, *t.find("items"), Datum::scalar(txn.insert(item(r)))); break;
        case 5:
          if (pick(3) == 0) txn.erase(t, u);
          else txn.set(t, u, *t.find("items"), Datum(AtomType::uuid));
          break;
      }
    }
    CommitOutcome o = commit(r, std::move(txn));
    ASSERT_TRUE(o.ok()) << o.error_text;
  }
  auto number = [&] { return server.find("N")->db().find_table("box")->size(); };
  until([&] { return a->rows(box(*a)).size() == number() && b->rows(box(*b)).size() == number() && reader->rows(box(*reader)).size() == number(); });
  for (int i = 0; i < 5; i++) loop.run_once(milliseconds(5));
  expect_same(*a);
  expect_same(*b);
  expect_same(*reader);
}

}  // namespace
}  // namespace sluice::ovsdb

// SPDX-License-Identifier: Apache-2.0
// The journal's own threads: the server goes on while the disk works, one sync serves all that wait, replies come in the order of the log, and a
// compaction lets writes pass.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "tests/unit/dbserver/pair_world.h"

namespace sluice::ovsdb {
namespace {

/// A step of the disk that waits until the test lets it go on.
class Gate {
 public:
  void close() { set(true); }
  void open() { set(false); }
  void pass() {
    std::unique_lock lock(mutex_);
    waiting_++;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !closed_; });
    waiting_--;
  }
  void wait_for_visitor() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_ > 0; });
  }

 private:
  void set(bool closed) {
    std::lock_guard guard(mutex_);
    closed_ = closed;
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  bool closed_ = false;
  int waiting_ = 0;
};

class JournalWriterTest : public testing::Test {
 protected:
  JournalWriterTest() {
    journal().writer().set_wake([this] {
      std::lock_guard guard(mutex_);
      woken_ = true;
      changed_.notify_all();
    });
    world_.disk->on_step = [this](SimDisk::Step s) {
      if (s == gated_) gate_.pass();
    };
  }
  ~JournalWriterTest() override { gate_.open(); }
  Journal& journal() { return *world_.hosted().journal(); }

  /// Iterations of the loop until `done`.
  template <typename Fn>
  void run_until(Fn done) {
    auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    for (world_.server.run(Time{}, 0); !done(); world_.server.run(Time{}, 0)) {
      std::unique_lock lock(mutex_);
      ASSERT_TRUE(changed_.wait_until(lock, end, [this] { return woken_; }));
      woken_ = false;
    }
  }
  /// Of the messages that came since the last call.
  static std::vector<Json> ids(TestClient& c) {
    std::vector<Json> all;
    for (const Json& m : c.out.take()) all.push_back(m.get("id"));
    return all;
  }
  void send_pair(TestClient& c, int n, bool durable) {
    c.session->request("transact", *Json::parse("[\"T\"," + pair_operations(n, durable) + "]"), n, Time{});
  }
  std::map<int64_t, int> on_disk() {
    UuidSource uuids{{1, 1, 1, 1}};
    auto loaded = load_journal(world_.disk->synced(), "s", uuids);
    EXPECT_TRUE(loaded && !loaded->damage);
    return count_pairs(*loaded->db);
  }

  SimDisk::Step gated_ = SimDisk::Step::sync;
  Gate gate_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;
  PairWorld world_;
};

TEST_F(JournalWriterTest, OneSyncServesAllThatWait) {
  gate_.close();
  TestClient& c = *world_.client;
  send_pair(c, 1, true);
  world_.server.run(Time{}, 0);
  gate_.wait_for_visitor();
  for (int n = 2; n <= 20; n++) {
    send_pair(c, n, n % 2 == 0);
    world_.server.run(Time{}, 0);
  }
  EXPECT_TRUE(ids(c).empty());
  gate_.open();
  std::vector<Json> got;
  run_until([&] {
    for (Json& id : ids(c)) got.push_back(id);
    return got.size() == 20;
  });
  for (int n = 1; n <= 20; n++) EXPECT_EQ(got[static_cast<size_t>(n) - 1], Json(n));
  EXPECT_EQ(journal().writer().syncs(), 2u);
  EXPECT_EQ(on_disk().size(), 20u);
}

TEST_F(JournalWriterTest, MonitorsSeeOnlyWhatIsOnDisk) {
  gate_.close();
  send_pair(*world_.client, 1, true);
  world_.server.run(Time{}, 0);
  gate_.wait_for_visitor();
  TestClient watcher(world_.server);
  auto reply = watcher.say_text(R"({"id":"m","method":"monitor","params":["T","m",{"a":{"columns":["n"]}}]})");
  ASSERT_EQ(reply.size(), 1u);
  EXPECT_EQ(reply[0].get("result").to_string(), "{}");
  gate_.open();
  size_t updates = 0;
  run_until([&] { return (updates += watcher.out.take().size()) == 1; });
  EXPECT_EQ(count_pairs(world_.hosted().db()).size(), 1u);
}

TEST_F(JournalWriterTest, FailedSyncRefusesAllThatWaited) {
  gate_.close();
  TestClient& c = *world_.client;
  send_pair(c, 1, true);
  world_.server.run(Time{}, 0);
  gate_.wait_for_visitor();
  send_pair(c, 2, false);
  world_.server.run(Time{}, 0);
  world_.disk->fail_syncs = EIO;
  gate_.open();
  std::vector<Json> replies;
  run_until([&] {
    for (Json& m : c.out.take()) replies.push_back(m);
    return replies.size() == 2;
  });
  for (const Json& r : replies) EXPECT_EQ(r.get("result")[0].get("error").string(), "I/O error") << r.to_string();
  EXPECT_TRUE(count_pairs(world_.hosted().db()).empty());
  // As long as the disk fails nothing is accepted; then a new file is written first.
  send_pair(c, 3, false);
  replies.clear();
  run_until([&] {
    for (Json& m : c.out.take()) replies.push_back(m);
    return replies.size() == 1;
  });
  EXPECT_EQ(replies[0].get("result")[0].get("error").string(), "I/O error");
  world_.disk->fail_syncs = 0;
  send_pair(c, 4, true);
  run_until([&] { return ids(c).size() == 1; });
  EXPECT_EQ(on_disk(), (std::map<int64_t, int>{{4, 2}}));
  EXPECT_FALSE(journal().needs_rewrite());
}

TEST_F(JournalWriterTest, WritesPassACompaction) {
  TestClient& c = *world_.client;
  for (int n = 1; n <= 5; n++) send_pair(c, n, false);
  run_until([&] { return ids(c).size() == 5; });
  gated_ = SimDisk::Step::draft_sync;
  gate_.close();
  bool done = false;
  world_.hosted().compact("c", [&](const IoStatus& s) { done = s.has_value(); });
  world_.server.run(Time{}, 0);
  gate_.wait_for_visitor();
  for (int n = 6; n <= 9; n++) {
    send_pair(c, n, n % 2);
    run_until([&] { return ids(c).size() == 1; });
  }
  EXPECT_FALSE(done);
  gate_.open();
  run_until([&] { return done; });
  EXPECT_EQ(on_disk(), count_pairs(world_.hosted().db()));
  EXPECT_EQ(on_disk().size(), 9u);
  send_pair(c, 10, true);
  run_until([&] { return ids(c).size() == 1; });
  EXPECT_EQ(on_disk().size(), 10u);
}

TEST_F(JournalWriterTest, WhatIsWrittenDuringACompactionIsBounded) {
  TestClient& c = *world_.client;
  journal().writer().set_most_tail(600);
  gated_ = SimDisk::Step::draft_write;
  gate_.close();
  std::optional<IoStatus> outcome;
  world_.hosted().compact("c", [&](const IoStatus& s) { outcome = s; });
  world_.server.run(Time{}, 0);
  gate_.wait_for_visitor();
  for (int n = 1; n <= 9; n++) {
    send_pair(c, n, n % 2);
    run_until([&] { return ids(c).size() == 1; });
  }
  gate_.open();
  run_until([&] { return outcome.has_value(); });
  ASSERT_FALSE(*outcome);
  EXPECT_EQ(outcome->error().what, "compaction given up: too much was written meanwhile");
  EXPECT_EQ(on_disk().size(), 9u) << "the old file is still there";
  outcome.reset();
  world_.hosted().compact("c", [&](const IoStatus& s) { outcome = s; });
  run_until([&] { return outcome.has_value(); });
  EXPECT_TRUE(*outcome);
  EXPECT_EQ(on_disk(), count_pairs(world_.hosted().db()));
}

TEST_F(JournalWriterTest, ConversionHoldsUpNobodyButTransactions) {
  TestClient& c = *world_.client;
  c.say_text(R"({"id":"aware","method":"set_db_change_aware","params":[true]})");
  send_pair(c, 1, true);
  run_until([&] { return ids(c).size() == 1; });
  gated_ = SimDisk::Step::draft_write;
  gate_.close();
  std::string schema = kPairSchema;
  schema.insert(schema.find("\"s\""), R"("more":{"type":"string"},)");
  c.session->request("convert", *Json::parse("[\"T\"," + schema + "]"), "convert", Time{});
  world_.server.run(Time{}, 0);
  gate_.wait_for_visitor();
  send_pair(c, 2, true);
  c.session->request("get_schema", *Json::parse(R"(["T"])"), "schema", Time{});
  EXPECT_EQ(ids(c), std::vector<Json>{"schema"}) << "the transaction waits";
  EXPECT_EQ(world_.server.deadline(), kNever) << "the disk's threads wake the loop";
  gate_.open();
  std::vector<Json> got;
  run_until([&] {
    for (Json& id : ids(c)) got.push_back(id);
    return got.size() == 2;
  });
  EXPECT_EQ(got, (std::vector<Json>{"convert", Json(2)}));
  EXPECT_TRUE(world_.hosted().db().find_table("a")->schema().find("more"));
  EXPECT_EQ(on_disk().size(), 2u);
}

TEST_F(JournalWriterTest, FailedConversionChangesNothing) {
  TestClient& c = *world_.client;
  send_pair(c, 1, true);
  run_until([&] { return ids(c).size() == 1; });
  world_.disk->fail_writes = ENOSPC;
  c.session->request("convert", *Json::parse(std::string("[\"T\",") + kPairSchema + "]"), "convert", Time{});
  std::vector<Json> got;
  run_until([&] {
    for (Json& m : c.out.take()) got.push_back(std::move(m));
    return !got.empty();
  });
  EXPECT_EQ(got[0].get("error").get("error").string(), "I/O error") << got[0].to_string();
  world_.disk->fail_writes = 0;
  send_pair(c, 2, true);
  run_until([&] { return ids(c).size() == 1; });
  EXPECT_EQ(on_disk().size(), 2u);
}

TEST_F(JournalWriterTest, FailedCompactionLeavesTheFile) {
  TestClient& c = *world_.client;
  send_pair(c, 1, true);
  run_until([&] { return ids(c).size() == 1; });
  world_.disk->capacity = world_.disk->size() + 10;  // the draft is larger than the file: it has a comment
  world_.disk->fail_writes = ENOSPC;
  bool failed = false;
  world_.hosted().compact("c", [&](const IoStatus& s) { failed = !s; });
  run_until([&] { return failed; });
  world_.disk->fail_writes = 0;
  world_.disk->capacity = SIZE_MAX;
  send_pair(c, 2, true);
  run_until([&] { return ids(c).size() == 1; });
  EXPECT_EQ(on_disk(), (std::map<int64_t, int>{{1, 2}, {2, 2}}));
}

}  // namespace
}  // namespace sluice::ovsdb

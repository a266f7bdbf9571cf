// SPDX-License-Identifier: Apache-2.0
// What a journal promises: what was acknowledged as durable is there after any crash, nothing is there by half, damage is found and left alone,
// what was refused never comes back, and a full disk is survived.
#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "tests/unit/dbserver/pair_world.h"

namespace sluice::ovsdb {
namespace {

using World = PairWorld;

TEST(Recovery, AnyCrashKeepsWhatIsDurableAndNothingByHalf) {
  std::mt19937_64 random(1);
  UuidSource uuids{{1, 1, 1, 1}};
  for (int round = 0; round < 200; round++) {
    World w;
    int steps = 1 + static_cast<int>(random() % 8), durable_up_to = -1;
    for (int n = 0; n < steps; n++) {
      bool durable = random() % 3 == 0;
      ASSERT_TRUE(w.insert_pair(n, durable));
      if (durable) durable_up_to = n;
    }
    for (int crash = 0; crash < 20; crash++) {
      std::string left = w.disk->crash(random);
      auto loaded = load_journal(left, "left", uuids);
      ASSERT_TRUE(loaded) << loaded.error().to_string();
      ASSERT_TRUE(!loaded->damage || is_torn_write(left, loaded->damage->offset)) << loaded->damage->error.to_string();
      auto counts = count_pairs(*loaded->db);
      for (int n = 0; n <= durable_up_to; n++) ASSERT_EQ(counts[n], 2) << "lost " << n;
      for (auto& [n, count] : counts) ASSERT_EQ(count, 2) << "half of " << n;
    }
  }
}

TEST(Recovery, EveryPrefixOpens) {
  World w;
  for (int n = 0; n < 5; n++) w.insert_pair(n, false);
  UuidSource uuids{{1, 1, 1, 1}};
  const std::string whole = w.disk->cache();
  for (size_t size = w.disk->synced().size(); size <= whole.size(); size++) {
    auto loaded = load_journal(std::string_view(whole).substr(0, size), "p", uuids);
    ASSERT_TRUE(loaded);
    ASSERT_TRUE(!loaded->damage || is_torn_write(std::string_view(whole).substr(0, size), loaded->damage->offset)) << size;
    for (auto& [n, count] : count_pairs(*loaded->db)) ASSERT_EQ(count, 2);
  }
}

TEST(Recovery, OneFlippedBitIsAlwaysFound) {
  World w;
  for (int n = 0; n < 4; n++) w.insert_pair(n, false);
  UuidSource uuids{{1, 1, 1, 1}};
  const std::string whole = w.disk->cache();
  for (size_t byte = 0; byte < whole.size(); byte++) {
    for (int bit = 0; bit < 8; bit++) {
      std::string flipped = whole;
      flipped[byte] = static_cast<char>(flipped[byte] ^ (1 << bit));
      auto loaded = load_journal(flipped, "f", uuids);
      bool found = !loaded || (loaded->damage && !is_torn_write(flipped, loaded->damage->offset));
      ASSERT_TRUE(found) << "byte " << byte << " bit " << bit;
    }
  }
}

TEST(Recovery, DamagedFileIsRefusedAndKept) {
  World w;
  for (int n = 0; n < 4; n++) w.insert_pair(n, false);
  std::string path = testing::TempDir() + "/damaged.db", bytes = w.disk->cache();
  bytes[bytes.size() / 2] ^= 4;
  std::remove((path + ".damaged").c_str());
  std::ofstream(path, std::ios::binary) << bytes;
  auto opened = open_database(path, w.uuids, 0);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().details.find("offset"), std::string::npos) << opened.error().to_string();
  EXPECT_EQ(*read_file(path), bytes);
  // Asked to, it serves what is good, and keeps the file.
  auto salvaged = open_database(path, w.uuids, 0, OnDamage::salvage);
  ASSERT_TRUE(salvaged) << salvaged.error().to_string();
  EXPECT_NE(salvaged->warning.find("offset"), std::string::npos) << salvaged->warning;
  EXPECT_EQ(*read_file(path + ".damaged"), bytes);
  EXPECT_TRUE(w.disk->cache().starts_with(*read_file(path)));
  for (auto& [n, count] : count_pairs(*salvaged->db)) EXPECT_EQ(count, 2);
  salvaged = {};
  // A cut-off write is set aside instead.
  std::string torn = w.disk->cache() + "OVSDB JSON 400 0123";
  std::ofstream(path, std::ios::binary) << torn;
  auto again = open_database(path, w.uuids, 0);
  ASSERT_TRUE(again) << again.error().to_string();
  EXPECT_FALSE(again->warning.empty());
  EXPECT_EQ(*read_file(path), w.disk->cache());
  EXPECT_EQ(*read_file(path + ".torn"), "OVSDB JSON 400 0123");
}

/// The same through the files, however the database is opened: refused and left as it is; or served up to the damage, which is kept.
TEST(Recovery, AFlippedBitAnywhereIsNeverOverwritten) {
  World w;
  for (int n = 0; n < 4; n++) w.insert_pair(n, false);
  const std::string whole = w.disk->cache(), path = testing::TempDir() + "/flipped.db";
  const auto pairs = count_pairs(w.hosted().db());
  size_t salvages = 0;
  for (size_t byte = 0; byte < whole.size(); byte++) {
    SCOPED_TRACE(byte);
    std::string flipped = whole;
    flipped[byte] = static_cast<char>(flipped[byte] ^ (1 << (byte % 8)));
    std::ofstream(path, std::ios::binary) << flipped;
    auto refused = open_database(path, w.uuids, 0);
    ASSERT_FALSE(refused);
    ASSERT_EQ(*read_file(path), flipped);
    if (byte % 5) continue;
    std::remove((path + ".damaged").c_str());
    auto salvaged = open_database(path, w.uuids, 0, OnDamage::salvage);
    if (!salvaged) {  // not even the schema is whole
      ASSERT_EQ(*read_file(path), flipped);
      continue;
    }
    salvages++;
    ASSERT_EQ(*read_file(path + ".damaged"), flipped);
    ASSERT_LE(read_file(path)->size(), byte);
    ASSERT_TRUE(whole.starts_with(*read_file(path)));
    auto served = count_pairs(*salvaged->db);
    ASSERT_LT(served.size(), pairs.size());
    for (const auto& [n, count] : served) ASSERT_EQ(count, 2);
  }
  EXPECT_GT(salvages, 50u);
}

TEST(Recovery, FullDiskRefusesWritesAndRecovers) {
  World w;
  TestClient watcher(w.server);
  watcher.say_text(R"({"id":1,"method":"monitor","params":["T","m",{"a":{"columns":["n"]}}]})");
  ASSERT_TRUE(w.insert_pair(1, false));
  watcher.out.take();
  w.disk->fail_writes = ENOSPC;
  Json refused = w.client->transact(R"({"op":"insert","table":"a","row":{"n":2}})");
  EXPECT_EQ(refused[0].get("error").string(), "I/O error") << refused.to_string();
  EXPECT_EQ(refused[0].get("io-error").string(), "No space left on device");
  EXPECT_TRUE(watcher.out.take().empty());
  EXPECT_EQ(w.client->transact(R"({"op":"select","table":"a","where":[],"columns":["_uuid"]})")[0].get("rows").size(), 2u);
  w.disk->fail_writes = 0;
  ASSERT_TRUE(w.insert_pair(3, true));
  EXPECT_EQ(watcher.out.take().size(), 1u);
  UuidSource uuids{{1, 1, 1, 1}};
  auto loaded = load_journal(w.disk->synced(), "s", uuids);
  EXPECT_EQ(count_pairs(*loaded->db), (std::map<int64_t, int>{{1, 2}, {3, 2}}));
}

TEST(Recovery, AfterAFailedSyncNothingIsDurableUntilANewFileIs) {
  World w;
  ASSERT_TRUE(w.insert_pair(1, true));
  w.disk->fail_syncs = EIO;
  EXPECT_FALSE(w.insert_pair(2, true));
  EXPECT_TRUE(w.disk->is_broken());
  EXPECT_FALSE(w.insert_pair(3, true));
  EXPECT_FALSE(w.insert_pair(4, false));
  w.disk->fail_syncs = 0;
  ASSERT_TRUE(w.insert_pair(5, true));
  EXPECT_FALSE(w.disk->is_broken());
  UuidSource uuids{{1, 1, 1, 1}};
  auto loaded = load_journal(w.disk->synced(), "s", uuids);
  EXPECT_EQ(count_pairs(*loaded->db), (std::map<int64_t, int>{{1, 2}, {5, 2}}));
}

TEST(Recovery, CompactionKeepsContents) {
  World w;
  for (int n = 0; n < 5; n++) w.insert_pair(n, false);
  w.compact();
  w.insert_pair(9, true);
  UuidSource uuids{{1, 1, 1, 1}};
  auto loaded = load_journal(w.disk->synced(), "s", uuids);
  ASSERT_TRUE(loaded && !loaded->damage);
  EXPECT_EQ(count_pairs(*loaded->db), count_pairs(w.hosted().db()));
  EXPECT_EQ(loaded->records, 2u);
}

TEST(Recovery, JournalOfThePeerIsRead) {
  UuidSource uuids{{1, 1, 1, 1}};
  auto bytes = read_file("tests/golden/ovsdb-sample-journal.db");
  ASSERT_TRUE(bytes);
  auto loaded = load_journal(*bytes, "sample", uuids);
  ASSERT_TRUE(loaded) << loaded.error().to_string();
  EXPECT_FALSE(loaded->damage) << loaded->damage->error.to_string();
  EXPECT_GT(loaded->records, 0u);
}

}  // namespace
}  // namespace sluice::ovsdb

// SPDX-License-Identifier: Apache-2.0
// Crash states of a simulated disk, taken before every step that the journal takes on it, under random transactions, compactions, failing syncs and a
// disk that is full: what was acknowledged as durable is there, nothing is there by half, what was refused does not come back.
// SLUICE_CRASH_STATES: how many, if not 10,000 ("./dev nightly": 100,000).
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <set>

#include "tests/unit/dbserver/pair_world.h"

namespace sluice::ovsdb {
namespace {

class CrashTest : public testing::Test {
 protected:
  static int wanted() {
    const char* text = std::getenv("SLUICE_CRASH_STATES");
    return text ? std::atoi(text) : 10'000;
  }

  /// One life of a database, with a look at what a crash would leave before each step.
  void live(uint64_t seed) {
    random_.seed(seed);
    world_ = std::make_unique<PairWorld>();
    durable_.clear(), refused_.clear(), doubtful_.clear();
    world_->disk->on_step = [this](SimDisk::Step) { look(); };
    for (int n = 0; n < 12 && !HasFatalFailure(); n++) {
      change_luck();
      bool durable = random_() % 2;
      if (!world_->insert_pair(n, durable)) doubtful_.insert(n);
      else if (durable) durable_.insert(n);
      // What the disk did not even let us take back may still be there, until it has taken a new file.
      if (!world_->disk->may_bring_back()) refused_.merge(doubtful_);
      look();
      if (random_() % 5 == 0) world_->compact();
    }
  }

  void change_luck() {
    SimDisk& disk = *world_->disk;
    disk.fail_syncs = random_() % 8 == 0 ? EIO : 0;
    disk.fail_next_syncs = random_() % 6 == 0 ? 1 : 0;
    disk.fail_writes = random_() % 10 == 0 ? ENOSPC : 0;
    disk.capacity = random_() % 10 == 0 ? disk.size() + random_() % 200 : SIZE_MAX;
  }

  /// A power cut, and a process that died.
  void look() {
    check(world_->disk->crash(random_));
    check(world_->disk->cache());
    states_++;
  }

  void check(const std::string& left) {
    UuidSource uuids{{1, 1, 1, 1}};
    auto loaded = load_journal(left, "left", uuids);
    ASSERT_TRUE(loaded) << loaded.error().to_string();
    ASSERT_TRUE(!loaded->damage || is_torn_write(left, loaded->damage->offset)) << loaded->damage->error.to_string();
    auto counts = count_pairs(*loaded->db);
    for (int n : durable_) ASSERT_EQ(counts[n], 2) << "lost " << n;
    for (int n : refused_) ASSERT_EQ(counts[n], 0) << "back again " << n;
    for (auto& [n, count] : counts) ASSERT_TRUE(count == 0 || count == 2) << "half of " << n;
  }

  std::mt19937_64 random_;
  std::unique_ptr<PairWorld> world_;
  std::set<int> durable_, refused_, doubtful_;
  int states_ = 0;
};

TEST_F(CrashTest, EveryStep) {
  for (uint64_t seed = 1; states_ < wanted() && !HasFatalFailure(); seed++) {
    SCOPED_TRACE(seed);
    live(seed);
  }
}

}  // namespace
}  // namespace sluice::ovsdb

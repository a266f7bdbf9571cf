// SPDX-License-Identifier: Apache-2.0
// A simulated disk under one file: what was synced is safe; of what was written since, a crash keeps any prefix, or any set of sectors, of which
// the last may be torn.  Writes and syncs can be made to fail.
#pragma once

#include <cerrno>
#include <cstring>
#include <random>
#include <string>

#include "dbserver/engine/storage.h"

namespace sluice::ovsdb {

inline constexpr size_t kSector = 512, kWord = 8;

class SimDisk : public Storage {
 public:
  explicit SimDisk(std::string contents = {}) : cache_(contents), disk_(std::move(contents)) {}

  std::expected<std::string, IoError> read_all() override { return cache_; }
  uint64_t size() const override { return cache_.size(); }
  IoStatus append(std::string_view bytes) override {
    if (broken_ || fail_writes) return std::unexpected(IoError{fail_writes ? fail_writes : EIO, "sim: write failed"});
    cache_ += bytes;
    return {};
  }
  IoStatus sync() override {
    if (fail_syncs) {
      broken_ = true;
      return std::unexpected(IoError{fail_syncs, "sim: fsync failed"});
    }
    disk_ = cache_;
    return {};
  }
  IoStatus truncate(uint64_t size) override {
    cache_.resize(size);
    return {};
  }
  IoStatus replace(std::string_view contents) override {
    if (fail_writes) return std::unexpected(IoError{fail_writes, "sim: write failed"});
    if (fail_syncs) return std::unexpected(IoError{fail_syncs, "sim: fsync failed"});
    cache_ = disk_ = contents;
    broken_ = false;
    return {};
  }
  bool is_broken() const override { return broken_; }
  const std::string& name() const override { return name_; }

  const std::string& cache() const { return cache_; }
  const std::string& synced() const { return disk_; }
  /// What a power cut at this moment may leave: the size as synced or as written; each unsynced sector old (zeros) or new.
  std::string crash(std::mt19937_64& random) const {
    std::string left = cache_;
    size_t safe = disk_.size();
    if (random() & 1) left.resize(safe + random() % (left.size() - safe + 1));  // a prefix
    for (size_t sector = safe / kSector; sector * kSector < left.size(); sector++) {
      if (random() % 4) continue;
      size_t from = std::max(safe, sector * kSector), to = std::min(left.size(), (sector + 1) * kSector);
      if (random() & 1) from += random() % ((to - from) / kWord + 1) * kWord;  // torn
      std::memset(left.data() + from, 0, to - from);
    }
    return left;
  }

  int fail_writes = 0, fail_syncs = 0;  // errno

 private:
  std::string name_ = "sim.db", cache_, disk_;
  bool broken_ = false;
};

}  // namespace sluice::ovsdb

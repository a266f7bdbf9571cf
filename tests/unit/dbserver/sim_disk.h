// SPDX-License-Identifier: Apache-2.0
// A simulated disk under one file.  What was synced is safe; of what was written since, a power cut keeps any prefix, or any set of sectors, of which each
// may be torn; of a rename whose directory was not synced, either side.  Writes and syncs can be made to fail, the disk to be full, and a test can look at
// every step.  May be used by several threads, as the journal's writer does.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstring>
#include <functional>
#include <mutex>
#include <optional>
#include <random>
#include <string>

#include "dbserver/engine/storage.h"

namespace sluice::ovsdb {

inline constexpr size_t kSector = 512, kWord = 8;

/// A file as the kernel and as the disk see it.
struct SimFile {
  std::string cache, disk;
  std::optional<std::string> cut;  // the cache before it was cut, as long as no sync has made that good: the disk may have got some of it

  void sync() {
    disk = cache;
    cut.reset();
  }

  /// What a power cut may leave: the size as synced or as written; each sector that was not synced old (zeros) or new.
  std::string crash(std::mt19937_64& random) const {
    std::string left = cut && (random() & 1) ? *cut : cache;
    size_t safe = std::min(disk.size(), left.size());
    if (random() & 1) left.resize(safe + random() % (left.size() - safe + 1));  // a prefix
    for (size_t sector = safe / kSector; sector * kSector < left.size(); sector++) {
      if (random() % 4) continue;
      size_t from = std::max(safe, sector * kSector), to = std::min(left.size(), (sector + 1) * kSector);
      if (random() & 1) from += random() % ((to - from) / kWord + 1) * kWord;  // torn
      std::memset(left.data() + from, 0, to - from);
    }
    return left;
  }
};

class SimDisk : public Storage {
 public:
  enum class Step { write, sync, draft_write, draft_sync, rename, sync_directory };

  explicit SimDisk(std::string contents = {}) : file_{contents, contents} {}

  std::expected<std::string, IoError> read_all() override { return cache(); }
  uint64_t size() const override { return cache().size(); }
  IoStatus append(std::string_view bytes) override {
    if (broken_) return error(EIO, "sim: file is broken");
    if (auto s = may_write(Step::write, file_, bytes.size()); !s) return s;
    std::lock_guard guard(mutex_);
    file_.cache += bytes;
    return {};
  }
  IoStatus sync() override {
    if (auto s = may_sync(Step::sync); !s) {
      broken_ = true;
      return s;
    }
    std::lock_guard guard(mutex_);
    file_.sync();
    return {};
  }
  IoStatus truncate(uint64_t size) override {
    {
      std::lock_guard guard(mutex_);
      if (!file_.cut) file_.cut = file_.cache;
      file_.cache.resize(size);
    }
    if (auto s = may_sync(Step::sync); !s) return s;
    std::lock_guard guard(mutex_);
    file_.sync();
    return {};
  }
  std::expected<std::unique_ptr<Draft>, IoError> draft() override {
    if (fail_writes) return std::unexpected(IoError{fail_writes, "sim: create failed"});
    return std::make_unique<SimDraft>(*this);
  }
  IoStatus adopt(std::unique_ptr<Draft> draft) override {
    step(Step::rename);
    {
      std::lock_guard guard(mutex_);
      replaced_ = std::exchange(file_, static_cast<SimDraft&>(*draft).file);
      broken_ = false;
    }
    if (auto s = may_sync(Step::sync_directory); !s) {
      broken_ = true;
      return s;
    }
    std::lock_guard guard(mutex_);
    replaced_.reset();
    return {};
  }
  bool is_broken() const override { return broken_; }
  const std::string& name() const override { return name_; }

  /// What a process finds that starts now, without a power cut.
  std::string cache() const {
    std::lock_guard guard(mutex_);
    return file_.cache;
  }
  std::string synced() const {
    std::lock_guard guard(mutex_);
    return file_.disk;
  }
  /// What may be found after a power cut at this moment.
  std::string crash(std::mt19937_64& random) const {
    std::lock_guard guard(mutex_);
    return (replaced_ && (random() & 1) ? *replaced_ : file_).crash(random);
  }
  /// Something was cut off that a power cut can bring back, because the disk took nothing any more.
  bool may_bring_back() const {
    std::lock_guard guard(mutex_);
    return file_.cut || (replaced_ && replaced_->cut);
  }

  std::atomic<int> fail_writes = 0, fail_syncs = 0;  // errno
  std::atomic<int> fail_next_syncs = 0;              // as many as that, with EIO
  std::atomic<size_t> capacity = SIZE_MAX;           // bytes of a file
  std::function<void(Step)> on_step;                 // before each; in the thread that takes it

 private:
  struct SimDraft : Draft {
    explicit SimDraft(SimDisk& d) : disk(d) {}
    IoStatus append(std::string_view bytes) override {
      if (auto s = disk.may_write(Step::draft_write, file, bytes.size()); !s) return s;
      file.cache += bytes;
      return {};
    }
    IoStatus sync() override {
      if (auto s = disk.may_sync(Step::draft_sync); !s) return s;
      file.sync();
      return {};
    }
    SimDisk& disk;
    SimFile file;
  };

  static IoStatus error(int number, std::string what) { return std::unexpected(IoError{number, std::move(what)}); }
  void step(Step s) {
    if (on_step) on_step(s);
  }
  IoStatus may_write(Step s, const SimFile& f, size_t n) {
    step(s);
    if (fail_writes) return error(fail_writes, "sim: write failed");
    if (f.cache.size() + n > capacity) return error(ENOSPC, "sim: write failed");
    return {};
  }
  IoStatus may_sync(Step s) {
    step(s);
    if (fail_next_syncs > 0) {
      fail_next_syncs--;
      return error(EIO, "sim: fsync failed once");
    }
    return fail_syncs ? error(fail_syncs, "sim: fsync failed") : IoStatus();
  }

  std::string name_ = "sim.db";
  mutable std::mutex mutex_;
  SimFile file_;
  std::optional<SimFile> replaced_;  // whose place was taken, as long as a power cut can bring it back
  std::atomic<bool> broken_ = false;
};

}  // namespace sluice::ovsdb

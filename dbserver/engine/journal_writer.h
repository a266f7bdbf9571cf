// SPDX-License-Identifier: Apache-2.0
// Does a journal's work on its Storage: writes, syncs, and replaces the file by a compacted one, without holding up the caller.
//
// One write and one compaction at a time.  The caller starts them and asks later for the result; meanwhile it gathers the next batch, so that one sync serves all
// that came in during the last one (group commit).
// Threads: the caller's, and two of its own that begin when they are first needed: one that writes and syncs, and one, for as long as a compaction takes, that
// renders it and writes the draft.  A write that need not be synced, to a disk that is idle, is done by the caller at once: it costs less than waking a
// thread.  Whoever uses the storage holds `busy_`.  Without set_wake() there are no threads, and everything is done at once (tools, tests).
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "dbserver/engine/storage.h"

namespace sluice::ovsdb {

inline constexpr size_t kMostTail = 64u << 20;  // bytes written while a compaction goes on, above which it is given up

class JournalWriter {
 public:
  using Render = std::move_only_function<std::string()>;

  explicit JournalWriter(std::unique_ptr<Storage> storage);
  /// What was started is finished first, but for a compaction, which is given up.
  ~JournalWriter();
  JournalWriter(const JournalWriter&) = delete;
  JournalWriter& operator=(const JournalWriter&) = delete;

  /// From here on threads are used; `wake` is called by them when there is a result.  REQUIRES: nothing is going on.
  void set_wake(std::function<void()> wake) { wake_ = std::move(wake); }

  /// Appends, and syncs if durable.  If it fails, nothing of it is in the file.  REQUIRES: the result of the write before was taken.
  void write(std::string bytes, bool durable);
  void set_most_tail(size_t bytes) { most_tail_ = bytes; }  // for tests
  /// The result of the write, once.
  std::optional<IoStatus> take_written();

  /// Writes a new file: what `render` gives, and all that is written meanwhile.  REQUIRES: no write is going on, nor a compaction.
  /// `render` is called by another thread.
  void compact(Render render);
  bool is_compacting() const { return compacting_; }
  std::optional<IoStatus> take_compacted();

  /// Until a result can be taken, or nothing is going on.
  void wait();

  bool is_broken() const { return broken_; }
  uint64_t size() const { return size_; }
  uint64_t syncs() const { return syncs_; }
  /// REQUIRES: nothing is going on.
  Storage& storage() { return *storage_; }

 private:
  struct Write {
    std::string bytes;
    bool durable;
  };
  bool has_threads() const { return wake_ != nullptr; }
  void run();
  void perform(Write write, std::unique_lock<std::mutex>& lock);
  void keep_for_draft(const std::string& bytes);
  void adopt_draft(std::unique_lock<std::mutex>& lock);
  void prepare_draft(std::unique_ptr<Draft> draft, Render render);
  IoStatus fill_draft(Draft& draft, Render& render);
  void end_compaction(IoStatus status);
  void note_state();

  std::unique_ptr<Storage> storage_;
  std::function<void()> wake_;

  // What the caller may ask at any time.
  std::atomic<bool> broken_ = false;
  std::atomic<uint64_t> size_ = 0, syncs_ = 0;
  bool compacting_ = false;  // the caller's own

  std::mutex mutex_;  // for what follows
  std::condition_variable changed_;
  bool busy_ = false, stopping_ = false;
  std::optional<Write> waiting_;
  std::optional<IoStatus> written_, compacted_;
  std::unique_ptr<Draft> ready_;  // waits to be adopted
  bool collecting_ = false;       // into tail_, for the draft that is being written
  std::string tail_;
  bool tail_lost_ = false;  // it became too long
  size_t most_tail_ = kMostTail;
  std::thread thread_, compactor_;
};

}  // namespace sluice::ovsdb

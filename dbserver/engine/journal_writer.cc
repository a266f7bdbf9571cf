// SPDX-License-Identifier: Apache-2.0
// The writer's thread waits for a write or a finished draft; the compactor's runs once for each draft.
#include "dbserver/engine/journal_writer.h"

#include <cerrno>
#include <utility>

namespace sluice::ovsdb {
namespace {

constexpr size_t kSmallTail = 256u << 10;    // bytes that may be left to the writer's thread to append to a draft
constexpr size_t kWriteAtOnce = 1u << 20;    // bytes of a write that the caller does itself
constexpr int kMostRounds = 8;               // times that the compactor appends what was written meanwhile, before it leaves the rest to the writer

std::unexpected<IoError> given_up() { return std::unexpected(IoError{EBUSY, "compaction given up: too much was written meanwhile"}); }

}  // namespace

JournalWriter::JournalWriter(std::unique_ptr<Storage> storage) : storage_(std::move(storage)) { note_state(); }

JournalWriter::~JournalWriter() {
  {
    std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (compactor_.joinable()) compactor_.join();
  if (thread_.joinable()) thread_.join();
}

/// REQUIRES: the storage is the caller's.
void JournalWriter::note_state() {
  broken_ = storage_->is_broken();
  size_ = storage_->size();
}

// --- writes ---

void JournalWriter::write(std::string bytes, bool durable) {
  std::unique_lock lock(mutex_);
  bool at_once = !has_threads() || (!durable && !busy_ && !ready_ && bytes.size() <= kWriteAtOnce);
  if (at_once) return perform({std::move(bytes), durable}, lock);
  waiting_.emplace(std::move(bytes), durable);
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  changed_.notify_all();
}

/// REQUIRES: locked, not busy.
void JournalWriter::perform(Write write, std::unique_lock<std::mutex>& lock) {
  busy_ = true;
  lock.unlock();
  uint64_t before = storage_->size();
  IoStatus status;
  if (!write.bytes.empty()) status = storage_->append(write.bytes);
  if (status && write.durable) {
    syncs_++;
    status = storage_->sync();
    // What is refused must not be there when the file is read again, nor after a power cut.  Against a disk that takes neither this nor, later, a new file,
    // nobody can promise that.
    if (!status) (void)storage_->truncate(before);
  }
  note_state();
  lock.lock();
  busy_ = false;
  if (status && collecting_) keep_for_draft(write.bytes);
  written_ = std::move(status);
  changed_.notify_all();
}

/// REQUIRES: locked.
void JournalWriter::keep_for_draft(const std::string& bytes) {
  tail_lost_ |= tail_.size() + bytes.size() > most_tail_;
  if (tail_lost_) tail_ = {};
  else tail_ += bytes;
}

std::optional<IoStatus> JournalWriter::take_written() {
  std::lock_guard guard(mutex_);
  return std::exchange(written_, std::nullopt);
}

void JournalWriter::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return !busy_ && (waiting_ || ready_ || stopping_); });
    if (waiting_) perform(*std::exchange(waiting_, std::nullopt), lock);
    else if (ready_ && !stopping_) adopt_draft(lock);
    else return;
    lock.unlock();
    wake_();
    lock.lock();
  }
}

void JournalWriter::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return written_ || compacted_ || (!busy_ && !waiting_ && !collecting_); });
}

// --- compaction ---

void JournalWriter::compact(Render render) {
  compacting_ = true;
  if (compactor_.joinable()) compactor_.join();  // it has said that it is done
  auto draft = storage_->draft();
  std::unique_lock lock(mutex_);
  if (!draft) {
    compacted_ = std::unexpected(draft.error());
    return;
  }
  collecting_ = true;
  tail_lost_ = false;
  if (has_threads()) {
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    compactor_ = std::thread([this, d = std::move(*draft), r = std::move(render)]() mutable { prepare_draft(std::move(d), std::move(r)); });
    return;
  }
  lock.unlock();
  IoStatus status = fill_draft(**draft, render);
  lock.lock();
  if (!status) return end_compaction(std::move(status));
  ready_ = std::move(*draft);
  adopt_draft(lock);
}

/// The compactor's thread.
void JournalWriter::prepare_draft(std::unique_ptr<Draft> draft, Render render) {
  IoStatus status = fill_draft(*draft, render);
  render = nullptr;  // frees the old row versions here
  std::unique_lock lock(mutex_);
  if (status) {
    ready_ = std::move(draft);
    changed_.notify_all();
    return;
  }
  end_compaction(std::move(status));
  lock.unlock();
  wake_();
}

IoStatus JournalWriter::fill_draft(Draft& draft, Render& render) {
  std::string bytes = render();
  for (int round = 1;; round++) {
    if (auto s = draft.append(bytes); !s) return s;
    if (auto s = draft.sync(); !s) return s;
    std::lock_guard guard(mutex_);
    if (tail_lost_) return given_up();
    if (tail_.size() <= kSmallTail || round == kMostRounds || stopping_) return {};
    bytes = std::exchange(tail_, {});
  }
}

/// REQUIRES: locked, not busy.
void JournalWriter::adopt_draft(std::unique_lock<std::mutex>& lock) {
  busy_ = true;
  std::unique_ptr<Draft> draft = std::move(ready_);
  std::string tail = std::exchange(tail_, {});  // nothing is added while busy
  bool lost = tail_lost_;
  lock.unlock();
  IoStatus status;
  if (lost) status = given_up();
  if (!tail.empty()) {
    status = draft->append(tail);
    if (status) status = draft->sync();
  }
  if (status) status = storage_->adopt(std::move(draft));
  note_state();
  lock.lock();
  busy_ = false;
  end_compaction(std::move(status));
}

/// REQUIRES: locked.
void JournalWriter::end_compaction(IoStatus status) {
  collecting_ = false;
  tail_.clear();
  compacted_ = std::move(status);
  changed_.notify_all();
}

std::optional<IoStatus> JournalWriter::take_compacted() {
  std::lock_guard guard(mutex_);
  if (compacted_) compacting_ = false;
  return std::exchange(compacted_, std::nullopt);
}

}  // namespace sluice::ovsdb

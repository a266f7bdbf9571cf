// SPDX-License-Identifier: Apache-2.0
// Inside of the Loop: its entries and queues.  For loop*.cc only.
//
// An entry that is destroyed is only marked dead and put into the graveyard, which is emptied between iterations: what still points to it (the
// batch of epoll events, the function that is running) stays valid until then.
#pragma once

#include <sys/signalfd.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "lib/loop.h"

namespace sluice {

struct LoopEntry {
  LoopEntry(LoopImpl& l, const char* n) : loop(l), name(n) {}
  virtual ~LoopEntry() = default;
  /// Drops the function, unless it is the one that runs.
  virtual void drop_function() = 0;
  LoopImpl& loop;
  const char* name;
  bool dead = false;
};

struct Watch::Entry : LoopEntry {
  using LoopEntry::LoopEntry;
  void drop_function() override { fn = nullptr; }
  Callback<void(bool, bool)> fn;
  int fd = -1;
  uint32_t events = 0;  // what epoll was told; 0: not registered
};

struct Timer::Entry : LoopEntry {
  using LoopEntry::LoopEntry;
  void drop_function() override { fn = nullptr; }
  Callback<void()> fn;
  Time when = kNever;
  uint64_t order = 0;      // of set()
  size_t index = SIZE_MAX;  // in the heap; SIZE_MAX: not there
  bool due = false;         // taken from the heap to be run in this iteration
};

struct Runner::Entry : LoopEntry {
  using LoopEntry::LoopEntry;
  void drop_function() override { run = nullptr, deadline = nullptr; }
  Callback<void(Time)> run;
  Callback<Time()> deadline;
};

struct Deferred::Entry : LoopEntry {
  using LoopEntry::LoopEntry;
  void drop_function() override { fn = nullptr; }
  Callback<void()> fn;
  bool scheduled = false;
};

/// Binary heap of armed timers by (when, order), each of which knows its place.
class TimerHeap {
 public:
  void set(Timer::Entry& t, Time when);
  void remove(Timer::Entry& t);
  Timer::Entry* first() const { return heap_.empty() ? nullptr : heap_[0]; }

 private:
  static bool before(const Timer::Entry* a, const Timer::Entry* b) {
    return a->when != b->when ? a->when < b->when : a->order < b->order;
  }
  void place(size_t i, Timer::Entry* t) { heap_[i] = t, t->index = i; }
  void sift_up(size_t i);
  void sift_down(size_t i);
  std::vector<Timer::Entry*> heap_;
  uint64_t order_ = 0;
};

struct Warp {
  Duration left{}, step{};
  Callback<void()> done;
  int quiet_wait = 0;  // iterations since the last step
};

struct LoopImpl {
  explicit LoopImpl(Clock& c);
  ~LoopImpl();

  bool run_once(Duration max_wait);
  void retire(LoopEntry* e);
  void update(Watch::Entry& e, bool read, bool write);
  Time deadline();
  int wait_ms(Duration max_wait);
  bool dispatch_posted();
  bool dispatch_timers();
  void dispatch_runners();
  bool dispatch_deferred();
  void begin_warp_step();
  void read_signals();
  void bury();
  /// Calls fn in the name of e, and reports it if it took too long.
  template <typename F>
  void call(LoopEntry& e, F&& fn) {
    running = &e;
    fn();
    running = nullptr;
    if (e.dead) e.drop_function();
    took(e.name);
  }
  void took(const char* name);

  Clock& clock;
  Time now;
  Time called;  // end of the last callback, by the stopwatch
  int epoll_fd = -1, wake_fd = -1, signal_fd = -1;
  bool stopping = false, busy = false;  // busy: the last iteration called something
  LoopEntry* running = nullptr;
  TimerHeap timers;
  std::vector<Runner::Entry*> runners;
  std::vector<Deferred::Entry*> deferred, deferred_now;
  std::vector<LoopEntry*> graveyard;
  std::unique_ptr<Warp> warp;
  Callback<void(std::string_view, Duration)> stall_reporter;
  std::vector<std::pair<int, Callback<void()>>> signals;
  sigset_t signal_mask{};
  std::unique_ptr<uint8_t[]> buffer;

  std::mutex post_mutex;
  std::vector<Callback<void()>> posted;  // guarded by post_mutex
  std::atomic<bool> any_posted = false;  // a glance at it without the lock
};

}  // namespace sluice

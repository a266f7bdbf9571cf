// SPDX-License-Identifier: Apache-2.0
// The event loop: one thread that waits for file descriptors, timers and posted work, and calls what is due.
//
// One iteration, in this order: sleep until the nearest deadline or event; set now(); file descriptors; posted functions; timers that are due,
// earliest first; every Runner once; deferred work (output of connections).  Everything called sees the same now().
// Watch, Timer, Runner and Deferred are owned by who needs the call; destroying one cancels it, also from within its own callback.
// REQUIRES: they die before the Loop.  Callbacks may not call run()/run_once() (no nesting).
// Threads: all of it from the loop's thread, except post().  Plain epoll, level triggered: a persistent watch costs no system call per event.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "lib/clock.h"
#include "lib/time.h"

namespace sluice {

class Loop;
struct LoopImpl;
template <typename Signature>
using Callback = std::move_only_function<Signature>;

inline constexpr Duration kStallLimit = milliseconds(100);  // a callback that takes longer is reported
inline constexpr size_t kReadBufferSize = 64 * 1024;

/// Interest in a file descriptor, which stays open and the caller's for as long as the Watch lives.  An error or hang-up counts as readable.
class Watch {
 public:
  Watch() = default;
  Watch(Watch&&) noexcept;
  Watch& operator=(Watch&&) noexcept;
  ~Watch();
  void set(bool read, bool write);
  explicit operator bool() const { return entry_ != nullptr; }
  void reset();
  struct Entry;

 private:
  friend class Loop;
  explicit Watch(Entry* e) : entry_(e) {}
  Entry* entry_ = nullptr;
};

/// One-shot timer; set() again replaces.  Timers due at the same time run in the order in which they were set.
class Timer {
 public:
  Timer() = default;
  Timer(Loop& loop, Callback<void()> fn, const char* name);
  Timer(Timer&&) noexcept;
  Timer& operator=(Timer&&) noexcept;
  ~Timer();
  void set(Time when);  // kNever cancels
  void cancel();
  bool armed() const;
  struct Entry;

 private:
  Entry* entry_ = nullptr;
};

/// A part of the program that runs in each iteration and says when it must run next at the latest (kNever: not by itself).
class Runner {
 public:
  Runner() = default;
  Runner(Runner&&) noexcept;
  Runner& operator=(Runner&&) noexcept;
  ~Runner();
  void reset();
  struct Entry;

 private:
  friend class Loop;
  explicit Runner(Entry* e) : entry_(e) {}
  Entry* entry_ = nullptr;
};

/// Work to be done once at the end of this iteration (of the next one, if scheduled while asleep or from deferred work).
class Deferred {
 public:
  Deferred() = default;
  Deferred(Loop& loop, Callback<void()> fn, const char* name);
  Deferred(Deferred&&) noexcept;
  Deferred& operator=(Deferred&&) noexcept;
  ~Deferred();
  void schedule();
  struct Entry;

 private:
  Entry* entry_ = nullptr;
};

class Loop {
 public:
  explicit Loop(Clock& clock);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  Clock& clock();
  /// The time of this iteration.
  Time now() const;

  /// fn runs in the loop's thread, soon.  May be called from any thread.
  void post(Callback<void()> fn);
  Watch watch(int fd, bool read, bool write, Callback<void(bool readable, bool writable)> fn, const char* name);
  Runner add_runner(const char* name, Callback<void(Time)> run, Callback<Time()> deadline);
  /// The signal is taken from its default action for the life of the process, and fn called for each arrival.
  /// REQUIRES: called before other threads are started, since it works by blocking the signal.
  void on_signal(int signo, Callback<void()> fn);

  /// Until stop().
  void run();
  void stop();
  /// One iteration that sleeps at most max_wait of real time.  True if it called anything other than Runners.
  bool run_once(Duration max_wait);
  /// Moves the clock by `total` in steps of `step` (<= 0: one step), and runs what is due after each; then calls done.
  /// Works from a callback: the steps are taken by the iterations that follow.
  void warp(Duration total, Duration step, Callback<void()> done);
  bool warping() const;
  /// For tests on a stopped or virtual clock: to the end of `total`, jumping from deadline to deadline.
  void advance(Duration total);

  /// Called with the name and the real duration of a callback that took longer than kStallLimit.
  void set_stall_reporter(Callback<void(std::string_view name, Duration took)> fn);
  /// A buffer that everyone may use within one callback: for reads, so that connections need none of their own.
  std::span<uint8_t> read_buffer();

 private:
  friend class Watch;
  friend class Timer;
  friend class Runner;
  friend class Deferred;
  std::unique_ptr<LoopImpl> impl_;
};

}  // namespace sluice

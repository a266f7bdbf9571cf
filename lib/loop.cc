// SPDX-License-Identifier: Apache-2.0
// One iteration of the loop, in the order that loop.h promises.
#include "lib/loop.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "lib/loop_impl.h"

namespace sluice {
namespace {

constexpr int kEventBatch = 256;
constexpr int kWarpSettle = 16;  // iterations that may follow a step of warp() before the next step, if they keep being busy
constexpr int kAdvanceSettle = 1000;

}  // namespace

LoopImpl::LoopImpl(Clock& c) : clock(c), now(c.now()), called(c.stopwatch()) {
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (epoll_fd < 0 || wake_fd < 0) std::abort();  // no descriptors at all: nothing can work
  epoll_event ev{.events = EPOLLIN, .data = {.ptr = nullptr}};
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, wake_fd, &ev);
  sigemptyset(&signal_mask);
}

LoopImpl::~LoopImpl() {
  signals.clear();
  posted.clear();
  bury();
  ::close(epoll_fd);
  ::close(wake_fd);
  if (signal_fd >= 0) ::close(signal_fd);
}

bool LoopImpl::run_once(Duration max_wait) {
  bury();
  if (warp) begin_warp_step();
  epoll_event events[kEventBatch];
  int n = epoll_wait(epoll_fd, events, kEventBatch, wait_ms(max_wait));
  now = clock.now();
  called = clock.stopwatch();
  bool any = false, wake = false;
  for (int i = 0; i < n; i++) {
    auto* e = static_cast<Watch::Entry*>(events[i].data.ptr);
    if (!e) {
      wake = true;
      continue;
    }
    if (e->dead || !e->events) continue;
    bool bad = events[i].events & (EPOLLERR | EPOLLHUP);
    bool readable = (e->events & EPOLLIN) && (bad || (events[i].events & EPOLLIN));
    bool writable = (e->events & EPOLLOUT) && (bad || (events[i].events & EPOLLOUT));
    if (!readable && !writable) continue;
    call(*e, [&] { e->fn(readable, writable); });
    any = true;
  }
  if (wake) read_signals();
  any |= dispatch_posted();
  any |= dispatch_timers();
  dispatch_runners();
  any |= dispatch_deferred();
  busy = any;
  return any;
}

int LoopImpl::wait_ms(Duration max_wait) {
  if (warp || !deferred.empty()) return 0;
  Time current = clock.now();
  Time next = deadline();
  if (next <= current) return 0;
  // Of a stopped clock no deadline comes nearer by sleeping.
  Duration wait = clock.stopped() || next == kNever ? max_wait : std::min(max_wait, next - current);
  if (wait <= Duration::zero()) return 0;
  if (wait >= seconds(1'000'000)) return -1;
  return static_cast<int>(to_ms(wait + milliseconds(1) - Duration(1)));  // rounded up: not to wake too early
}

Time LoopImpl::deadline() {
  Time next = kNever;
  if (Timer::Entry* t = timers.first()) next = t->when;
  for (Runner::Entry* r : runners) {
    if (!r->dead && r->deadline) next = std::min(next, r->deadline());
  }
  return next;
}

bool LoopImpl::dispatch_posted() {
  if (!any_posted.load(std::memory_order_acquire)) return false;
  std::vector<Callback<void()>> work;
  {
    std::lock_guard lock(post_mutex);
    any_posted = false;
    work.swap(posted);
  }
  for (Callback<void()>& fn : work) {
    fn();
    took("posted");
  }
  return !work.empty();
}

bool LoopImpl::dispatch_timers() {
  bool any = false;
  // Timers that callbacks set to a time that is already due wait for the next iteration, or they could hold up everything else.
  std::vector<Timer::Entry*> due;
  while (Timer::Entry* t = timers.first()) {
    if (t->when > now) break;
    timers.remove(*t);
    t->due = true;
    due.push_back(t);
  }
  for (Timer::Entry* t : due) {
    if (t->dead || !t->due) continue;  // cancelled, or set anew, by one before it
    t->due = false;
    call(*t, [t] { t->fn(); });
    any = true;
  }
  return any;
}

void LoopImpl::dispatch_runners() {
  for (size_t i = 0; i < runners.size(); i++) {
    Runner::Entry* r = runners[i];
    if (!r->dead) call(*r, [&] { r->run(now); });
  }
  std::erase_if(runners, [](Runner::Entry* r) { return r->dead; });
}

bool LoopImpl::dispatch_deferred() {
  deferred_now.swap(deferred);
  for (Deferred::Entry* d : deferred_now) {
    if (d->dead) continue;
    d->scheduled = false;
    call(*d, [d] { d->fn(); });
  }
  bool any = !deferred_now.empty();
  deferred_now.clear();
  return any;
}

void LoopImpl::begin_warp_step() {
  if (busy && ++warp->quiet_wait < kWarpSettle) return;
  warp->quiet_wait = 0;
  if (warp->left <= Duration::zero()) {
    std::unique_ptr<Warp> w = std::move(warp);
    now = clock.now();
    if (w->done) w->done();
    return;
  }
  Duration step = std::min(warp->left, warp->step);
  warp->left -= step;
  clock.warp(step);
}

void LoopImpl::took(const char* name) {
  if (!stall_reporter) return;
  Time end = clock.stopwatch();
  if (end - called > kStallLimit) stall_reporter(name, end - called);
  called = end;
}

void LoopImpl::retire(LoopEntry* e) {
  e->dead = true;
  if (running != e) e->drop_function();
  graveyard.push_back(e);
}

void LoopImpl::bury() {
  while (!graveyard.empty()) {
    // A dying function may own other entries, which then come here.
    std::vector<LoopEntry*> dead;
    dead.swap(graveyard);
    std::erase_if(runners, [](Runner::Entry* r) { return r->dead; });
    std::erase_if(deferred, [](Deferred::Entry* d) { return d->dead; });
    for (LoopEntry* e : dead) delete e;
  }
}

void LoopImpl::update(Watch::Entry& e, bool read, bool write) {
  uint32_t events = (read ? EPOLLIN : 0u) | (write ? EPOLLOUT : 0u);
  if (events == e.events) return;
  epoll_event ev{.events = events, .data = {.ptr = &e}};
  // Without interest it is taken out, because epoll reports hang-ups even so.
  int op = !events ? EPOLL_CTL_DEL : e.events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  epoll_ctl(epoll_fd, op, e.fd, &ev);
  e.events = events;
}

/// The wake-up descriptor and the signals share the event without an entry.
void LoopImpl::read_signals() {
  uint64_t count;
  (void)!::read(wake_fd, &count, sizeof count);
  signalfd_siginfo info;
  while (signal_fd >= 0 && ::read(signal_fd, &info, sizeof info) == sizeof info) {
    for (size_t i = 0; i < signals.size(); i++) {
      if (signals[i].first == static_cast<int>(info.ssi_signo)) signals[i].second();
    }
    took("signal");
  }
}

// The public face.

Loop::Loop(Clock& clock) : impl_(std::make_unique<LoopImpl>(clock)) {}
Loop::~Loop() = default;
Clock& Loop::clock() { return impl_->clock; }
Time Loop::now() const { return impl_->now; }

void Loop::post(Callback<void()> fn) {
  {
    std::lock_guard lock(impl_->post_mutex);
    impl_->posted.push_back(std::move(fn));
    impl_->any_posted = true;
  }
  uint64_t one = 1;
  (void)!::write(impl_->wake_fd, &one, sizeof one);
}

Watch Loop::watch(int fd, bool read, bool write, Callback<void(bool, bool)> fn, const char* name) {
  auto e = std::make_unique<Watch::Entry>(*impl_, name);
  e->fn = std::move(fn);
  e->fd = fd;
  impl_->update(*e, read, write);
  return Watch(e.release());
}

Runner Loop::add_runner(const char* name, Callback<void(Time)> run, Callback<Time()> deadline) {
  auto e = std::make_unique<Runner::Entry>(*impl_, name);
  e->run = std::move(run);
  e->deadline = std::move(deadline);
  impl_->runners.push_back(e.get());
  return Runner(e.release());
}

void Loop::on_signal(int signo, Callback<void()> fn) {
  sigaddset(&impl_->signal_mask, signo);
  pthread_sigmask(SIG_BLOCK, &impl_->signal_mask, nullptr);
  bool first = impl_->signal_fd < 0;
  impl_->signal_fd = signalfd(impl_->signal_fd, &impl_->signal_mask, SFD_CLOEXEC | SFD_NONBLOCK);
  if (first) {
    epoll_event ev{.events = EPOLLIN, .data = {.ptr = nullptr}};
    epoll_ctl(impl_->epoll_fd, EPOLL_CTL_ADD, impl_->signal_fd, &ev);
  }
  impl_->signals.emplace_back(signo, std::move(fn));
}

void Loop::run() {
  while (!impl_->stopping) impl_->run_once(Duration::max());
  impl_->stopping = false;
}

void Loop::stop() { impl_->stopping = true; }
bool Loop::run_once(Duration max_wait) { return impl_->run_once(max_wait); }
bool Loop::warping() const { return impl_->warp != nullptr; }

void Loop::warp(Duration total, Duration step, Callback<void()> done) {
  auto w = std::make_unique<Warp>();
  w->left = total;
  w->step = step > Duration::zero() ? step : total;
  w->done = std::move(done);
  if (impl_->warp) {  // one after another: the earlier one's rest is added to this one
    w->left += impl_->warp->left;
    w->done = [first = std::move(impl_->warp->done), second = std::move(w->done)]() mutable {
      if (first) first();
      if (second) second();
    };
  }
  impl_->warp = std::move(w);
}

void Loop::advance(Duration total) {
  Time end = impl_->clock.now() + total;
  for (;;) {
    int settle = 0;
    while (impl_->run_once(Duration::zero()) && ++settle < kAdvanceSettle) {
    }
    Time now = impl_->clock.now();
    if (now >= end) return;
    Time next = std::min(impl_->deadline(), end);
    impl_->clock.warp(next > now ? next - now : milliseconds(1));  // a Runner that is always due must not stop time
  }
}

void Loop::set_stall_reporter(Callback<void(std::string_view, Duration)> fn) { impl_->stall_reporter = std::move(fn); }

std::span<uint8_t> Loop::read_buffer() {
  if (!impl_->buffer) impl_->buffer = std::make_unique<uint8_t[]>(kReadBufferSize);
  return {impl_->buffer.get(), kReadBufferSize};
}

}  // namespace sluice

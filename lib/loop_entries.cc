// SPDX-License-Identifier: Apache-2.0
// The handles Watch, Timer, Runner and Deferred, and the timer heap.
#include <utility>

#include "lib/loop.h"
#include "lib/loop_impl.h"

namespace sluice {

// All handles move alike: the entry changes its owner.

Watch::Watch(Watch&& other) noexcept : entry_(std::exchange(other.entry_, nullptr)) {}
Watch& Watch::operator=(Watch&& other) noexcept {
  if (this != &other) {
    reset();
    entry_ = std::exchange(other.entry_, nullptr);
  }
  return *this;
}
Watch::~Watch() { reset(); }
void Watch::set(bool read, bool write) {
  if (entry_) entry_->loop.update(*entry_, read, write);
}
void Watch::reset() {
  if (!entry_) return;
  entry_->loop.update(*entry_, false, false);
  entry_->loop.retire(std::exchange(entry_, nullptr));
}

Timer::Timer(Loop& loop, Callback<void()> fn, const char* name) : entry_(std::make_unique<Entry>(*loop.impl_, name).release()) {
  entry_->fn = std::move(fn);
}
Timer::Timer(Timer&& other) noexcept : entry_(std::exchange(other.entry_, nullptr)) {}
Timer& Timer::operator=(Timer&& other) noexcept {
  Timer old(std::move(*this));
  entry_ = std::exchange(other.entry_, nullptr);
  return *this;
}
Timer::~Timer() {
  if (!entry_) return;
  cancel();
  entry_->loop.retire(entry_);
}
void Timer::set(Time when) {
  if (!entry_) return;
  if (when == kNever) return cancel();
  entry_->loop.timers.set(*entry_, when);
}
void Timer::cancel() {
  if (!entry_) return;
  entry_->loop.timers.remove(*entry_);
  entry_->due = false;
}
bool Timer::armed() const { return entry_ && (entry_->due || entry_->index != SIZE_MAX); }

Runner::Runner(Runner&& other) noexcept : entry_(std::exchange(other.entry_, nullptr)) {}
Runner& Runner::operator=(Runner&& other) noexcept {
  if (this != &other) {
    reset();
    entry_ = std::exchange(other.entry_, nullptr);
  }
  return *this;
}
Runner::~Runner() { reset(); }
void Runner::reset() {
  if (entry_) entry_->loop.retire(std::exchange(entry_, nullptr));
}

Deferred::Deferred(Loop& loop, Callback<void()> fn, const char* name) : entry_(std::make_unique<Entry>(*loop.impl_, name).release()) {
  entry_->fn = std::move(fn);
}
Deferred::Deferred(Deferred&& other) noexcept : entry_(std::exchange(other.entry_, nullptr)) {}
Deferred& Deferred::operator=(Deferred&& other) noexcept {
  Deferred old(std::move(*this));
  entry_ = std::exchange(other.entry_, nullptr);
  return *this;
}
Deferred::~Deferred() {
  if (entry_) entry_->loop.retire(entry_);
}
void Deferred::schedule() {
  if (!entry_ || entry_->scheduled) return;
  entry_->scheduled = true;
  entry_->loop.deferred.push_back(entry_);
}

void TimerHeap::set(Timer::Entry& t, Time when) {
  t.due = false;
  t.when = when;
  t.order = ++order_;
  if (t.index == SIZE_MAX) {
    t.index = heap_.size();
    heap_.push_back(&t);
  }
  sift_up(t.index);
  sift_down(t.index);
}

void TimerHeap::remove(Timer::Entry& t) {
  if (t.index == SIZE_MAX) return;
  size_t i = std::exchange(t.index, SIZE_MAX);
  Timer::Entry* last = heap_.back();
  heap_.pop_back();
  if (last == &t) return;
  place(i, last);
  sift_up(i);
  sift_down(last->index);
}

void TimerHeap::sift_up(size_t i) {
  Timer::Entry* t = heap_[i];
  for (; i > 0 && before(t, heap_[(i - 1) / 2]); i = (i - 1) / 2) place(i, heap_[(i - 1) / 2]);
  place(i, t);
}

void TimerHeap::sift_down(size_t i) {
  Timer::Entry* t = heap_[i];
  for (;;) {
    size_t child = 2 * i + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && before(heap_[child + 1], heap_[child])) child++;
    if (!before(heap_[child], t)) break;
    place(i, heap_[child]);
    i = child;
  }
  place(i, t);
}

}  // namespace sluice

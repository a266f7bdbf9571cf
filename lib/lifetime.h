// SPDX-License-Identifier: Apache-2.0
// For objects that call their user and may be destroyed by that: a member Lifetime, and a LifetimeWatch on the stack around the call, which tells
// afterwards whether the object is still there.  One thread.
#pragma once

#include <functional>
#include <utility>

namespace sluice {

class Lifetime {
 public:
  Lifetime() = default;
  Lifetime(const Lifetime&) = delete;
  Lifetime& operator=(const Lifetime&) = delete;
  ~Lifetime() {
    if (watcher_) *watcher_ = true;
  }

 private:
  friend class LifetimeWatch;
  bool* watcher_ = nullptr;
};

class LifetimeWatch {
 public:
  explicit LifetimeWatch(Lifetime& l) : lifetime_(l), outer_(std::exchange(l.watcher_, &ended_)) {}
  LifetimeWatch(const LifetimeWatch&) = delete;
  LifetimeWatch& operator=(const LifetimeWatch&) = delete;
  ~LifetimeWatch() {
    if (!ended_) {
      lifetime_.watcher_ = outer_;
    } else if (outer_) {
      *outer_ = true;
    }
  }
  bool ended() const { return ended_; }

 private:
  Lifetime& lifetime_;
  bool* outer_;
  bool ended_ = false;
};

/// A user's function that stays alive while it runs, also if it is replaced or its owner destroyed meanwhile.
template <typename Signature>
class UserCall {
 public:
  using Function = std::move_only_function<Signature>;
  UserCall() = default;
  UserCall(Function fn) : fn_(std::move(fn)) {}
  UserCall& operator=(Function fn) {
    fn_ = std::move(fn);
    replaced_ = true;
    return *this;
  }
  explicit operator bool() const { return static_cast<bool>(fn_); }
  /// Calls it, if there is one.  False if `owner`, of which this is a part, ended meanwhile.
  template <typename... Args>
  bool operator()(Lifetime& owner, Args&&... args) {
    if (!fn_) return true;
    LifetimeWatch watch(owner);
    Function running = std::move(fn_);
    fn_ = nullptr;
    replaced_ = false;
    running(std::forward<Args>(args)...);
    if (watch.ended()) return false;
    if (!replaced_) fn_ = std::move(running);
    return true;
  }

 private:
  Function fn_;
  bool replaced_ = false;
};

}  // namespace sluice

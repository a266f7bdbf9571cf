// SPDX-License-Identifier: Apache-2.0
#include "lib/reconnect.h"

#include <algorithm>
#include <array>

namespace sluice {

std::string_view Reconnect::state_name() const {
  static constexpr std::array<std::string_view, 5> kNames{"VOID", "BACKOFF", "CONNECTING", "ACTIVE", "IDLE"};
  return kNames[static_cast<size_t>(state_)];
}

void Reconnect::enter(State s, Time now) {
  state_ = s;
  entered_ = now;
  dropping_ = false;
}

void Reconnect::set_backoff(Duration min, Duration max) {
  min_backoff_ = std::max(min, milliseconds(1));
  max_backoff_ = std::max(max, min_backoff_);
  if (backoff_ > Duration::zero()) backoff_ = std::clamp(backoff_, min_backoff_, max_backoff_);
}

void Reconnect::set_probe_interval(Duration d) {
  probe_interval_ = d <= Duration::zero() ? Duration::zero() : std::max(d, kMinProbeInterval);
}

void Reconnect::enable(Time now) {
  if (state_ != State::void_) return;
  backoff_ = Duration::zero();
  enter(State::backoff, now);
}

void Reconnect::disable(Time now) {
  if (state_ == State::void_) return;
  note_loss(now, {});
  enter(State::void_, now);
}

void Reconnect::force(Time now) {
  if (state_ == State::backoff) {
    backoff_ = Duration::zero();
    enter(State::backoff, now);
  } else if (state_ != State::void_) {
    forced_ = true;
  }
}

void Reconnect::connected(Time now) {
  if (is_connected()) return;
  enter(State::active, now);
  connected_ = last_activity_ = now;
  successes_++;
  seqno_++;
}

void Reconnect::disconnected(Time now, std::string_view error) {
  if (state_ == State::void_) return;
  bool was_stable = is_connected() && now - *connected_ >= backoff_;
  note_loss(now, error);
  if (max_tries_ && attempts_ >= *max_tries_) return enter(State::void_, now);
  if (forced_) {
    backoff_ = Duration::zero();
    forced_ = false;
  } else if (was_stable || backoff_ == Duration::zero()) {
    backoff_ = min_backoff_;
  } else {
    backoff_ = std::min(backoff_ * 2, max_backoff_);
  }
  enter(State::backoff, now);
}

void Reconnect::activity(Time when) {
  if (when <= last_activity_) return;  // already known
  last_activity_ = when;
  if (state_ == State::idle) enter(State::active, when);
}

void Reconnect::failed_over(Time now, std::string_view error) {
  if (state_ == State::void_) return;
  note_loss(now, error);
  if (max_tries_ && attempts_ >= *max_tries_) return enter(State::void_, now);
  forced_ = false;
  enter(State::backoff, now - backoff_);  // as if the wait were over already
}

void Reconnect::note_loss(Time now, std::string_view error) {
  if (!error.empty()) last_error_ = error;
  if (!is_connected()) return;
  disconnected_ = now;
  seqno_++;
}

Duration Reconnect::connect_timeout() const { return std::max(backoff_, kMinConnectTimeout); }

Time Reconnect::deadline() const {
  if (forced_ && state_ != State::void_) return Time::min();
  switch (state_) {
    case State::void_: return kNever;
    case State::backoff: return entered_ + backoff_;
    case State::connecting: return dropping_ ? kNever : entered_ + connect_timeout();
    case State::active: return probe_interval_ > Duration::zero() ? last_activity_ + probe_interval_ : kNever;
    case State::idle: return dropping_ || probe_interval_ == Duration::zero() ? kNever : entered_ + probe_interval_;
  }
  return kNever;
}

Reconnect::Action Reconnect::run(Time now) {
  if (now < deadline()) return Action::none;
  switch (state_) {
    case State::void_: return Action::none;
    case State::backoff:
      enter(State::connecting, now);
      attempts_++;
      return Action::connect;
    case State::active:
      if (forced_) break;
      enter(State::idle, now);
      return Action::probe;
    case State::connecting:
    case State::idle: break;
  }
  dropping_ = true;
  return Action::disconnect;
}

}  // namespace sluice

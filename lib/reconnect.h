// SPDX-License-Identifier: Apache-2.0
// When to connect, to probe and to give up: the state machine of a client that keeps a connection up.  Pure: told of events with their time, asked for
// what to do; it does nothing itself.
//
//   VOID --enable--> BACKOFF --run: connect--> CONNECTING --connected--> ACTIVE --nothing received for probe_interval: probe--> IDLE
//   IDLE --activity--> ACTIVE; IDLE --nothing for probe_interval--> (disconnect) BACKOFF; CONNECTING --failed or too long--> BACKOFF
//
// Backoff: none before the first attempt, then min_backoff, doubling to max_backoff; back to min_backoff when a connection was up for longer than the backoff.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/time.h"

namespace sluice {

inline constexpr Duration kDefaultMinBackoff = seconds(1);
inline constexpr Duration kDefaultMaxBackoff = seconds(8);
inline constexpr Duration kDefaultProbeInterval = seconds(5);
inline constexpr Duration kMinProbeInterval = seconds(1);
inline constexpr Duration kMinConnectTimeout = seconds(1);  // an attempt may take this long, or as long as the backoff if that is longer

class Reconnect {
 public:
  enum class State : uint8_t { void_, backoff, connecting, active, idle };
  enum class Action : uint8_t { none, connect, disconnect, probe };

  explicit Reconnect(Time now) : entered_(now) {}

  void set_backoff(Duration min, Duration max);
  /// 0 = never probe; otherwise at least kMinProbeInterval.
  void set_probe_interval(Duration d);
  Duration probe_interval() const { return probe_interval_; }
  Duration max_backoff() const { return max_backoff_; }
  /// After this many attempts (successful or not) it goes to VOID instead of trying again.
  void set_max_tries(unsigned n) { max_tries_ = n; }

  void enable(Time now);
  void disable(Time now);
  /// Drops the connection, if any, and begins again at once.
  void force(Time now);

  // Events.
  void connected(Time now);
  /// The attempt failed or the connection was lost.
  void disconnected(Time now, std::string_view error);
  /// Something was received, at `when`: may be told late and repeatedly.
  void activity(Time when);
  /// Same as disconnected(), but the next attempt comes without delay and the backoff does not grow: there are other remotes to try.
  void failed_over(Time now, std::string_view error);

  /// What to do now; it is then taken as begun.  After `disconnect` the caller closes the connection and reports disconnected().
  Action run(Time now);
  Time deadline() const;

  State state() const { return state_; }
  std::string_view state_name() const;  // "ACTIVE"
  bool is_connected() const { return state_ == State::active || state_ == State::idle; }
  Duration backoff() const { return backoff_; }
  const std::string& last_error() const { return last_error_; }  // "" if never
  std::optional<Time> last_connected() const { return connected_; }
  std::optional<Time> last_disconnected() const { return disconnected_; }
  uint64_t attempts() const { return attempts_; }
  uint64_t successes() const { return successes_; }
  /// Grows at each connection made or lost.
  uint64_t seqno() const { return seqno_; }

 private:
  void enter(State s, Time now);
  void note_loss(Time now, std::string_view error);
  Duration connect_timeout() const;
  Time entered_;  // into state_
  State state_ = State::void_;
  Duration min_backoff_ = kDefaultMinBackoff, max_backoff_ = kDefaultMaxBackoff, backoff_{}, probe_interval_ = kDefaultProbeInterval;
  Time last_activity_{};
  std::optional<Time> connected_, disconnected_;
  std::string last_error_;
  std::optional<unsigned> max_tries_;
  uint64_t attempts_ = 0, successes_ = 0, seqno_ = 0;
  bool forced_ = false, dropping_ = false;
};

}  // namespace sluice

// SPDX-License-Identifier: Apache-2.0
// What keeps one client from hurting the others.  Each limit has a counter (coverage/show).  See also kJsonMaxMessage, kOutputHighWater and kTurn in lib.
#pragma once

#include <cstddef>

#include "lib/counters.h"
#include "lib/jsonrpc.h"

namespace sluice::ovsdb {

inline constexpr size_t kMaxSessions = 10'000;
inline constexpr size_t kMaxMonitors = 10'000;                 // of one session
inline constexpr size_t kMaxUnfinishedInput = 256u << 20;      // bytes of messages that have not come whole, of all sessions
inline constexpr size_t kMonitorHighWater = 4u << 20;          // bytes queued above which updates are merged instead of queued
inline constexpr size_t kHistoryCommits = 10'000;              // kept for clients that come back, and for slow ones
inline constexpr size_t kHistoryChanges = 200'000;             // row changes in them
inline constexpr size_t kMaxPostponed = 20'000;                // transactions that wait for a conversion, of one database
inline constexpr size_t kMaxWaiting = 1'000;                   // transactions of one session that wait by a "wait" operation
inline constexpr size_t kWaitingATurn = 2;                     // waiting transactions that are tried again in a turn
inline constexpr size_t kMaxUnwritten = 20'000;                // transactions that wait for the disk, of one database

/// How often each was reached.
struct LimitCounters {
  explicit LimitCounters(Counters& all)
      : sessions(all.get("ovsdb_too_many_sessions")),
        monitors(all.get("ovsdb_too_many_monitors")),
        long_messages(all.get("ovsdb_message_too_long")),
        unfinished_input(all.get("ovsdb_unfinished_input")),
        slow_monitors(all.get("ovsdb_monitor_too_slow")),
        merged_updates(all.get("ovsdb_updates_merged")),
        unwritten(all.get("ovsdb_too_many_unwritten")),
        waiting(all.get("ovsdb_too_many_waiting")),
        rests(all.get("ovsdb_rest_after_long_request")) {}
  Counter& of(JsonRpcLimit l) { return l == JsonRpcLimit::message_size ? long_messages : l == JsonRpcLimit::input_budget ? unfinished_input : rests; }
  Counter &sessions, &monitors, &long_messages, &unfinished_input, &slow_monitors, &merged_updates, &unwritten, &waiting, &rests;
};

}  // namespace sluice::ovsdb

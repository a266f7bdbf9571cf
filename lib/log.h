// SPDX-License-Identifier: Apache-2.0
// Logging with the words and settings of Open vSwitch's "vlog": modules, levels, three destinations, patterns, rate limits.
//
//   static Log log("bridge");                       // one per file, at namespace scope
//   log.info("bridge {}: added interface {}", br, iface);
//   static LogLimit limit(5, 10);                   // 5 a minute, bursts of 10
//   log.warn(limit, "{}: bad packet", name);
//
// The registry of modules is the one static registry of the house: a log line may come from anywhere.  Threads: any.
#pragma once

#include <fmt/core.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace sluice {

class Clock;
class UnixctlServer;

enum class LogLevel : uint8_t { off, emer, err, warn, info, dbg };
enum class LogTo : uint8_t { syslog, console, file };

/// A token bucket in real time.  rate: messages a minute.
class LogLimit {
 public:
  constexpr LogLimit(unsigned rate = 5, unsigned burst = 10) : rate_(rate), burst_(burst) {}

 private:
  friend class Log;
  const unsigned rate_, burst_;
  std::atomic<int64_t> earliest_ns_{0};  // of the virtual schedule of messages (GCRA)
  std::atomic<unsigned> dropped_{0};
  std::atomic<int64_t> first_dropped_ns_{0}, last_dropped_ns_{0};
};

class Log {
 public:
  explicit Log(const char* module);  // a literal
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  bool enabled(LogLevel level) const { return level <= ceiling_.load(std::memory_order_relaxed); }

#define SLUICE_LOG_LEVEL(LEVEL)                                                                   \
  template <typename... Args>                                                                    \
  void LEVEL(fmt::format_string<Args...> format, Args&&... args) {                               \
    if (enabled(LogLevel::LEVEL)) write(LogLevel::LEVEL, format, fmt::make_format_args(args...)); \
  }                                                                                              \
  template <typename... Args>                                                                    \
  void LEVEL(LogLimit& limit, fmt::format_string<Args...> format, Args&&... args) {              \
    if (enabled(LogLevel::LEVEL) && allow(LogLevel::LEVEL, limit))                               \
      write(LogLevel::LEVEL, format, fmt::make_format_args(args...));                            \
  }
  SLUICE_LOG_LEVEL(emer)
  SLUICE_LOG_LEVEL(err)
  SLUICE_LOG_LEVEL(warn)
  SLUICE_LOG_LEVEL(info)
  SLUICE_LOG_LEVEL(dbg)
#undef SLUICE_LOG_LEVEL

 private:
  friend struct LogRegistry;
  void write(LogLevel level, fmt::string_view format, fmt::format_args args);
  bool allow(LogLevel level, LogLimit& limit);

  const char* const module_;
  std::array<LogLevel, 3> levels_;            // by LogTo; under the registry's lock
  std::atomic<LogLevel> ceiling_;             // the most talkative of levels_
  std::atomic<bool> honor_limits_{true};
};

/// "[SPEC]" as -v and vlog/set take it: words module, destination, level in any order separated by ':', ',' or ' ', or PATTERN:dest:fmt, or
/// FACILITY:name.  "" sets everything to dbg.  The error is the text for the user.
std::expected<void, std::string> log_set(std::string_view spec);
/// Opens (appends to) a log file; "" closes it.
std::expected<void, std::string> log_set_file(const std::string& path);
std::expected<void, std::string> log_reopen();
/// "" = the syslog of libc; "unix:/dev/log", "udp:IP:PORT", "null" as --syslog-method takes them.
void log_set_syslog_method(std::string_view method);
/// --syslog-target=HOST[:PORT].
void log_set_syslog_target(std::string_view target);
/// Where timestamps come from; the machine's wall clock before.  The clock must live until the process ends or nullptr is set.
void log_set_clock(const Clock* clock);
/// Part of messages (%T): the thread's name in this process ("" in the main thread).
void log_set_thread_name(std::string_view name);
/// Console goes to err level and up, as for tools; daemons and tools both start with info on all destinations.
void log_init_tool();
std::string log_list();          // vlog/list
std::string log_list_pattern();  // vlog/list-pattern
/// vlog/set, vlog/list, vlog/list-pattern, vlog/reopen, vlog/close, vlog/{enable,disable}-rate-limit, vlog/message.
void log_add_commands(UnixctlServer& server);

}  // namespace sluice

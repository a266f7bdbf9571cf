// SPDX-License-Identifier: Apache-2.0
// See log.h.  One lock for settings and output; a disabled level costs one relaxed load.
#include "lib/log.h"

#include <errno.h>
#include <fcntl.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <climits>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "lib/clock.h"
#include "lib/files.h"
#include "lib/log_modules.h"
#include "lib/log_pattern.h"
#include "lib/program.h"
#include "lib/text.h"
#include "lib/unixctl.h"

namespace sluice {

constexpr std::string_view kLevelNames[] = {"OFF", "EMER", "ERR", "WARN", "INFO", "DBG"};
constexpr std::string_view kDestinationNames[] = {"syslog", "console", "file"};
constexpr size_t kDestinations = 3;
constexpr int kPriorities[] = {LOG_EMERG, LOG_ALERT, LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_DEBUG};  // by LogLevel

// RFC 5424 6.2.1
struct Facility {
  std::string_view name;
  int number;
};
constexpr Facility kFacilities[] = {
    {"kern", 0},    {"user", 1},    {"mail", 2},    {"daemon", 3},  {"auth", 4},    {"syslog", 5},  {"lpr", 6},     {"news", 7},
    {"uucp", 8},    {"clock", 9},   {"ftp", 11},    {"ntp", 12},    {"audit", 13},  {"alert", 14},  {"clock2", 15}, {"local0", 16},
    {"local1", 17}, {"local2", 18}, {"local3", 19}, {"local4", 20}, {"local5", 21}, {"local6", 22}, {"local7", 23},
};

namespace {

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return tolower(x) == tolower(y); });
}

std::vector<std::string_view> split_words(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    size_t end = text.find_first_of(separators);
    if (end > 0) words.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return words;
}

thread_local std::string thread_name;

}  // namespace

/// All modules and where their lines go.
struct LogRegistry {
  std::mutex mutex;
  std::vector<Log*> modules;
  std::array<LogLevel, kDestinations> defaults{LogLevel::info, LogLevel::info, LogLevel::info};
  std::array<std::string, kDestinations> patterns{"ovs|%05N|%c%T|%p|%m", "%D{%Y-%m-%dT%H:%M:%SZ}|%05N|%c%T|%p|%m", "%D{%Y-%m-%dT%H:%M:%S.###Z}|%05N|%c%T|%p|%m"};
  UniqueFd file;
  std::string path;
  bool syslog_off = false;
  int facility = 16;  // local0, the peer's default
  const Clock* clock = nullptr;
  std::atomic<unsigned> lines{0};
  int64_t started_ms = wall_ms();

  static LogRegistry& get() {
    static LogRegistry registry;
    return registry;
  }
  static int64_t wall_ms() {
    timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
  }
  int64_t now_ms() const { return clock ? clock->wall_ms() : wall_ms(); }
  // Destinations that can be reached: without a log file its level does not count.
  void update_ceiling(Log& log) const {
    LogLevel most = std::max(log.levels_[1], log.levels_[0]);
    if (file) most = std::max(most, log.levels_[2]);
    log.ceiling_.store(most, std::memory_order_relaxed);
  }
  void set_levels(std::string_view module, size_t destination, LogLevel level) {
    for (size_t d = 0; d < kDestinations; d++) {
      if (destination != kDestinations && destination != d) continue;
      if (module.empty()) defaults[d] = level;
      for (Log* log : modules)
        if (module.empty() || module == log->module_) log->levels_[d] = level;
    }
    for (Log* log : modules) update_ceiling(*log);
  }
  std::expected<void, std::string> open_file(const std::string& to);
  void add(Log& log) {
    std::lock_guard lock(mutex);
    modules.push_back(&log);
    log.levels_ = defaults;
    update_ceiling(log);
  }
  static void write(const Log& log, LogLevel level, std::string_view message);
  static void list_row(const Log& log, std::string& out);
  bool has_module(std::string_view name) const {
    return std::ranges::any_of(modules, [&](Log* l) { return name == l->module_; });
  }
  static void set_limits(Log& log, bool honored) { log.honor_limits_ = honored; }
  static std::string_view name_of(const Log& log) { return log.module_; }
};

namespace {
Log own_log("vlog");
}

Log::Log(const char* module) : module_(module), levels_{LogLevel::info, LogLevel::info, LogLevel::info}, ceiling_(LogLevel::info) {
  LogRegistry::get().add(*this);
}

void Log::write(LogLevel level, fmt::string_view format, fmt::format_args args) {
  int saved = errno;
  LogRegistry::write(*this, level, fmt::vformat(format, args));
  errno = saved;
}

void LogRegistry::write(const Log& log, LogLevel level, std::string_view message) {
  LogRegistry& r = get();
  std::lock_guard lock(r.mutex);
  LogLine line{.module = log.module_, .level = kLevelNames[static_cast<size_t>(level)], .message = message, .thread = thread_name,
               .number = ++r.lines, .priority = r.facility << 3 | kPriorities[static_cast<size_t>(level)], .wall_ms = r.now_ms(), .started_ms = r.started_ms};
  if (level <= log.levels_[static_cast<size_t>(LogTo::console)]) write_all(STDERR_FILENO, format_log_line(r.patterns[1], line) + "\n");
  if (level <= log.levels_[static_cast<size_t>(LogTo::file)] && r.file) write_all(r.file.get(), format_log_line(r.patterns[2], line) + "\n");
  if (level <= log.levels_[static_cast<size_t>(LogTo::syslog)] && !r.syslog_off) {
    ::syslog(line.priority, "%s", format_log_line(r.patterns[0], line).c_str());
  }
}

/// Generic cell rate algorithm: `rate` a minute with room for `burst` at once; what was left out is counted and told with the next line.
bool Log::allow(LogLevel level, LogLimit& limit) {
  if (!honor_limits_.load(std::memory_order_relaxed)) return true;
  timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  int64_t now = ts.tv_sec * 1'000'000'000 + ts.tv_nsec, interval = 60'000'000'000 / std::max(limit.rate_, 1u), room = interval * (std::max(limit.burst_, 1u) - 1);
  int64_t earliest = limit.earliest_ns_.load(std::memory_order_relaxed);
  if (earliest == 0) earliest = now - room;
  earliest = std::max(earliest, now - room);
  if (earliest > now) {
    if (limit.dropped_.fetch_add(1) == 0) limit.first_dropped_ns_ = now;
    limit.last_dropped_ns_ = now;
    return false;
  }
  limit.earliest_ns_ = earliest + interval;
  if (unsigned dropped = limit.dropped_.exchange(0)) {
    auto age = [&](int64_t then) { return static_cast<long>((now - then) / 1'000'000'000); };
    std::string text = fmt::format("Dropped {} log messages in last {} seconds (most recently, {} seconds ago) due to excessive rate", dropped,
                                   age(limit.first_dropped_ns_), age(limit.last_dropped_ns_));
    LogRegistry::write(*this, level, text);
  }
  return true;
}

std::expected<void, std::string> log_set(std::string_view spec) {
  LogRegistry& r = LogRegistry::get();
  std::unique_lock lock(r.mutex);
  if (spec.empty() || same_word(spec, "ANY")) {
    r.set_levels("", kDestinations, LogLevel::dbg);
    return {};
  }
  if (spec.size() > 8 && same_word(spec.substr(0, 8), "PATTERN:")) {
    std::string_view rest = spec.substr(8);
    size_t colon = rest.find(':');
    if (colon == std::string_view::npos) return std::unexpected("missing destination");
    std::string_view name = rest.substr(0, colon);
    if (same_word(name, "ANY")) {
      r.patterns.fill(std::string(rest.substr(colon + 1)));
      return {};
    }
    for (size_t d = 0; d < kDestinations; d++)
      if (same_word(name, kDestinationNames[d])) {
        r.patterns[d] = rest.substr(colon + 1);
        return {};
      }
    return std::unexpected(fmt::format("unknown destination \"{}\"", name));
  }
  if (spec.size() > 9 && same_word(spec.substr(0, 9), "FACILITY:")) {
    auto facility = std::ranges::find_if(kFacilities, [&](const Facility& f) { return same_word(spec.substr(9), f.name); });
    if (facility == std::end(kFacilities)) return std::unexpected("invalid facility");
    r.facility = facility->number;
    return {};
  }
  std::string module;
  bool foreign = false;
  size_t destination = kDestinations;
  std::optional<LogLevel> level;
  for (std::string_view word : split_words(spec, ",: \t")) {
    auto d = std::ranges::find_if(kDestinationNames, [&](auto n) { return same_word(word, n); });
    auto l = std::ranges::find_if(kLevelNames, [&](auto n) { return same_word(word, n); });
    if (same_word(word, "ANY")) continue;
    if (d != std::end(kDestinationNames)) destination = static_cast<size_t>(d - kDestinationNames);
    else if (l != std::end(kLevelNames)) level = static_cast<LogLevel>(l - kLevelNames);
    else if (r.has_module(word)) module = word;
    else if (is_foreign_log_module(word)) foreign = true;
    else return std::unexpected(fmt::format("no destination, level, or module \"{}\"", word));
  }
  if (!foreign) r.set_levels(module, destination, level.value_or(LogLevel::dbg));
  return {};
}

std::expected<void, std::string> LogRegistry::open_file(const std::string& to) {
  UniqueFd fd;
  if (!to.empty()) {
    fd.reset(open(to.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0660));
    if (!fd) return std::unexpected(fmt::format("failed to open {} for logging: {}", to, errno_text(errno)));
  }
  file = std::move(fd);
  if (!to.empty()) path = to;  // vlog/reopen opens again what vlog/close closed
  for (Log* log : modules) update_ceiling(*log);
  return {};
}

std::expected<void, std::string> log_set_file(const std::string& path) {
  LogRegistry& r = LogRegistry::get();
  {
    std::lock_guard lock(r.mutex);
    if (auto opened = r.open_file(path); !opened) return opened;
  }
  if (!path.empty()) own_log.info("opened log file {}", path);
  return {};
}

std::expected<void, std::string> log_reopen() {
  std::string path;
  {
    LogRegistry& r = LogRegistry::get();
    std::lock_guard lock(r.mutex);
    path = r.path;
  }
  if (path.empty()) return std::unexpected("Logging to file not configured");
  return log_set_file(path);
}

void log_set_syslog_method(std::string_view method) { LogRegistry::get().syslog_off = method == "null"; }
void log_set_syslog_target(std::string_view) {}
void log_set_clock(const Clock* clock) { LogRegistry::get().clock = clock; }
void log_set_thread_name(std::string_view name) { thread_name = name.empty() ? "" : fmt::format("({})", name); }

void log_init_tool() {
  LogRegistry& r = LogRegistry::get();
  std::lock_guard lock(r.mutex);
  r.set_levels("", static_cast<size_t>(LogTo::console), LogLevel::warn);
  r.set_levels("", static_cast<size_t>(LogTo::syslog), LogLevel::off);
}

void LogRegistry::list_row(const Log& log, std::string& out) {
  auto name = [&](LogTo to) { return kLevelNames[static_cast<size_t>(log.levels_[static_cast<size_t>(to)])]; };
  out += fmt::format("{:<16}  {:>4}       {:>4}       {:>4}{}\n", log.module_, name(LogTo::console), name(LogTo::syslog), name(LogTo::file),
                     log.honor_limits_ ? "" : "    (rate limiting disabled)");
}

std::string log_list() {
  LogRegistry& r = LogRegistry::get();
  std::lock_guard lock(r.mutex);
  std::string out = "                 console    syslog    file\n                 -------    ------    ------\n";
  auto sorted = r.modules;
  std::ranges::sort(sorted, {}, [](Log* l) { return LogRegistry::name_of(*l); });
  std::string_view last;
  for (Log* log : sorted) {
    if (LogRegistry::name_of(*log) == last) continue;  // a module of several files
    last = LogRegistry::name_of(*log);
    LogRegistry::list_row(*log, out);
  }
  return out;
}

std::string log_list_pattern() {
  LogRegistry& r = LogRegistry::get();
  std::lock_guard lock(r.mutex);
  return fmt::format("         prefix                            format\n         ------                            ------\n"
                     "SYSLOG   <%B> %D{{%h %e %T}} %E %A:          {}\nCONSOLE  none                              {}\nFILE     none                              {}\n",
                     r.patterns[0], r.patterns[1], r.patterns[2]);
}

namespace {

UnixctlText set_limits(UnixctlArgs modules, bool honored) {
  LogRegistry& r = LogRegistry::get();
  std::lock_guard lock(r.mutex);
  for (const std::string& m : modules)
    if (!same_word(m, "ANY") && !r.has_module(m) && !is_foreign_log_module(m)) return std::unexpected("unknown module");
  for (Log* log : r.modules)
    if (modules.empty() || std::ranges::any_of(modules, [&](auto& m) { return same_word(m, "ANY") || m == LogRegistry::name_of(*log); })) LogRegistry::set_limits(*log, honored);
  return "";
}

UnixctlText as_text(const std::expected<void, std::string>& done) { return done ? UnixctlText("") : std::unexpected(done.error()); }

}  // namespace

void log_add_commands(UnixctlServer& server) {
  server.add_text("vlog/set", "{spec | PATTERN:destination:pattern}", 0, INT_MAX, [](UnixctlArgs args) -> UnixctlText {
    if (args.empty()) return as_text(log_set("ANY:ANY:dbg"));
    for (const std::string& spec : args)
      if (auto done = log_set(spec); !done) return std::unexpected(done.error());
    return "";
  });
  server.add_text("vlog/list", "", 0, 0, [](UnixctlArgs) -> UnixctlText { return log_list(); });
  server.add_text("vlog/list-pattern", "", 0, 0, [](UnixctlArgs) -> UnixctlText { return log_list_pattern(); });
  server.add_text("vlog/enable-rate-limit", "[module]...", 0, INT_MAX, [](UnixctlArgs args) { return set_limits(args, true); });
  server.add_text("vlog/disable-rate-limit", "[module]...", 0, INT_MAX, [](UnixctlArgs args) { return set_limits(args, false); });
  server.add_text("vlog/reopen", "", 0, 0, [](UnixctlArgs) { return as_text(log_reopen()); });
  server.add_text("vlog/close", "", 0, 0, [](UnixctlArgs) { return as_text(log_set_file("")); });
  server.add_text("vlog/message", "text...", 1, INT_MAX, [](UnixctlArgs args) -> UnixctlText {
    own_log.info("{}", join(args, " "));
    return "";
  });
}

}  // namespace sluice

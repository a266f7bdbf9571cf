// SPDX-License-Identifier: Apache-2.0
// The daemon's commands for ovs-appctl (spec/unixctl.md).
#include <fmt/core.h>
#include <strings.h>

#include "dbserver/service.h"

namespace sluice::ovsdb {
namespace {

using Text = UnixctlText;
Text wrong(std::string text) { return std::unexpected(std::move(text)); }
constexpr std::string_view kManagedByFile = "databases and remotes are those of the configuration file: change it, then use \"ovsdb-server/reload\"";

std::string tlog_line(std::string_view database, std::string_view table, std::string_view logging) { return fmt::format("{:<15} {:<27} {}\n", database, table, logging); }

/// Answers when the last compaction of a command has ended.
struct Compactions {
  explicit Compactions(UnixctlReply r) : reply(std::move(r)) {}
  ~Compactions() {
    if (errors.empty()) reply.ok("");
    else reply.error(errors);
  }
  UnixctlReply reply;
  std::string errors;
};

}  // namespace

UnixctlText Service::set_transaction_log(const std::string& what, const std::string& state) {
  bool on = !strcasecmp(state.c_str(), "on");
  if (!on && strcasecmp(state.c_str(), "off")) return wrong("invalid command argument");
  size_t colon = what.find(':');
  if (colon == what.npos) return wrong("invalid DB:TABLE argument");
  HostedDatabase* db = server_.find(what.substr(0, colon));
  if (!db) return wrong("no such database");
  std::string table = what.substr(colon + 1);
  if (!db->db().find_table(table)) return wrong("no such table");
  db->log.set(table, on);
  return "";
}

/// For "memory/show".
void Service::measure_memory(std::map<std::string, uint64_t>& sizes) {
  sizes["backlog"] += remotes_.backlog();
  sizes["sessions"] += remotes_.session_count();
  for (auto& [name, db] : server_.databases()) {
    sizes["monitors"] += db->monitor_count();
    for (Table& t : db->db().tables()) {
      sizes["rows"] += t.size();
      sizes["cells"] += t.size() * (t.schema().columns.size() + 2);
    }
  }
}

void Service::add_commands(UnixctlServer& u) {
  server_.counters().add_commands(u);
  server_.counters().add_memory_source([this](std::map<std::string, uint64_t>& sizes) { measure_memory(sizes); });
  u.add_text("exit", "", 0, 0, [this](UnixctlArgs) -> Text {
    if (exit_) exit_();
    return "";
  });
  add_configuration_commands(u);
  add_database_commands(u);
  add_session_commands(u);
  standby_.add_commands(u);
}

/// What is done with databases that are open.
void Service::add_database_commands(UnixctlServer& u) {
  u.add("ovsdb-server/compact", "", 0, 1, [this](UnixctlArgs args, UnixctlReply reply) {
    if (HostedDatabase* db = args.empty() ? nullptr : server_.find(args[0]); db && db->reserved) return reply.error("cannot compact built-in databases");
    auto all = std::make_shared<Compactions>(std::move(reply));
    bool found = false;
    for (auto& [name, db] : server_.databases()) {
      if (args.empty() ? db->reserved : name != args[0]) continue;
      found = true;
      compact(*db, [all](const Status& s) {
        if (!s) all->errors += s.error().to_string() + "\n";
      });
    }
    if (!found && !args.empty()) all->errors = "no database by that name";
  });
  u.add_text("ovsdb-server/get-db-storage-status", "DB", 1, 1, [this](UnixctlArgs args) -> Text {
    HostedDatabase* db = server_.find(args[0]);
    if (!db) return wrong("Failed to find the database.");
    bool broken = db->journal() && db->journal()->needs_rewrite();
    return broken ? fmt::format("status: I/O error: {}\n", db->last_error()) : "status: ok\n";
  });
  u.add_text("ovsdb-server/perf-counters-clear", "", 0, 0, [](UnixctlArgs) -> Text { return ""; });
  u.add_text("ovsdb-server/perf-counters-show", "", 0, 0, [](UnixctlArgs) -> Text { return "performance counter is not supported on this platform\n"; });
  u.add_text("ovsdb-server/memory-trim-on-compaction", "on|off", 1, 1, [](UnixctlArgs args) -> Text {
    if (args[0] != "on" && args[0] != "off") return wrong("invalid argument");
    return "";
  });
  u.add_text("ovsdb-server/tlog-set", "DB:TABLE on|off", 2, 2, [this](UnixctlArgs args) { return set_transaction_log(args[0], args[1]); });
  u.add_text("ovsdb-server/tlog-list", "", 0, 0, [this](UnixctlArgs) -> Text {
    std::string out = tlog_line("database", "table", "logging") + tlog_line("--------", "-----", "-------");
    for (auto& [name, db] : server_.databases()) {
      out += fmt::format("{:<15}  \n", name);
      for (const TableSchema& t : db->db().schema().tables) out += tlog_line("", t.name, db->log.is_on(t.name) ? "ON" : "OFF");
    }
    return out;
  });
}

/// Which remotes and databases there are.
void Service::add_configuration_commands(UnixctlServer& u) {
  u.add_text("ovsdb-server/reload", "", 0, 0, [this](UnixctlArgs) -> Text {
    if (configuration_file_.empty()) return wrong("Configuration file was not specified on command line");
    if (auto s = reload(); !s) return wrong(s.error());
    return "";
  });
  u.add_text("ovsdb-server/add-remote", "REMOTE", 1, 1, [this](UnixctlArgs args) -> Text {
    if (!configuration_file_.empty()) return wrong(std::string(kManagedByFile));
    auto s = add_remote(args[0]);
    if (!s) return wrong(s.error());
    configured();
    return "";
  });
  u.add_text("ovsdb-server/remove-remote", "REMOTE", 1, 1, [this](UnixctlArgs args) -> Text {
    if (!configuration_file_.empty()) return wrong(std::string(kManagedByFile));
    if (!remove_remote(args[0])) return wrong("no such remote");
    configured();
    return "";
  });
  u.add_text("ovsdb-server/list-remotes", "", 0, 0, [this](UnixctlArgs) -> Text {
    std::string out;
    for (const auto& [r, options] : remote_specs_) out += r + "\n";
    return out;
  });
  u.add_text("ovsdb-server/add-db", "DB", 1, 1, [this](UnixctlArgs args) -> Text {
    if (!configuration_file_.empty()) return wrong(std::string(kManagedByFile));
    auto s = add_database(args[0]);
    if (!s) return wrong(s.error().to_string());
    configured();
    return "";
  });
  u.add_text("ovsdb-server/remove-db", "DB", 1, 1, [this](UnixctlArgs args) -> Text {
    if (!configuration_file_.empty()) return wrong(std::string(kManagedByFile));
    auto s = remove_database(args[0]);
    if (!s) return wrong(s.error().details);
    configured();
    return "";
  });
  u.add_text("ovsdb-server/list-dbs", "", 0, 0, [this](UnixctlArgs) -> Text {
    std::string out;
    for (const std::string& name : server_.names()) out += name + "\n";
    return out;
  });
}

/// Of connections: of clients, and of relays to their servers.
void Service::add_session_commands(UnixctlServer& u) {
  u.add_text("ovsdb-server/reconnect", "", 0, 0, [this](UnixctlArgs) -> Text {
    remotes_.reconnect("user ran ovsdb-server/reconnect");
    return "";
  });
  u.add_text("ovsdb-server/disable-monitor-cond", "", 0, 0, [this](UnixctlArgs) -> Text {
    server_.forbid_conditions();
    remotes_.reconnect("user ran ovsdb-server/disable-monitor-cond");
    return "";
  });
  u.add_text("ovsdb-server/set-relay-source-probe-interval", "MILLISECONDS", 1, 1, [this](UnixctlArgs args) -> Text {
    auto interval = parse_probe_interval(args[0]);
    if (!interval) return wrong(interval.error());
    relay_probe_interval_ = *interval;
    for (auto& [name, relay] : relays_) relay->set_probe_interval(*interval);
    return "";
  });
}

}  // namespace sluice::ovsdb

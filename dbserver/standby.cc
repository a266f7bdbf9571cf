// SPDX-License-Identifier: Apache-2.0
// One Source for each database, all of one active server.
#include "dbserver/standby.h"

#include <fmt/core.h>

#include "dbserver/server.h"
#include "lib/text.h"

namespace sluice::ovsdb {

std::expected<void, std::string> Standby::set_excluded(const std::string& text) {
  std::map<std::string, std::set<std::string>> excluded;
  std::string_view rest = text;
  while (!rest.empty()) {
    std::string_view word = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
    size_t colon = word.find(':');
    if (colon == word.npos || !colon || colon + 1 == word.size()) return std::unexpected(fmt::format("{}: invalid syntax, expected DB:TABLE", word));
    excluded[std::string(word.substr(0, colon))].emplace(word.substr(colon + 1));
  }
  bool changed = excluded != excluded_;
  excluded_ = std::move(excluded);
  return standby_ && changed ? connect() : std::expected<void, std::string>();
}

std::string Standby::excluded_text() const {
  std::vector<std::string> all;
  for (const auto& [db, tables] : excluded_)
    for (const std::string& t : tables) all.push_back(db + ":" + t);
  return join(all, ",");
}

std::expected<void, std::string> Standby::connect() {
  if (active_server_.empty()) return std::unexpected("Unable to connect: active server is not specified.\n");
  following_ = active_server_;
  sources_.clear();
  standby_ = true;
  server_.set_read_only(true);
  databases_changed_ = true;
  return {};
}

std::expected<void, std::string> Standby::follow(const std::string& server, const std::string& excluded, bool active) {
  bool wanted = !server.empty() && !active;
  auto before = excluded_;
  if (!wanted && standby_) disconnect();
  if (auto s = set_excluded(excluded); !s) return s;
  bool same = wanted && standby_ && following_ == server && before == excluded_;
  active_server_ = server;
  return wanted && !same ? connect() : std::expected<void, std::string>();
}

void Standby::disconnect() {
  sources_.clear();
  standby_ = false;
  server_.set_read_only(false);
}

void Standby::databases_changed() {
  databases_changed_ = true;
  std::erase_if(sources_, [&](const auto& s) { return !server_.find(s.first); });
}

/// Not before the daemon runs: who starts it in the background reads nothing of connections on its terminal.
void Standby::find_databases() {
  if (!standby_ || !std::exchange(databases_changed_, false)) return;
  auto targets = parse_remotes(following_, kOvsdbPort, run_dir_);
  if (!targets) return;
  for (auto& [name, db] : server_.databases()) {
    if (db->reserved || db->relay || sources_.contains(name)) continue;
    auto excluded = excluded_.find(name);
    if (excluded == excluded_.end()) excluded = excluded_.find(db->file);  // a configuration file knows databases by their files
    sources_.emplace(name, std::make_unique<Source>(loop_, server_, *db,
                                                    Source::Options{.use = Source::Use::standby,
                                                                    .targets = *targets,
                                                                    .tls = tls_,
                                                                    .probe_interval = probe_interval_,
                                                                    .excluded = excluded == excluded_.end() ? std::set<std::string>() : excluded->second}));
  }
}

void Standby::run() {
  find_databases();
  bool possible = sources_.empty();
  for (auto& [name, source] : sources_) {
    source->run();
    possible |= !source->is_impossible();
  }
  if (!possible) disconnect();
}

std::string Standby::status_text() const {
  if (!standby_) return "state: active\n";
  std::vector<std::string> live;
  for (const auto& [name, source] : sources_)
    if (source->is_live() && !source->is_impossible()) live.push_back(name);
  if (live.empty()) return fmt::format("state: backup\nconnecting: {}\n", following_);
  std::string excluded = excluded_text();
  return fmt::format("state: backup\nreplicating: {}\ndatabase: {}{}{}\n", following_, join(live, ", "), excluded.empty() ? "" : "\nexclude: ", excluded);
}

void Standby::add_commands(UnixctlServer& u) {
  using Text = UnixctlText;
  auto answer = [this](std::expected<void, std::string> s) -> Text {
    if (!s) return std::unexpected(s.error());
    changed_();
    return "";
  };
  u.add_text("ovsdb-server/set-active-ovsdb-server", "", 1, 1, [this, answer](UnixctlArgs args) -> Text {
    set_active_server(args[0]);  // which "connect-active-ovsdb-server" goes to
    return answer({});
  });
  u.add_text("ovsdb-server/get-active-ovsdb-server", "", 0, 0, [this](UnixctlArgs) -> Text { return active_server_; });
  u.add_text("ovsdb-server/connect-active-ovsdb-server", "", 0, 0, [this, answer](UnixctlArgs) -> Text {
    if (active_server_.empty()) return "Unable to connect: active server is not specified.\n";  // the peer does not count it as an error
    return answer(connect());
  });
  u.add_text("ovsdb-server/disconnect-active-ovsdb-server", "", 0, 0, [this, answer](UnixctlArgs) -> Text {
    disconnect();
    return answer({});
  });
  u.add_text("ovsdb-server/set-active-ovsdb-server-probe-interval", "", 1, 1, [this](UnixctlArgs args) -> Text {
    auto interval = parse_probe_interval(args[0]);
    if (!interval) return interval.error();  // likewise
    probe_interval_ = *interval;
    for (auto& [name, source] : sources_) source->set_probe_interval(probe_interval_);
    return "";
  });
  u.add_text("ovsdb-server/set-sync-exclude-tables", "", 1, 1, [this, answer](UnixctlArgs args) -> Text { return answer(set_excluded(args[0])); });
  u.add_text("ovsdb-server/get-sync-exclude-tables", "", 0, 0, [this](UnixctlArgs) -> Text { return excluded_text(); });
  u.add_text("ovsdb-server/sync-status", "", 0, 0, [this](UnixctlArgs) -> Text { return status_text(); });
}

}  // namespace sluice::ovsdb

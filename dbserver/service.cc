// SPDX-License-Identifier: Apache-2.0
// What happens in each iteration of the daemon, in order: journal and replies, remotes, status, compaction.
#include "dbserver/service.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>

#include "dbserver/configuration_file.h"
#include "lib/directories.h"
#include "lib/log.h"

namespace sluice::ovsdb {
namespace {

Log log_("ovsdb_server"), remotes_log_("ovsdb_jsonrpc_server");
constexpr std::string_view kRelayPrefix = "relay:";

/// What of the TLS configuration may be db:DB,TABLE,COLUMN.
template <typename Config>
auto tls_references(Config& c) {
  return std::array{&c.private_key, &c.certificate, &c.ca_cert, &c.protocols, &c.ciphers, &c.ciphersuites};
}

}  // namespace

Service::Service(Loop& loop, UuidSource& uuids, TlsConfig tls, std::string run_dir, std::string db_dir)
    : loop_(loop),
      uuids_(uuids),
      tls_wanted_(std::move(tls)),
      tls_(tls_wanted_),
      run_dir_(std::move(run_dir)),
      db_dir_(std::move(db_dir)),
      server_(uuids),
      remotes_(loop, server_, &tls_, run_dir_),
      standby_(loop, server_, &tls_, run_dir_, [this] { configured(); }) {
  server_.set_wall_ms(loop.clock().wall_ms());
}

Service::~Service() = default;

Status Service::add_database(const std::string& file) {
  if (file.starts_with(kRelayPrefix)) return add_relay(file);
  std::string path = resolve_path(db_dir_, file);
  for (auto& [name, db] : server_.databases()) {
    std::error_code unknown;
    if (!db->reserved && !db->relay && std::filesystem::equivalent(resolve_path(db_dir_, db->file), path, unknown))
      return fail("ovsdb error", fmt::format("{}: already open", file));
  }
  auto opened = open_database(path, uuids_, loop_.clock().wall_ms(), on_damage_);
  if (!opened) {
    // In the words of who asked: the file as it was named.
    DbError error = opened.error();
    if (error.details.starts_with(path)) error.details.replace(0, path.size(), file);
    return std::unexpected(std::move(error));
  }
  if (!opened->warning.empty()) log_.warn("{}", opened->warning);
  opened->journal->set_column_diff(column_diff_);
  opened->journal->writer().set_wake([this] { loop_.post([] {}); });
  if (auto s = server_.add_database(std::move(opened->db), std::move(opened->journal), file); !s) return s;
  standby_.databases_changed();
  return {};
}

std::expected<void, std::string> Service::configure_from(const std::string& file) {
  configuration_file_ = resolve_path(db_dir_, file);
  return reload();
}

std::expected<void, std::string> Service::reload() {
  auto wanted = read_configuration_file(configuration_file_);
  if (!wanted) return std::unexpected(wanted.error());
  return configure(*wanted);
}

void Service::configured() {
  stamp_.clear();
  if (!on_configured_) return;
  Configuration c;
  c.remotes = remote_specs_;
  for (auto& [name, db] : server_.databases())
    if (!db->reserved) c.databases.push_back(db->file);
  c.sync_from = standby_.active_server();
  c.sync_exclude = standby_.excluded_text();
  c.active = !standby_.is_standby();
  on_configured_(c);
}

/// relay:DB:REMOTES
Status Service::add_relay(const std::string& spec) {
  std::string_view rest = std::string_view(spec).substr(kRelayPrefix.size());
  size_t colon = rest.find(':');
  std::string name(rest.substr(0, colon));
  if (colon == rest.npos || name.empty()) return fail("ovsdb error", fmt::format("{}: invalid syntax, expected relay:DB:REMOTES", spec));
  auto targets = parse_remotes(rest.substr(colon + 1), kOvsdbPort, run_dir_);
  if (!targets) return fail("ovsdb error", fmt::format("{}: {}", spec, targets.error().text()));
  if (auto s = server_.add_database(empty_database(name, uuids_), nullptr, spec); !s) return s;
  HostedDatabase& db = *server_.find(name);
  Source::Options options{.use = Source::Use::relay, .targets = std::move(*targets), .tls = &tls_, .probe_interval = relay_probe_interval_, .excluded = {}};
  auto& source = relays_[name] = std::make_unique<Source>(loop_, server_, db, std::move(options));
  db.relay = source.get();
  server_.announce(db);
  return {};
}

Status Service::remove_database(const std::string& name) {
  if (HostedDatabase* db = server_.find(name); db && db->reserved) return fail("ovsdb error", "Cannot remove reserved database.");
  relays_.erase(name);
  if (server_.remove_database(name)) {
    standby_.databases_changed();
    return {};
  }
  return fail("ovsdb error", "Failed to find the database.");
}

std::expected<void, std::string> Service::add_remote(const std::string& remote) {
  if (is_db_reference(remote)) {
    auto ref = find_column(server_, remote);
    if (!ref) return std::unexpected(ref.error());
  }
  remote_specs_.emplace(remote, RemoteOptions{});
  return {};
}

bool Service::remove_remote(const std::string& remote) {
  return remote_specs_.erase(remote) > 0;
}

std::expected<void, std::string> Service::configure(const Configuration& wanted) {
  auto is_wanted = [&](const std::string& file) { return std::find(wanted.databases.begin(), wanted.databases.end(), file) != wanted.databases.end(); };
  std::vector<std::string> gone;
  std::set<std::string> there;
  for (auto& [name, db] : server_.databases()) {
    if (db->reserved) continue;
    if (is_wanted(db->file)) there.insert(db->file);
    else gone.push_back(name);
  }
  for (const std::string& name : gone) (void)remove_database(name);
  for (const std::string& file : wanted.databases)
    if (there.insert(file).second)  // one that is named twice is one
      if (auto s = add_database(file); !s) return std::unexpected(s.error().to_string());
  for (const auto& [remote, options] : wanted.remotes)
    if (auto s = add_remote(remote); !s) return s;
  remote_specs_ = wanted.remotes;
  stamp_.clear();
  if (auto s = standby_.follow(wanted.sync_from, wanted.sync_exclude, wanted.active); !s) return s;
  for (const std::string* file : tls_references(tls_wanted_)) {
    if (!is_db_reference(*file)) continue;
    auto ref = find_column(server_, *file);
    if (!ref) return std::unexpected(ref.error());
    const ColumnType& type = ref->column->type;
    if (type.key.type != AtomType::string || type.is_map())
      return std::unexpected(fmt::format("\"{}\": table \"{}\" column \"{}\" is not string or set of strings", *file, ref->table->schema().name, ref->column->name));
  }
  return {};
}

std::map<std::string, std::string> Service::start() {
  started_ = true;
  server_.run(loop_.now(), loop_.clock().wall_ms());
  update_remotes();
  next_status_ = loop_.now();
  next_compaction_check_ = loop_.now() + kCompactionCheckInterval;
  runner_ = loop_.add_runner("ovsdb", [this](Time now) { run(now); }, [this] { return deadline(); });
  return remotes_.errors();
}

bool Service::has_contents() const {
  return std::all_of(relays_.begin(), relays_.end(), [](const auto& r) { return r.second->has_contents(); });
}

void Service::run(Time now) {
  int64_t wall = loop_.clock().wall_ms();
  for (auto& [name, relay] : relays_) relay->run();
  standby_.run();
  server_.run(now, wall);
  server_.counters().run(now);
  // What could not be opened is tried again: a port that another program has, an address that the machine does not have yet.
  bool again = now >= next_status_ && !remotes_.errors().empty();
  if (configuration_stamp() != stamp_ || again) {
    auto before = remotes_.errors();
    update_remotes();
    for (const auto& e : remotes_.errors())
      if (!before.contains(e.first) || before[e.first] != e.second) remotes_log_.err("{}: listen failed: {}", e.first, e.second);
  }
  if (now >= next_status_) {
    next_status_ = now + kStatusInterval;
    for (const auto& [spec, options] : remote_specs_)
      if (is_db_reference(spec)) write_remote_status(server_, spec, remotes_, now, wall);
    server_.run(now, wall);
  }
  if (now >= next_compaction_check_) {
    next_compaction_check_ = now + kCompactionCheckInterval;
    for (auto& [name, db] : server_.databases())
      if (db->journal() && db->journal()->wants_compaction(wall))
        compact(*db, [](const Status& s) {
          if (!s) log_.warn("{}", s.error().to_string());
        });
  }
}

Time Service::deadline() const { return std::min({server_.deadline(), server_.counters().deadline(), next_status_, next_compaction_check_}); }

/// Changes whenever something that names remotes or TLS files may have changed.
std::vector<uint64_t> Service::configuration_stamp() {
  std::vector<uint64_t> stamp{remote_specs_.size()};
  auto add = [&](const std::string& text) {
    if (!is_db_reference(text)) return;
    auto ref = find_column(server_, text);
    if (!ref) return stamp.push_back(0);
    stamp.push_back(ref->db->generation());
    stamp.push_back(ref->db->table_changed(ref->table->schema().index));
    const BaseType& base = ref->column->type.key;
    if (base.is_reference()) stamp.push_back(ref->db->table_changed(ref->db->db().find_table(base.ref_table)->schema().index));
  };
  for (const auto& [spec, options] : remote_specs_) add(spec);
  for (const std::string* file : tls_references(tls_wanted_)) add(*file);
  return stamp;
}

void Service::update_remotes() {
  update_tls();
  RemoteMap wanted;
  for (const auto& [spec, options] : remote_specs_) {
    if (is_db_reference(spec)) read_db_remotes(server_, spec, wanted);
    else wanted.emplace(spec, options);
  }
  stamp_ = configuration_stamp();
  remotes_.set(wanted);
}

void Service::update_tls() {
  TlsConfig now = tls_wanted_;
  for (std::string* file : tls_references(now))
    if (is_db_reference(*file)) *file = read_db_string(server_, *file);
  if (!(now == tls_.config())) tls_.set_config(now);
}

void Service::compact(HostedDatabase& db, std::move_only_function<void(const Status&)> done) {
  if (!db.journal()) return done({});
  if (db.is_compacting()) return done(fail("not allowed", fmt::format("{}: a compaction is going on", db.name())));
  uint64_t before = db.journal()->size();
  db.compact("compacting database online", [&db, before, done = std::move(done)](const IoStatus& status) mutable {
    if (!status) return done(std::unexpected(DbError{"I/O error", status.error().what, {}, status.error().text()}));
    log_.info("{}: compacted database from {} to {} bytes", db.name(), before, db.journal()->size());
    done({});
  });
  db.flush(loop_.now(), loop_.clock().wall_ms());
}

}  // namespace sluice::ovsdb

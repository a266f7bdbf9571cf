// SPDX-License-Identifier: Apache-2.0
// The conversation of a replica with a server; the rows are in replica_tables.cc.
//
// One connection: ask_server_database() -> on_server_row() -> learn_schema() -> start_monitor() -> contents; each step is the handler of the reply
// to the step before.  An error that means "I do not know this method" leads to the older way.
#include "dbserver/ovsdb/replica.h"

#include <fmt/core.h>

#include <deque>

#include "dbserver/ovsdb/replica_tables.h"
#include "lib/jsonrpc.h"

namespace sluice::ovsdb {
namespace {

constexpr std::string_view kServerDatabase = "_Server", kZeroId = "00000000-0000-0000-0000-000000000000";
constexpr std::string_view kMethods[] = {"monitor_cond_since", "monitor_cond", "monitor"};

struct Pending {
  ClientTransaction txn;
  Replica::Done done;
};
struct Finished {
  ClientTransaction txn;
  Replica::Done done;
  CommitOutcome outcome;
};


}  // namespace

struct Replica::Impl {
  Impl(Loop& l, std::vector<Target> targets, Options o, Handlers h, UuidSource& u)
      : loop(l),
        options(std::move(o)),
        handlers(std::move(h)),
        uuids(u),
        one_target(targets.size() == 1),
        deferred(l, [this] { finish_all(); }, "replica commits"),
        connector(l, std::move(targets), options.connector,
                  {[this](Connection& c) { connected(c); }, [this](std::string_view) { disconnected(); }, [this](Connection&) { probe(); },
                   [this](std::string_view line) { log(line); }}) {}

  ~Impl() { session.reset(); }  // before its connection, which the connector owns

  using ReplyHandler = std::function<void(const Json& result, const Json& error)>;
  void log(std::string_view line) {
    if (handlers.log) handlers.log(line);
  }
  void probe() {
    if (session) session->send_probe();
  }
  void give_up(std::string why) {
    log(fmt::format("{}: {}", connector.target().text, why));
    connector.next_target(std::move(why));
  }
  void send(std::string_view method, const Json& params, ReplyHandler handler) { replies.emplace(session->request(method, params), std::move(handler)); }

  void connected(Connection& c);
  void disconnected();
  void on_reply(const Json& id, const Json& result, const Json& error);
  void on_notification(std::string_view method, const Json& params);

  void ask_server_database();
  bool on_server_row(const Json& updates);  // false: not this server
  void ask_schema();
  void learn_schema(const Json& schema);
  void start_monitor();
  void on_contents(const Json& result);
  void on_update(const Json& id, const Json* txn_id, const Json& updates, MonitorKind kind);
  void ask_lock();
  void set_lock(bool mine);

  void changed();
  void finish_later(ClientTransaction txn, Done done, CommitOutcome outcome);
  void finish_all();
  Json monitor_id() const { return Json::array({"monid", options.database}); }
  Json server_monitor_id() const { return Json::array({"monid", kServerDatabase}); }

  Loop& loop;
  Options options;
  Handlers handlers;
  UuidSource& uuids;
  const bool one_target;
  JsonArena arena;
  ReplicaTables tables{uuids};
  std::shared_ptr<const DatabaseSchema> server_schema;
  std::string last_txn_id{kZeroId}, schema_text;
  MonitorKind kind = MonitorKind::since;
  uint64_t seqno = 0;
  bool contents = false, live = false, server_followed = false, awaiting_storage = false, monitoring = false, has_lock = false, contended = false;
  boost::unordered_flat_map<int64_t, ReplyHandler> replies;
  boost::unordered_flat_map<int64_t, Pending> pending;
  boost::unordered_flat_map<int64_t, Reply> requests;  // of the user
  std::deque<Finished> finished;
  std::unique_ptr<JsonRpcSession> session;
  Deferred deferred;
  Connector connector;  // last: its callbacks use all the rest
};

void Replica::Impl::connected(Connection& c) {
  JsonRpcSession::Handlers h;
  h.on_notification = [this](std::string_view method, const Json& params) { on_notification(method, params); };
  h.on_reply = [this](const Json& id, const Json& result, const Json& error) { on_reply(id, result, error); };
  session = std::make_unique<JsonRpcSession>(c, arena, std::move(h));
  kind = MonitorKind::since;
  server_followed = monitoring = awaiting_storage = false;
  ask_lock();
  ask_server_database();
}

void Replica::Impl::disconnected() {
  session.reset();
  replies.clear();
  live = false;
  set_lock(false);
  auto lost = std::exchange(pending, {});
  for (auto& [id, p] : lost) finish_later(std::move(p.txn), std::move(p.done), {CommitStatus::try_again, "connection lost"});
  auto unanswered = std::exchange(requests, {});
  for (auto& [id, reply] : unanswered) reply(Json(), Json("canceled"));
}

void Replica::Impl::on_reply(const Json& id, const Json& result, const Json& error) {
  if (auto it = pending.find(id.integer()); it != pending.end()) {
    Pending p = std::move(it->second);
    pending.erase(it);
    CommitOutcome outcome = p.txn.decode(result, error);
    p.done(p.txn, outcome);
    return;
  }
  if (auto it = requests.find(id.integer()); it != requests.end()) {
    Reply reply = std::move(it->second);
    requests.erase(it);
    return reply(result, error);
  }
  auto it = replies.find(id.integer());
  if (it == replies.end() || !id.is_integer()) return session->connection().fail("received unexpected reply");
  ReplyHandler handler = std::move(it->second);
  replies.erase(it);
  handler(result, error);
}

void Replica::Impl::on_notification(std::string_view method, const Json& params) {
  if (method == "update3" && params.size() == 3) {
    on_update(params[0], &params[1], params[2], MonitorKind::since);
  } else if (method == "update2" && params.size() == 2) {
    on_update(params[0], nullptr, params[1], MonitorKind::cond);
  } else if (method == "update" && params.size() == 2) {
    on_update(params[0], nullptr, params[1], MonitorKind::plain);
  } else if (method == "monitor_canceled" && params[0] == monitor_id()) {
    give_up("the database was removed or converted");
  } else if (method == "locked" || method == "stolen") {
    if (params[0].string() == options.lock) set_lock(method == "locked");
  }
}

void Replica::Impl::ask_server_database() {
  Json columns = Json::array({"name", "model", "connected", "leader", "schema"});
  Json where = Json::array({Json::array({"name", "==", options.database})});
  Json request = Json::array({Json::object({{"columns", std::move(columns)}, {"where", std::move(where)}})});
  send("monitor_cond", Json::array({kServerDatabase, server_monitor_id(), Json::object({{"Database", std::move(request)}})}),
       [this](const Json& result, const Json& error) {
         if (!error.is_null()) return ask_schema();  // a server without _Server
         server_followed = true;
         send("set_db_change_aware", Json::array({true}), [](const Json&, const Json&) {});
         if (!on_server_row(result)) return;
         if (schema_text.empty()) return ask_schema();
         auto schema = Json::parse(schema_text);
         if (!schema) return give_up("cannot parse the schema: " + schema.error().text);
         learn_schema(*schema);
       });
}

bool Replica::Impl::on_server_row(const Json& updates) {
  const Json& rows = updates.get("Database");
  if (!rows.size()) {
    give_up(fmt::format("server does not have {} database", options.database));
    return false;
  }
  const JsonMember& m = rows.members()[0];
  const Json* row = m.value.find("initial");
  if (!row) row = m.value.find("insert");
  if (!row) {
    const Json& difference = m.value.get("modify");
    if (awaiting_storage && !m.value.find("delete")) {
      if (!difference.get("connected").boolean()) return false;
      awaiting_storage = false;
      ask_schema();
      return true;
    }
    // A change of the followed row.  Of what matters, only a new connection starts afresh.
    bool matters = m.value.find("delete") || difference.find("schema") || difference.find("connected") || difference.find("leader");
    if (matters) give_up("the database changed on the server");
    return !matters;
  }
  bool connected = row->get("connected").boolean(), leader = row->get("leader").boolean();
  bool clustered = row->get("model").string() == "clustered";
  if (!connected) {
    std::string why = fmt::format("{} database server is disconnected from its storage", options.database);
    awaiting_storage = one_target;  // nobody else to ask: its row says when (a relay of a relay that has just started)
    if (awaiting_storage) log(fmt::format("{}: {}; waiting", connector.target().text, why));
    else give_up(std::move(why));
    return false;
  }
  if (clustered && options.leader_only && !leader) {
    give_up("clustered database server is not cluster leader; trying another server");
    return false;
  }
  schema_text = row->get("schema").string();
  return true;
}

void Replica::Impl::ask_schema() {
  send("get_schema", Json::array({options.database}), [this](const Json& result, const Json& error) {
    if (!error.is_null()) return give_up("get_schema failed: " + error.to_string());
    learn_schema(result);
  });
}

void Replica::Impl::learn_schema(const Json& j) {
  auto schema = DatabaseSchema::from_json(j);
  if (!schema) return give_up("cannot parse the schema: " + schema.error().to_string());
  // The same schema again keeps its object, and so the rows.
  if (!server_schema || !(server_schema->to_json() == (*schema)->to_json())) server_schema = *schema;
  auto ours = options.schema ? options.schema : server_schema;
  if (ours != tables.schema()) last_txn_id = kZeroId;
  tables.configure(ours, *server_schema, options.select ? options.select(*ours) : std::vector<TableSelection>());
  start_monitor();
}

void Replica::Impl::start_monitor() {
  Json params = Json::array({options.database, monitor_id(), tables.monitor_requests(kind)});
  if (kind == MonitorKind::since) params.push_back(last_txn_id);
  send(kMethods[static_cast<size_t>(kind)], params, [this](const Json& result, const Json& error) {
    if (error.is_null()) return on_contents(result);
    if (kind == MonitorKind::plain || error.string() != "unknown method") return give_up("monitor failed: " + error.to_string());
    kind = static_cast<MonitorKind>(static_cast<int>(kind) + 1);
    start_monitor();
  });
}

void Replica::Impl::on_contents(const Json& result) {
  bool found = kind == MonitorKind::since && result[0].boolean();
  const Json& updates = kind == MonitorKind::since ? result[2] : result;
  if (kind == MonitorKind::since && result[1].is_string()) last_txn_id = result[1].string();
  if (found)
    tables.apply(updates, kind);
  else
    tables.replace(updates, kind);
  monitoring = contents = live = true;
  tables.take_alert();
  seqno++;
  changed();
}

void Replica::Impl::on_update(const Json& id, const Json* txn_id, const Json& updates, MonitorKind update_kind) {
  if (server_followed && id == server_monitor_id()) {
    on_server_row(updates);
    return;
  }
  if (!monitoring || id != monitor_id()) return;
  if (txn_id && txn_id->is_string()) last_txn_id = txn_id->string();
  tables.apply(updates, update_kind);
  if (std::string problem = tables.take_problem(); !problem.empty()) log("update with an unusable value: " + problem);
  if (!tables.take_alert()) return;
  seqno++;
  changed();
}

void Replica::Impl::ask_lock() {
  if (options.lock.empty()) return;
  send("lock", Json::array({options.lock}), [this](const Json& result, const Json& error) {
    if (error.is_null()) set_lock(result.get("locked").boolean());
    contended = session && !has_lock;
  });
}

void Replica::Impl::set_lock(bool mine) {
  contended = session && !mine;
  if (mine == has_lock) return;
  has_lock = mine;
  if (handlers.on_lock) handlers.on_lock(mine);
}

void Replica::Impl::changed() {
  if (handlers.on_change) handlers.on_change();
}

void Replica::Impl::finish_later(ClientTransaction txn, Done done, CommitOutcome outcome) {
  finished.push_back({std::move(txn), std::move(done), std::move(outcome)});
  deferred.schedule();
}

void Replica::Impl::finish_all() {
  auto batch = std::exchange(finished, {});
  for (Finished& f : batch) f.done(f.txn, f.outcome);
}

Replica::Replica(Loop& loop, std::vector<Target> targets, Options options, Handlers handlers, UuidSource& uuids)
    : impl_(std::make_unique<Impl>(loop, std::move(targets), std::move(options), std::move(handlers), uuids)) {
  // Known before the first connection, so that rows() of an empty replica can be asked for.
  if (impl_->options.schema) impl_->tables.configure(impl_->options.schema, *impl_->options.schema, {});
}
Replica::~Replica() = default;

bool Replica::has_contents() const { return impl_->contents; }
bool Replica::is_live() const { return impl_->live; }
bool Replica::has_lock() const { return impl_->has_lock; }
bool Replica::lock_contended() const { return impl_->contended; }
uint64_t Replica::seqno() const { return impl_->seqno; }
const DatabaseSchema* Replica::schema() const { return impl_->tables.schema().get(); }
std::shared_ptr<const DatabaseSchema> Replica::shared_schema() const { return impl_->tables.schema(); }
const DatabaseSchema* Replica::server_schema() const { return impl_->server_schema.get(); }
Connector& Replica::connector() { return impl_->connector; }
const Replica::Rows& Replica::rows(const TableSchema& t) const { return impl_->tables.rows(t); }
RowPtr Replica::row(const TableSchema& t, const Uuid& uuid) const { return impl_->tables.row(t, uuid); }
RowPtr Replica::find(const TableSchema& t, const ColumnSchema& c, AtomRef value) const { return impl_->tables.find(t, c, value); }
std::vector<ReplicaChange> Replica::take_changes() { return impl_->tables.take_changes(); }
bool Replica::has_changes() const { return impl_->tables.has_changes(); }
Uuid Replica::last_transaction() const { return parse_uuid(impl_->last_txn_id).value_or(Uuid{}); }

void Replica::request(std::string_view method, const Json& params, Reply reply) {
  if (!impl_->session) return reply(Json(), Json("canceled"));
  impl_->requests.emplace(impl_->session->request(method, params), std::move(reply));
}

size_t Replica::commits_in_flight() const { return impl_->pending.size() + impl_->finished.size(); }

void Replica::set_condition(std::string_view table, Json where) {
  Impl& i = *impl_;
  i.tables.set_condition(table, where);
  i.last_txn_id = kZeroId;  // its history belongs to the old conditions
  if (!i.monitoring || !i.session || i.kind == MonitorKind::plain) return;
  Json request = Json::object({{"where", where.is_null() ? Json::array({true}) : std::move(where)}});
  Json tables = Json::object({{table, Json::array({std::move(request)})}});
  i.send("monitor_cond_change", Json::array({i.monitor_id(), i.monitor_id(), std::move(tables)}), [&i](const Json&, const Json& error) {
    if (!error.is_null()) i.log("monitor_cond_change failed: " + error.to_string());
  });
}

ClientTransaction Replica::transaction() {
  Impl* i = impl_.get();
  ClientTransaction txn(
      i->tables.schema(), [i](const TableSchema& t, const Uuid& row, const ColumnSchema& c) { return i->tables.value(t, row, c); }, i->uuids);
  txn.set_supported([i](const TableSchema& t, const ColumnSchema* c) { return i->tables.supported(t, c); });
  if (!i->options.lock.empty()) txn.assert_lock(i->options.lock);
  return txn;
}

void Replica::commit(ClientTransaction txn, Done done) {
  Impl& i = *impl_;
  if (txn.empty()) return i.finish_later(std::move(txn), std::move(done), {CommitStatus::unchanged, {}});
  if (!i.session || !i.live) return i.finish_later(std::move(txn), std::move(done), {CommitStatus::try_again, "not connected"});
  if (!i.options.lock.empty() && !i.has_lock) return i.finish_later(std::move(txn), std::move(done), {CommitStatus::not_locked, {}});
  int64_t id = i.session->request("transact", txn.params());
  i.pending.emplace(id, Pending{std::move(txn), std::move(done)});
}

}  // namespace sluice::ovsdb

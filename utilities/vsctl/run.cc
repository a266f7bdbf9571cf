// SPDX-License-Identifier: Apache-2.0
// One transaction, from commands to exit status.
#include "utilities/vsctl/run.h"

#include <fmt/core.h>

#include "utilities/vsctl/model.h"

namespace sluice::vsctl {
namespace {

constexpr std::string_view kDatabase = "Open_vSwitch";

Json call(Link& link, std::string_view method, const Json& params) {
  auto result = link.call(method, params);
  if (result) return std::move(*result);
  throw Failure{result.error().error ? fmt::format("{} failed: {}", method, result.error().error->to_string()) : result.error().text};
}

std::shared_ptr<const ovsdb::DatabaseSchema> fetch_schema(Link& link) {
  auto schema = ovsdb::DatabaseSchema::from_json(call(link, "get_schema", Json::array({kDatabase})));
  if (!schema) throw Failure{"cannot parse the schema: " + schema.error().to_string()};
  return *schema;
}

/// "\n" and "\\" for the output of --oneline.
std::string one_line(std::string_view s) {
  std::string out;
  if (s.ends_with('\n')) s.remove_suffix(1);
  for (char c : s) out += c == '\n' ? "\\n" : c == '\\' ? "\\\\" : std::string(1, c);
  return out + '\n';
}

class Run {
 public:
  Run(std::span<const Command> commands, const RunOptions& options, Link& link, UuidSource& uuids)
      : commands_(commands), options_(options), link_(link), uuids_(uuids), view_(link, fetch_schema(link), uuids) {}

  void go(RunResult& result) {
    while (!attempt(result)) {
    }
    print(result);
    if (committed_ && options_.wait && next_cfg_) {
      wait_for_switch();
      report_interfaces(result);
    }
  }

 private:
  /// False: once more.
  bool attempt(RunResult& result) {
    view_.restart();
    outputs_.clear();
    new_interfaces_.clear();
    result.warnings.clear();
    bool again = false;
    std::set<std::string> waits_for;
    ovsdb::SymbolTable symbols(uuids_);
    if (!options_.comment.empty()) view_.txn().comment(options_.comment);
    for (const Command& c : commands_) {
      Context ctx{view_, c, symbols, outputs_.emplace_back(), result.warnings, new_interfaces_, again, waits_for, commands_.size() == 1};
      c.spec->run(ctx);
      if (again) {
        wait_for_change(waits_for);
        return false;
      }
    }
    check_symbols(symbols, result);
    return commit(result);
  }

  void check_symbols(const ovsdb::SymbolTable& symbols, RunResult& result) {
    for (const std::string& name : symbols.undefined())
      throw Failure{fmt::format("row id \"{}\" is referenced but never created (e.g. with \"-- --id={} create ...\")", name, name)};
    for (const auto& command : commands_) {
      auto id = command.options.find("--id");
      if (id == command.options.end() || command.spec->name != "create") continue;
      const auto* symbol = symbols.find(id->second);
      const Output& output = outputs_[static_cast<size_t>(&command - commands_.data())];
      if (!symbol || output.created->table->is_root) continue;
      int references = view_.txn().references_to(symbol->uuid);
      if (references == 0)
        result.warnings.push_back(fmt::format(
            "vsctl|WARN|row id \"{}\" was created but no reference to it was inserted, so it will not actually appear in the database", id->second));
      else if (references == 1)
        result.warnings.push_back(fmt::format(
            "vsctl|WARN|row id \"{}\" was created but only a weak reference to it was inserted, so it will not actually appear in the database", id->second));
    }
  }

  bool commit(RunResult& result) {
    ClientTransaction& txn = view_.txn();
    if (txn.empty() || options_.dry_run) return true;
    if (options_.wait) {
      RowId r = root(view_);
      if (!txn.is_inserted(r.uuid)) txn.increment(*r.table, r.uuid, view_.column(*r.table, "next_cfg"));
    }
    auto reply = link_.call("transact", txn.params());
    if (!reply && !reply.error().error) throw Failure{reply.error().text};
    ovsdb::CommitOutcome outcome = reply ? txn.decode(*reply, {}) : txn.decode({}, *reply.error().error);
    if (outcome.status == ovsdb::CommitStatus::try_again) return false;
    if (!outcome.ok()) {
      std::string why = fmt::format("transaction error: {}", outcome.error_text);
      result.warnings.push_back("ovsdb_idl|WARN|" + why);
      throw Failure{why};
    }
    committed_ = true;
    next_cfg_ = txn.incremented();
    return true;
  }

  /// Until any row of these tables has changed.  The monitor starts before the second look, so that nothing is missed between the looks.
  void wait_for_change(const std::set<std::string>& tables) {
    if (std::exchange(monitoring_, true)) {
      auto n = link_.next_notification();
      if (!n) throw Failure{n.error()};
      return;
    }
    Json requests = Json::object();
    for (const std::string& t : tables) requests.set(t, Json::array({Json::object({{"select", Json::object({{"initial", false}})}})}));
    call(link_, "monitor", Json::array({kDatabase, "change", std::move(requests)}));
  }

  void wait_for_switch() {
    Json columns = Json::object({{"columns", Json::array({"cur_cfg"})}});
    Json state = call(link_, "monitor", Json::array({kDatabase, "cfg", Json::object({{"Open_vSwitch", Json::array({std::move(columns)})}})}));
    for (;;) {
      for (const JsonMember& row : state.get("Open_vSwitch").members())
        if (row.value.get("new").get("cur_cfg").integer() >= *next_cfg_) return;
      auto n = link_.next_notification();
      if (!n) throw Failure{n.error()};
      if (n->first == "update") state = n->second[1];
    }
  }

  void report_interfaces(RunResult& result) {
    if (new_interfaces_.empty()) return;
    ClientTransaction& txn = view_.txn();
    std::vector<Uuid> real;
    for (const RowId& i : new_interfaces_)
      if (auto u = txn.real_uuid(i.uuid)) real.push_back(*u);
    view_.restart();
    const TableSchema& t = view_.table("Interface");
    view_.load(t, real, {"name", "ofport", "error"});
    for (const Uuid& u : real) {
      RowId row{&t, u};
      if (!view_.exists(t, u)) continue;
      Datum ofport = view_.get(row, "ofport"), error = view_.get(row, "error");
      if (!ofport.empty() && ofport.ref().integer() >= 0) continue;
      std::string why = error.empty() ? "" : fmt::format(": {}", error.ref().string());
      result.err += fmt::format("Error detected while setting up '{}'{}.  See ovs-vswitchd log for details.\n", view_.get_string(row, "name"), why);
    }
    if (result.err.empty()) return;
    result.err += fmt::format("The default log directory is \"{}\".\n", options_.log_directory);
    result.exit_status = kSetupFailed;
  }

  void print(RunResult& result) {
    bool first_table = true;
    for (Output& o : outputs_) {
      if (o.created) {
        auto real = view_.txn().real_uuid(o.created->uuid);
        o.text = format(real ? *real : o.created->uuid) + "\n";
      }
      if (o.table) {
        result.out += o.table->format(options_.style, std::exchange(first_table, false));
      } else if (options_.oneline) {
        result.out += one_line(o.text);
      } else {
        result.out += o.text;
      }
    }
  }

  std::span<const Command> commands_;
  const RunOptions& options_;
  Link& link_;
  UuidSource& uuids_;
  View view_;
  std::vector<Output> outputs_;
  std::vector<RowId> new_interfaces_;
  std::optional<int64_t> next_cfg_;
  bool committed_ = false, monitoring_ = false;
};

}  // namespace

RunResult run(std::span<const Command> commands, const RunOptions& options, Link link, UuidSource& uuids) {
  RunResult result;
  try {
    Run(commands, options, link, uuids).go(result);
  } catch (const Failure& f) {
    if (!f.text.empty()) result.err += f.text + "\n";
    result.exit_status = f.exit_status;
  }
  return result;
}

}  // namespace sluice::vsctl

// SPDX-License-Identifier: Apache-2.0
// Reading remotes from tables such as Manager, and writing their status back.
#include "dbserver/db_config.h"

#include <fmt/core.h>

#include <charconv>

#include "dbserver/ovsdb/value_json.h"

namespace sluice::ovsdb {
namespace {

std::vector<std::string> split_three(std::string_view s) {
  std::vector<std::string> parts;
  while (true) {
    size_t comma = s.find(',');
    parts.emplace_back(s.substr(0, comma));
    if (comma == s.npos) return parts;
    s.remove_prefix(comma + 1);
  }
}

/// The value of an optional column, or an empty view if the table does not have it with that type.
DatumRef get(const Table& t, const Row& row, std::string_view name, AtomType key, AtomType value = AtomType::none) {
  const ColumnSchema* c = t.schema().find(name);
  if (!c || c->type.key.type != key || c->type.value.type != value) return {};
  return row.get(*c);
}

RemoteOptions read_options(const Table& t, const Row& row) {
  RemoteOptions o;
  if (DatumRef d = get(t, row, "max_backoff", AtomType::integer); !d.empty()) o.max_backoff = milliseconds(d.integer());
  if (DatumRef d = get(t, row, "inactivity_probe", AtomType::integer); !d.empty()) o.probe_interval = milliseconds(d.integer());
  if (DatumRef d = get(t, row, "read_only", AtomType::boolean); !d.empty()) o.read_only = d.boolean();
  if (DatumRef d = get(t, row, "role", AtomType::string); !d.empty()) o.role = d.string();
  std::string_view dscp = get(t, row, "other_config", AtomType::string, AtomType::string).get("dscp", "");
  int value = 0;
  if (std::from_chars(dscp.data(), dscp.data() + dscp.size(), value).ec == std::errc() && value >= 0 && value <= 63) o.dscp = value;
  return o;
}

/// Calls fn(table, row) for each row that the reference's column points to, if it is a reference column.
template <typename Fn>
void for_each_remote_row(const ColumnReference& ref, Fn fn) {
  const BaseType& base = ref.column->type.key;
  if (base.type != AtomType::uuid || !base.is_reference()) return;
  Table* target = ref.db->db().find_table(base.ref_table);
  for (const RowPtr& row : *ref.table) {
    DatumRef d = row->get(*ref.column);
    for (size_t i = 0, n = d.size(); i < n; i++)
      if (const RowPtr* remote = target->find(d.key(i).uuid())) fn(*target, *remote);
  }
}

}  // namespace

bool is_db_reference(std::string_view text) { return text.starts_with("db:"); }

std::expected<ColumnReference, std::string> find_column(Server& server, const std::string& text) {
  auto parts = split_three(std::string_view(text).substr(3));
  if (parts.size() != 3) return std::unexpected(fmt::format("\"{}\": invalid syntax", text));
  HostedDatabase* db = server.find(parts[0]);
  if (!db) return std::unexpected(fmt::format("\"{}\": no database named {}", text, parts[0]));
  Table* table = db->db().find_table(parts[1]);
  if (!table) return std::unexpected(fmt::format("\"{}\": no table named {}", text, parts[1]));
  const ColumnSchema* column = table->schema().find(parts[2]);
  if (!column) return std::unexpected(fmt::format("\"{}\": table \"{}\" has no column \"{}\"", text, parts[1], parts[2]));
  return ColumnReference{db, table, column};
}

std::string read_db_string(Server& server, const std::string& text) {
  auto ref = find_column(server, text);
  if (!ref || ref->column->type.key.type != AtomType::string) return {};
  for (const RowPtr& row : *ref->table) {
    DatumRef d = row->get(*ref->column);
    if (!d.empty() && !d.string().empty()) return std::string(d.string());
  }
  return {};
}

void read_db_remotes(Server& server, const std::string& text, RemoteMap& out) {
  auto ref = find_column(server, text);
  if (!ref) return;
  if (ref->column->type.key.type == AtomType::string) {
    for (const RowPtr& row : *ref->table) {
      DatumRef d = row->get(*ref->column);
      for (size_t i = 0, n = d.size(); i < n; i++) out.emplace(std::string(d.key(i).string()), RemoteOptions{});
    }
    return;
  }
  for_each_remote_row(*ref, [&](const Table& t, const RowPtr& row) {
    DatumRef target = get(t, *row, "target", AtomType::string);
    if (!target.empty()) out.emplace(std::string(target.string()), read_options(t, *row));
  });
}

void write_remote_status(Server& server, const std::string& text, const Remotes& remotes, Time now, int64_t wall_ms) {
  auto ref = find_column(server, text);
  if (!ref) return;
  Json operations = Json::array({ref->db->name()});
  for_each_remote_row(*ref, [&](const Table& t, const RowPtr& row) {
    DatumRef target = get(t, *row, "target", AtomType::string);
    if (target.empty()) return;
    RemoteStatus status = remotes.status(std::string(target.string()), now);
    Json columns = Json::object();
    const ColumnSchema* connected = t.schema().find("is_connected");
    if (connected && connected->type.key.type == AtomType::boolean && !connected->type.is_map()) {
      DatumRef d = row->get(*connected);
      if (d.empty() || d.boolean() != status.is_connected) columns.set("is_connected", status.is_connected);
    }
    const ColumnSchema* c = t.schema().find("status");
    if (c && c->type.is_map() && c->type.key.type == AtomType::string && c->type.value.type == AtomType::string) {
      std::vector<std::pair<AtomRef, AtomRef>> pairs;
      for (const auto& [key, value] : status.status) pairs.emplace_back(AtomRef(key), AtomRef(value));
      Datum map = Datum::map(AtomType::string, AtomType::string, pairs);
      if (!(row->get(*c) == map.ref())) columns.set("status", datum_to_json(map));
    }
    if (!columns.size()) return;
    Json op = Json::object({{"op", "update"}, {"table", t.schema().name}, {"row", std::move(columns)}});
    op.set("where", Json::array({Json::array({"_uuid", "==", Json::array({"uuid", format(row->uuid())})})}));
    operations.push_back(std::move(op));
  });
  if (operations.size() > 1) ref->db->transact_internal(operations, wall_ms);
}

}  // namespace sluice::ovsdb

// SPDX-License-Identifier: Apache-2.0
// init, show, emer-reset.
#include <fmt/core.h>

#include <algorithm>

#include "dbserver/ovsdb/value_text.h"
#include "utilities/vsctl/model.h"

namespace sluice::vsctl {
namespace {

void init(Context& ctx) { root(ctx.view); }

/// What `show` prints of a table: its name column, then these.
struct ShowTable {
  std::string_view table, name_column;  // "" = its uuid
  std::vector<std::string_view> columns;
};
const std::vector<ShowTable>& show_tables() {
  static const std::vector<ShowTable> tables = {
      {"Open_vSwitch", "", {"manager_options", "bridges", "ovs_version"}},
      {"Bridge", "name", {"controller", "fail_mode", "datapath_type", "ports"}},
      {"Port", "name", {"tag", "trunks", "interfaces"}},
      {"Interface", "name", {"type", "options", "error", "bfd_status"}},
      {"Controller", "target", {"is_connected"}},
      {"Manager", "target", {"is_connected"}},
  };
  return tables;
}

const ShowTable* shown(std::string_view table) {
  for (const ShowTable& s : show_tables())
    if (s.table == table) return &s;
  return nullptr;
}

constexpr size_t kIndent = 4;

void show_row(Context& ctx, const RowId& row, size_t level);

void show_column(Context& ctx, const RowId& row, std::string_view name, size_t level) {
  const ColumnSchema* c = row.table->find(name);
  if (!c) return;  // the server's schema is older
  if (c->type.key.is_reference() && shown(c->type.key.ref_table)) {
    std::vector<std::pair<std::string, RowId>> children;
    for (const RowId& r : ctx.view.referenced(row, name)) children.emplace_back(ctx.view.get_string(r, shown(r.table->name)->name_column), r);
    std::sort(children.begin(), children.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [child_name, child] : children) show_row(ctx, child, level);
    return;
  }
  Datum d = ctx.view.get(row, *c);
  if (d == c->default_value || d.empty()) return;
  ctx.print_line(fmt::format("{:{}}{}: {}", "", level * kIndent, name, ovsdb::datum_to_text(d, c->type)));
}

void show_row(Context& ctx, const RowId& row, size_t level) {
  const ShowTable& s = *shown(row.table->name);
  std::string indent(level * kIndent, ' ');
  if (s.name_column.empty())
    ctx.print_line(indent + format(row.uuid));
  else
    ctx.print_line(fmt::format("{}{} {}", indent, s.table, ovsdb::datum_to_text(ctx.view.get(row, s.name_column), row.table->find(s.name_column)->type)));
  for (std::string_view c : s.columns) show_column(ctx, row, c, level + 1);
}

void show(Context& ctx) {
  for (const ShowTable& s : show_tables()) {
    const TableSchema& t = ctx.view.table(s.table);
    std::vector<const ColumnSchema*> columns;
    if (!s.name_column.empty()) columns.push_back(&ctx.view.column(t, s.name_column));
    for (std::string_view c : s.columns)
      if (const ColumnSchema* found = t.find(c)) columns.push_back(found);
    ctx.view.rows(t, columns);
  }
  for (const RowId& r : ctx.view.rows(ctx.view.table("Open_vSwitch"))) show_row(ctx, r, 0);
}

/// Of a bridge's other_config only the MAC address stays.
void reset_bridge(View& view, const RowId& b) {
  for (std::string_view c : {"mirrors", "netflow", "sflow", "ipfix", "controller", "fail_mode", "flood_vlans"}) {
    const ColumnSchema& column = view.column(*b.table, c);
    view.set(b, c, Datum(column.type.key.type));
  }
  Datum config = view.get(b, "other_config");
  std::string_view mac = config.ref().get("hwaddr");
  std::vector<std::pair<AtomRef, AtomRef>> keep;
  if (!mac.empty()) keep.emplace_back("hwaddr", mac);
  view.set(b, "other_config", Datum::map(AtomType::string, AtomType::string, keep));
}

void emer_reset(Context& ctx) {
  View& view = ctx.view;
  const Datum no_keys(AtomType::string, AtomType::string), zero = Datum::scalar(int64_t{0});
  RowId r = root(view);
  view.set(r, "manager_options", Datum(AtomType::uuid));
  view.set(r, "ssl", Datum(AtomType::uuid));
  for (const RowId& b : view.rows(view.table("Bridge"), {"other_config"})) reset_bridge(view, b);
  for (const RowId& p : view.rows(view.table("Port"), {"other_config"})) view.set(p, "other_config", no_keys);
  for (const RowId& i : view.rows(view.table("Interface"), {"ingress_policing_rate", "ingress_policing_burst"})) {
    view.set(i, "ingress_policing_rate", zero);
    view.set(i, "ingress_policing_burst", zero);
  }
  for (std::string_view t : {"Mirror", "Controller", "Manager", "NetFlow", "SSL", "sFlow", "IPFIX", "Flow_Sample_Collector_Set"})
    for (const RowId& row : view.rows(view.table(t))) view.erase(row);
}

constexpr CommandSpec kCommands[] = {
    {"init", 0, 0, "", "", init},
    {"show", 0, 0, "", "", show},
    {"emer-reset", 0, 0, "", "", emer_reset},
};

}  // namespace

std::span<const CommandSpec> general_commands() { return kCommands; }

}  // namespace sluice::vsctl

// SPDX-License-Identifier: Apache-2.0
// Text of table changes and descriptions.
#include "ofproto/openflow/name_map.h"
#include "ofproto/openflow/text_body.h"

namespace sluice::ofp {
namespace {

constexpr BitName kEvictionFlags[] = {{OFPTMPEF_OTHER, "OTHER"}, {OFPTMPEF_IMPORTANCE, "IMPORTANCE"}, {OFPTMPEF_LIFETIME, "LIFETIME"}};

std::string_view miss_name(TableMiss m) {
  switch (m) {
    case TableMiss::kContinue: return "continue";
    case TableMiss::kDrop: return "drop";
    default: return "controller";
  }
}

void add_desc(std::string& out, const TextContext& ctx, const TableDesc& d) {
  std::string_view name = ctx.names().tables ? ctx.names().tables->name(d.table_id) : std::string_view{};
  if (name.empty()) append(out, "\n  table {}:\n   eviction={} eviction_flags=", d.table_id, d.eviction ? "on" : "off");
  else append(out, "\n  table {} (\"{}\"):\n   eviction={} eviction_flags=", d.table_id, name, d.eviction ? "on" : "off");
  if (d.eviction_flags) add_bits(out, d.eviction_flags, kEvictionFlags, "|");
  else out += "(default)";
  out += "\n   vacancy=";
  if (d.vacancy_events) append(out, "on vacancy_down={}% vacancy_up={}% vacancy={}%", d.vacancy_down, d.vacancy_up, d.vacancy);
  else out += "off";
  out += '\n';
}

}  // namespace

void format_body(std::string& out, const TextContext& ctx, const TableMod& m) {
  if (m.table_id == kTableAll) out += " table_id: ALL_TABLES";
  else append(out, " table_id={}", m.table_id);
  if (ctx.version() < Version::k13) append(out, ", flow_miss_config={}", miss_name(m.miss_config));
  if (ctx.version() < Version::k14) return;
  append(out, ", eviction={}", m.eviction.value_or(false) ? "on" : "off");
  if (m.eviction_flags) {
    out += " eviction_flags=";
    add_bits(out, *m.eviction_flags, kEvictionFlags, "|");
  }
  if (m.vacancy_events.value_or(false)) append(out, ", vacancy=on vacancy:{},{}", m.vacancy_down, m.vacancy_up);
  else out += ", vacancy=off";
}

void format_body(std::string& out, const TextContext& ctx, const TableDescReply& m) {
  for (const TableDesc& d : m.tables) add_desc(out, ctx, d);
}

void format_body(std::string& out, const TextContext& ctx, const TableStatus& m) {
  append(out, " reason={}\ntable_desc:-", m.reason == OFPTR_VACANCY_DOWN ? "VACANCY_DOWN" : "VACANCY_UP");
  add_desc(out, ctx, m.desc);
}

void format_body(std::string& out, const TextContext& ctx, const TableFeaturesMessage& m) {
  if (m.tables.empty()) return;
  out += '\n';
  TableFeaturesText text(ctx.names());
  for (const TableFeatures& f : m.tables) text.add(f, nullptr, ctx.version(), out);
  text.finish(out);
}

void format_body(std::string& out, const TextContext& ctx, const TableStatsReply& m) {
  out += '\n';
  TableFeaturesText text(ctx.names());
  for (const TableStats& t : m.tables) text.add(t.features, &t, ctx.version(), out);
  text.finish(out);
}

}  // namespace sluice::ofp

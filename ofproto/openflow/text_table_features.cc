// SPDX-License-Identifier: Apache-2.0
// Text of table features: each table as differences to the one before, lists of fields with common parts folded ("ip_{src,dst}").
#include <algorithm>

#include "ofproto/openflow/feature_bits.h"
#include "ofproto/openflow/text_body.h"

namespace sluice::ofp {
namespace {

/// Length of the word before a trailing decimal number, or npos.
size_t number_at(std::string_view name) {
  size_t at = name.find_last_not_of("0123456789");
  at = at == std::string_view::npos ? 0 : at + 1;
  return at < name.size() ? at : std::string_view::npos;
}

/// How many names from `first` on are one word with ascending numbers ("reg0", "reg1", ...).
size_t numbered_run(std::span<const std::string> names, size_t first) {
  size_t at = number_at(names[first]);
  if (at == std::string_view::npos || at == 0) return 1;
  std::string_view word = std::string_view(names[first]).substr(0, at);
  unsigned long n = std::stoul(names[first].substr(at));
  size_t k = 1;
  while (first + k < names.size() && names[first + k] == fmt::format("{}{}", word, n + k)) k++;
  return k;
}

std::string fold(std::span<const std::string> names, std::string_view separator) {
  std::string out;
  for (size_t i = 0; i < names.size();) {
    if (i) out += separator;
    constexpr size_t kShortestRange = 3;
    if (size_t run = numbered_run(names, i); run >= kShortestRange) {
      out += names[i] + "..." + names[i + run - 1];
      i += run;
      continue;
    }
    size_t underscore = names[i].find('_');
    size_t n = 1;
    if (underscore != std::string::npos) {
      std::string prefix = names[i].substr(0, underscore + 1);
      while (i + n < names.size() && names[i + n].starts_with(prefix)) n++;
    }
    if (n == 1) {
      out += names[i++];
      continue;
    }
    std::vector<std::string> rests;
    for (size_t k = i; k < i + n; k++) rests.push_back(names[k].substr(underscore + 1));
    out += names[i].substr(0, underscore + 1) + "{" + fold(rests, ",") + "}";
    i += n;
  }
  return out;
}

std::string field_list(const FieldSet& set) {
  std::vector<std::string> names;
  for (const Field& f : all_fields())
    if (set.test(static_cast<size_t>(f.id))) names.emplace_back(f.name);
  return fold(names, " ");
}

std::string table_ranges(const TableSet& set) {
  std::string out;
  for (size_t i = 0; i < set.size(); i++) {
    if (!set.test(i)) continue;
    size_t end = i;
    while (end + 1 < set.size() && set.test(end + 1)) end++;
    if (!out.empty()) out += ',';
    if (end > i) append(out, "{}-{}", i, end);
    else append(out, "{}", i);
    i = end;
  }
  return out;
}

void add_action_features(std::string& out, const TableActionFeatures& f) {
  if (f.actions) {
    out += "        actions:";
    for (unsigned i = 0; i < kActionKindCount; i++)
      if (f.actions >> i & 1) append(out, " {}", kActionKinds[i].name);
    out += '\n';
  }
  if (f.set_fields.any()) append(out, "        supported on Set-Field: {}\n", field_list(f.set_fields));
}

bool same_actions(const TableInstructionFeatures& a, const TableInstructionFeatures& b) { return a.write == b.write && a.apply == b.apply; }

/// Tables below and at one's own number can be reached by none: those bits say nothing when tables are compared.
TableSet comparable_next(const TableSet& next, uint8_t table_id) {
  TableSet s = next;
  for (size_t i = 0; i <= table_id; i++) s.set(i);
  return s;
}
bool same_instructions(const TableFeatures& a, const TableFeatures& b, bool miss) {
  const auto &x = miss ? a.miss : a.nonmiss, &y = miss ? b.miss : b.nonmiss;
  uint8_t id = std::max(a.table_id, b.table_id);
  return x.instructions == y.instructions && same_actions(x, y) && comparable_next(x.next, id) == comparable_next(y.next, id);
}

void add_instruction_features(std::string& out, const TableInstructionFeatures& f, const TableInstructionFeatures* last) {
  if (f.next.any()) append(out, "      next tables: {}\n", table_ranges(f.next));
  if (f.instructions) {
    out += "      instructions:";
    for (unsigned i = 0; i < kInstructionKindCount; i++)
      if (f.instructions >> i & 1) append(out, " {}", kInstructionKinds[i].name);
    out += '\n';
  }
  if (last && same_actions(f, *last)) {
    out += "      (same actions)\n";
  } else if (f.write == f.apply) {
    out += "      Write-Actions and Apply-Actions features:\n";
    add_action_features(out, f.write);
  } else {
    out += "      Write-Actions features:\n";
    add_action_features(out, f.write);
    out += "      Apply-Actions features:\n";
    add_action_features(out, f.apply);
  }
}

void add_matching(std::string& out, const TableFeatures& f) {
  out += "    matching:\n";
  FieldSet masked = f.mask & f.wildcard, wild = f.match & f.wildcard & ~f.mask, exact = f.match & ~f.wildcard;
  if (masked.any()) append(out, "      arbitrary mask: {}\n", field_list(masked));
  if (wild.any()) append(out, "      exact match or wildcard: {}\n", field_list(wild));
  if (exact.any()) append(out, "      must exact match: {}\n", field_list(exact));
}

bool same_matching(const TableFeatures& a, const TableFeatures& b) { return a.match == b.match && a.mask == b.mask && a.wildcard == b.wildcard; }

bool same(const TableFeatures& a, const TableFeatures& b) {
  return a.metadata_match == b.metadata_match && a.metadata_write == b.metadata_write && a.miss_config == b.miss_config &&
         a.capabilities == b.capabilities && a.max_entries == b.max_entries && same_instructions(a, b, false) && same_instructions(a, b, true) &&
         same_matching(a, b);
}
bool same(const std::optional<TableStats>& a, const TableStats* b) {
  if (!a || !b) return !a && !b;
  return a->active_count == b->active_count && a->lookup_count == b->lookup_count && a->matched_count == b->matched_count;
}

std::string_view miss_name(TableMiss m) { return m == TableMiss::kContinue ? "continue" : m == TableMiss::kDrop ? "drop" : "controller"; }

void add_instructions(std::string& out, const TableFeatures& f, const TableFeatures* last) {
  if (last && same_instructions(f, *last, false) && same_instructions(f, *last, true)) {
    out += "    (same instructions)\n";
  } else if (f.nonmiss == f.miss) {
    out += "    instructions (table miss and others):\n";
    add_instruction_features(out, f.nonmiss, last ? &last->nonmiss : nullptr);
  } else {
    out += "    instructions (other than table miss):\n";
    add_instruction_features(out, f.nonmiss, last ? &last->nonmiss : nullptr);
    out += "    instructions (table miss):\n";
    add_instruction_features(out, f.miss, last ? &last->miss : nullptr);
  }
}

}  // namespace

void TableFeaturesText::finish(std::string& out) {
  if (first_ditto_ < 0) {
    if (!out.empty() && out.back() != '\n') out += '\n';
    return;
  }
  if (first_ditto_ == last_ditto_) append(out, "\n  table {}: ditto\n", first_ditto_);
  else append(out, "\n  tables {}...{}: ditto\n", first_ditto_, last_ditto_);
  first_ditto_ = -1;
}

void TableFeaturesText::add(const TableFeatures& f, const TableStats* stats, Version v, std::string& out) {
  bool ditto = last_ && same(f, *last_) && same(last_stats_, stats);
  if (ditto && f.name.empty()) {
    if (first_ditto_ < 0) first_ditto_ = f.table_id;
    last_ditto_ = f.table_id;
    last_ = f;
    return;
  }
  if (first_ditto_ >= 0) finish(out);
  if (any_) out += '\n';   // in front of each: a line of its own after what is shown in full, none between dittos
  any_ = true;
  const TableFeatures* last = last_ ? &*last_ : nullptr;
  if (f.name.empty()) append(out, "  table {}:", f.table_id);
  else append(out, "  table {} (\"{}\"):", f.table_id, f.name);
  if (ditto) {
    out += " ditto";
    last_ = f;
    return;
  }
  out += '\n';
  if (stats) append(out, "    active={}, lookup={}, matched={}\n", stats->active_count, stats->lookup_count, stats->matched_count);
  bool has_features = !stats || v < Version::k13;
  if (has_features && last && same(f, *last)) {
    out += "    (same features)\n";
  } else if (has_features) {
    if (f.metadata_match || f.metadata_write)
      append(out, "    metadata: match={:#x} write={:#x}\n", f.metadata_match, f.metadata_write);
    if (f.miss_config != TableMiss::kDefault) append(out, "    config={}\n", miss_name(f.miss_config));
    if (!stats && v >= Version::k14) {
      append(out, "    eviction: {}supported\n", f.capabilities & OFPTC_EVICTION ? "" : "not ");
      append(out, "    vacancy events: {}supported\n", f.capabilities & OFPTC_VACANCY_EVENTS ? "" : "not ");
    }
    if (f.max_entries) append(out, "    max_entries={}\n", f.max_entries);
    if (v > Version::k10) add_instructions(out, f, last);
    if (last && same_matching(f, *last)) out += "    (same matching)\n";
    else add_matching(out, f);
  }
  last_ = f;
  last_stats_ = stats ? std::optional(*stats) : std::nullopt;
}

}  // namespace sluice::ofp

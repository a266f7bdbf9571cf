// SPDX-License-Identifier: Apache-2.0
// Client transactions: merging of changes, the operations on the wire, the meaning of the reply.
#include "dbserver/ovsdb/client_transaction.h"

#include <algorithm>

#include "dbserver/ovsdb/diff.h"
#include "dbserver/ovsdb/value_json.h"

namespace sluice::ovsdb {
namespace {

std::string row_name(const Uuid& u) {
  std::string s = "row" + format(u);
  std::replace(s.begin(), s.end(), '-', '_');
  return s;
}

/// `pairs` over `base`: of equal keys the pair of `pairs` stays.
Datum merge(DatumRef base, DatumRef pairs) { return datum_union(pairs, base); }

/// The keys of a map, or the set itself.
Datum keys_of(DatumRef d) {
  DatumBuilder b(d.key_type());
  for (size_t i = 0; i < d.size(); i++) b.add(d.key(i));
  b.sort_unique();
  return b.finish();
}

/// Without those keys, whatever their values are.
Datum without_keys(DatumRef from, DatumRef keys) {
  DatumBuilder b(from.key_type(), from.value_type());
  for (size_t i = 0; i < from.size(); i++)
    if (!keys.contains(from.key(i))) b.add(from.key(i), from.is_map() ? from.value(i) : AtomRef());
  b.sort_unique();
  return b.finish();
}

}  // namespace

std::string_view commit_status_name(CommitStatus s) {
  constexpr std::string_view kNames[] = {"unchanged", "success", "try again", "not locked", "error"};
  return kNames[static_cast<size_t>(s)];
}

ClientTransaction::ClientTransaction(std::shared_ptr<const DatabaseSchema> schema, Lookup lookup, UuidSource& uuids)
    : schema_(std::move(schema)), lookup_(std::move(lookup)), uuids_(&uuids) {}

ClientTransaction::Change& ClientTransaction::change(const TableSchema& t, const Uuid& row) {
  auto [it, fresh] = changes_.try_emplace(row);
  if (fresh) {
    it->second.table = t.index;
    order_.push_back(row);
  }
  return it->second;
}

const ClientTransaction::Change* ClientTransaction::find(const Uuid& row) const {
  auto it = changes_.find(row);
  return it == changes_.end() ? nullptr : &it->second;
}

Uuid ClientTransaction::insert(const TableSchema& t) {
  Uuid row = uuids_->next();
  change(t, row).inserted = true;
  return row;
}

void ClientTransaction::erase(const TableSchema& t, const Uuid& row) {
  Change& ch = change(t, row);
  ch.erased = true;
  ch.sets.clear();
  ch.adds.clear();
  ch.removes.clear();
}

void ClientTransaction::set(const TableSchema& t, const Uuid& row, const ColumnSchema& c, DatumRef value) {
  if (c.index >= kVersionColumn || !supported(t, &c)) return;
  const Change* before = find(row);
  if (before && before->erased) return;
  if (!before || !before->inserted) {
    // Back to what was there: nothing to send.  An unknown value is always sent.
    std::optional<DatumRef> known = lookup_(t, row, c);
    if (known && *known == value) {
      if (before) {
        Change& ch = change(t, row);
        ch.sets.erase(c.index);
        ch.adds.erase(c.index);
        ch.removes.erase(c.index);
      }
      return;
    }
  }
  Datum copy(value);
  Change& ch = change(t, row);
  ch.adds.erase(c.index);
  ch.removes.erase(c.index);
  ch.sets[c.index] = std::move(copy);
}

void ClientTransaction::add(const TableSchema& t, const Uuid& row, const ColumnSchema& c, DatumRef elements) {
  if (elements.empty() || c.index >= kVersionColumn || !supported(t, &c)) return;
  Change& ch = change(t, row);
  if (ch.erased) return;
  if (ch.inserted || ch.sets.contains(c.index)) {
    ch.sets[c.index] = merge(get(t, row, c), elements);
    return;
  }
  Datum copy(elements);
  if (auto it = ch.removes.find(c.index); it != ch.removes.end()) it->second = without_keys(it->second, elements);
  Datum& adds = ch.adds[c.index];
  adds = adds.empty() ? copy : merge(adds, copy);
}

void ClientTransaction::remove(const TableSchema& t, const Uuid& row, const ColumnSchema& c, DatumRef elements) {
  if (elements.empty() || c.index >= kVersionColumn || !supported(t, &c)) return;
  Change& ch = change(t, row);
  if (ch.erased) return;
  if (ch.inserted || ch.sets.contains(c.index)) {
    ch.sets[c.index] = datum_subtract(get(t, row, c), elements);
    return;
  }
  if (auto it = ch.adds.find(c.index); it != ch.adds.end()) it->second = datum_subtract(it->second, elements);
  auto [it, fresh] = ch.removes.try_emplace(c.index, Datum(elements));
  // Pairs and keys do not mix in one mutation: what was asked for as pairs earlier is taken by key.
  if (!fresh) it->second = it->second.ref().is_map() == elements.is_map() ? datum_union(it->second, elements) : datum_union(keys_of(it->second), keys_of(elements));
}

void ClientTransaction::increment(const TableSchema& t, const Uuid& row, const ColumnSchema& c) { increment_ = {t.index, c.index, row}; }

void ClientTransaction::verify(const TableSchema& t, const Uuid& row, const ColumnSchema& c) {
  if (is_inserted(row) || !supported(t, &c)) return;
  if (!lookup_(t, row, c)) return;
  auto& list = change(t, row).verifies;
  if (std::find(list.begin(), list.end(), c.index) == list.end()) list.push_back(c.index);
}

void ClientTransaction::comment(std::string_view text) {
  if (!comment_.empty()) comment_ += '\n';
  comment_ += text;
}

Datum ClientTransaction::get(const TableSchema& t, const Uuid& row, const ColumnSchema& c) const {
  if (c.index == kUuidColumn) return Datum::scalar(row);
  const Change* ch = find(row);
  if (ch) {
    if (auto it = ch->sets.find(c.index); it != ch->sets.end()) return it->second;
    if (ch->inserted) return c.default_value;
  }
  std::optional<DatumRef> known = lookup_(t, row, c);
  Datum d = known ? Datum(*known) : Datum(c.default_value);
  if (!ch) return d;
  if (auto it = ch->removes.find(c.index); it != ch->removes.end()) d = datum_subtract(d, it->second);
  if (auto it = ch->adds.find(c.index); it != ch->adds.end()) d = merge(d, it->second);
  return d;
}

bool ClientTransaction::is_inserted(const Uuid& row) const {
  const Change* ch = find(row);
  return ch && ch->inserted;
}

bool ClientTransaction::is_erased(const Uuid& row) const {
  const Change* ch = find(row);
  return ch && ch->erased;
}

std::vector<Uuid> ClientTransaction::inserted(const TableSchema& t) const {
  std::vector<Uuid> out;
  for (const Uuid& u : order_)
    if (const Change* ch = find(u); ch->inserted && !ch->erased && ch->table == t.index) out.push_back(u);
  return out;
}

bool ClientTransaction::touches(const Uuid& row, const ColumnSchema& c) const {
  const Change* ch = find(row);
  return ch && (ch->inserted || ch->sets.contains(c.index) || ch->adds.contains(c.index) || ch->removes.contains(c.index));
}

std::vector<Uuid> ClientTransaction::touched(const TableSchema& t, const ColumnSchema& c) const {
  std::vector<Uuid> out;
  for (const Uuid& u : order_)
    if (find(u)->table == t.index && touches(u, c)) out.push_back(u);
  return out;
}

int ClientTransaction::references_to(const Uuid& row) const {
  int best = 0;
  for (const auto& [u, ch] : changes_) {
    for (const auto* written : {&ch.sets, &ch.adds}) {
      for (const auto& [index, d] : *written) {
        const ColumnType& type = schema_->tables[ch.table].column(index).type;
        for (size_t i = 0; i < d.size(); i++) {
          bool key = type.key.type == AtomType::uuid && d.ref().key(i).uuid() == row;
          bool value = type.value.type == AtomType::uuid && d.ref().value(i).uuid() == row;
          if (key || value) best = std::max(best, (key && type.key.weak) || (value && type.value.weak) ? 1 : 2);
        }
      }
    }
  }
  return best;
}

bool ClientTransaction::empty() const {
  if (increment_ || !extra_.empty()) return false;
  return std::all_of(order_.begin(), order_.end(), [this](const Uuid& u) {
    const Change* ch = find(u);
    bool nothing = ch->erased ? ch->inserted || !schema_->tables[ch->table].is_root : !ch->inserted;
    return nothing && ch->sets.empty() && ch->adds.empty() && ch->removes.empty();
  });
}

void ClientTransaction::clear() {
  changes_.clear();
  order_.clear();
  extra_.clear();
  comment_.clear();
  increment_.reset();
  real_.clear();
  incremented_.reset();
}

Json ClientTransaction::atom_json(AtomRef a) const {
  if (a.type() == AtomType::uuid && is_inserted(a.uuid())) return Json::array({"named-uuid", row_name(a.uuid())});
  return atom_to_json(a);
}

Json ClientTransaction::value_json(DatumRef d) const {
  if (d.is_map()) {
    Json pairs = Json::array();
    for (size_t i = 0; i < d.size(); i++) pairs.push_back(Json::array({atom_json(d.key(i)), atom_json(d.value(i))}));
    return Json::array({"map", std::move(pairs)});
  }
  if (d.size() == 1) return atom_json(d.key(0));
  Json atoms = Json::array();
  for (size_t i = 0; i < d.size(); i++) atoms.push_back(atom_json(d.key(i)));
  return Json::array({"set", std::move(atoms)});
}

Json ClientTransaction::where(const Uuid& row) const { return Json::array({Json::array({"_uuid", "==", atom_json(row)})}); }

Json ClientTransaction::operation(std::string_view op, const TableSchema& t, const Uuid& row) const {
  return Json::object({{"op", op}, {"table", t.name}, {"where", where(row)}});
}

void ClientTransaction::encode_check(Json& out, const Uuid& row, const Change& ch) const {
  if (ch.verifies.empty()) return;
  const TableSchema& t = schema_->tables[ch.table];
  Json columns = Json::array(), values = Json::object();
  for (uint16_t index : ch.verifies) {
    const ColumnSchema& c = t.column(index);
    std::optional<DatumRef> known = lookup_(t, row, c);
    if (!known) continue;
    columns.push_back(c.name);
    values.set(c.name, datum_to_json(*known));
  }
  Json op = operation("wait", t, row);
  op.set("columns", std::move(columns));
  op.set("until", "==");
  op.set("rows", Json::array({std::move(values)}));
  op.set("timeout", 0);
  out.push_back(std::move(op));
}

Json ClientTransaction::mutations(const TableSchema& t, const Change& ch) const {
  Json out = Json::array();
  for (const auto& [index, d] : ch.removes)
    if (!d.empty()) out.push_back(Json::array({t.column(index).name, "delete", value_json(d)}));
  for (const auto& [index, d] : ch.adds) {
    if (d.empty()) continue;
    const std::string& name = t.column(index).name;
    // Inserting keeps the value of a key that is there: take it away first.
    if (d.ref().is_map()) out.push_back(Json::array({name, "delete", value_json(keys_of(d))}));
    out.push_back(Json::array({name, "insert", value_json(d)}));
  }
  return out;
}

void ClientTransaction::encode_row(Json& out, const Uuid& row, const Change& ch) const {
  const TableSchema& t = schema_->tables[ch.table];
  if (ch.inserted && ch.erased) return;
  if (!supported(t, nullptr)) return;
  if (ch.erased) {
    // Rows of other tables go by themselves with the last reference to them, and not before.
    if (t.is_root) out.push_back(operation("delete", t, row));
    return;
  }
  Json values = Json::object();
  for (const auto& [index, d] : ch.sets) {
    const ColumnSchema& c = t.column(index);
    if (ch.inserted && d == c.default_value) continue;
    values.set(c.name, value_json(d));
  }
  if (ch.inserted) {
    insert_order_.push_back(row);
    insert_at_.push_back(out.size() - 1);  // out[0] is the database's name
    Json op = Json::object({{"op", "insert"}, {"table", t.name}, {"uuid-name", row_name(row)}, {"row", std::move(values)}});
    if (ch.chosen) op.set("uuid", format(row));
    out.push_back(std::move(op));
    return;
  }
  if (values.size()) {
    Json op = operation("update", t, row);
    op.set("row", std::move(values));
    out.push_back(std::move(op));
  }
  Json list = mutations(t, ch);
  if (list.size()) {
    Json op = operation("mutate", t, row);
    op.set("mutations", std::move(list));
    out.push_back(std::move(op));
  }
}

Json ClientTransaction::params() const {
  Json out = Json::array({schema_->name});
  insert_order_.clear();
  insert_at_.clear();
  if (!lock_.empty()) out.push_back(Json::object({{"op", "assert"}, {"lock", lock_}}));
  for (const Uuid& u : order_) encode_check(out, u, *find(u));
  for (const Json& op : extra_) out.push_back(op);
  for (const Uuid& u : order_) encode_row(out, u, *find(u));
  if (increment_) {
    const TableSchema& t = schema_->tables[increment_->table];
    const std::string& column = t.column(increment_->column).name;
    Json mutate = operation("mutate", t, increment_->row), select = operation("select", t, increment_->row);
    mutate.set("mutations", Json::array({Json::array({column, "+=", 1})}));
    select.set("columns", Json::array({column}));
    out.push_back(std::move(mutate));
    increment_at_ = out.size() - 1;
    out.push_back(std::move(select));
  }
  if (!comment_.empty()) out.push_back(Json::object({{"op", "comment"}, {"comment", comment_}}));
  return out;
}

void ClientTransaction::decode_success(const Json& result) {
  for (size_t i = 0; i < insert_order_.size(); i++)
    if (auto real = parse_uuid(result[insert_at_[i]].get("uuid")[1].string())) real_[insert_order_[i]] = *real;
  if (!increment_) return;
  const TableSchema& t = schema_->tables[increment_->table];
  const Json& value = result[increment_at_].get("rows")[0].get(t.column(increment_->column).name);
  if (value.is_integer()) incremented_ = value.integer();
}

CommitOutcome ClientTransaction::decode(const Json& result, const Json& error) {
  if (!error.is_null()) {
    if (error.string() == "canceled") return {CommitStatus::try_again, {}};
    return {CommitStatus::failed, error.to_string()};
  }
  if (!result.is_array()) return {CommitStatus::failed, "reply to transact is no array: " + result.to_string()};
  for (const Json& r : result.elements()) {
    const Json* tag = r.find("error");
    if (!tag || tag->is_null()) continue;
    if (tag->string() == "timed out") return {CommitStatus::try_again, {}};
    if (tag->string() == "not owner") return {CommitStatus::not_locked, {}};
    return {CommitStatus::failed, r.to_string()};
  }
  decode_success(result);
  return {CommitStatus::success, {}};
}

std::optional<Uuid> ClientTransaction::real_uuid(const Uuid& provisional) const {
  auto it = real_.find(provisional);
  return it == real_.end() ? std::nullopt : std::optional(it->second);
}

}  // namespace sluice::ovsdb

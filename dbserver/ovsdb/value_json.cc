// SPDX-License-Identifier: Apache-2.0
// Values from and to JSON.
#include "dbserver/ovsdb/value_json.h"

#include <fmt/core.h>

#include <algorithm>

#include "dbserver/ovsdb/schema.h"

namespace sluice::ovsdb {

SymbolTable::Symbol& SymbolTable::get(std::string_view name) {
  auto [it, fresh] = symbols_.try_emplace(std::string(name));
  if (fresh) it->second.uuid = uuids_.next();
  return it->second;
}

const SymbolTable::Symbol* SymbolTable::find(std::string_view name) const {
  auto it = symbols_.find(std::string(name));
  return it == symbols_.end() ? nullptr : &it->second;
}

std::vector<std::string> SymbolTable::undefined() const {
  std::vector<std::string> out;
  for (const auto& [name, symbol] : symbols_)
    if (!symbol.created) out.push_back(name);
  std::sort(out.begin(), out.end());
  return out;
}

namespace {

Result<AtomRef> parse_uuid_atom(const Json& j, SymbolTable* symbols) {
  if (j.size() == 2 && j.is_array() && j[1].is_string()) {
    if (j[0].string() == "uuid") {
      if (auto u = parse_uuid(j[1].string())) return *u;
      return syntax_error(j, fmt::format("\"{}\" is not a valid UUID", j[1].string()));
    }
    if (j[0].string() == "named-uuid" && symbols) {
      if (!is_id(j[1].string())) return syntax_error(j, "named-uuid string is not a valid <id>");
      return symbols->get(j[1].string()).uuid;
    }
  }
  return syntax_error(j, "expected [\"uuid\", <string>]");
}

Result<AtomRef> parse_unchecked(const Json& j, AtomType t, SymbolTable* symbols) {
  switch (t) {
    case AtomType::integer:
      if (j.is_integer()) return j.integer();
      break;
    case AtomType::real:
      if (j.is_number()) return j.number();
      break;
    case AtomType::boolean:
      if (j.is_bool()) return j.boolean();
      break;
    case AtomType::string:
      if (j.is_string()) return j.string();
      break;
    case AtomType::uuid: return parse_uuid_atom(j, symbols);
    case AtomType::none: break;
  }
  return syntax_error(j, fmt::format("expected {}", atom_type_name(t)));
}

bool is_tagged(const Json& j, std::string_view tag) { return j.is_array() && j.size() && j[0].string() == tag; }

/// A set may be written as its only element.
bool is_bare_atom(const Json& j, const ColumnType& type) { return !type.is_map() && !is_tagged(j, "set"); }

Status check_count(const Json& j, const ColumnType& type, size_t n) {
  if (n >= type.n_min && n <= type.n_max) return {};
  std::string_view kind = type.is_map() ? "map" : "set";
  if (type.n_min == 1 && type.n_max == 1) return syntax_error(j, fmt::format("{} must have exactly one member but {} are present", kind, n));
  return syntax_error(j, fmt::format("{} must have {} to {} members but {} are present", kind, type.n_min, type.n_max, n));
}

struct Leniency {
  bool count, constraints;
};

Status collect(const Json& j, const ColumnType& type, SymbolTable* symbols, Leniency lenient, DatumBuilder& out) {
  auto atom = [&](const Json& a, const BaseType& base) -> Result<AtomRef> {
    auto v = parse_unchecked(a, base.type, symbols);
    if (!v || lenient.constraints || !base.has_constraints()) return v;
    if (auto s = base.check(*v); !s) return std::unexpected(s.error());
    return v;
  };
  if (is_bare_atom(j, type)) {
    auto a = atom(j, type.key);
    if (!a) return std::unexpected(a.error());
    out.add(*a);
    return {};
  }
  std::string_view tag = type.is_map() ? "map" : "set";
  if (!is_tagged(j, tag) || j.size() != 2 || !j[1].is_array()) return syntax_error(j, fmt::format("expected [\"{}\", <array>]", tag));
  if (!lenient.count)
    if (auto s = check_count(j, type, j[1].size()); !s) return s;
  for (const Json& e : j[1].elements()) {
    if (type.is_map() && (!e.is_array() || e.size() != 2)) return syntax_error(e, "expected 2-element array");
    auto key = atom(type.is_map() ? e[0] : e, type.key);
    if (!key) return std::unexpected(key.error());
    AtomRef value;
    if (type.is_map()) {
      auto v = atom(e[1], type.value);
      if (!v) return std::unexpected(v.error());
      value = *v;
    }
    out.add(*key, value);
  }
  if (!out.sort()) return fail("ovsdb error", type.is_map() ? "map contains duplicate key" : "set contains duplicate");
  return {};
}

}  // namespace

Result<AtomRef> parse_atom(const Json& j, const BaseType& type, SymbolTable* symbols) {
  auto a = parse_unchecked(j, type.type, symbols);
  if (!a) return a;
  if (auto s = type.check(*a); !s) return std::unexpected(s.error());
  return a;
}

Result<Datum> parse_datum(const Json& j, const ColumnType& type, SymbolTable* symbols) {
  if (is_bare_atom(j, type)) {
    auto a = parse_atom(j, type.key, symbols);
    if (!a) return std::unexpected(a.error());
    return Datum::scalar(*a);
  }
  DatumBuilder b(type.key.type, type.value.type);
  if (auto s = collect(j, type, symbols, {false, false}, b); !s) return std::unexpected(s.error());
  return b.finish();
}

Result<Datum> parse_datum_lenient(const Json& j, const ColumnType& type, SymbolTable* symbols) {
  DatumBuilder b(type.key.type, type.value.type);
  if (auto s = collect(j, type, symbols, {true, true}, b); !s) return std::unexpected(s.error());
  return b.finish();
}

Status parse_datum_to(ByteBuffer& out, const Json& j, const ColumnType& type, SymbolTable* symbols, DatumBuilder& scratch) {
  if (is_bare_atom(j, type)) {
    auto a = parse_atom(j, type.key, symbols);
    if (!a) return std::unexpected(a.error());
    encode_scalar(out, *a);
    return {};
  }
  scratch.reset(type.key.type, type.value.type);
  if (auto s = collect(j, type, symbols, {false, false}, scratch); !s) return s;
  scratch.encode(out);
  return {};
}

// --- to JSON ---

Json atom_to_json(AtomRef a) {
  switch (a.type()) {
    case AtomType::none: break;
    case AtomType::integer: return a.integer();
    case AtomType::real: return Json::real(a.real());
    case AtomType::boolean: return a.boolean();
    case AtomType::string: return a.string();
    case AtomType::uuid: return Json::array({"uuid", format(a.uuid())});
  }
  return nullptr;
}

Json datum_to_json(DatumRef d) {
  if (!d.is_map() && d.size() == 1) return atom_to_json(d.key(0));
  Json elements = Json::array();
  for (size_t i = 0, n = d.size(); i < n; i++) {
    if (d.is_map()) elements.push_back(Json::array({atom_to_json(d.key(i)), atom_to_json(d.value(i))}));
    else elements.push_back(atom_to_json(d.key(i)));
  }
  return Json::array({d.is_map() ? "map" : "set", std::move(elements)});
}

void write_atom(JsonWriter& out, const AtomRef& a) {
  if (a.type() == AtomType::string) return out.string(a.string());
  switch (a.type()) {
    case AtomType::none: out.put("null"); break;
    case AtomType::integer: out.integer(a.integer()); break;
    case AtomType::real: out.real(a.real()); break;
    case AtomType::boolean: out.boolean(a.boolean()); break;
    case AtomType::string: out.string(a.string()); break;
    case AtomType::uuid: out.uuid_atom(a.uuid()); break;
  }
}

namespace {

// Out of line: what is mostly written is a single atom, and needs no registers saved.
[[gnu::noinline]] void write_set(JsonWriter& out, DatumRef d) {
  out.put("[\"set\",[");
  bool first = true;
  d.for_each([&](const AtomRef& key, const AtomRef&) {
    if (!std::exchange(first, false)) out.put(',');
    write_atom(out, key);
  });
  out.put("]]");
}

[[gnu::noinline]] void write_map(JsonWriter& out, DatumRef d) {
  out.put("[\"map\",[");
  bool first = true;
  auto begin = [&] { out.put(std::string_view(",[").substr(std::exchange(first, false))); };
  if (d.key_type() == AtomType::string && d.value_type() == AtomType::string) {
    d.for_each_text([&](std::string_view key, std::string_view value) {
      begin();
      out.string(key);
      out.put(',');
      out.string(value);
      out.put(']');
    });
  } else {
    d.for_each([&](const AtomRef& key, const AtomRef& value) {
      begin();
      write_atom(out, key);
      out.put(',');
      write_atom(out, value);
      out.put(']');
    });
  }
  out.put("]]");
}

}  // namespace

void write_datum(JsonWriter& out, DatumRef d) {
  if (d.is_map()) return write_map(out, d);
  switch (d.key_type()) {
    case AtomType::string:
      if (d.is_one(AtomType::string)) return out.string(d.one_string());
      break;
    case AtomType::integer:
      if (d.is_one(AtomType::integer)) return out.integer(d.one<int64_t>());
      break;
    case AtomType::uuid:
      if (d.is_one(AtomType::uuid)) return out.uuid_atom(d.one<Uuid>());
      break;
    default:
      if (d.size() == 1) return write_atom(out, d.key(0));
  }
  write_set(out, d);
}

void append_datum(std::string& out, DatumRef d) {
  JsonWriter writer(out);
  write_datum(writer, d);
}

}  // namespace sluice::ovsdb

// SPDX-License-Identifier: Apache-2.0
// Column types: JSON, constraints, English.
#include "dbserver/ovsdb/types.h"

#include <fmt/core.h>

#include "dbserver/ovsdb/object_reader.h"
#include "dbserver/ovsdb/value_json.h"
#include "dbserver/ovsdb/value_text.h"

namespace sluice::ovsdb {
namespace {

using R = ObjectReader;
constexpr double kMinReal = std::numeric_limits<double>::lowest(), kMaxReal = std::numeric_limits<double>::max();
constexpr int64_t kMinInteger = std::numeric_limits<int64_t>::min(), kMaxInteger = std::numeric_limits<int64_t>::max();

Result<AtomType> atom_type_from_json(const Json& j) {
  for (AtomType t : {AtomType::integer, AtomType::real, AtomType::boolean, AtomType::string, AtomType::uuid})
    if (j.string() == atom_type_name(t)) return t;
  if (!j.is_string()) return syntax_error(j, "atomic-type expected");
  return syntax_error(j, fmt::format("\"{}\" is not an atomic-type", j.string()));
}

Result<uint32_t> length_from_json(const Json* j, uint32_t missing, std::string_view name) {
  if (!j) return missing;
  if (j->integer() < 0 || j->integer() > kUnlimited) return syntax_error(*j, fmt::format("{} out of valid range 0 to {}", name, kUnlimited));
  return static_cast<uint32_t>(j->integer());
}

/// Reads the constraints that the type allows; those of other types stay untaken and are complained about.
Status read_constraints(R& reader, BaseType& base, const Json& j) {
  if (const Json* enumeration = reader.optional("enum", R::kAny)) {
    ColumnType set{BaseType{base.type}, {}, 1, kUnlimited};
    auto values = parse_datum(*enumeration, set);
    if (!values) return std::unexpected(values.error());
    base.enumeration = std::make_shared<const Datum>(*values);
    return {};
  }
  if (base.type == AtomType::integer) {
    if (auto* v = reader.optional("minInteger", R::kInteger)) base.min_integer = v->integer();
    if (auto* v = reader.optional("maxInteger", R::kInteger)) base.max_integer = v->integer();
    if (base.min_integer > base.max_integer) return syntax_error(j, "minInteger exceeds maxInteger");
  } else if (base.type == AtomType::real) {
    if (auto* v = reader.optional("minReal", R::kNumber)) base.min_real = v->number();
    if (auto* v = reader.optional("maxReal", R::kNumber)) base.max_real = v->number();
    if (base.min_real > base.max_real) return syntax_error(j, "minReal exceeds maxReal");
  } else if (base.type == AtomType::string) {
    auto min = length_from_json(reader.optional("minLength", R::kInteger), 0, "minLength");
    auto max = length_from_json(reader.optional("maxLength", R::kInteger), kUnlimited, "maxLength");
    if (!min) return std::unexpected(min.error());
    if (!max) return std::unexpected(max.error());
    base.min_length = *min, base.max_length = *max;
    if (base.min_length > base.max_length) return syntax_error(j, "minLength exceeds maxLength");
  } else if (base.type == AtomType::uuid) {
    const Json* table = reader.optional("refTable", R::kId);
    if (!table) return {};
    base.ref_table = table->string();
    if (const Json* kind = reader.optional("refType", R::kId)) {
      if (kind->string() != "strong" && kind->string() != "weak")
        return syntax_error(j, fmt::format("refType must be \"strong\" or \"weak\" (not \"{}\")", kind->string()));
      base.weak = kind->string() == "weak";
    }
  }
  return {};
}

size_t utf8_length(std::string_view s) {
  size_t n = 0;
  for (char c : s) n += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return n;
}

template <typename T>
Status check_range(T v, T min, T max, T least, T most, std::string_view unit, std::string_view what) {
  if (v >= min && v <= max) return {};
  if (min != least && max != most) return constraint_violation(fmt::format("{} is not in the valid range {:.15g} to {:.15g} (inclusive)", what, double(min), double(max)));
  if (v < min) return constraint_violation(fmt::format("{} is less than minimum allowed {} {:.15g}", what, unit, double(min)));
  return constraint_violation(fmt::format("{} is greater than maximum allowed {} {:.15g}", what, unit, double(max)));
}

Status check_integer_range(int64_t v, int64_t min, int64_t max, bool has_min, bool has_max, std::string_view unit, const std::string& what) {
  if (v >= min && v <= max) return {};
  if (has_min && has_max && unit == "value")
    return constraint_violation(fmt::format("{} is not in the valid range {} to {} (inclusive)", what, min, max));
  if (v < min) return constraint_violation(fmt::format("{} is less than minimum allowed {} {}", what, unit, min));
  return constraint_violation(fmt::format("{} is greater than maximum allowed {} {}", what, unit, max));
}

}  // namespace

bool BaseType::has_constraints() const {
  return enumeration || min_integer != kMinInteger || max_integer != kMaxInteger || min_real != kMinReal || max_real != kMaxReal ||
         min_length != 0 || max_length != kUnlimited;
}

bool BaseType::is_enumerated(const AtomRef& a) const {
  return enumeration->ref().contains(a);
}

bool BaseType::is_length_right(std::string_view s) const {
  size_t n = utf8_length(s);
  return n >= min_length && n <= max_length;
}

Status BaseType::check(const AtomRef& a) const {
  if (admits(a)) return {};
  if (enumeration) {
    ColumnType set{BaseType{type}, {}, 1, kUnlimited};
    return constraint_violation(fmt::format("{} is not one of the allowed values ({})", atom_to_text(a), datum_to_text(*enumeration, set)));
  }
  if (type == AtomType::real) return check_range(a.real(), min_real, max_real, kMinReal, kMaxReal, "value", atom_to_text(a));
  if (type == AtomType::integer)
    return check_integer_range(a.integer(), min_integer, max_integer, min_integer != kMinInteger, max_integer != kMaxInteger, "value", atom_to_text(a));
  size_t n = utf8_length(a.string());
  return check_integer_range(static_cast<int64_t>(n), min_length, max_length, true, true, "length", fmt::format("\"{}\" length {}", a.string(), n));
}

Result<BaseType> BaseType::from_json(const Json& j) {
  BaseType base;
  if (j.is_string()) {
    auto t = atom_type_from_json(j);
    if (!t) return std::unexpected(t.error());
    base.type = *t;
    return base;
  }
  R reader(j);
  const Json* type = reader.required("type", R::kString);
  if (type) {
    auto t = atom_type_from_json(*type);
    if (!t) return std::unexpected(t.error());
    base.type = *t;
    if (auto s = read_constraints(reader, base, j); !s) return std::unexpected(s.error());
  }
  if (auto s = reader.finish("ovsdb type"); !s) return std::unexpected(s.error());
  return base;
}

Json BaseType::to_json() const {
  bool plain = !has_constraints() && !is_reference();
  if (plain) return atom_type_name(type);
  Json j = Json::object({{"type", atom_type_name(type)}});
  if (enumeration) j.set("enum", datum_to_json(*enumeration));
  if (min_integer != kMinInteger) j.set("minInteger", min_integer);
  if (max_integer != kMaxInteger) j.set("maxInteger", max_integer);
  if (min_real != kMinReal) j.set("minReal", min_real);
  if (max_real != kMaxReal) j.set("maxReal", max_real);
  if (min_length) j.set("minLength", min_length);
  if (max_length != kUnlimited) j.set("maxLength", max_length);
  if (is_reference()) {
    j.set("refTable", ref_table);
    if (weak) j.set("refType", "weak");
  }
  return j;
}

bool operator==(const BaseType& a, const BaseType& b) {
  bool same_enum = a.enumeration && b.enumeration ? *a.enumeration == *b.enumeration : !a.enumeration && !b.enumeration;
  return a.type == b.type && same_enum && a.min_integer == b.min_integer && a.max_integer == b.max_integer && a.min_real == b.min_real &&
         a.max_real == b.max_real && a.min_length == b.min_length && a.max_length == b.max_length && a.ref_table == b.ref_table && a.weak == b.weak;
}

// --- column types ---

Datum ColumnType::default_datum() const {
  DatumBuilder b(key.type, value.type);
  if (n_min == 1) b.add(default_atom(key.type), default_atom(value.type));
  return b.finish();
}

bool ColumnType::is_default(DatumRef d) const {
  if (n_min == 0) return d.empty();
  if (d.size() != 1) return false;
  return d.key(0) == default_atom(key.type) && (!is_map() || d.value(0) == default_atom(value.type));
}

Status ColumnType::check(DatumRef d) const {
  bool keys = key.has_constraints(), values = is_map() && value.has_constraints();
  if (!keys && !values) return {};
  for (size_t i = 0, n = d.size(); i < n; i++) {
    if (keys)
      if (auto s = key.check(d.key(i)); !s) return s;
    if (values)
      if (auto s = value.check(d.value(i)); !s) return s;
  }
  return {};
}

std::string ColumnType::to_english() const {
  if (is_scalar()) return std::string(atom_type_name(key.type));
  std::string s = is_map() ? "map of " : "set of ";
  if (n_max != kUnlimited) s += n_min ? fmt::format("{} to {} ", n_min, n_max) : fmt::format("up to {} ", n_max);
  else if (n_min) s += fmt::format("{} or more ", n_min);
  if (is_map()) return s + fmt::format("({}, {}) pairs", atom_type_name(key.type), atom_type_name(value.type));
  return s + fmt::format("{}s", atom_type_name(key.type));
}

namespace {

Result<uint32_t> count_from_json(const Json* j, uint32_t missing) {
  if (!j) return missing;
  if (j->is_integer() && j->integer() >= 0 && j->integer() < kUnlimited) return static_cast<uint32_t>(j->integer());
  if (j->string() == "unlimited") return kUnlimited;
  return syntax_error(*j, "bad min or max value");
}

}  // namespace

Result<ColumnType> ColumnType::from_json(const Json& j) {
  ColumnType t;
  if (j.is_string()) {
    auto base = BaseType::from_json(j);
    if (!base) return std::unexpected(base.error());
    t.key = *base;
    return t;
  }
  R reader(j);
  const Json* key = reader.required("key", R::kString | R::kObject);
  const Json* value = reader.optional("value", R::kString | R::kObject);
  const Json* min = reader.optional("min", R::kInteger);
  const Json* max = reader.optional("max", R::kInteger | R::kString);
  if (auto s = reader.finish("ovsdb type"); !s) return std::unexpected(s.error());
  auto key_type = BaseType::from_json(*key);
  if (!key_type) return std::unexpected(key_type.error());
  t.key = *key_type;
  if (value) {
    auto value_type = BaseType::from_json(*value);
    if (!value_type) return std::unexpected(value_type.error());
    t.value = *value_type;
  }
  auto n_min = count_from_json(min, 1), n_max = count_from_json(max, 1);
  if (!n_min) return std::unexpected(n_min.error());
  if (!n_max) return std::unexpected(n_max.error());
  t.n_min = *n_min, t.n_max = *n_max;
  if (t.n_min > 1 || t.n_max < 1 || t.n_min > t.n_max) return syntax_error(j, "ovsdb type fails constraint checks");
  return t;
}

Json ColumnType::to_json() const {
  if (is_scalar() && !key.has_constraints() && !key.is_reference()) return key.to_json();
  Json j = Json::object({{"key", key.to_json()}});
  if (is_map()) j.set("value", value.to_json());
  if (n_min != 1) j.set("min", n_min);
  if (n_max == kUnlimited) j.set("max", "unlimited");
  else if (n_max != 1) j.set("max", n_max);
  return j;
}

}  // namespace sluice::ovsdb

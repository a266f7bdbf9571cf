// SPDX-License-Identifier: Apache-2.0
// Column types and their constraints (RFC 7047 3.2), from and to JSON, and in English for messages.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>

#include "dbserver/ovsdb/error.h"
#include "dbserver/ovsdb/values.h"

namespace sluice::ovsdb {

inline constexpr uint32_t kUnlimited = std::numeric_limits<uint32_t>::max();

struct BaseType {
  AtomType type = AtomType::none;
  std::shared_ptr<const Datum> enumeration;  // null = none
  int64_t min_integer = std::numeric_limits<int64_t>::min(), max_integer = std::numeric_limits<int64_t>::max();
  double min_real = std::numeric_limits<double>::lowest(), max_real = std::numeric_limits<double>::max();
  uint32_t min_length = 0, max_length = kUnlimited;  // characters
  std::string ref_table;                            // "" = no reference
  bool weak = false;

  bool is_reference() const { return !ref_table.empty(); }
  bool is_strong_ref() const { return is_reference() && !weak; }
  bool is_weak_ref() const { return is_reference() && weak; }
  bool has_constraints() const;
  /// The atom, which is of this type, keeps them.
  bool admits(const AtomRef& a) const {
    switch (type) {
      case AtomType::integer: return admits(a.integer());
      case AtomType::real: return enumeration ? is_enumerated(a) : a.real() >= min_real && a.real() <= max_real;
      case AtomType::string: return admits(a.string());
      default: return !enumeration || is_enumerated(a);
    }
  }
  bool admits(int64_t i) const { return enumeration ? is_enumerated(i) : i >= min_integer && i <= max_integer; }
  bool admits(std::string_view text) const {
    if (enumeration) return enumeration->ref().contains_text(text);
    return (min_length == 0 && max_length == kUnlimited) || is_length_right(text);
  }
  /// "11 is not in the valid range 0 to 10 (inclusive)"
  Status check(const AtomRef& a) const;
  Json to_json() const;
  static Result<BaseType> from_json(const Json& j);
  friend bool operator==(const BaseType& a, const BaseType& b);

 private:
  bool is_enumerated(const AtomRef& a) const;
  bool is_length_right(std::string_view s) const;
};

struct ColumnType {
  BaseType key, value;  // value.type == none: not a map
  uint32_t n_min = 1, n_max = 1;

  bool is_map() const { return value.type != AtomType::none; }
  bool is_scalar() const { return n_min == 1 && n_max == 1 && !is_map(); }
  bool is_optional() const { return n_min == 0 && n_max == 1; }
  bool is_single() const { return n_max == 1; }  // one element at most, a map too
  bool is_optional_scalar() const { return is_optional() && !is_map(); }
  bool is_composite() const { return n_max > 1; }
  bool is_set() const { return !is_map() && (n_min != 1 || n_max != 1); }
  /// Empty, or one default atom (pair) if n_min is 1.
  Datum default_datum() const;
  bool is_default(DatumRef d) const;
  /// Each atom against its base type's constraints.
  Status check(DatumRef d) const;
  /// "set of up to 3 integers"
  std::string to_english() const;
  Json to_json() const;
  static Result<ColumnType> from_json(const Json& j);
  friend bool operator==(const ColumnType& a, const ColumnType& b) = default;
};

}  // namespace sluice::ovsdb

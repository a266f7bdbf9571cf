// SPDX-License-Identifier: Apache-2.0
// Values on the wire (RFC 7047 5.1), both ways, with OVS's error texts.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <string>
#include <vector>

#include "dbserver/ovsdb/error.h"
#include "dbserver/ovsdb/types.h"
#include "dbserver/ovsdb/values.h"
#include "lib/json.h"
#include "lib/json_writer.h"

namespace sluice::ovsdb {

/// The names of one transaction's rows: ["named-uuid", NAME] gets its uuid at the first mention, before or after the insert that defines it.
class SymbolTable {
 public:
  struct Symbol {
    Uuid uuid;
    bool created = false;  // an insert has defined it
  };
  explicit SymbolTable(UuidSource& uuids) : uuids_(uuids) {}
  Symbol& get(std::string_view name);
  void clear() {
    constexpr size_t kKept = 4096;  // names
    if (symbols_.bucket_count() > kKept) symbols_ = {};
    else if (!symbols_.empty()) symbols_.clear();
  }
  /// nullptr if it was not mentioned yet.
  const Symbol* find(std::string_view name) const;
  /// Names that were mentioned but never created, in order.
  std::vector<std::string> undefined() const;

 private:
  UuidSource& uuids_;
  boost::unordered_flat_map<std::string, Symbol> symbols_;
};

/// Strings in the result are views of `j`.
Result<AtomRef> parse_atom(const Json& j, const BaseType& type, SymbolTable* symbols = nullptr);
/// Checks number of elements, duplicates and constraints.
Result<Datum> parse_datum(const Json& j, const ColumnType& type, SymbolTable* symbols = nullptr);
/// As parse_datum, but a set may have any number of elements and constraints are not checked: for differences, and conditions.
Result<Datum> parse_datum_lenient(const Json& j, const ColumnType& type, SymbolTable* symbols = nullptr);
/// The hot form: appends the canonical encoding to `out`.
Status parse_datum_to(ByteBuffer& out, const Json& j, const ColumnType& type, SymbolTable* symbols, DatumBuilder& scratch);

Json atom_to_json(AtomRef a);
Json datum_to_json(DatumRef d);
void write_atom(JsonWriter& out, const AtomRef& a);
void write_datum(JsonWriter& out, DatumRef d);
void append_datum(std::string& out, DatumRef d);

}  // namespace sluice::ovsdb

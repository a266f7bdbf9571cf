// SPDX-License-Identifier: Apache-2.0
// The parts of schema_rows.h that are no templates.
#include "vswitchd/schema_rows.h"

namespace sluice::schema {
namespace {

using ovsdb::AtomType, ovsdb::Datum, ovsdb::DatumBuilder;

template <typename T>
Datum set_of(AtomType type, const std::vector<T>& v) {
  DatumBuilder b(type);
  for (const T& e : v) b.add(e);
  b.sort_unique();
  return b.finish();
}

template <typename V>
Datum map_of(AtomType value, const std::map<std::string, V>& v) {
  DatumBuilder b(AtomType::string, value);
  for (const auto& [k, e] : v) b.add(k, e);
  b.sort_unique();
  return b.finish();
}

}  // namespace

Datum to_datum(const std::vector<std::string>& v) { return set_of(AtomType::string, v); }
Datum to_datum(const std::vector<int64_t>& v) { return set_of(AtomType::integer, v); }
Datum to_datum(const std::vector<Uuid>& v) { return set_of(AtomType::uuid, v); }
Datum to_datum(const std::map<std::string, std::string>& v) { return map_of(AtomType::string, v); }
Datum to_datum(const std::map<std::string, int64_t>& v) { return map_of(AtomType::integer, v); }

std::vector<ovsdb::TableSelection> select_everything(const ovsdb::DatabaseSchema& s) {
  std::vector<ovsdb::TableSelection> out;
  for (const ovsdb::TableSchema& t : s.tables) {
    ovsdb::TableSelection& selection = out.emplace_back(ovsdb::TableSelection{t.name, {}, {}});
    for (const ovsdb::ColumnSchema& c : t.columns)
      selection.columns.push_back(column_flags(t, c) & kReported ? ovsdb::ColumnUse::quiet : ovsdb::ColumnUse::read);
  }
  return out;
}

}  // namespace sluice::schema

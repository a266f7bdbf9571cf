// SPDX-License-Identifier: Apache-2.0
// An empty database with every kind of column, reference, index and limit, for fuzz targets.
#pragma once

#include "dbserver/engine/database.h"

namespace sluice::ovsdb {

inline std::shared_ptr<const DatabaseSchema> fuzz_schema() {
  static const auto schema = *DatabaseSchema::from_json(*Json::parse(R"({"name":"T","tables":{
    "R":{"isRoot":true,"maxRows":4,"indexes":[["name"],["i","r"]],"columns":{
      "name":{"type":"string"},"i":{"type":{"key":{"type":"integer","minInteger":-5,"maxInteger":100},"min":0}},"r":{"type":"real"},"b":{"type":"boolean"},
      "is":{"type":{"key":"integer","min":0,"max":3}},"e":{"type":{"key":{"type":"string","enum":["set",["x","y"]]},"min":0}},
      "m":{"type":{"key":"string","value":"integer","min":0,"max":"unlimited"}},"fixed":{"type":"string","mutable":false},
      "kids":{"type":{"key":{"type":"uuid","refTable":"N"},"min":0,"max":"unlimited"}},
      "weak":{"type":{"key":{"type":"uuid","refTable":"N","refType":"weak"},"min":0,"max":"unlimited"}},
      "gone":{"type":"integer","ephemeral":true}}},
    "N":{"columns":{"v":{"type":"integer"},"next":{"type":{"key":{"type":"uuid","refTable":"N"},"min":0}},
      "by":{"type":{"key":"string","value":{"type":"uuid","refTable":"R","refType":"weak"},"min":0,"max":"unlimited"}}}}}})"));
  return schema;
}

struct FuzzDatabase {
  UuidSource uuids{{1, 2, 3, 4}};
  Database db{fuzz_schema(), uuids};
};

}  // namespace sluice::ovsdb

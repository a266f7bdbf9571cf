// SPDX-License-Identifier: Apache-2.0
// Schemas: what is accepted prints to a schema that is accepted and prints the same, and an empty database can be made of it.
#include "dbserver/engine/database.h"
#include "tests/fuzz/fuzz.h"

using namespace sluice;
using namespace sluice::ovsdb;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto j = Json::parse(as_text(data, size));
  if (!j) return 0;
  auto schema = DatabaseSchema::from_json(*j);
  if (!schema) return 0;
  auto again = DatabaseSchema::from_json((*schema)->to_json());
  require(again && (*again)->to_json() == (*schema)->to_json());
  UuidSource uuids{{1, 2, 3, 4}};
  Database db(*schema, uuids);
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// A server on a simulated disk whose transactions insert rows in pairs, so that half a transaction can be told from a whole one.
#pragma once

#include <map>

#include "dbserver/engine/open.h"
#include "tests/unit/dbserver/recorder.h"
#include "tests/unit/dbserver/sim_disk.h"

namespace sluice::ovsdb {

inline constexpr const char* kPairSchema =
    R"({"name":"T","tables":{"a":{"isRoot":true,"columns":{"n":{"type":"integer"},"s":{"type":{"key":"integer","min":0,"max":"unlimited"}}}}}})";

/// Operations of a transaction that inserts two rows with the same n.
inline std::string pair_operations(int n, bool durable) {
  std::string row = "{\"op\":\"insert\",\"table\":\"a\",\"row\":{\"n\":" + std::to_string(n) + "}}";
  return row + "," + row + (durable ? ",{\"op\":\"commit\",\"durable\":true}" : "");
}

struct PairWorld {
  PairWorld() : server(uuids) {
    auto db = make_database(kPairSchema, uuids);
    std::string contents;
    append_record(contents, db->schema().to_json().to_string() + "\n");
    auto storage = std::make_unique<SimDisk>(contents);
    disk = storage.get();
    (void)server.add_database(std::move(db), std::make_unique<Journal>(std::move(storage), 0, 0), "");
    client = std::make_unique<TestClient>(server);
  }
  bool insert_pair(int n, bool durable) {
    Json r = client->transact(pair_operations(n, durable));
    return r.size() > 0 && !r[0].find("error");
  }
  HostedDatabase& hosted() { return *server.find("T"); }
  /// Starts a compaction; without threads it is over when this returns.
  void compact() {
    hosted().compact("test", [](const IoStatus&) {});
    server.run(Time{}, 0);
  }
  UuidSource uuids{{9, 9, 9, 9}};
  Server server;
  SimDisk* disk;
  std::unique_ptr<TestClient> client;
};

/// How often each n occurs.
inline std::map<int64_t, int> count_pairs(Database& db) {
  std::map<int64_t, int> counts;
  for (const RowPtr& row : *db.find_table("a")) counts[row->get(*db.find_table("a")->schema().find("n")).integer()]++;
  return counts;
}

}  // namespace sluice::ovsdb

// SPDX-License-Identifier: Apache-2.0
// Transactions: a text of JSON arrays of operations, run one after another; each gives a result for each operation, and the database's books stay right.
// On a second database they are scanned, if they can be: their results are the same.
#include <string>

#include "dbserver/engine/transaction.h"
#include "tests/fuzz/database.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/dbserver/books.h"

using namespace sluice;
using namespace sluice::ovsdb;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzDatabase f, g;
  Transaction runner(f.uuids), scanning(g.uuids);
  ByteBuffer spare;
  JsonSplitter splitter;
  splitter.feed(as_text(data, size));
  TransactContext context;
  for (auto text = splitter.next(); !text.empty(); text = splitter.next()) {
    auto j = Json::parse(text);
    if (!j || !j->is_array()) continue;
    Json params = Json::array({f.db.name()});
    for (const Json& op : j->elements()) params.push_back(op);
    TransactOutcome outcome = runner.run(f.db, params, context);
    const std::string behind_name = "," + std::string(text.substr(1));
    JsonScanner s(behind_name, spare);
    bool scanned = scanning.scan(g.db, s) && s.at_end();
    TransactOutcome same = scanned ? scanning.run_scanned(context) : scanning.run(g.db, params, context);
    require(same.must_wait == outcome.must_wait && same.results == outcome.results);
    if (outcome.must_wait) continue;
    auto results = Json::parse(outcome.results);
    require(results && results->is_array());
    require(results->size() == j->size() || (outcome.failed && results->size() == j->size() + 1));
  }
  require(wrong_books(f.db).empty());
  return 0;
}

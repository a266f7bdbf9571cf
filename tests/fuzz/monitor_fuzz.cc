// SPDX-License-Identifier: Apache-2.0
// Monitor requests and conditions: JSON objects, the first a monitor's, the others changes of its conditions.  What is accepted renders to JSON, and a
// change of conditions there and back leads to the same contents.
#include "dbserver/engine/transaction.h"
#include "dbserver/monitor.h"
#include "tests/fuzz/database.h"
#include "tests/fuzz/fuzz.h"

using namespace sluice;
using namespace sluice::ovsdb;

namespace {

FuzzDatabase& filled() {
  static FuzzDatabase f;
  static const bool done = [] {
    TransactContext context;
    auto outcome = Transaction(f.uuids).run(f.db, *Json::parse(R"(["T",
      {"op":"insert","table":"R","row":{"name":"one","i":1,"m":["map",[["k",1]]],"kids":["named-uuid","n"]}},
      {"op":"insert","table":"N","uuid-name":"n","row":{"v":3}},
      {"op":"insert","table":"R","row":{"name":"two","is":["set",[1,2]],"e":"x","r":1.5,"b":true}}])"), context);
    require(!outcome.failed);
    return true;
  }();
  (void)done;
  return f;
}

Json rendered(const std::string& text) {
  auto j = Json::parse(text.empty() ? "{}" : text);
  require(j.has_value());
  return *j;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Database& db = filled().db;
  JsonSplitter splitter;
  splitter.feed(as_text(data, size));
  std::shared_ptr<const MonitorSpec> spec;
  for (auto text = splitter.next(); !text.empty(); text = splitter.next()) {
    auto j = Json::parse(text);
    if (!j) return 0;
    auto next = spec ? spec->with_conditions(db.schema(), *j) : MonitorSpec::parse(db.schema(), *j, false);
    if (!next) continue;
    rendered((*next)->initial(db));
    if (spec) {
      rendered(spec->condition_change(db, **next));
      rendered((*next)->condition_change(db, *spec));
      require(spec->condition_change(db, *spec).empty());
    }
    spec = *next;
  }
  return 0;
}

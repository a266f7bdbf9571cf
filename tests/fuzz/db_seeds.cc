// SPDX-License-Identifier: Apache-2.0
// Seeds for the database's fuzz targets from the recorded conversations: `fuzz_db_seeds GOLDEN_DIR DIR` makes DIR/{jsonrpc,transact,monitor,schema,journal}.
#include <fmt/core.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "dbserver/engine/journal.h"
#include "lib/files.h"

using namespace sluice;
using namespace sluice::ovsdb;

namespace {

std::filesystem::path out;

void write(const char* target, std::string_view bytes) {
  static std::map<std::string, int> numbers;
  std::filesystem::create_directories(out / target);
  std::ofstream(out / target / fmt::format("{}", numbers[target]++), std::ios::binary) << bytes;
}

void request_seeds(const Json& request) {
  write("jsonrpc", request.to_string());
  const Json& params = request.get("params");
  std::string_view method = request.get("method").string();
  if (method == "transact" && params.size() > 1) {
    Json operations = Json::array();
    for (size_t i = 1; i < params.size(); i++) operations.push_back(params[i]);
    write("transact", operations.to_string());
  } else if (method.starts_with("monitor") && params.size() > 2) {
    write("monitor", params[2].to_string());
  }
}

constexpr const char* kTransactions[] = {
    R"([{"op":"insert","table":"R","uuid-name":"a","row":{"name":"n","i":1,"is":["set",[1,2]],"m":["map",[["k",1]]],"kids":["named-uuid","k"],"weak":["named-uuid","k"]}},)"
    R"({"op":"insert","table":"N","uuid-name":"k","row":{"v":2,"by":["map",[["x",["named-uuid","a"]]]]}}])"
    R"([{"op":"update","table":"R","where":[["name","==","n"]],"row":{"kids":["set",[]]}},{"op":"mutate","table":"R","where":[],"mutations":[["i","+=",1],["m","insert",["map",[["z",2]]]]]}])",
    R"([{"op":"insert","table":"R","row":{"name":"x"}},{"op":"wait","table":"R","timeout":0,"where":[["i",">",3]],"columns":["name"],"until":"==","rows":[{"name":"x"}]},{"op":"delete","table":"R","where":[true]}])",
};
constexpr const char* kMonitors[] = {
    R"({"R":[{"columns":["name","i"],"where":[["i",">",0],["m","includes",["map",[["k",1]]]]],"select":{"initial":true}}],"N":[{}]}{"R":[{"where":[false]}]})"};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: fuzz_db_seeds GOLDEN_DIR DIR\n");
    return 2;
  }
  std::string golden = argv[1];
  out = argv[2];
  std::ifstream f(golden + "/ovsdb-transcripts.jsonl");
  for (std::string line; std::getline(f, line);)
    if (auto j = Json::parse(line); j && j->get("req").is_object()) request_seeds(j->get("req"));
  for (const char* t : kTransactions) write("transact", t);
  for (const char* t : kMonitors) write("monitor", t);
  if (auto schema = read_file(golden + "/ovsdb-test.ovsschema")) write("schema", *schema);
  auto journal = read_file(golden + "/ovsdb-sample-journal.db");
  if (!journal) return 1;
  write("journal", "1" + *journal);
  RecordReader reader(*journal, "sample");
  std::string lines = "0";
  for (auto r = reader.next(); r && *r; r = reader.next()) lines += (*r)->data;
  write("journal", lines);
  write("journal", R"(0{"_is_diff":true,"R":{"00000000-0000-0000-0000-000000000001":{"name":"a","is":["set",[1,2]]}}})" "\n"
                   R"({"_is_diff":true,"R":{"00000000-0000-0000-0000-000000000001":{"is":["set",[2,3]]}}})" "\n");
  return 0;
}

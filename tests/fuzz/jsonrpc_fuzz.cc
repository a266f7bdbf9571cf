// SPDX-License-Identifier: Apache-2.0
// A JSON-RPC stream: cut into messages the same whether it comes whole or byte by byte; what parses prints to a text that gives the same value.
#include <string>
#include <vector>

#include "lib/jsonrpc.h"
#include "tests/fuzz/fuzz.h"

using namespace sluice;

namespace {

constexpr size_t kMaxMessage = 4096;

std::vector<std::string> cut(std::string_view stream, size_t piece) {
  JsonSplitter splitter(kMaxMessage);
  std::vector<std::string> all;
  for (size_t at = 0; at < stream.size() && !splitter.failed(); at += piece) {
    splitter.feed(stream.substr(at, piece));
    for (auto v = splitter.next(); !v.empty(); v = splitter.next()) all.emplace_back(v);
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view stream = as_text(data, size);
  std::vector<std::string> whole = cut(stream, size ? size : 1), single = cut(stream, 1);
  // In one piece a message that is too long may be whole before its length is looked at.
  if (size <= kMaxMessage) require(whole == single);
  JsonArena arena;
  for (const std::string& text : whole) {
    auto parsed = arena.parse(text);
    if (!parsed) continue;
    Json copy = **parsed;
    require(copy == **parsed);
    std::string printed = copy.to_string();
    auto again = Json::parse(printed);
    require(again && *again == copy && again->to_string() == printed);
    (void)copy.to_error_text();
    (void)copy.to_pretty_string();
    (void)classify_jsonrpc(copy);
  }
  return 0;
}

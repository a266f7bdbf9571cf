// SPDX-License-Identifier: Apache-2.0
// A JSON-RPC stream: cut into messages the same whether it comes whole or byte by byte; what parses prints to a text that gives the same value
// (of a real that is integral perhaps as an integer: by the rules of OVSDB that is how such a text reads).
#include <algorithm>
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

bool same_value(const Json& a, const Json& b) {
  if (a.is_real() && b.is_integer()) return a.number() == b.number();
  if (a.is_array() && b.is_array()) return std::ranges::equal(a.elements(), b.elements(), same_value);
  if (!a.is_object() || !b.is_object()) return a == b;
  return std::ranges::equal(a.members(), b.members(),
                            [](const JsonMember& x, const JsonMember& y) { return x.name() == y.name() && same_value(x.value, y.value); });
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
    auto again = Json::parse(copy.to_string());
    require(again && same_value(copy, *again));
    std::string printed = again->to_string();
    require(Json::parse(printed) == *again);
    (void)copy.to_error_text();
    (void)copy.to_pretty_string();
    (void)classify_jsonrpc(copy);
  }
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// See odp_arguments.h.
#include "datapath/odp_arguments.h"

#include <algorithm>
#include <charconv>

#include "lib/text.h"

namespace sluice {

std::optional<OdpArguments> parse_arguments(std::string_view body, std::initializer_list<std::string_view> names) {
  OdpArguments out;
  while (!body.empty()) {
    std::string_view word = body.substr(0, body.find(','));
    body.remove_prefix(std::min(body.size(), word.size() + 1));
    size_t equals = word.find('=');
    if (equals == word.npos || std::ranges::find(names, word.substr(0, equals)) == names.end()) return std::nullopt;
    out.emplace(word.substr(0, equals), word.substr(equals + 1));
  }
  return out;
}

std::optional<uint32_t> number_argument(const OdpArguments& a, std::string_view name, uint32_t usual, uint32_t most) {
  auto found = a.find(name);
  if (found == a.end()) return usual;
  std::string_view text = found->second;
  bool is_hex = text.starts_with("0x");
  uint32_t v = 0;
  auto [end, error] = std::from_chars(text.data() + (is_hex ? 2 : 0), text.data() + text.size(), v, is_hex ? 16 : 10);
  if (error != std::errc() || end != text.data() + text.size() || v > most) return std::nullopt;
  return v;
}

std::optional<Bytes> parse_bytes(std::string_view text) {
  if (text.starts_with("0x")) text.remove_prefix(2);
  if (text == "0") return Bytes{};
  return parse_hex(text.size() % 2 ? "0" + std::string(text) : std::string(text));
}

}  // namespace sluice

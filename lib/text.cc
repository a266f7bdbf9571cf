// SPDX-License-Identifier: Apache-2.0
#include "lib/text.h"

#include <fmt/format.h>

#include <cctype>
#include <iterator>

namespace sluice {

void append_formatted(std::string& out, fmt::string_view text, fmt::format_args args) { fmt::vformat_to(std::back_inserter(out), text, args); }

std::string hex(ByteView bytes, std::string_view separator) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * (2 + separator.size()));
  for (uint8_t b : bytes) {
    if (!out.empty()) out += separator;
    out += kDigits[b >> 4];
    out += kDigits[b & 15];
  }
  return out;
}

std::optional<Bytes> parse_hex(std::string_view text, std::string_view ignored) {
  Bytes out;
  bool high = true;
  for (char c : text) {
    if (ignored.find(c) != ignored.npos) continue;
    if (!std::isxdigit(static_cast<unsigned char>(c))) return std::nullopt;
    auto digit = static_cast<uint8_t>(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
    if (high) out.push_back(static_cast<uint8_t>(digit << 4));
    else out.back() |= digit;
    high = !high;
  }
  if (!high) return std::nullopt;
  return out;
}

}  // namespace sluice

// SPDX-License-Identifier: Apache-2.0
#include "lib/text.h"

#include <fmt/format.h>

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

}  // namespace sluice

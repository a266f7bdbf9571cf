// SPDX-License-Identifier: Apache-2.0
// What the targets share: a property that does not hold ends the process, which libFuzzer reports with the input.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <source_location>
#include <string_view>

#include "lib/bytes.h"

namespace sluice {

inline void require(bool ok, std::source_location where = std::source_location::current()) {
  if (ok) return;
  std::fprintf(stderr, "%s:%u: does not hold\n", where.file_name(), static_cast<unsigned>(where.line()));
  std::abort();
}
/// What `write` (of a ByteWriter) wrote.
template <typename Fn>
Bytes written(Fn write) {
  Bytes b;
  ByteWriter w(b);
  write(w);
  return b;
}
inline std::string_view as_text(const uint8_t* data, size_t size) { return {reinterpret_cast<const char*>(data), size}; }

}  // namespace sluice

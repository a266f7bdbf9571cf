// SPDX-License-Identifier: Apache-2.0
// What the targets share: a property that does not hold ends the process, which libFuzzer reports with the input.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace sluice {

inline void require(bool ok) {
  if (!ok) std::abort();
}
inline std::string_view as_text(const uint8_t* data, size_t size) { return {reinterpret_cast<const char*>(data), size}; }

}  // namespace sluice

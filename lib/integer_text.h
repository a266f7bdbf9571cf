// SPDX-License-Identifier: Apache-2.0
// Decimal digits of integers, for texts that have many of them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice {

inline constexpr size_t kIntegerRoom = 32;
/// Writes the digits of i, and returns where they end.  REQUIRES: kIntegerRoom bytes, which may all be overwritten.
char* format_integer(char* to, int64_t i);

}  // namespace sluice

// SPDX-License-Identifier: Apache-2.0
// UUIDs as 128-bit numbers, their text form (8-4-4-4-12 lower-case hex), and a seeded source of random ones (RFC 4122 version 4).
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "lib/random.h"

namespace sluice {

inline constexpr size_t kUuidTextLength = 36;

/// Ordered as OVSDB orders uuids: by the 128-bit value.
struct Uuid {
  uint64_t hi = 0, lo = 0;
  friend constexpr bool operator==(const Uuid&, const Uuid&) = default;
  friend constexpr auto operator<=>(const Uuid&, const Uuid&) = default;
  constexpr bool is_zero() const { return (hi | lo) == 0; }
};

std::string format(const Uuid& u);
/// Writes kUuidTextLength characters, no NUL.
void format_to(char* out, const Uuid& u);
/// Exactly 36 characters; hex digits of either case.
std::optional<Uuid> parse_uuid(std::string_view s);
/// Length of the longest prefix of s that a uuid could begin with (36: s starts with a whole uuid).
size_t uuid_prefix_length(std::string_view s);

/// Random uuids; a function of the seed.  One thread.
class UuidSource {
 public:
  explicit UuidSource(Random random) : random_(random) {}
  /// For runs that must be repeatable; not all zero.
  explicit UuidSource(std::array<uint64_t, 4> seed);
  Uuid next();
  uint64_t next_u64() { return random_.next(); }

 private:
  Random random_;
};

struct UuidHash {
  size_t operator()(const Uuid& u) const noexcept { return (u.hi ^ (u.lo * 0x9e3779b97f4a7c15u)) * 0xff51afd7ed558ccdu >> 7; }
};

}  // namespace sluice

template <>
struct std::hash<sluice::Uuid> : sluice::UuidHash {};

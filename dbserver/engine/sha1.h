// SPDX-License-Identifier: Apache-2.0
// SHA-1 as the journal's records carry it: 40 hex digits.  Not for security: it finds damage.
#pragma once

#include <array>
#include <span>
#include <string_view>

namespace sluice::ovsdb {

inline constexpr size_t kSha1Length = 40;

/// Hex digits.
struct Sha1Text : std::array<char, kSha1Length> {
  operator std::string_view() const { return {data(), size()}; }
};

Sha1Text sha1(std::string_view bytes);
/// Of each text.  Many small ones together cost a third of what they cost one by one, if the processor has AVX2.  REQUIRES: room for as many results.
void sha1(std::span<const std::string_view> texts, Sha1Text* results);

}  // namespace sluice::ovsdb

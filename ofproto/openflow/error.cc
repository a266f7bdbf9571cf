// SPDX-License-Identifier: Apache-2.0
// The error table, expanded from errors.def: up to four ranges of versions an error, each with its numbers.
#include "ofproto/openflow/error.h"

#include <array>

namespace sluice::ofp {
namespace {

struct Range {
  uint8_t first, last;  // 10..15; 0 = unused
  ErrorNumbers numbers;
};
constexpr Range STD(int first, int last, uint16_t type, uint16_t code) { return {uint8_t(first), uint8_t(last), {0, type, code}}; }
constexpr Range NX(int first, int last, uint16_t type, uint16_t code) {
  return {uint8_t(first), uint8_t(last), {kNiciraVendor, type, code}};
}
constexpr Range ONF(int first, int last, uint16_t exp_type) { return {uint8_t(first), uint8_t(last), {kOnfVendor, 0, exp_type}}; }

struct Row {
  std::string_view name;
  std::array<Range, 4> ranges;
};
constexpr Row kRows[] = {
#define SLUICE_OF_ERROR(name, ...) {#name, {{__VA_ARGS__}}},
#include "ofproto/openflow/errors.def"
#undef SLUICE_OF_ERROR
};

constexpr int number(Version v) { return 9 + static_cast<int>(v); }

}  // namespace

std::string_view error_name(Error e) { return kRows[static_cast<size_t>(e)].name; }

std::optional<Error> error_by_name(std::string_view name) {
  for (size_t i = 0; i < std::size(kRows); i++)
    if (kRows[i].name == name) return static_cast<Error>(i);
  return std::nullopt;
}

std::optional<ErrorNumbers> error_numbers(Error e, Version v) {
  for (const Range& r : kRows[static_cast<size_t>(e)].ranges)
    if (r.first && r.first <= number(v) && number(v) <= r.last) return r.numbers;
  return std::nullopt;
}

std::optional<Error> error_from_numbers(const ErrorNumbers& n, Version v) {
  for (size_t i = 0; i < std::size(kRows); i++)
    if (error_numbers(static_cast<Error>(i), v) == n) return static_cast<Error>(i);
  return std::nullopt;
}

}  // namespace sluice::ofp

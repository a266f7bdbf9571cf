// SPDX-License-Identifier: Apache-2.0
// What generators of random texts for the readers of the database have in common.
#pragma once

#include <initializer_list>
#include <random>
#include <string>
#include <string_view>

namespace sluice::ovsdb {

class RandomTexts {
 public:
  explicit RandomTexts(uint64_t seed) : random_(seed) {}
  size_t pick(size_t n) { return random_() % n; }
  std::string one_of(std::initializer_list<const char*> all) { return all.begin()[pick(all.size())]; }
  /// Some bytes changed, cut, doubled.
  std::string mutated(std::string text) {
    for (size_t n = pick(3); n > 0 && !text.empty(); n--) {
      size_t at = pick(text.size());
      constexpr std::string_view kOdd = "\"\\{}[],:0e. \x7f\x01\xff";
      switch (pick(4)) {
        case 0: text[at] = kOdd[pick(kOdd.size())]; break;
        case 1: text.resize(at); break;
        case 2: text.insert(at, text.substr(pick(text.size()), pick(40))); break;
        default: text.erase(at, 1 + pick(8)); break;
      }
    }
    return text;
  }

 protected:
  std::mt19937_64 random_;
};

}  // namespace sluice::ovsdb

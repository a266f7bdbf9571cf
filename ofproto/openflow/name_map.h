// SPDX-License-Identifier: Apache-2.0
// Names of numbered things (ports, tables) both ways, for text.  A name or number that occurs twice with different partners is
// ambiguous and then unusable.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::ofp {

struct NameMap {
  void add(uint32_t number, std::string_view name);
  std::optional<uint32_t> number(std::string_view name) const;
  /// Empty if there is none.
  std::string_view name(uint32_t number) const;
  bool empty() const { return by_name_.empty(); }

 private:
  std::map<std::string, std::optional<uint32_t>, std::less<>> by_name_;
  std::map<uint32_t, std::optional<std::string>> by_number_;
};

}  // namespace sluice::ofp

// SPDX-License-Identifier: Apache-2.0
#include "ofproto/openflow/name_map.h"

namespace sluice::ofp {

void NameMap::add(uint32_t number, std::string_view name) {
  auto [n, new_name] = by_name_.try_emplace(std::string(name), number);
  if (!new_name && n->second != number) n->second.reset();
  auto [m, new_number] = by_number_.try_emplace(number, std::string(name));
  if (!new_number && m->second != name) m->second.reset();
}

std::optional<uint32_t> NameMap::number(std::string_view name) const {
  auto it = by_name_.find(name);
  return it == by_name_.end() ? std::nullopt : it->second;
}

std::string_view NameMap::name(uint32_t number) const {
  auto it = by_number_.find(number);
  if (it == by_number_.end() || !it->second) return {};
  // An ambiguous name would not read back.
  return this->number(*it->second) ? std::string_view(*it->second) : std::string_view();
}

}  // namespace sluice::ofp

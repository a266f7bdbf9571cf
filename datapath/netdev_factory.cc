// SPDX-License-Identifier: Apache-2.0
// Which type opens which device.
#include <cerrno>
#include <cstring>

#include <fmt/core.h>

#include "datapath/netdev.h"

namespace sluice {

void NetdevFactory::add(std::string type, Opener opener, void* context) { openers_[std::move(type)] = {opener, context}; }

bool NetdevFactory::has(const std::string& type) const { return openers_.contains(type); }

std::vector<std::string> NetdevFactory::types() const {
  std::vector<std::string> all;
  for (auto& [type, entry] : openers_) all.push_back(type);
  return all;
}

std::expected<std::unique_ptr<Netdev>, std::string> NetdevFactory::open(const NetdevSpec& spec) const {
  auto it = openers_.find(spec.type.empty() ? "system" : spec.type);
  if (it == openers_.end()) return std::unexpected(open_error(spec.name, EAFNOSUPPORT));
  return it->second.opener(spec, it->second.context);
}

std::string open_error(const std::string& name, int error) {
  return fmt::format("could not open network device {} ({})", name, std::strerror(error));
}

}  // namespace sluice

// SPDX-License-Identifier: Apache-2.0
// See optional_family.h.
#include "datapath/kernel/optional_family.h"

#include <cerrno>

namespace sluice {

std::expected<GenlMessage, int> OptionalFamily::transact(int dp_ifindex, uint8_t command, const GenlSocket::Write& write) {
  if (!number_) {
    auto number = socket_.resolve(name_);
    if (!number) return std::unexpected(number.error() == ENOENT ? EOPNOTSUPP : number.error());
    number_ = *number;
  }
  return socket_.transact({number_, command, version_}, dp_ifindex, 0, write);
}

}  // namespace sluice

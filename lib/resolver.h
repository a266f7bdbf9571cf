// SPDX-License-Identifier: Apache-2.0
// Name look-ups that do not block the loop: each runs in a thread of its own, and its answer comes back through the loop.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "lib/loop.h"
#include "lib/target.h"

namespace sluice {

/// One look-up.  Destroying it means that its callback is never called; the thread then ends by itself.
class Resolution {
 public:
  using Result = std::expected<std::vector<SocketAddress>, std::string>;
  Resolution(Loop& loop, const Target& target, Callback<void(Result)> done);
  ~Resolution();
  Resolution(const Resolution&) = delete;
  Resolution& operator=(const Resolution&) = delete;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace sluice

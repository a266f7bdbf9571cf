// SPDX-License-Identifier: Apache-2.0
// Locks (RFC 7047 4.1.8 to 4.1.10, with OVS's rules for stealing): one name space per server, a queue per name, its head is the owner.  One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluice::ovsdb {

class LockTable {
 public:
  /// Session numbers to be told, after the call that returned this.
  struct Effect {
    std::optional<uint64_t> granted;  // owns it now; as in Open vSwitch it is told so again when another one stops waiting
    std::optional<uint64_t> stolen;   // lost it
  };
  bool has_requested(const std::string& name, uint64_t session) const;
  bool owns(const std::string& name, uint64_t session) const;
  /// True if the lock is held now.  REQUIRES: !has_requested().
  bool lock(const std::string& name, uint64_t session);
  Effect steal(const std::string& name, uint64_t session);
  /// REQUIRES: has_requested().
  Effect unlock(const std::string& name, uint64_t session);
  /// A session has gone.  What the names' new owners are to be told.
  std::vector<std::pair<std::string, uint64_t>> forget(uint64_t session);
  size_t held(uint64_t session) const;
  size_t waiting(uint64_t session) const;

 private:
  struct Waiter {
    uint64_t session;
    bool stole;
  };
  struct Lock {
    std::deque<Waiter> queue;
    std::vector<uint64_t> ousted;  // stole it, were stolen from, and have not unlocked yet
  };
  std::map<std::string, Lock> locks_;
};

}  // namespace sluice::ovsdb

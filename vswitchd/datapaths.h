// SPDX-License-Identifier: Apache-2.0
// Datapaths: the switches of this process by datapath type, each made at first use.  Names the back ends; main() decides which there are.
// Threads: the control thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "datapath/dpif.h"
#include "lib/loop.h"
#include "ofproto/switch.h"

namespace sluice {

class Datapaths {
 public:
  struct Opened {
    std::unique_ptr<Dpif> dpif;
    int wait_fd = -1;  // readable when dpif->run() has something to do; -1: none
  };
  /// Makes the Dpif of a type.
  using Opener = std::function<Opened()>;

  Datapaths(Loop& loop, uint64_t seed) : loop_(loop), seed_(seed) {}
  void add_type(const std::string& type, Opener opener);
  /// "" and "system" mean the kernel's where there is one, else the userspace datapath.
  void add_alias(const std::string& type, const std::string& to) { aliases_[type] = to; }
  /// nullptr: no such type.
  Switch* get(const std::string& type);
  std::vector<Switch*> all();
  std::vector<std::string> types() const;
  Bridge* find_bridge(const std::string& name);
  void set_options(const SwitchOptions& options);
  bool run(Time now);
  Time deadline(Time now) const;

 private:
  struct Entry {
    Opener opener;
    std::unique_ptr<Dpif> dpif;
    std::unique_ptr<Switch> sw;
    Watch watch;
  };
  Loop& loop_;
  uint64_t seed_;
  SwitchOptions options_;
  std::map<std::string, Entry> entries_;
  std::map<std::string, std::string> aliases_;
};

}  // namespace sluice

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
  /// Makes the Dpif of a type.  The error says why it can't be had, and what to do.
  using Opener = std::function<std::expected<Opened, std::string>()>;

  Datapaths(Loop& loop, uint64_t seed) : loop_(loop), seed_(seed) {}
  /// Makes another datapath of a type, for dpctl/add-dp; null: of the kernel's type there are those of the kernel.
  using SpareOpener = std::function<std::unique_ptr<Dpif>(const std::string& name)>;
  void add_type(const std::string& type, Opener opener, SpareOpener spare = {});
  /// The type is as if it were not there, but bridges of it say why.
  void hide_type(const std::string& type) { hidden_ = type; }
  bool has_type(const std::string& type) const { return entries_.contains(type) && type != hidden_; }
  bool is_kernel_type(const std::string& type) const { return has_type(type) && !entries_.at(type).spare_opener; }
  void add_alias(const std::string& type, const std::string& to) { aliases_[type] = to; }
  /// Where `type` can't be had, `to` serves, if that is allowed.  Decided when the type is first wanted, for the life of the process.
  void add_fallback(const std::string& type, const std::string& to) { fallbacks_[type] = to; }
  void allow_fallback(bool allowed) { fallback_allowed_ = allowed; }
  std::expected<Switch*, std::string> get(const std::string& type);
  /// Why bridges of this type are on another datapath; "" if they are not.
  std::string fallback_reason(const std::string& type) const;
  /// Bridge.datapath_version.
  std::string version(const std::string& type) const;
  /// The datapath of a type if it is in use, else null.
  const Switch* opened(const std::string& type) const;
  /// Those that are in use, by type.
  const std::vector<Switch*>& all() const { return open_; }
  // Datapaths without bridges.
  Dpif* add_spare(const std::string& type, const std::string& name);
  void remove_spare(const std::string& type, const std::string& name);
  std::vector<Dpif*> spare();
  std::vector<std::string> types() const;
  Bridge* find_bridge(const std::string& name);
  void set_options(const SwitchOptions& options);
  /// By datapath type; of types that are not in it: none.
  void configure_tracking(const std::map<std::string, CtSettings>& settings);
  bool run(Time now);
  Time deadline(Time now) const;

 private:
  struct Entry {
    Opener opener;
    SpareOpener spare_opener;
    std::unique_ptr<Dpif> dpif;
    std::unique_ptr<Switch> sw;
    Watch watch;
  };
  Loop& loop_;
  uint64_t seed_;
  SwitchOptions options_;
  std::map<std::string, CtSettings> tracking_;
  std::map<std::string, Entry> entries_;
  std::vector<Switch*> open_;   // of the entries: every turn of the loop looks at them
  std::expected<void, std::string> open(const std::string& type, Entry& entry);
  std::string resolve(const std::string& type) const;
  std::map<std::string, std::string> aliases_, fallbacks_;
  std::map<std::string, std::string> fallen_;   // types that can't be had: why
  std::string hidden_;
  bool fallback_allowed_ = true;
  std::vector<std::unique_ptr<Dpif>> spare_;
};

}  // namespace sluice

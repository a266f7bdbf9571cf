// SPDX-License-Identifier: Apache-2.0
// Features of a datapath that someone has lowered (dpif/set-dp-features), to try what switches without them do: a flow that would need more of the datapath goes to user
// space, as one does that the datapath can't hold.  Features are named by their titles in Dpif::features(); "No" or a number is what is left of one.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "datapath/odp_action.h"

namespace sluice {

class FeatureLimits {
 public:
  /// value as in Dpif::features(); what the datapath has by itself is no limit.
  void set(const std::string& title, const std::string& value, const std::string& by_itself);
  bool empty() const { return limits_.empty(); }
  /// The same list with what is left.
  std::vector<std::pair<std::string, std::string>> applied_to(std::vector<std::pair<std::string, std::string>> features) const;
  /// Why a flow can't be in the datapath; kNone: it can.
  SlowReason refuse(const Flow& mask, const OdpActions& actions) const;

 private:
  bool is_off(std::string_view title) const;
  unsigned most(std::string_view title) const;   // UINT_MAX: no limit
  std::map<std::string, std::string, std::less<>> limits_;
};

}  // namespace sluice

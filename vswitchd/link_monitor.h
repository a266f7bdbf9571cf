// SPDX-License-Identifier: Apache-2.0
// LinkMonitor: calls when the kernel tells of a network device that came, went or changed (rtnetlink group LINK).  Says nothing of which: the listener
// looks at what it holds.  Without the right to such a socket it never calls.
#pragma once

#include "lib/files.h"
#include "lib/loop.h"

namespace sluice {

class LinkMonitor {
 public:
  LinkMonitor(Loop& loop, Callback<void()> on_change);

 private:
  void read();
  UniqueFd fd_;
  Callback<void()> on_change_;
  Watch watch_;
};

}  // namespace sluice

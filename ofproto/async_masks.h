// SPDX-License-Identifier: Apache-2.0
// Which asynchronous messages a controller gets: for each kind a mask of reasons, one for primary and equal controllers, one for secondary
// ones (OF1.3.5 7.3.10).
#pragma once

#include <array>
#include <cstdint>

#include "ofproto/openflow/session_messages.h"
#include "ofproto/openflow/version.h"

namespace sluice {

struct AsyncMasks {
  std::array<uint32_t, ofp::kAsyncKinds> primary{}, secondary{};

  /// What a connection begins with: packets (but not those with an invalid TTL), ports and removed flows to primaries, ports alone to secondaries.
  static AsyncMasks defaults();
  static AsyncMasks none() { return {}; }
  void apply(const ofp::AsyncConfig& change);
  ofp::AsyncConfig to_config(ofp::Version version) const;  // as GET_ASYNC says it in that version
  bool wants(ofp::AsyncKind kind, unsigned reason, bool is_secondary) const {
    return ((is_secondary ? secondary : primary)[kind] >> reason) & 1;
  }
  void set(ofp::AsyncKind kind, unsigned reason, bool on);
};

}  // namespace sluice

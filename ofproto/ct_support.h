// SPDX-License-Identifier: Apache-2.0
// What flows may ask of the datapath's connection tracker: a kernel may lack zones, or labels.  A flow that asks for what is not there is refused
// (NXBAC_CT_DATAPATH_SUPPORT, NXBMC_CT_DATAPATH_SUPPORT): there is no other way to do it.
#pragma once

#include <expected>

#include "datapath/dpif.h"
#include "datapath/feature_limits.h"
#include "ofproto/openflow/action.h"
#include "ofproto/openflow/error.h"

namespace sluice {

/// What the datapath's tracker has not by itself is a limit as if someone had lowered it.
void limit_to_tracker(FeatureLimits& limits, const Dpif& dpif);
std::expected<void, ofp::Error> check_ct_support(const FeatureLimits& limits, const ofp::Actions& actions, const Flow& match_mask);

}  // namespace sluice

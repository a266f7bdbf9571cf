// SPDX-License-Identifier: Apache-2.0
// Codec: what the table messages share: miss configuration, and field sets as the bit maps of 1.0 to 1.2.
#pragma once

#include <cstdint>

#include "ofproto/openflow/error.h"
#include "ofproto/openflow/table_messages.h"
#include "ofproto/openflow/version.h"

namespace sluice::ofp {

Result<TableMiss> table_miss_from_wire(uint32_t config);
uint32_t table_miss_to_wire(TableMiss miss);

/// 1.0: OFPFW_* bits; 1.1: OFPFMF_* bits; 1.2: bit = OXM number.
FieldSet field_set_from_bits(uint64_t bits, Version v);
uint64_t field_set_to_bits(const FieldSet& fields, Version v);

}  // namespace sluice::ofp

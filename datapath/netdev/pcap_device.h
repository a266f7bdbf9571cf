// SPDX-License-Identifier: Apache-2.0
// Type "pcap": options:rx=FILE is received, frame by frame at its timestamps (the first at once), on the time line of the datapath; what is sent
// goes to options:tx=FILE with nanosecond timestamps of that time line.
#pragma once

#include "datapath/netdev.h"

namespace sluice {

void add_pcap_devices(NetdevFactory& factory);

}  // namespace sluice

// SPDX-License-Identifier: Apache-2.0
// Any bytes as a frame: taken apart, printed as OpenFlow and as a datapath flow, and composed again from what was seen in it.
#include <algorithm>

#include "datapath/compose.h"
#include "datapath/packet.h"
#include "ofproto/openflow/message_text.h"
#include "tests/fuzz/fuzz.h"

using namespace sluice;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kLongest = 9000;
  if (size > kLongest) return 0;
  ByteView frame(data, size);
  ofp::format_packet(frame, {});
  Packet packet = Packet::from(frame);
  Flow flow{};
  extract(packet, flow);
  // What is made of a frame's fields is a fixed point.
  Packet made = compose(flow);
  Flow again{};
  extract(made, again);
  Packet same = compose(again);
  require(std::ranges::equal(made.view(), same.view()));
  return 0;
}

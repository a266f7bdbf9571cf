// SPDX-License-Identifier: Apache-2.0
// Flow text: any bytes give a flow or an error; what was accepted prints to a text that reads back to the same flow, and is sent whole in each version that it
// is said to be usable in.
#include "ofproto/openflow/flow_text.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/openflow/flow_losses.h"

using namespace sluice;
using namespace sluice::ofp;

namespace {

const TlvTable kTlv(true);
const TextNames kNames{nullptr, nullptr, &kTlv};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 4096) return 0;
  std::string_view text = as_text(data, size);
  (void)parse_flow_filter(text, kNames);
  (void)parse_exact_flow(text, kNames);
  auto p = parse_flow(text, FlowModCommand::kAdd, kNames);
  if (!p) return 0;
  require(lost_in_text(p->flow, kNames).empty());
  require(lost_on_the_wire(*p, text, &kTlv).empty());
  return 0;
}

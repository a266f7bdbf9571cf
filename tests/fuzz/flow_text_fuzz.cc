// SPDX-License-Identifier: Apache-2.0
// Flow text: any bytes give a flow or an error; what was accepted prints to a text that is accepted and prints the same.
#include <cstdlib>

#include "ofproto/openflow/flow_text.h"

using namespace sluice;
using namespace sluice::ofp;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 4096) return 0;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  TlvTable tlv(true);
  FlowTextOptions options{{nullptr, nullptr, &tlv}};
  (void)parse_flow_filter(text, options);
  (void)parse_exact_flow(text, options);
  auto p = parse_flow(text, FlowModCommand::kAdd, options);
  if (!p) return 0;
  std::string match, actions = format_actions(p->flow.actions);
  format_match(p->flow.match.expand(), match, nullptr, &tlv);
  auto again = parse_flow(match + (match.empty() ? "" : ",") + "actions=" + actions, FlowModCommand::kAdd, options);
  if (!again) std::abort();
  if (format_actions(again->flow.actions) != actions || !(again->flow.match == p->flow.match)) std::abort();
  return 0;
}

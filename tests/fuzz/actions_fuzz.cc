// SPDX-License-Identifier: Apache-2.0
// Actions and instructions from the wire: whatever decodes can be checked, printed and encoded, and what was encoded is a fixed point.
// Input: byte 0 is the version, the rest the list.
#include <cstdlib>

#include "ofproto/openflow/action.h"

using namespace sluice;
using namespace sluice::ofp;

namespace {
void require(bool ok) {
  if (!ok) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  Version v = kVersions[data[0] % kVersions.size()];
  static const TlvTable tlv(true);
  auto actions = decode_instructions(ByteReader(ByteView(data + 1, size - 1)), v, &tlv);
  if (!actions) return 0;
  format_actions(*actions);
  (void)usable_protocols(*actions);
  MiniMatch any;
  ActionCheck check{.version = v, .tlv = &tlv};
  if (!check_actions(*actions, any, check)) return 0;
  Bytes once;
  ByteWriter w(once);
  if (!encode_instructions(*actions, w, v, &tlv)) return 0;
  auto back = decode_instructions(ByteReader(once), v, &tlv);
  require(back.has_value());
  if (!check_actions(*back, any, check)) return 0;
  Bytes twice;
  ByteWriter w2(twice);
  require(encode_instructions(*back, w2, v, &tlv).has_value());
  require(once == twice);
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Matches from the wire: whatever decodes encodes to the same meaning, and its text reads back.
// Input: byte 0 chooses the form, the rest is the match.
#include <cstdlib>

#include "ofproto/openflow/flow_text.h"

using namespace sluice;
using namespace sluice::ofp;

namespace {

TlvTable table() {
  TlvTable t;
  for (uint8_t i = 0; i < 8; i++) (void)t.add(1, i, 4u + 4u * (i % 4), i);
  return t;
}

void require(bool ok) {
  if (!ok) std::abort();
}

void same_in_nxm(const Match& m, const TlvTable& tlv) {
  Bytes b;
  ByteWriter w(b);
  encode_nxm(m, w, Version::k10, &tlv);
  auto back = decode_nxm(b, &tlv);
  require(back && *back == m);
  require(MiniMatch(m).expand() == m);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const TlvTable tlv = table();
  if (size < 1) return 0;
  ByteView body(data + 1, size - 1);
  ByteReader r(body);
  CookieMatch cookie;
  switch (data[0] % 5) {
    case 0:
      if (auto m = decode_nxm(body, &tlv, &cookie)) same_in_nxm(*m, tlv);
      break;
    case 1: (void)decode_nxm(body, &tlv, nullptr, false); break;
    case 2:
      if (auto m = decode_of10_match(r)) {
        Bytes b;
        ByteWriter w(b);
        encode_of10_match(*m, w);
        ByteReader again(b);
        auto back = decode_of10_match(again);
        require(back && *back == *m);
      }
      break;
    case 3:
      if (auto m = decode_of11_match(r)) {
        Bytes b;
        ByteWriter w(b);
        encode_of11_match(*m, w);
        ByteReader again(b);
        auto back = decode_of11_match(again);
        require(back && *back == *m);
      }
      break;
    default:
      if (auto m = decode_oxm_match(r, &tlv)) {
        std::string text;
        format_match(*m, text, nullptr, &tlv);
      }
  }
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Whole OpenFlow messages of every version: none does harm, what decodes prints and encodes, and what it encodes to is a fixed point.
// Input: a message; its length field is set to what there is of it.
#include "ofproto/openflow/message_text.h"
#include "tests/fuzz/fuzz.h"

using namespace sluice;
using namespace sluice::ofp;

namespace {

/// Multiparts may come in parts: each of them must decode.
void require_decodes(ByteView bytes, const CodecOptions& codec) {
  while (!bytes.empty()) {
    auto h = peek_header(bytes);
    require(h && h->length >= kHeaderSize && h->length <= bytes.size());
    require(decode(bytes.first(h->length), codec).has_value());
    bytes = bytes.subspan(h->length);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < kHeaderSize || size > kMaxMessage) return 0;
  Bytes bytes(data, data + size);
  store_be(bytes.data() + 2, static_cast<uint16_t>(size));
  const TlvTable tlv(true);
  CodecOptions codec{.tlv = &tlv};
  PrintOptions print{.names = {.tlv = &tlv}, .verbosity = 3};
  auto m = decode(bytes, codec);
  if (!m) {
    format_wire(bytes, print, codec);
    (void)encode_error(m.error(), Version::k13, bytes);
    return 0;
  }
  format(*m, print);
  Bytes once;
  if (!encode(*m, once, codec)) return 0;
  require_decodes(once, codec);
  auto h = peek_header(once);
  if (h->length != once.size()) return 0;
  auto again = decode(once, codec);
  require(again.has_value());
  Bytes twice;
  require(encode(*again, twice, codec).has_value());
  require(once == twice);
  // Text shows all of it: of a hello also what nobody can read, and actions of 1.1 by names that later versions have other forms for (actions_fuzz.cc compares those).
  bool has_forms = std::visit([](const auto& body) { return requires { body.actions; } || requires { body.buckets; }; }, m->body) || m->type == MessageType::OFPT_HELLO;
  if (!has_forms) require(format(*again, print) == format(*m, print));
  return 0;
}

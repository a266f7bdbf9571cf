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

/// Actions have forms that go as others of the same meaning: actions_fuzz.cc compares those.
template <typename T>
void forget_actions(T& part) {
  auto each = [](auto& parts) {
    for (auto& p : parts) forget_actions(p);
  };
  if constexpr (requires { part.actions = Actions(); }) part.actions.clear();
  if constexpr (requires { part.buckets; }) each(part.buckets);
  if constexpr (requires { part.groups; }) each(part.groups);
  if constexpr (requires { part.flows; }) each(part.flows);
  if constexpr (requires { part.updates; }) each(part.updates);
}

/// The text of what goes out with the message: versions before 1.4 have one reason for those that came later, and a hello says of versions what its header does.
std::string said(Message m, const PrintOptions& print) {
  std::visit([](auto& body) { forget_actions(body); }, static_cast<BodyVariant&>(m.body));
  if (auto* p = std::get_if<PacketIn>(&m.body); p && m.version < Version::k14 && p->reason > PacketInReason::kInvalidTtl) p->reason = PacketInReason::kAction;
  auto last_known = m.version == Version::k10 ? FlowRemovedReason::kDelete : FlowRemovedReason::kGroupDelete;
  if (auto* f = std::get_if<FlowRemoved>(&m.body); f && m.version < Version::k14 && f->reason > last_known) f->reason = FlowRemovedReason::kDelete;
  if (auto* h = std::get_if<Hello>(&m.body)) {
    h->has_unknown = false;
    if (!h->bitmap_element) h->versions &= (2u << static_cast<unsigned>(m.version)) - 2;
  }
  return format(m, print);
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
  require(said(*again, print) == said(*m, print));
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Matches from the wire: whatever decodes encodes to the same meaning, in each form that is said to be able to express it; its text reads back to the
// same; read by the shape of the match before, it is the same.
// Input: byte 0 chooses the form, the rest is the match, with OXM perhaps several.
#include "ofproto/openflow/flow_text.h"
#include "ofproto/openflow/match_shape.h"
#include "tests/fuzz/fuzz.h"

using namespace sluice;
using namespace sluice::ofp;

namespace {

TlvTable table() {
  TlvTable t;
  for (uint8_t i = 0; i < 8; i++) (void)t.add(1, i, 4u + 4u * (i % 4), i);
  return t;
}
const TlvTable kTlv = table();

/// Versions have different bits that say that there is no tag; the fixed matches are of Ethernet frames without saying so.
Match as_sent(Match m, Version v, const Match& like) {
  if (!(m.value.vlan_tci & be16(kVlanPresent)) && (m.mask.vlan_tci & be16(kVlanPresent))) m.mask.vlan_tci = like.mask.vlan_tci;
  if (v <= Version::k11 && !m.value.packet_type) m.mask.packet_type = {};
  return m;
}

void same_in_usable_forms(const Match& m) {
  ProtocolSet usable = usable_protocols(m);
  for (Version v : kVersions) {
    if (!(usable & version_protocols(v) & ~kNxmAny)) continue;
    Bytes b = written([&](ByteWriter& w) { v == Version::k10 ? encode_of10_match(m, w) : encode_match(m, w, v, &kTlv); });
    ByteReader r(b);
    auto back = decode_match(r, v, &kTlv);
    require(back && *back == as_sent(m, v, *back));
  }
}

/// Text has words for some bits of these fields only.
bool has_text(const Match& m) {
  return (m.is_wild(FieldId::kIpFrag) || m.is_exact(FieldId::kIpFrag)) && (m.is_wild(FieldId::kCtState) || !(m.get_mask(FieldId::kCtState).u64() & ~0xffu)) &&
         !(m.mask.vlan_tci && !(m.mask.vlan_tci & be16(kVlanPresent)));
}

void same_in_text(const Match& m) {
  std::string text, again;
  format_match(m, text, nullptr, &kTlv);
  if (!has_text(m)) return;
  auto back = parse_flow(text + (text.empty() ? "" : ",") + "actions=drop", FlowModCommand::kAdd, {nullptr, nullptr, &kTlv});
  require(back.has_value());
  format_match(back->flow.match.expand(), again, nullptr, &kTlv);
  require(text == again);
  if (m.mask.tun_present) return;   // text does not say how long an option is, and so where it is kept
  Match said = back->flow.match.expand();
  if (!m.value.packet_type && !said.value.packet_type) said.mask.packet_type = m.mask.packet_type;   // "eth" goes without saying
  require(said == m);
}

void same_in_all_forms(const Match& m) {
  require(MiniMatch(m).expand() == m);
  Bytes b = written([&](ByteWriter& w) { encode_nxm(m, w, Version::k10, &kTlv); });
  auto back = decode_nxm(b, &kTlv);
  require(back && *back == m);
  same_in_usable_forms(m);
  same_in_text(m);
}

void same_with_shapes(ByteView several) {
  MatchShapes shapes;
  ByteReader r1(several), r2(several);
  while (r2.remaining()) {
    MiniMatch with;
    Match without;
    Status s1 = read_match(r1, Version::k13, with, &kTlv, &shapes), s2 = read_match(r2, Version::k13, without, &kTlv);
    require(s1 == s2);
    if (!s1) return;
    require(with == MiniMatch(without) && r1.remaining() == r2.remaining());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  ByteView body(data + 1, size - 1);
  ByteReader r(body);
  CookieMatch cookie;
  Result<Match> m = std::unexpected(Error::OFPBMC_BAD_LEN);
  switch (data[0] % 5) {
    case 0: m = decode_nxm(body, &kTlv, &cookie); break;
    case 1: (void)decode_nxm(body, &kTlv, nullptr, false); break;
    case 2: m = decode_of10_match(r); break;
    case 3: m = decode_of11_match(r); break;
    default:
      same_with_shapes(body);
      m = decode_oxm_match(r, &kTlv);
  }
  if (m) same_in_all_forms(*m);
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Datapath flows and actions, as text and as netlink attributes: any bytes give them or an error; what was accepted prints to a text that reads back to the
// same, and as attributes comes back the same.
// Input: byte 0 chooses what it is, the rest is the text or the attributes.
#include "datapath/kernel/odp_netlink.h"
#include "datapath/odp_text.h"
#include "tests/fuzz/fuzz.h"

using namespace sluice;

namespace {

template <typename Fn>
Bytes attributes(Fn write) {
  Bytes out;
  AttrWriter w(out);
  write(w);
  return out;
}

void key_text(std::string_view text) {
  (void)parse_packet(text);
  (void)parse_ufid(text);
  (void)looks_like_odp_key(text);
  auto p = parse_odp_key(text);
  if (!p) return;
  std::string printed = format_odp_key(p->key, p->mask);
  auto back = parse_odp_key(printed);
  require(back.has_value());
  require(format_odp_key(back->key, back->mask) == printed);
  (void)attributes([&](AttrWriter& w) { encode_given_odp_key(*p, false, w), encode_given_odp_key(*p, true, w); });
}

void same_actions(const OdpActions& actions) {
  std::string text = format_odp_actions(actions);
  KernelFeatures features{.drop_action = true};
  Bytes once;
  AttrWriter w(once);
  if (encode_odp_actions(actions, 1, features, w) != ActionTrouble::kNone || !w.ok()) return;
  auto back = decode_odp_actions(once);
  require(back.has_value());
  Bytes twice;
  AttrWriter w2(twice);
  require(encode_odp_actions(back->actions, 1, features, w2) == ActionTrouble::kNone);
  require(once == twice);
}

void actions_text(std::string_view text) {
  auto p = parse_odp_actions(text);
  if (!p) return;
  std::string printed = format_odp_actions(*p);
  auto back = parse_odp_actions(printed);
  require(back.has_value());
  require(format_odp_actions(*back) == printed);
  same_actions(*p);
}

void actions_netlink(ByteView attrs) {
  if (auto r = decode_odp_actions(attrs)) same_actions(r->actions);
}

/// The key is what is left of half of the bytes, the mask is the rest.
void key_netlink(ByteView attrs) {
  Packet packet = Packet::from({});
  (void)decode_odp_metadata(attrs, packet);
  (void)decode_userdata(attrs);
  auto key = decode_odp_key(attrs.first(attrs.size() / 2));
  if (!key) return;
  auto mask = decode_odp_mask(attrs.subspan(attrs.size() / 2), key->flow);
  if (!mask) return;
  (void)format_odp_key(key->flow, mask->flow, {.verbose = true});
  Flow k = key->flow, m = mask->flow;
  narrow_for_kernel(k, m, {});
  auto kw = k.words(), mw = m.words();
  for (size_t i = 0; i < kw.size(); i++) kw[i] &= mw[i];
  Bytes k1 = attributes([&](AttrWriter& w) { encode_odp_key(k, m, w); }), m1 = attributes([&](AttrWriter& w) { encode_odp_mask(k, m, w); });
  auto k2 = decode_odp_key(k1);
  require(k2.has_value());
  auto m2 = decode_odp_mask(m1, k2->flow);
  require(m2.has_value());
  require(attributes([&](AttrWriter& w) { encode_odp_key(k2->flow, m2->flow, w); }) == k1);
  require(attributes([&](AttrWriter& w) { encode_odp_mask(k2->flow, m2->flow, w); }) == m1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1 || size > 8192) return 0;
  ByteView rest(data + 1, size - 1);
  switch (data[0] % 4) {
    case 0: key_text(as_text(rest.data(), rest.size())); break;
    case 1: actions_text(as_text(rest.data(), rest.size())); break;
    case 2: key_netlink(rest); break;
    default: actions_netlink(rest);
  }
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Random keys, masks and actions over every attribute: netlink, back, text, back, netlink again: the bytes are the same.  Actions are made as text, from the tables that text
// is read by, so what the tables gain is tried without a change here.
#include <gtest/gtest.h>

#include <random>

#include <fmt/format.h>

#include "datapath/geneve.h"
#include "datapath/kernel/odp_netlink.h"
#include "datapath/odp_fields.h"
#include "datapath/odp_text.h"
#include "lib/text.h"
#include "tests/unit/datapath/random_flow.h"

namespace sluice {
namespace {

constexpr KernelFeatures kAllFeatures{.ipv6_exthdrs = false, .drop_action = true, .ct_eventmask = true};

class Dice {
 public:
  explicit Dice(uint32_t seed) : rng_(seed) {}
  uint32_t below(uint32_t n) { return static_cast<uint32_t>(rng_() % n); }
  uint64_t bits(unsigned n) {
    uint64_t v = uint64_t{static_cast<uint32_t>(rng_())} << 32 | static_cast<uint32_t>(rng_());
    return n < 64 ? v & ((uint64_t{1} << n) - 1) : v;
  }
  bool one_in(uint32_t n) { return below(n) == 0; }
  std::mt19937& rng() { return rng_; }

 private:
  std::mt19937 rng_;
};

// --- keys ---

void random_tunnel(Dice& d, Flow& key) {
  FlowTunnel& t = key.tunnel;
  if (d.one_in(2)) t.dst = be32(d.below(UINT32_MAX) | 1), t.src = be32(d.below(3));
  else t.ipv6_dst.b[15] = 1, t.ipv6_src.b[0] = static_cast<uint8_t>(d.below(3));
  t.ttl = static_cast<uint8_t>(d.bits(8)), t.tos = static_cast<uint8_t>(d.bits(8));
  t.tp_src = be16(static_cast<uint16_t>(d.bits(16))), t.tp_dst = be16(static_cast<uint16_t>(d.below(2) * 6081));
  t.dp_flags = be16(static_cast<uint16_t>(d.bits(3))), t.flags = be16(static_cast<uint16_t>(d.bits(1)));
  if (t.dp_flags & be16(kTunnelKey)) t.id = be64(d.bits(d.one_in(2) ? 64 : 24));
  switch (d.below(4)) {
    case 0: t.gbp_id = be16(static_cast<uint16_t>(d.bits(16))), t.gbp_flags = static_cast<uint8_t>(d.bits(8)), t.dp_flags |= be16(kTunnelGbp); break;
    case 1:
      t.erspan_ver = static_cast<uint8_t>(1 + d.below(2));
      if (t.erspan_ver == 1) t.erspan_idx = be32(static_cast<uint32_t>(d.bits(20)));
      else t.erspan_dir = static_cast<uint8_t>(d.bits(1)), t.erspan_hwid = static_cast<uint8_t>(d.bits(6));
      break;
    case 2: {
      Flow ignored{};
      ASSERT_TRUE(parse_geneve(fmt::format("{{class={},type=0x80,len=8,{:#x}}}{{class=2,type={},len=0}}", d.below(0x10000), d.bits(60) | 1, d.below(256)), key, ignored));
      break;
    }
    default: break;
  }
}

void random_metadata(Dice& d, Flow& key) {
  if (d.one_in(3)) key.recirc_id = be32(d.below(100));
  if (d.one_in(4)) key.skb_priority = be32(static_cast<uint32_t>(d.bits(32)));
  if (d.one_in(4)) key.pkt_mark = be32(static_cast<uint32_t>(d.bits(32)));
  if (d.one_in(4)) key.dp_hash = be32(static_cast<uint32_t>(d.bits(32)));
  if (d.one_in(3)) random_tunnel(d, key);
  if (!d.one_in(3)) return;
  key.ct_state = static_cast<uint8_t>(d.bits(8)), key.ct_zone = be16(static_cast<uint16_t>(d.bits(16))), key.ct_mark = be32(static_cast<uint32_t>(d.bits(32)));
  for (uint8_t& b : key.ct_label) b = static_cast<uint8_t>(d.bits(8));
  if (d.one_in(2)) return;
  key.ct_nw_proto = d.one_in(2) ? 6 : 17;
  key.ct_tp_src = be16(static_cast<uint16_t>(d.bits(16))), key.ct_tp_dst = be16(80);
  if (key.eth_type == kEthIpv6) key.ct_ipv6_src.b[3] = 7, key.ct_ipv6_dst.b[15] = 1;
  else key.ct_nw_src = be32(d.below(1000) + 1), key.ct_nw_dst = be32(d.below(1000) + 1);
}

Flow random_mask(Dice& d) {
  Flow mask{};
  auto* bytes = reinterpret_cast<uint8_t*>(&mask);
  for (size_t i = 0; i < sizeof mask; i++) {
    uint32_t how = d.below(5);
    if (how) bytes[i] = how == 1 ? static_cast<uint8_t>(d.bits(8)) : how == 2 ? 0 : UINT8_MAX;
  }
  return mask;
}

/// Some parts are asked for by all or none of their bits: what one attribute says of two fields that no user asks of apart.
void tidy(const Flow& key, Flow& mask) {
  auto whole = [](auto& part) { if (part != std::remove_reference_t<decltype(part)>{}) std::memset(static_cast<void*>(&part), 0xff, sizeof part); };
  whole(mask.tunnel.gbp_id), whole(mask.tunnel.gbp_flags), whole(mask.tunnel.erspan_ver);
  mask.tunnel.erspan_dir &= 1, mask.tunnel.erspan_hwid &= 0x3f;
  if (key.tunnel.erspan_ver == 1) mask.tunnel.erspan_dir = mask.tunnel.erspan_hwid = 0;
  if (key.tunnel.erspan_ver == 2) mask.tunnel.erspan_idx = {};
  mask.tcp_flags &= be16(0xfff);
  for (size_t i = 1, ended = 0; i < kMplsLabels; i++) {
    ended |= static_cast<bool>(key.mpls_lse[i - 1] & be32(kMplsBottom));
    if (ended) mask.mpls_lse[i] = {};
  }
  if (key.eth_type == kEthIpv6 && key.tp_dst) mask.nd_target = {}, mask.arp_sha = mask.arp_tha = {};   // no neighbour discovery: the code says so
  if (!key.tunnel.erspan_ver) mask.tunnel.erspan_ver = mask.tunnel.erspan_dir = mask.tunnel.erspan_hwid = 0, mask.tunnel.erspan_idx = {};
  if (!(key.tunnel.dp_flags & be16(kTunnelGbp))) mask.tunnel.gbp_id = {}, mask.tunnel.gbp_flags = 0;
  mask.tunnel.dp_flags = mask.tunnel.dp_flags & be16(7);
  if (key.tunnel.dp_flags & be16(kTunnelKey)) mask.tunnel.dp_flags |= be16(kTunnelKey);
  else mask.tunnel.id = {};
  mask.nd_reserved = {}, mask.nd_options_type = 0, mask.ipv6_exthdr = {};
  bool v6 = !key.ct_ipv6_src.is_zero();   // which of the two tuples the key has
  if (v6) mask.ct_nw_src = mask.ct_nw_dst = {};
  else mask.ct_ipv6_src = mask.ct_ipv6_dst = {};
}

std::string netlink(const Flow& key, const Flow& mask) {
  Flow masked = key;
  mask_flow(masked, mask);
  Bytes k, m;
  AttrWriter kw(k), mw(m);
  encode_odp_key(masked, mask, kw), encode_odp_mask(masked, mask, mw);
  return hex(k) + " " + hex(m);
}

class Seeds : public testing::TestWithParam<uint32_t> {};

TEST_P(Seeds, KeysComeBackFromNetlinkAndText) {
  Dice d(GetParam());
  for (int i = 0; i < 2000; i++) {
    Flow key = random_flow(d.rng()), mask = random_mask(d);
    random_metadata(d, key);
    key.nd_reserved = {}, key.nd_options_type = 0;
    tidy(key, mask);
    narrow_for_kernel(key, mask, kAllFeatures);
    Flow masked = key;
    mask_flow(masked, mask);
    Bytes k, m;
    AttrWriter kw(k), mw(m);
    encode_odp_key(masked, mask, kw), encode_odp_mask(masked, mask, mw);
    auto read = decode_odp_key(k);
    ASSERT_TRUE(read) << read.error();
    ASSERT_TRUE(read->complete) << format_odp_key(key);
    auto read_mask = decode_odp_mask(m, read->flow);
    ASSERT_TRUE(read_mask) << read_mask.error();
    ASSERT_EQ(netlink(read->flow, read_mask->flow), hex(k) + " " + hex(m)) << format_odp_key(key, mask);
    std::string text = format_odp_key(read->flow, read_mask->flow);
    auto parsed = parse_odp_key(text);
    ASSERT_TRUE(parsed) << parsed.error();
    ASSERT_EQ(format_odp_key(parsed->key, parsed->mask), text);
    Flow again = parsed->mask;
    narrow_for_kernel(parsed->key, again, kAllFeatures);
    ASSERT_EQ(netlink(parsed->key, again), hex(k) + " " + hex(m)) << text;
  }
}

// --- actions ---

std::string mac(Dice& d) { return format(random_mac(d.rng())); }

/// "VALUE[/MASK]" of a part.
std::string part_text(Dice& d, const OdpPart& part, bool may_mask) {
  bool masked = may_mask && d.one_in(3);
  switch (part.form) {
    case OdpForm::kMac: return masked ? "02:00:00:00:00:00/ff:00:00:00:00:0f" : mac(d);
    case OdpForm::kIpv4: return masked ? "10.1.0.0/255.255.0.0" : format_ipv4(be32(static_cast<uint32_t>(d.bits(32)) | 1));
    case OdpForm::kIpv6: return masked ? "fe80::/ffff:ffff::" : fmt::format("fe80::{:x}", 1 + d.bits(15));
    case OdpForm::kFragment: return "no";
    default: {
      uint64_t v = d.bits(part.width()), m = d.bits(part.width());
      return masked && m ? fmt::format("{:#x}/{:#x}", v & m, m) : fmt::format("{}", v);
    }
  }
}

std::string parts_text(Dice& d, std::span<const OdpPart> parts, bool may_mask) {
  std::string out;
  for (const OdpPart& part : parts) {
    if (part.form == OdpForm::kFragment || part.name == "proto" || (part.name == "op" && may_mask)) continue;   // no action sets them
    if (!part.name.empty() && d.one_in(3)) continue;
    out += (out.empty() ? "" : ",") + (part.name.empty() ? "" : std::string(part.name) + "=") + part_text(d, part, may_mask);
  }
  return out;
}

std::string tunnel_text(Dice& d) {
  std::string out = d.one_in(2) ? "dst=1.2.3.4,ttl=64" : "ipv6_dst=fe80::1,ttl=64";
  if (d.one_in(2)) out = fmt::format("tun_id={:#x},", d.bits(24)) + out;
  switch (d.below(5)) {
    case 0: out += fmt::format(",vxlan(gbp(id={},flags={:#x}))", d.bits(16), d.bits(8)); break;
    case 1: out += fmt::format(",erspan(ver=1,idx={:#x})", 1 + d.bits(16)); break;
    case 2: out += fmt::format(",erspan(ver=2,dir=1,hwid={:#x})", 1 + d.bits(4)); break;
    case 3: out += fmt::format(",geneve({{class=0x102,type=0x80,len=4,{:#x}}})", 1 + d.bits(20)); break;
    default: break;
  }
  const char* const kFlags[] = {"", ",flags(df|csum|key)", ",flags(df|key)", ",flags(oam|key)", ",flags(df)"};
  return out + kFlags[out.starts_with("tun_id") ? 1 + d.below(3) : d.below(5)];
}

std::string set_text(Dice& d) {
  for (;;) {
    const OdpSetName& set = kSetNames[d.below(std::size(kSetNames))];
    if (!set.in_kernel) continue;
    bool is_tunnel = set.kind == OdpSetKind::kTunnel;
    std::string body = is_tunnel ? tunnel_text(d) : parts_text(d, set.attribute.parts, true);
    if (!body.empty()) return fmt::format("set({}({}))", set.attribute.name, body);
  }
}

std::string ct_text(Dice& d) {
  std::string out;
  auto add = [&](const std::string& s) { out += (out.empty() ? "" : ",") + s; };
  bool commit = d.one_in(2);
  if (commit) add(d.one_in(2) ? "commit" : "force_commit");
  if (d.one_in(2)) add(fmt::format("zone={}", 1 + d.below(65535)));
  if (d.one_in(3)) add(fmt::format("mark={:#x}/{:#x}", d.bits(8), d.bits(8) | 1));
  if (d.one_in(3)) add(fmt::format("label={:#x}/{:#x}", d.bits(60), d.bits(60) | 1));
  if (commit && d.one_in(3)) add("helper=ftp");
  if (commit && d.one_in(3)) add("timeout=ovs_tp_1_tcp4");
  const char* const kNats[] = {"nat", "nat(src)", "nat(dst=10.0.0.1)", "nat(src=10.0.0.1-10.0.0.9:80-90,persistent,random)", "nat(dst=[fe80::1]-[fe80::5]:5,hash)", "nat(src=fe80::1)"};
  if (d.one_in(2)) add(kNats[d.below(std::size(kNats))]);
  return out.empty() ? "ct" : "ct(" + out + ")";
}

std::string actions_text(Dice& d, unsigned depth);

std::string action_text(Dice& d, unsigned depth) {
  auto inner = [&] { return actions_text(d, depth + 1); };
  auto ethernet = [&] { return fmt::format("push_eth(src={},dst={})", mac(d), mac(d)); };   // the kernel has no lists of actions for packets without
  switch (d.below(depth < 3 ? 22 : 18)) {
    case 0: return "pop_vlan";
    case 1: return fmt::format("push_vlan({}vid={},pcp={})", d.one_in(2) ? "tpid=0x88a8," : "", d.bits(12), d.bits(3));
    case 2: return fmt::format("push_mpls(label={},tc={},ttl={},bos=0,eth_type=0x8847)", d.bits(20), d.bits(3), d.bits(8));
    case 3: return "pop_mpls(eth_type=0x8847)";
    case 4: return fmt::format("recirc({:#x})", 1 + d.bits(16));
    case 5: return fmt::format("hash({}({}))", d.one_in(2) ? "l4" : "sym_l4", d.bits(16));
    case 6: return fmt::format("trunc({})", 14 + d.bits(10));
    case 7: return fmt::format("meter({})", d.bits(10));
    case 8: return "ct_clear";
    case 9: return ct_text(d);
    case 10: return ethernet();
    case 11: return "pop_eth," + ethernet();
    case 12: return fmt::format("add_mpls(label={},tc=0,ttl=64,bos=1,eth_type=0x8847)", d.bits(20));
    case 13: return fmt::format("psample(group={},cookie=0x{:04x})", d.bits(10), d.bits(16));
    case 14: return d.one_in(2) ? "userspace(pid=0,slow_path(action))" : fmt::format("userspace(pid=0,controller(reason=1,dont_send=0,continuation=0,recirc_id={},rule_cookie=0,controller_id=0,max_len=128))", d.bits(20));
    case 15: return (d.one_in(2) ? "pop_nsh()" : fmt::format("push_nsh(flags=0,ttl=63,mdtype=1,np=3,spi={:#x},si={},c1=0x1,c2=0x2,c3=0x3,c4=0x4)", 1 + d.bits(20), d.bits(8))) + "," + ethernet();
    case 16: return fmt::format("{}", d.bits(12));
    case 17: return set_text(d);
    case 18: return fmt::format("clone({})", inner());
    case 19: return fmt::format("sample(sample={}.0%,actions({}))", 1 + d.below(100), inner());
    case 20: return fmt::format("check_pkt_len(size={},gt({}),le({}))", d.bits(16), inner(), inner());
    default: return fmt::format("dec_ttl(le_1({}))", d.one_in(2) ? "" : inner());
  }
}

std::string actions_text(Dice& d, unsigned depth) {
  std::string out = action_text(d, depth);
  for (unsigned i = d.below(3); i > 0; i--) out += "," + action_text(d, depth);
  return out;
}

TEST_P(Seeds, ActionsComeBackFromNetlinkAndText) {
  Dice d(GetParam());
  auto encode = [](const OdpActions& actions, Bytes& out) {
    AttrWriter w(out);
    return encode_odp_actions(actions, 5, kAllFeatures, w);
  };
  for (int i = 0; i < 3000; i++) {
    std::string text = actions_text(d, 0);
    auto parsed = parse_odp_actions(text);
    ASSERT_TRUE(parsed) << parsed.error() << " of " << text;
    std::string canonical = format_odp_actions(*parsed);
    auto second = parse_odp_actions(canonical);
    ASSERT_TRUE(second) << canonical;
    ASSERT_EQ(format_odp_actions(*second), canonical);
    Bytes bytes, again;
    ASSERT_EQ(encode(*parsed, bytes), ActionTrouble::kNone) << text;
    auto read = decode_odp_actions(bytes);
    ASSERT_TRUE(read) << read.error();
    ASSERT_TRUE(read->complete) << text;
    ASSERT_EQ(format_odp_actions(read->actions), canonical);
    ASSERT_EQ(encode(read->actions, again), ActionTrouble::kNone);
    ASSERT_EQ(hex(again), hex(bytes)) << canonical;
    Bytes of_text;
    ASSERT_EQ(encode(*second, of_text), ActionTrouble::kNone);
    ASSERT_EQ(hex(of_text), hex(bytes)) << canonical;
  }
}

INSTANTIATE_TEST_SUITE_P(Random, Seeds, testing::Range(0u, 5u));

}  // namespace
}  // namespace sluice

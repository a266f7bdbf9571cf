// SPDX-License-Identifier: Apache-2.0
// encap, decap and what is between them: translations, done to frames by the edits of the userspace datapath, against an interpreter that only knows bytes.
#include <gtest/gtest.h>

#include <fmt/core.h>

#include <random>

#include "../datapath/random_flow.h"
#include "datapath/compose.h"
#include "datapath/edits.h"
#include "datapath/nsh.h"
#include "datapath/odp_text.h"
#include "lib/text.h"
#include "naive_frames.h"
#include "ofproto/translate.h"

namespace sluice {
namespace {

using ofp::Actions;
using ofp::FieldId;
using ofp::FieldValue;

constexpr uint32_t kNsh = 0x1894f, kPatch = 5, kIn = 1;

class World {
 public:
  explicit World(uint32_t seed) : random_(seed) {
    for (uint32_t b = 1; b <= 2; b++) {
      BridgeView& br = bridges_[b - 1];
      br.id = b;
      br.name = "br" + std::to_string(b);
      br.tables = std::make_unique<FlowTables>([](const FlowChange&) {});
      for (uint32_t p = 1; p <= 4; p++) br.ports[p] = {.ofport = OfpPort{p}, .odp = OdpPort{p + 10}, .name = "p" + std::to_string(p)};
      br.ports[kPatch] = {.ofport = OfpPort{kPatch}, .name = "patch", .is_patch = true, .peer_bridge = 3 - b, .peer_port = OfpPort{kPatch}};
      pipeline.bridges[b] = &br;
    }
    for (uint32_t p = 1; p <= 4; p++) pipeline.by_odp[p + 10] = {&bridges_[0], OfpPort{p}};
    for (uint32_t g = 1; g <= 2; g++) {
      Group group{.id = g, .type = ofp::GroupType::kAll};
      for (unsigned i = 0, n = 1 + below(2); i < n; i++) {
        naive.groups[g].push_back(bucket());
        group.buckets.push_back({.bucket = {.actions = naive.groups[g].back()}});
      }
      bridges_[0].groups[g] = group;
    }
    naive.patches[kPatch] = list(4, false);
    list_of_first = list(8, true);
    install(bridges_[0], list_of_first);
    install(bridges_[1], naive.patches[kPatch]);
  }

  /// With another frame inside, if it is one of labels or an NSH.
  Packet frame() {
    Flow f = packet();
    if (!f.is_mpls() && f.eth_type != kEthNsh) return compose(f);
    Packet outer = compose(f, ByteView{}), inner = compose(random_flow(random_));
    Bytes all(outer.view().begin(), outer.view().end());
    all.insert(all.end(), inner.view().begin(), inner.view().end());
    Packet p = Packet::from(all);
    p.in_port = outer.in_port;
    return p;
  }
  Flow packet() {
    Flow f = random_flow(random_);
    f.in_port = be32(kIn + 10);
    if (below(3) == 0) {
      f.eth_type = kEthNsh;
      f.nsh_ttl = static_cast<uint8_t>(below(4)), f.nsh_flags = static_cast<uint8_t>(below(4)), f.nsh_mdtype = static_cast<uint8_t>(1 + below(2)), f.nsh_np = static_cast<uint8_t>(1 + below(6));
      f.nsh_path = be32(static_cast<uint32_t>(random_()));
      if (f.nsh_mdtype == 1) f.nsh_context[0] = be32(static_cast<uint32_t>(random_()));
    }
    return f;
  }

  unsigned below(unsigned n) { return random_() % n; }

  Pipeline pipeline;
  NaiveFrames naive;
  Actions list_of_first;
  std::mt19937 random_;

 private:
  void install(BridgeView& bridge, const Actions& actions) {
    ofp::FlowMod mod;
    mod.match = ofp::MiniMatch(ofp::Match{});
    mod.actions = actions;
    ASSERT_TRUE(bridge.tables->apply(mod, {}, Time{}));
  }
  ofp::Action encap() {
    switch (below(4)) {
      case 0: return ofp::Encap{.packet_type = kNsh, .nsh_md_type = std::nullopt, .nsh_tlvs = {}};
      case 1: return ofp::Encap{.packet_type = kNsh, .nsh_md_type = 2, .nsh_tlvs = {{.tlv_class = 0x1000, .type = 10, .data = {1, 2, 3, 4, 5}}}};
      case 2: return ofp::Encap{.packet_type = 0x18847, .nsh_md_type = std::nullopt, .nsh_tlvs = {}};
      default: return ofp::Encap{.packet_type = 0, .nsh_md_type = std::nullopt, .nsh_tlvs = {}};
    }
  }
  ofp::Action decap() {
    constexpr uint32_t kTypes[] = {ofp::kPacketTypeNext, 0, 0x10800};
    return ofp::Decap{kTypes[below(3)]};
  }
  ofp::Action set() {
    auto to = [](FieldId f, size_t size, uint64_t v, uint64_t mask) { return ofp::SetField{.field = f, .value = FieldValue(size, v & mask), .mask = FieldValue(size, mask)}; };
    switch (below(7)) {
      case 0: return to(FieldId::kEthDst, 6, random_(), 0xffffffffffff);
      case 1: return to(FieldId::kEthSrc, 6, random_(), 0xffffffffffff);
      case 2: return to(FieldId::kNshSpi, 4, random_(), 0xffffff);
      case 3: return to(FieldId::kNshSi, 1, random_(), 0xff);
      case 4: return to(FieldId::kNshTtl, 1, random_(), 0x3f);
      case 5: return to(FieldId::kNshC1, 4, random_(), 0xffffffff);
      default: return to(FieldId::kMplsLabel, 4, random_(), 0xfffff);
    }
  }
  ofp::Action output() { return ofp::Output{OfpPort{2 + below(3)}}; }
  /// In the order of an action set.
  Actions bucket() {
    Actions a;
    if (below(2)) a.push_back(decap());
    if (below(2)) a.push_back(encap());
    if (below(2)) a.push_back(set());
    a.push_back(output());
    return a;
  }
  Actions list(unsigned most, bool control) {
    Actions a;
    for (unsigned i = 0, n = 1 + below(most); i < n; i++) {
      switch (below(control ? 16 : 12)) {
        case 0: case 1: a.push_back(encap()); break;
        case 2: case 3: a.push_back(decap()); break;
        case 4: case 5: a.push_back(set()); break;
        case 6: a.push_back(ofp::DecNshTtl{}); break;
        case 7: a.push_back(ofp::StripVlan{}); break;
        case 8: a.push_back(below(2) ? ofp::Action{ofp::PushMpls{0x8847}} : ofp::Action{ofp::PopMpls{0x0800}}); break;
        case 12: a.push_back(ofp::Group{1 + below(2)}); break;
        case 13: a.push_back(ofp::Clone{list(4, false)}); break;
        case 14: a.push_back(ofp::Output{OfpPort{kPatch}}); break;
        default: a.push_back(output()); break;
      }
    }
    return a;
  }
  BridgeView bridges_[2];
};

/// Does the actions to the packet, and again what comes back.
class Datapath {
 public:
  explicit Datapath(const Pipeline& pipeline) : pipeline_(pipeline) {}
  std::vector<FrameOut> out;
  bool too_many_labels = false;
  std::string story;

  void receive(Packet p, FrozenPtr resume = nullptr) {
    Flow key{};
    extract(p, key);
    Translation t = translate(pipeline_, {.key = key, .resume = std::move(resume)});
    story += format_odp_actions(t.actions) + "; ";
    too_many_labels |= t.error == TranslateError::kTooManyLabels;
    perform(t.actions, p, t);
  }

 private:
  void perform(const OdpActions& actions, Packet& p, const Translation& t) {
    for (const OdpAction& a : actions) {
      if (auto* o = std::get_if<OdpOutput>(&a.v)) out.push_back({o->port.value - 10, {p.view().begin(), p.view().end()}});
      else if (auto* s = std::get_if<OdpSet>(&a.v)) set_fields(p, *s);
      else if (auto* vlan = std::get_if<OdpPushVlan>(&a.v)) push_vlan(p, vlan->tpid, vlan->tci);
      else if (std::get_if<OdpPopVlan>(&a.v)) pop_vlan(p);
      else if (auto* mpls = std::get_if<OdpPushMpls>(&a.v)) push_mpls(p, mpls->lse, mpls->eth_type);
      else if (auto* pop = std::get_if<OdpPopMpls>(&a.v)) pop_mpls(p, pop->eth_type);
      else if (auto* add = std::get_if<OdpAddMpls>(&a.v)) add_mpls(p, *add);
      else if (auto* eth = std::get_if<OdpPushEth>(&a.v)) push_eth(p, *eth);
      else if (std::get_if<OdpPopEth>(&a.v)) pop_eth(p);
      else if (auto* nsh = std::get_if<OdpPushNsh>(&a.v)) push_nsh(p, *nsh);
      else if (std::get_if<OdpPopNsh>(&a.v)) pop_nsh(p);
      else if (auto* recirc = std::get_if<OdpRecirc>(&a.v)) receive(p.copy(), t.frozen[recirc->id - 1]);
      else if (auto* clone = std::get_if<OdpClone>(&a.v)) {
        Packet copy = p.copy();
        perform(clone->actions, copy, t);
      }
    }
  }
  const Pipeline& pipeline_;
};

std::string describe(const std::vector<FrameOut>& all) {
  std::string out;
  for (const FrameOut& f : all) out += fmt::format("\n  {}: {}", f.port, hex(f.frame));
  return out;
}

TEST(Encap, AgreesWithBytesPutInFront) {
  unsigned compared = 0, sent = 0;
  for (uint32_t seed = 0; seed < 3000; seed++) {
    World world(seed);
    for (int i = 0; i < 4; i++) {
      Packet p = world.frame();
      auto want = world.naive.run(world.list_of_first, kIn, p.view());
      Datapath datapath(world.pipeline);
      std::string frame = hex(p.view());
      datapath.receive(std::move(p));
      if (datapath.too_many_labels) continue;
      ASSERT_TRUE(world.naive.allows(datapath.out)) << "seed " << seed << " packet " << frame << "\nactions " << ofp::format_actions(world.list_of_first) << "\npatch "
                                        << ofp::format_actions(world.naive.patches[kPatch]) << "\nbuckets " << ofp::format_actions(world.naive.groups[1][0]) << " / "
                                        << ofp::format_actions(world.naive.groups[2][0]) << "\ndone " << datapath.story << "\nhave" << describe(datapath.out) << "\nwant" << describe(want);
      compared++, sent += static_cast<unsigned>(want.size());
    }
  }
  EXPECT_GT(compared, 9000u);
  EXPECT_GT(sent, 5000u);
}

/// Other packets of the same megaflow get the same actions.
TEST(Encap, UnreadBitsDoNotMatter) {
  for (uint32_t seed = 0; seed < 2000; seed++) {
    World world(seed);
    Packet first = world.frame();
    Flow key{};
    extract(first, key);
    Translation t = translate(world.pipeline, {.key = key});
    for (int i = 0; i < 20; i++) {
      Packet another = world.frame();
      Flow other{};
      extract(another, other);
      auto o = other.words(), m = t.mask.words();
      for (size_t w = 0; w < kFlowWords; w++) o[w] = (o[w] & ~m[w]) | (key.words()[w] & m[w]);
      Packet p = compose(other);
      Flow real{};
      extract(p, real);
      if (!equal_under(real, key, t.mask)) continue;   // such bits in other places make another packet
      Translation u = translate(world.pipeline, {.key = real});
      ASSERT_TRUE(u.actions == t.actions) << "seed " << seed << ": " << format_odp_actions(t.actions) << " / " << format_odp_actions(u.actions) << "\n" << ofp::format_actions(world.list_of_first) << " patch "
                                          << ofp::format_actions(world.naive.patches[kPatch]) << "\n" << format_odp_key(key, t.mask) << "\n" << format_odp_key(real);
      ASSERT_TRUE(u.mask == t.mask) << "seed " << seed;
    }
  }
}

/// Whatever was put in front and taken away again leaves the frame as it was.
TEST(Encap, AndDecapGiveThePacketAgain) {
  std::mt19937 rng(1);
  for (int i = 0; i < 3000; i++) {
    Packet p = compose(random_flow(rng));
    Packet before = p.copy();
    std::vector<int> headers;
    for (unsigned n = rng() % 6; n > 0; n--) {
      int what = static_cast<int>(rng() % 3);
      if (what == 0 && p.packet_type == kPacketTypeEthernet) continue;
      if (what == 0) push_eth(p, {random_mac(rng), random_mac(rng)});
      if (what == 1) push_nsh(p, {.flags = 1, .ttl = 5, .mdtype = 2, .np = nsh_protocol_of(p.packet_type).value_or(0), .path = be32(7), .metadata = Bytes(4 * (rng() % 60), 9)});
      if (what == 2 && p.packet_type != kPacketTypeEthernet && p.packet_type != bare_packet_type(kEthMpls)) continue;
      if (what == 2) add_mpls(p, {be32(p.packet_type ? 0x5040 : 0x5140), kEthMpls});
      headers.push_back(what);
    }
    for (; !headers.empty(); headers.pop_back()) {
      Flow key{};
      extract(p, key);
      if (headers.back() == 0) pop_eth(p);
      if (headers.back() == 1) pop_nsh(p);
      if (headers.back() == 2) pop_mpls(p, key.mpls_lse[0].host() & 0x100 ? kEthTeb : kEthMpls);
    }
    ASSERT_EQ(p.packet_type, kPacketTypeEthernet);
    ASSERT_EQ(hex(p.view()), hex(before.view()));
  }
}

}  // namespace
}  // namespace sluice

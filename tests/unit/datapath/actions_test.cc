// SPDX-License-Identifier: Apache-2.0
// Action programs against a naive model: the key of what comes out must be the key that changing the fields of the Flow gives, checksums must be right
// (also where they began partial), and caches on or off must not matter.
#include <gtest/gtest.h>

#include <random>

#include "datapath/checksum.h"
#include "datapath/compose.h"
#include "datapath/netdev/dummy_device.h"
#include "datapath/odp_text.h"
#include "datapath/edits.h"
#include "datapath/user/user_datapath.h"
#include "tests/unit/datapath/random_flow.h"

namespace sluice {
namespace {

/// A set() that fits the packet, and its effect on the model.
FieldEdit random_set(std::mt19937& rng, const Flow& f) {
  FieldEdit set{OdpSetKind::kEthernet};
  Flow random{};
  for (uint64_t& w : random.words()) w = static_cast<uint64_t>(rng()) << 32 | rng();
  Flow& m = set.mask;
  auto bits = [&]<typename T>(T& field) {
    if (rng() % 3) std::memset(static_cast<void*>(&field), 0xff, sizeof field);
    else if (rng() % 2) for (size_t i = 0; i < sizeof field; i++) reinterpret_cast<uint8_t*>(&field)[i] = static_cast<uint8_t>(rng());
  };
  bool whole = f.is_ip() && !(f.nw_frag & kFragLater);
  int choice = static_cast<int>(rng() % 3);
  if (choice == 0 || !(f.is_ip() || f.is_arp())) {
    bits(m.eth_dst), bits(m.eth_src);
  } else if (f.is_arp()) {
    set.kind = OdpSetKind::kArp;
    bits(m.nw_src), bits(m.nw_dst), bits(m.arp_sha), bits(m.arp_tha);
  } else if (choice == 1 || !whole) {
    set.kind = f.eth_type == kEthIpv4 ? OdpSetKind::kIpv4 : OdpSetKind::kIpv6;
    bits(m.nw_tos), bits(m.nw_ttl);
    if (f.eth_type == kEthIpv4) bits(m.nw_src), bits(m.nw_dst);
    else bits(m.ipv6_src), bits(m.ipv6_dst), m.ipv6_label = be32(rng() & 0xfffff);
  } else {
    switch (f.nw_proto) {
      case kProtoTcp: set.kind = OdpSetKind::kTcp; break;
      case kProtoUdp: set.kind = OdpSetKind::kUdp; break;
      case kProtoSctp: set.kind = OdpSetKind::kSctp; break;
      default: bits(m.eth_dst); break;
    }
    if (set.kind != OdpSetKind::kEthernet) bits(m.tp_src), bits(m.tp_dst);
  }
  set.value = random;
  mask_flow(set.value, m);
  return set;
}

void model_set(Flow& f, const FieldEdit& set) {
  for (size_t i = 0; i < kFlowWords; i++) f.words()[i] = (f.words()[i] & ~set.mask.words()[i]) | set.value.words()[i];
}

bool checksums_right(Packet& p, const Flow& f) {
  if (f.eth_type == kEthIpv4 && checksum({p.data() + p.l3, 20}) != 0) return false;
  L4 l4 = find_l4(p);
  if (!l4.length || f.nw_frag) return true;
  if (l4.proto == kProtoSctp) {
    Bytes copy(l4.header, l4.header + l4.length);
    uint32_t field = copy[8] | copy[9] << 8 | copy[10] << 16 | static_cast<uint32_t>(copy[11]) << 24;
    std::fill_n(copy.begin() + 8, 4, 0);
    return crc32c(copy) == field;
  }
  if (!l4_checksum_offset(l4.proto, l4.ipv6)) return true;
  uint32_t pseudo = l4.proto == kProtoIcmp ? 0 : pseudo_header_sum(l4.addresses, l4.proto, static_cast<uint32_t>(l4.length));
  return checksum_fold(checksum_add(pseudo, {l4.header, l4.length})) == 0;
}

/// As a device with checksum offload hands TCP and UDP over: the field holds the pseudo header's sum.
void make_partial(Packet& p) {
  L4 l4 = find_l4(p);
  if (l4.proto != kProtoTcp && l4.proto != kProtoUdp) return;
  size_t at = l4_checksum_offset(l4.proto, l4.ipv6);
  store_be(l4.header + at, static_cast<uint16_t>(~checksum_fold(pseudo_header_sum(l4.addresses, l4.proto, static_cast<uint32_t>(l4.length)))));
  p.offload.needs_csum = true;
  p.offload.csum_start = p.l4;
  p.offload.csum_offset = static_cast<uint16_t>(at);
}

class RandomActions : public testing::TestWithParam<uint32_t> {};

TEST_P(RandomActions, EditsDoWhatTheModelDoes) {
  std::mt19937 rng(GetParam());
  for (int i = 0; i < 3000; i++) {
    Flow model = random_flow(rng);
    if (!model.nw_frag && rng() % 8 == 0) model.ipv6_label = model.eth_type == kEthIpv6 ? be32(5) : be32(0);
    Packet p = compose(model);
    Flow key;
    extract(p, key);
    if (!model.nw_frag && rng() % 2) make_partial(p);
    for (int k = rng() % 4; k >= 0; k--) {
      if (rng() % 4 == 0 && !model.vlan2_tci && !model.is_mpls()) {
        model.vlan2_tpid = model.vlan_tpid, model.vlan2_tci = model.vlan_tci;
        model.vlan_tpid = kEthVlan, model.vlan_tci = be16(static_cast<uint16_t>(kVlanPresent | (rng() & 0xfff)));
        push_vlan(p, model.vlan_tpid, model.vlan_tci);
      } else if (rng() % 4 == 0 && model.vlan_tci) {
        model.vlan_tpid = model.vlan2_tpid, model.vlan_tci = model.vlan2_tci;
        model.vlan2_tpid = model.vlan2_tci = {};
        pop_vlan(p);
      } else {
        FieldEdit set = random_set(rng, model);
        model_set(model, set);
        set_fields(p, OdpSet{set.kind, {set.value, set.mask}});
      }
    }
    complete_checksum(p);
    extract(p, key);
    key.ipv6_exthdr = {};
    ASSERT_EQ(format_odp_key(key), format_odp_key(model)) << i;
    ASSERT_TRUE(key == model) << i;
    ASSERT_TRUE(checksums_right(p, key)) << format_odp_key(model);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomActions, testing::Values(1, 2, 3, 4));

TEST(Mpls, PushAndPop) {
  Packet p = *parse_packet("in_port(1),eth(src=00:00:00:00:00:01,dst=00:00:00:00:00:02),eth_type(0x8100),vlan(vid=5,pcp=0),encap(eth_type(0x0800),ipv4(src=1.1.1.1,dst=2.2.2.2,proto=17,ttl=9,frag=no),udp(src=1,dst=2))");
  Bytes before(p.view().begin(), p.view().end());
  Flow key;
  extract(p, key);
  push_mpls(p, be32(5 << 12 | 0x100 | 64), kEthMpls);
  extract(p, key);
  EXPECT_EQ(key.eth_type, kEthMpls);
  EXPECT_EQ(key.mpls_lse[0], be32(5 << 12 | 0x100 | 64));
  EXPECT_TRUE(key.vlan_tci);
  pop_mpls(p, kEthIpv4);
  EXPECT_EQ(Bytes(p.view().begin(), p.view().end()), before);
  EXPECT_NE(p.l4, kNoOffset);
  pop_mpls(p, kEthIpv4);  // there is none: nothing happens
  EXPECT_EQ(Bytes(p.view().begin(), p.view().end()), before);
}

TEST(Edits, NothingHappensToWhatIsNotThere) {
  std::mt19937 rng(7);
  for (int i = 0; i < 5000; i++) {
    Packet p = compose(random_flow(rng));
    for (int k = rng() % 4; k > 0; k--) p.data()[rng() % p.size()] = static_cast<uint8_t>(rng());
    p = Packet::from({p.data(), rng() % (p.size() + 1)});
    Flow key;
    extract(p, key);
    if (rng() % 2) p.offload = {true, false, static_cast<uint16_t>(rng() % 100), static_cast<uint16_t>(rng() % 20), 0, 0, 0};
    for (int k = 0; k < 4; k++) {
      FieldEdit set = random_set(rng, random_flow(rng));
      set_fields(p, set);
      if (rng() % 3 == 0) pop_vlan(p);
      if (rng() % 3 == 0) push_vlan(p, kEthVlan, be16(5));
      if (rng() % 3 == 0) push_mpls(p, be32(5), kEthMpls);
      if (rng() % 3 == 0) pop_mpls(p, kEthIpv4);
    }
    complete_checksum(p);
  }
}

TEST(Offload, SegmentsAddUpToTheSuperPacket) {
  for (bool v6 : {false, true}) {
    Flow f{};
    f.eth_type = v6 ? kEthIpv6 : kEthIpv4;
    f.nw_proto = kProtoTcp;
    f.nw_ttl = 64;
    f.tcp_flags = be16(0x99);  // FIN, PSH, ACK, CWR
    Bytes payload(10000);
    for (size_t i = 0; i < payload.size(); i++) payload[i] = static_cast<uint8_t>(i * 31 >> 3);
    f.tcp_flags = be16(0x98);
    Packet super = compose(f, payload);
    Flow key;
    extract(super, key);
    super.data()[super.l4 + 13] |= 1;
    make_partial(super);
    super.offload.gso_type = v6 ? 4 : 1;
    super.offload.gso_size = 1400;
    PacketPool pool;
    PacketBatch batch(pool);
    batch.add(std::move(super));
    complete_offloads(batch);
    ASSERT_EQ(batch.size(), 8u);
    Bytes joined;
    for (size_t i = 0; i < batch.size(); i++) {
      Packet& p = batch[i];
      extract(p, key);
      EXPECT_TRUE(checksums_right(p, key));
      EXPECT_LE(p.size() - p.l4 - 20, 1400u);
      EXPECT_EQ(load_be<uint32_t>(p.data() + p.l4 + 4), joined.size());
      uint16_t flags = key.tcp_flags.host();
      EXPECT_EQ(flags & 9, i == 7 ? 9 : 0);
      EXPECT_EQ(flags & 0x80, i == 0 ? 0x80 : 0);
      joined.insert(joined.end(), p.data() + p.l4 + 20, p.data() + p.size());
    }
    EXPECT_EQ(joined, payload);
  }
}

TEST(Checksum, AgainstTheDefinition) {
  std::mt19937 rng(1);
  for (int i = 0; i < 2000; i++) {
    Bytes bytes(rng() % 200);
    for (uint8_t& b : bytes) b = static_cast<uint8_t>(rng());
    uint64_t sum = 0;
    for (size_t k = 0; k < bytes.size(); k++) sum += k % 2 ? bytes[k] : bytes[k] << 8;
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    ASSERT_EQ(checksum(bytes), static_cast<uint16_t>(~sum));
    if (bytes.size() < 4) continue;
    uint16_t old = checksum(bytes), from = load_be<uint16_t>(bytes.data() + 2), to = static_cast<uint16_t>(rng());
    store_be(bytes.data() + 2, to);
    // 0 and 0xffff are the same number.
    ASSERT_EQ(checksum_update16(old, from, to) % 0xffff, checksum(bytes) % 0xffff);
  }
  EXPECT_EQ(crc32c(Bytes{'1', '2', '3', '4', '5', '6', '7', '8', '9'}), 0xe3069283u);
}

/// A brain whose decision is a function of the packet: which port, by bits that its mask holds.
class Oracle : public UpcallHandler {
 public:
  Oracle(UserDatapath& d, uint32_t s) : datapath(d), salt(s) { d.set_upcall_handler(this); }
  /// Looks at the port, and then at more or less of the packet, depending on what it saw: megaflows of several disjoint masks.
  static uint32_t decide(const Flow& key, Flow& mask, uint32_t salt) {
    mask.in_port = be32(UINT32_MAX);
    mask.eth_type = be16(UINT16_MAX);
    uint32_t h = salt * 31 + key.in_port.host() * 7 + key.eth_type.host();
    mask.eth_dst.b[5] = 7;
    h = h * 31 + (key.eth_dst.b[5] & 7);
    unsigned more = (key.eth_dst.b[5] & 7) + salt % 3;
    if (more & 1) mask.nw_src = be32(0xf), h = h * 31 + (key.nw_src.host() & 0xf);
    if (more & 2) mask.nw_proto = 255, h = h * 31 + key.nw_proto;
    if (more & 4) mask.vlan_tci = be16(UINT16_MAX), h = h * 31 + key.vlan_tci.host();
    return h % 4;  // 0: drop
  }
  void upcall(Upcall u, Time now) override {
    Flow mask{};
    uint32_t to = decide(u.key, mask, salt);
    OdpActions actions;
    if (to) actions.push_back({OdpOutput{OdpPort{to}}});
    datapath.flow_put({u.key, mask, actions, generation, 0}, now);
    datapath.execute(std::move(u.packet), actions, now);
    upcalls++;
  }
  void flow_removed(const Megaflow& m, Time) override { removed += m.stats.packets; }
  UserDatapath& datapath;
  uint32_t salt;
  uint64_t generation = 0, upcalls = 0, removed = 0;
};

TEST_P(RandomActions, CachesAndTuplesDecideAsTheBrainWould) {
  std::mt19937 rng(GetParam());
  NetdevFactory factory;
  DummyDevices devices;
  add_dummy_devices(factory, devices);
  UserDatapath datapath({"dummy", "ovs-dummy", rng(), true}, factory);
  for (const char* name : {"p1", "p2", "p3"}) ASSERT_TRUE(datapath.port_add({name, "dummy", {}, {}, {}}, {}));
  Oracle brain(datapath, 1);
  uint64_t expected[4] = {}, total = 0;
  std::vector<Flow> recent;
  for (int i = 0; i < 6000; i++) {
    Flow f = recent.size() > 50 && rng() % 2 ? recent[rng() % recent.size()] : random_flow(rng);
    recent.push_back(f);
    Packet p = compose(f);
    Flow key, mask{};
    p.in_port = OdpPort{f.in_port.host()};
    extract(p, key);
    expected[Oracle::decide(key, mask, brain.salt)]++;
    total++;
    ASSERT_TRUE(devices.find("p" + std::to_string(f.in_port.host()))->inject(std::move(p)));
    if (rng() % 8 == 0) while (datapath.run(Time{}) || datapath.deadline(Time{}) <= Time{}) {}
    if (rng() % 500 == 0) {   // other tables: no packet after this may be forwarded by an old decision
      while (datapath.deadline(Time{}) <= Time{}) datapath.run(Time{});
      brain.salt++;
      datapath.set_generation(++brain.generation, Time{});
      datapath.flow_flush(Time{});  // flows of both salts would overlap
    }
  }
  while (datapath.deadline(Time{}) <= Time{}) datapath.run(Time{});
  for (uint32_t to : {1u, 2u, 3u}) EXPECT_EQ(devices.find("p" + std::to_string(to))->stats().tx_packets, expected[to]);
  datapath.flow_flush(Time{});
  EXPECT_EQ(brain.removed + brain.upcalls, total);  // each packet counted once
}

}  // namespace
}  // namespace sluice

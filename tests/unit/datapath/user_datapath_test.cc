// SPDX-License-Identifier: Apache-2.0
// The userspace datapath as a whole, over dummy devices: misses, hits, statistics, generations, several outputs.
#include "datapath/user/user_datapath.h"

#include <gtest/gtest.h>

#include "datapath/compose.h"
#include "datapath/ethertype.h"
#include "datapath/netdev/dummy_device.h"

namespace sluice {
namespace {

/// Answers every upcall with `actions` under `mask`, and keeps what it saw.
class Brain : public UpcallHandler {
 public:
  explicit Brain(UserDatapath& d) : datapath(d) { d.set_upcall_handler(this); }
  void upcall(Upcall u, Time now) override {
    kinds.push_back(u.kind);
    if (u.kind == UpcallKind::kStale) stale_packets.push_back(u.flow->stats.packets);
    if (u.kind == UpcallKind::kAction) return;
    datapath.flow_put({u.key, mask, actions, generation, 7}, now);
    datapath.execute(std::move(u.packet), actions, now);
  }
  void flow_removed(const Megaflow& flow, Time) override { removed_packets += flow.stats.packets, removed++; }
  UserDatapath& datapath;
  Flow mask{};
  OdpActions actions;
  uint64_t generation = 0;
  std::vector<UpcallKind> kinds;
  std::vector<uint64_t> stale_packets;
  uint64_t removed_packets = 0, removed = 0;
};

class UserDatapathTest : public testing::Test {
 protected:
  UserDatapathTest() : datapath({"dummy", "ovs-dummy", 42, true}, add(factory, devices)), brain(datapath) {
    for (const char* name : {"p1", "p2", "p3"}) EXPECT_TRUE(datapath.port_add({name, "dummy", {}, {}, {}}, {}));
    brain.mask.in_port = be32(UINT32_MAX);
    brain.mask.eth_type = be16(UINT16_MAX);
  }
  static NetdevFactory& add(NetdevFactory& f, DummyDevices& d) {
    add_dummy_devices(f, d);
    return f;
  }
  Flow tcp(uint16_t port, uint8_t flags = 16) {
    Flow f{};
    f.eth_type = kEthIpv4;
    f.nw_proto = 6;
    f.nw_ttl = 64;
    f.tp_src = be16(port);
    f.tp_dst = be16(80);
    f.tcp_flags = be16(flags);
    return f;
  }
  void receive(const char* name, const Flow& f) { ASSERT_TRUE(devices.find(name)->inject(compose(f))); }
  void run() {
    while (datapath.run(now) || datapath.deadline(now) <= now) {}
  }
  NetdevFactory factory;
  DummyDevices devices;
  UserDatapath datapath;
  Brain brain;
  Time now{};
};

TEST_F(UserDatapathTest, NumbersPortsByName) {
  EXPECT_EQ(datapath.port_add({"br7", "dummy", {}, {}, {}}, {})->value, 107u);
  EXPECT_EQ(datapath.port_add({"x", "dummy", {}, {}, {}}, {})->value, 4u);
  EXPECT_EQ(datapath.port_add({"y", "nosuch", {}, {}, {}}, {}).error(), "could not open network device y (Address family not supported by protocol)");
  EXPECT_FALSE(datapath.port_add({"p1", "dummy", {}, {}, {}}, {}));
}

TEST_F(UserDatapathTest, FirstPacketGoesUpTheRestAreCountedExactly) {
  brain.actions = {{OdpOutput{OdpPort{2}}}};
  uint64_t bytes = 0;
  for (uint16_t i = 0; i < 1000; i++) {
    Flow f = tcp(i, i % 2 ? 2 : 16);
    bytes += i ? compose(f).size() : 0;
    receive("p1", f);
  }
  run();
  EXPECT_EQ(brain.kinds.size(), 1u);
  EXPECT_EQ(devices.find("p2")->stats().tx_packets, 1000u);
  size_t flows = 0;
  datapath.flow_dump(0, 100, [&](const Megaflow& m) {
    flows++;
    EXPECT_EQ(m.stats.packets, 999u);
    EXPECT_EQ(m.stats.bytes, bytes);
    EXPECT_EQ(m.stats.tcp_flags, 18);
    EXPECT_EQ(m.cookie, 7u);
    EXPECT_EQ(m.key.in_port, be32(1));
    EXPECT_EQ(m.mask, brain.mask);
    return true;
  });
  EXPECT_EQ(flows, 1u);
  EXPECT_EQ(datapath.stats().hit, 999u);
  EXPECT_EQ(datapath.stats().missed, 1u);
}

TEST_F(UserDatapathTest, OldGenerationGoesUp) {
  brain.actions = {{OdpOutput{OdpPort{2}}}};
  receive("p1", tcp(1));
  receive("p1", tcp(1));
  run();
  datapath.set_generation(++brain.generation, now);
  brain.actions = {{OdpOutput{OdpPort{3}}}};
  receive("p1", tcp(1));
  receive("p1", tcp(1));
  run();
  EXPECT_EQ(brain.kinds, (std::vector{UpcallKind::kMiss, UpcallKind::kStale}));
  EXPECT_EQ(brain.stale_packets, std::vector<uint64_t>{1});
  EXPECT_EQ(devices.find("p2")->stats().tx_packets, 2u);
  EXPECT_EQ(devices.find("p3")->stats().tx_packets, 2u);
  EXPECT_EQ(brain.removed_packets, 1u);  // replaced by flow_put
}

TEST_F(UserDatapathTest, ExplodingMasksStayBounded) {
  brain.actions = {{OdpOutput{OdpPort{2}}}};
  for (int i = 0; i < 200; i++) {
    brain.mask.nw_src = be32(static_cast<uint32_t>(i * 2654435761u));
    Flow f = tcp(static_cast<uint16_t>(i));
    f.nw_src = be32(static_cast<uint32_t>(i));
    receive("p1", f);
    receive("p1", f);
    run();
  }
  EXPECT_LE(datapath.stats().masks, 17u);
  EXPECT_EQ(devices.find("p2")->stats().tx_packets, 400u);
  EXPECT_EQ(datapath.stats().hit + datapath.stats().missed, 400u);
}

TEST_F(UserDatapathTest, DeletedFlowIsNotHitThroughTheCache) {
  brain.actions = {{OdpOutput{OdpPort{2}}}};
  for (int i = 0; i < 3; i++) receive("p1", tcp(1));
  run();
  datapath.flow_flush(now);
  EXPECT_EQ(brain.removed_packets, 2u);
  brain.actions.clear();
  receive("p1", tcp(1));
  receive("p1", tcp(1));
  run();
  EXPECT_EQ(brain.kinds.size(), 2u);
  EXPECT_EQ(devices.find("p2")->stats().tx_packets, 3u);
}

TEST_F(UserDatapathTest, EachOutputGetsItsVersionOfThePacket) {
  OdpSet set{OdpSetKind::kEthernet};
  set.fields.put(offsetof(Flow, eth_dst), MacAddr{{2, 0, 0, 0, 0, 9}}, MacAddr{{255, 255, 255, 255, 255, 255}});
  std::string files[3];
  for (int i = 0; i < 3; i++) {
    files[i] = testing::TempDir() + "dp_out" + std::to_string(i) + ".pcap";
    std::string name = "p" + std::to_string(i + 1);
    ASSERT_TRUE(devices.find(name)->reconfigure({name, "dummy", {{"tx_pcap", files[i]}}, {}, {}}));
  }
  brain.actions = {{OdpOutput{OdpPort{1}}}, {set}, {OdpOutput{OdpPort{2}}}, {OdpPushVlan{kEthVlan, be16(0x1005)}}, {OdpTrunc{40}}, {OdpOutput{OdpPort{3}}}};
  receive("p1", tcp(1));
  receive("p1", tcp(1));
  run();
  Packet composed = compose(tcp(1));
  Bytes plain(composed.view().begin(), composed.view().end());
  for (const char* name : {"p1", "p2", "p3"}) datapath.port_del(OdpPort{static_cast<uint32_t>(name[1] - '0')});
  auto one = *read_pcap(files[0]), two = *read_pcap(files[1]), three = *read_pcap(files[2]);
  ASSERT_EQ(one.size(), 2u);
  ASSERT_EQ(three.size(), 2u);
  for (int i = 0; i < 2; i++) {
    EXPECT_EQ(one[i].bytes, plain);
    EXPECT_EQ(two[i].bytes[5], 9);
    EXPECT_EQ(two[i].bytes.size(), plain.size());
    EXPECT_EQ(three[i].bytes.size(), 40u);
    EXPECT_EQ(three[i].bytes[12], 0x81);
    EXPECT_EQ(three[i].bytes[15], 5);
  }
}

}  // namespace
}  // namespace sluice

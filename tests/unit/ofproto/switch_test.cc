// SPDX-License-Identifier: Apache-2.0
// The switch as a whole over dummy devices: forwarding, learning, statistics, timeouts, packet-ins, patch ports.
#include <fmt/core.h>

#include "switch_fixture.h"

namespace sluice {
namespace {

const std::string kA = "dl_src=00:00:00:00:00:0a", kB = "dl_src=00:00:00:00:00:0b";
const std::string kToB = kA + ",dl_dst=00:00:00:00:00:0b,ip,nw_src=1.1.1.1,nw_dst=2.2.2.2,nw_ttl=64", kToA = kB + ",dl_dst=00:00:00:00:00:0a,ip,nw_ttl=64";

class SwitchTest : public SwitchFixture {
 protected:
  SwitchTest() { add_ports(*br, 3); }
};

TEST_F(SwitchTest, NormalLearnsAndAges) {
  br->set_normal_by_default(true, now);
  receive("p1", kToB);
  EXPECT_EQ(outcome(), "br0*1 p2*1 p3*1");
  receive("p2", kToA);
  EXPECT_EQ(outcome(), "p1*1");
  receive("p1", kToB);
  EXPECT_EQ(outcome(), "p2*1");
  EXPECT_NE(br->fdb_show(now).find("    1     0  00:00:00:00:00:0a    0\n"), std::string::npos) << br->fdb_show(now);
  pass(seconds(299));
  receive("p3", "dl_src=00:00:00:00:00:0c,dl_dst=00:00:00:00:00:0a,ip,nw_ttl=64");
  EXPECT_EQ(outcome(), "p1*1");
  pass(seconds(2));
  receive("p3", "dl_src=00:00:00:00:00:0c,dl_dst=00:00:00:00:00:0a,ip,nw_ttl=64");
  EXPECT_EQ(outcome(), "br0*1 p1*1 p2*1");
}

TEST_F(SwitchTest, TrafficInMegaflowsKeepsMacsAlive) {
  br->set_normal_by_default(true, now);
  receive("p2", kToA);
  for (int i = 0; i < 200; i++) {
    receive("p2", kToA);
    pass(seconds(2));
  }
  outcome();
  receive("p1", kToB);
  EXPECT_EQ(outcome(), "p2*1");
}

TEST_F(SwitchTest, StatisticsAreExact) {
  flow("priority=10,in_port=1,ip,actions=output:2");
  flow("priority=0,actions=drop");
  for (int i = 0; i < 1000; i++) receive("p1", kToB + ",tcp,tp_src=" + std::to_string(i % 50), 200);
  receive("p2", kToA, 100);
  EXPECT_EQ(count("in_port=1").packet_count, 1000u);
  EXPECT_EQ(count("in_port=1").byte_count, 200000u);
  EXPECT_EQ(count("").packet_count, 1001u);
  // The megaflows end, the counts stay.
  pass(seconds(30));
  EXPECT_EQ(datapath.stats().flows, 0u);
  EXPECT_EQ(count("").packet_count, 1001u);
  EXPECT_EQ(br->table_stats()[0].lookup_count, 1001u);
  EXPECT_EQ(br->table_stats()[0].matched_count, 1001u);
}

TEST_F(SwitchTest, ModifiedFlowTakesEffectAtOnce) {
  flow("in_port=1,actions=output:2");
  receive("p1", kToB);
  EXPECT_EQ(outcome(), "p2*1");
  flow("in_port=1,actions=output:3");
  receive("p1", kToB);
  EXPECT_EQ(outcome(), "p3*1");
  del_flows("");
  receive("p1", kToB);
  EXPECT_EQ(outcome(), "");
}

TEST_F(SwitchTest, TimeoutsAreTold) {
  flow("table=0,priority=5,in_port=1,idle_timeout=10,cookie=7,send_flow_rem,actions=output:2");
  flow("priority=6,in_port=2,hard_timeout=10,send_flow_rem,actions=output:1");
  for (int i = 0; i < 5; i++) {
    receive("p1", kToB);
    pass(seconds(4));
  }
  ASSERT_EQ(removed.size(), 1u);
  EXPECT_EQ(removed[0].reason, ofp::FlowRemovedReason::kHardTimeout);
  pass(seconds(5));
  EXPECT_EQ(removed.size(), 1u);
  pass(seconds(2));
  ASSERT_EQ(removed.size(), 2u);
  EXPECT_EQ(removed[1].reason, ofp::FlowRemovedReason::kIdleTimeout);
  EXPECT_EQ(removed[1].packet_count, 5u);
  EXPECT_EQ(removed[1].cookie, 7u);
}

TEST_F(SwitchTest, ControllerGetsThePacketAsItIsThen) {
  flow("in_port=1,ip,actions=mod_dl_dst:00:00:00:00:00:99,controller:20,output:2");
  receive("p1", kToB);
  EXPECT_EQ(outcome(), "p2*1");
  ASSERT_EQ(packet_ins.size(), 1u);
  EXPECT_EQ(packet_ins[0].max_len, 20);
  EXPECT_EQ(packet_ins[0].packet.data[5], 0x99);
  EXPECT_EQ(packet_ins[0].packet.reason, ofp::PacketInReason::kAction);
  receive("p1", kToB);
  EXPECT_EQ(packet_ins.size(), 2u);
}

TEST_F(SwitchTest, APausedPacketGoesOnOnceAsTheControllerChangedIt) {
  flow("in_port=1,ip,actions=load:1->NXM_NX_REG0[],controller(pause),resubmit(,1),output:3");
  flow("table=1,reg0=2,dl_dst=00:00:00:00:00:99,actions=output:2");
  receive("p1", kToB);
  EXPECT_EQ(outcome(), "");
  ASSERT_EQ(packet_ins.size(), 1u);
  ofp::PacketIn back = packet_ins[0].packet;
  ASSERT_FALSE(back.continuation.empty());
  back.data[5] = 0x99;
  back.metadata.value.reg[0] = be32(2);
  ofp::PacketIn forged = back;
  forged.continuation.back() ^= 1;
  EXPECT_EQ(br->resume(forged, now), std::unexpected(ofp::Error::NXR_STALE));
  ASSERT_TRUE(br->resume(back, now));
  EXPECT_EQ(outcome(), "p2*1 p3*1");
  EXPECT_EQ(br->resume(back, now), std::unexpected(ofp::Error::NXR_STALE));
}

TEST_F(SwitchTest, MissGoesToControllersThatWantIt) {
  receive("p1", kToB);
  EXPECT_TRUE(packet_ins.empty());
  br->set_miss_to_controller(true, now);
  receive("p1", kToB);
  ASSERT_EQ(packet_ins.size(), 1u);
  EXPECT_TRUE(packet_ins[0].is_implicit_miss);
  EXPECT_EQ(packet_ins[0].packet.reason, ofp::PacketInReason::kNoMatch);
}

TEST_F(SwitchTest, PatchPortsJoinBridges) {
  Bridge& br1 = add_bridge("br1");
  add_port(br1, "p4", "dummy", 4);
  add_port(*br, "pa", "patch", 10, "pb");
  add_port(br1, "pb", "patch", 11, "pa");
  br->set_normal_by_default(true, now);
  br1.set_normal_by_default(true, now);
  receive("p1", kToB);
  EXPECT_EQ(outcome(), "br0*1 br1*1 p2*1 p3*1 p4*1");
  receive("p4", kToA);
  EXPECT_EQ(outcome(), "p1*1");
  EXPECT_EQ(br->interface_status("pa")->stats.tx_packets, 1u);
  EXPECT_EQ(br->interface_status("pa")->stats.rx_packets, 1u);
}

TEST_F(SwitchTest, DatapathActionsAreFew) {
  flow("table=0,ip,actions=mod_dl_src:00:00:00:00:00:0a,dec_ttl,output:2,mod_vlan_vid:5,output:3");
  EXPECT_EQ(actions_of("in_port=1," + kToB), "set(ipv4(ttl=63)),2,push_vlan(vid=5,pcp=0),3");
}

TEST_F(SwitchTest, TablesMetadataAndActionSets) {
  flow("table=0,in_port=1,actions=write_actions(output:2),write_metadata:0x5,goto_table:1");
  flow("table=1,metadata=0x5,actions=set_field:00:00:00:00:00:77->eth_dst,goto_table:2");
  flow("table=2,priority=1,ip,nw_dst=2.2.2.0/24,actions=write_actions(output:3)");
  EXPECT_EQ(actions_of("in_port=1," + kToB), "set(eth(dst=00:00:00:00:00:77)),3");
  // The set runs although the last table has no flow, as Open vSwitch has it.
  del_flows("table=2");
  EXPECT_EQ(actions_of("in_port=1," + kToB), "set(eth(dst=00:00:00:00:00:77)),2");
}

TEST_F(SwitchTest, SelectGroupsShareOutByWeightAndPassOnADeadBucketsShare) {
  ofp::GroupMod mod;
  mod.type = ofp::GroupType::kSelect;
  mod.group_id = 1;
  for (uint32_t i = 0; i < 2; i++) {
    ofp::Bucket b;
    b.bucket_id = i;
    b.weight = static_cast<uint16_t>(1 + 2 * i);
    b.watch_port = OfpPort{2 + i};
    b.actions = {ofp::Output{OfpPort{2 + i}}};
    mod.buckets.push_back(b);
  }
  ASSERT_TRUE(br->group_mod(mod, now));
  flow("in_port=1,ip,actions=group:1");
  auto send_all = [&] {
    for (int i = 0; i < 256; i++) receive("p1", fmt::format("udp,dl_src=00:00:00:00:00:0a,dl_dst=00:00:00:00:00:0b,nw_src=1.1.1.1,nw_dst=2.2.2.2,udp_src={},udp_dst=80", 1000 + i));
    auto [p2, p3] = std::pair(sent["p2"].size(), sent["p3"].size());
    sent.clear();
    return std::pair(p2, p3);
  };
  auto [p2, p3] = send_all();
  EXPECT_EQ(p2 + p3, 256u);
  EXPECT_NEAR(static_cast<double>(p2), 64, 40);
  EXPECT_EQ(send_all(), std::pair(p2, p3));   // each connection the same way again
  size_t megaflows = 0;
  datapath.flow_dump(0, SIZE_MAX, [&](const Megaflow&) { return ++megaflows; });
  EXPECT_LE(megaflows, 17u);                  // not one for each connection
  br->remove_interface("p3", now);
  EXPECT_EQ(send_all(), std::pair(size_t{256}, size_t{0}));
}

TEST_F(SwitchTest, PacketOut) {
  auto actions = ofp::parse_actions("output:3,local", {}, false);
  ASSERT_TRUE(actions);
  ofp::PacketOut out;
  out.metadata.set_in_port(OFPP_NONE);
  out.actions = actions->actions;
  Flow f = *ofp::parse_exact_flow(kToB);
  Packet p = compose(f);
  out.data.assign(p.view().begin(), p.view().end());
  ASSERT_TRUE(br->packet_out(out, ofp::Version::k13, now));
  EXPECT_EQ(outcome(), "br0*1 p3*1");
}

}  // namespace
}  // namespace sluice

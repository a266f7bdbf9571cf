// SPDX-License-Identifier: Apache-2.0
// One truth: over random tables, groups and packets the kernel datapath, the userspace datapath on real devices and that on test devices send the same frames and count
// the same; after a barrier all by the new tables.  SLUICE_SEEDS=FIRST-LAST: other seeds than the few of each run.  REQUIRES: root in a guest (run.sh).
#include <algorithm>
#include <cstdlib>
#include <random>

#include "tests/guest/rig.h"

namespace sluice {
namespace {

constexpr unsigned kPorts = 4, kGroups = 3;

/// Random flows and packets that often have to do with each other.
class Dice {
 public:
  explicit Dice(uint32_t seed) : random_(seed), recirculates_(seed % 2) {}
  /// Some packets come by twice.  The kernel does the copies of one packet that go round in another order than the userspace datapath.
  bool recirculates() const { return recirculates_; }
  unsigned below(unsigned n) { return random_() % n; }
  bool one_in(unsigned n) { return below(n) == 0; }
  std::string mac() { return "02:00:00:00:00:0" + std::to_string(1 + below(4)); }
  std::string ip() { return "10.0.0." + std::to_string(1 + below(4)); }
  std::string ip6() { return "2001:db8::" + std::to_string(1 + below(4)); }
  std::string port() { return std::to_string(1 + below(kPorts)); }

  /// In the form of a flow's match, exact.
  std::string packet() {
    std::string p = "eth_src=" + mac() + ",eth_dst=" + (one_in(8) ? "ff:ff:ff:ff:ff:ff" : mac());
    if (one_in(3)) p += ",dl_vlan=" + std::to_string(1 + below(2)) + ",dl_vlan_pcp=" + std::to_string(below(3));
    std::string ports = "_src=" + std::to_string(1000 + below(2)), to = "_dst=" + std::to_string(80 + below(2));
    std::string v4 = ",nw_src=" + ip() + ",nw_dst=" + ip() + ",nw_ttl=" + std::to_string(1 + below(3)) + ",nw_tos=" + std::to_string(below(2) * 32);
    std::string v6 = ",ipv6_src=" + ip6() + ",ipv6_dst=" + ip6() + ",nw_ttl=" + std::to_string(1 + below(3));
    switch (below(7)) {
      case 0: return p + ",arp,arp_op=1,arp_spa=" + ip() + ",arp_tpa=" + ip();
      case 1: return p + ",icmp,icmp_type=8" + v4;
      case 2: return p + ",udp" + v4 + ",udp" + ports + ",udp" + to;
      case 3: return p + ",tcp6" + v6 + ",tcp" + ports + ",tcp" + to;
      case 4: return p + ",dl_type=0x88b5";
      default: return p + ",tcp" + v4 + ",tcp" + ports + ",tcp" + to + (one_in(2) ? ",tcp_flags=syn" : ",tcp_flags=ack");
    }
  }

  std::string match() {
    std::string m = "priority=" + std::to_string(1 + below(1000));
    if (one_in(4)) m += ",in_port=" + port();
    if (one_in(5)) m += ",dl_src=" + mac();
    if (one_in(5)) m += ",dl_dst=" + mac();
    if (one_in(6)) m += one_in(2) ? ",dl_vlan=" + std::to_string(1 + below(2)) : one_in(2) ? ",vlan_tci=0x1000/0x1000" : ",vlan_tci=0";
    switch (below(11)) {
      case 0: return m + ",arp" + (one_in(2) ? ",arp_spa=" + ip() : "");
      case 1: return m + ",ip,nw_dst=" + ip() + (one_in(2) ? "/31" : "");
      case 2: return m + ",tcp,tcp_dst=80" + (one_in(2) ? ",nw_src=" + ip() : "");
      case 3: return m + ",udp" + (one_in(2) ? ",nw_ttl=1" : ",nw_tos=32");
      case 4: return m + ",ipv6,ipv6_dst=" + ip6() + (one_in(2) ? "/127" : "");
      case 5: return m + ",tcp,tcp_flags=+syn";
      case 6: return m + (one_in(2) ? ",udp,ct_state=+trk+new" : one_in(2) ? ",ip,ct_state=-trk" : ",ip,ct_state=+est");
      case 7: return m + ",mpls,mpls_label=" + std::to_string(1 + below(3));
      default: return m;
    }
  }

  std::string change() {
    switch (below(19)) {
      case 14: return "push_vlan:0x8100,mod_vlan_vid:" + std::to_string(1 + below(3));
      case 15: return "push_mpls:0x8847,load:" + std::to_string(1 + below(3)) + "->OXM_OF_MPLS_LABEL[]";
      case 16: return "pop_mpls:0x0800";
      case 17: return "mod_nw_ttl:" + std::to_string(1 + below(3));
      case 18: return "load:0x" + std::to_string(1 + below(9)) + "->NXM_NX_IPV6_DST[0..15]";
      case 0: return "mod_dl_src:" + mac();
      case 1: return "mod_dl_dst:" + mac();
      case 2: return "mod_vlan_vid:" + std::to_string(1 + below(3));
      case 3: return "strip_vlan";
      case 4: return "mod_nw_src:" + ip();
      case 5: return "mod_nw_dst:" + ip();
      case 6: return "mod_tp_dst:" + std::to_string(53 + below(3));
      case 7: return "dec_ttl";
      case 8: return "mod_nw_tos:" + std::to_string(below(3) * 4);
      case 9: return "move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[]";
      case 10: return "load:" + std::to_string(below(3)) + "->NXM_NX_REG0[]";
      case 11: return "mod_vlan_pcp:" + std::to_string(below(8));
      case 12: return "move:NXM_OF_IP_SRC[0..7]->NXM_OF_IP_DST[8..15]";
      default: return "load:0x5->NXM_OF_ARP_OP[]";
    }
  }

  /// Which bucket of a select group a packet takes is each datapath's own hash: there is one.
  std::string group(unsigned id) {
    std::string type = one_in(3) ? "select" : one_in(2) ? "indirect" : "all", text = "group_id=" + std::to_string(id) + ",type=" + type;
    for (unsigned i = 0, n = type == "all" ? 1 + below(3) : 1; i < n; i++) text += ",bucket=actions=" + (one_in(2) ? change_of_any() + "," : "") + "output:" + port();
    return text;
  }

  /// One that needs no prerequisite.
  std::string change_of_any() { return one_in(2) ? "mod_dl_src:" + mac() : "load:" + std::to_string(below(3)) + "->NXM_NX_REG0[]"; }

  std::string flow() {
    unsigned table = below(3);
    std::string actions;
    for (unsigned i = 0, n = below(5); i < n; i++) {
      std::string a;
      switch (below(recirculates_ ? 11 : 9)) {
        case 0:
        case 1: a = "output:" + port(); break;
        case 8: a = "load:" + std::to_string(below(3)) + "->OXM_OF_METADATA[]"; break;
        case 9: a = "group:" + std::to_string(1 + below(kGroups)); break;
        case 10: a = table == 2 ? "ct_clear" : one_in(2) ? "ct(commit)" : "ct(table=" + std::to_string(table + 1) + ")"; break;
        case 2: a = table < 2 ? "resubmit(," + std::to_string(table + 1) + ")" : "IN_PORT"; break;
        case 3: a = one_in(2) ? "NORMAL" : "FLOOD"; break;
        case 4: a = one_in(3) ? "CONTROLLER" : "ALL"; break;
        default: a = change();
      }
      actions += (actions.empty() ? "" : ",") + a;
    }
    auto has = [&](const char* word) { return actions.find(word) != std::string::npos; };
    // Of TCP the two connection trackers know things that differ: random flags are no connection.
    std::string prerequisites = has("ct(") ? one_in(2) ? ",udp" : ",icmp" : has("ARP_OP") ? ",arp" : has("IPV6_DST") ? ",ipv6" : has("pop_mpls") ? ",mpls" : has("mod_tp") ? ",tcp"
                                : has("IP_SRC[") || has("mod_nw") || has("dec_ttl") ? ",ip" : "";
    std::string m = match();
    if (!prerequisites.empty()) m = m.substr(0, m.find(',')) + prerequisites;
    return "table=" + std::to_string(table) + "," + m + ",actions=" + (actions.empty() ? "drop" : actions);
  }

 private:
  std::mt19937 random_;
  bool recirculates_;
};

Outcome sorted(Outcome o) {
  for (auto& [device, frames] : o) std::ranges::sort(frames);
  return o;
}

std::string text(const Outcome& o) {
  std::string s;
  for (auto& [device, frames] : o)
    for (auto& f : frames) s += "\n  " + device + " > " + f;
  return s;
}

class OneTruth : public testing::TestWithParam<uint32_t> {};

/// Of SLUICE_SEEDS, or those of each run.
std::pair<uint32_t, uint32_t> seeds() {
  std::string text = getenv("SLUICE_SEEDS") ? getenv("SLUICE_SEEDS") : "0-11";
  uint32_t first = 0, last = 0;
  sscanf(text.c_str(), "%u-%u", &first, &last);
  return {first, std::max(first, last) + 1};
}

TEST_P(OneTruth, RandomTablesAndPackets) {
  KernelRig kernel(kPorts);
  SocketRig sockets(kPorts);
  UserRig user(kPorts);
  Rig* const all[] = {&kernel, &sockets, &user};
  Dice dice(GetParam());
  std::string history;
  auto change = [&] {
    std::string flow = dice.flow();
    history += flow + "\n";
    std::string outcome = user.try_flow(flow);
    ASSERT_EQ(kernel.try_flow(flow), outcome) << flow;
    ASSERT_EQ(sockets.try_flow(flow), outcome) << flow;
    kernel.barrier();
  };
  for (unsigned id = 1; id <= kGroups; id++) {
    std::string group = dice.group(id);
    history += group + "\n";
    for (Rig* rig : all) rig->group(group);
  }
  for (int i = 0; i < 10; i++) change();
  std::vector<std::string> packets;
  for (int i = 0; i < 12; i++) packets.push_back(dice.packet());
  for (int i = 0; i < 200; i++) {
    if (i % 10 == 9) change();
    const std::string& packet = packets[dice.below(12)];
    auto flow = ofp::parse_exact_flow(packet);
    ASSERT_TRUE(flow) << flow.error();
    Packet frame = compose(*flow, 64);
    std::string device = "p" + dice.port();
    history += device + " < " + packet + "\n";
    Outcome have = kernel.send(device, frame.view()), real = sockets.send(device, frame.view()), want = user.send(device, frame.view());
    if (dice.recirculates()) have = sorted(have), real = sorted(real), want = sorted(want);
    ASSERT_TRUE(have == want && real == want) << "seed " << GetParam() << ", packet " << i << " to " << device << " " << hex(frame.view()) << "\nkernel:" << text(have) << "\nsockets:"
                                              << text(real) << "\nuser:" << text(want) << "\n" << history << "kernel " << kernel.sw().dpif_dump_flows("br0", false, true, kernel.now());
  }
  for (const char* filter : {"table=0", "table=1", "table=2"}) {
    EXPECT_EQ(kernel.packets(filter), user.packets(filter)) << filter << "\n" << history;
    EXPECT_EQ(sockets.packets(filter), user.packets(filter)) << filter << "\n" << history;
  }
  EXPECT_GT(kernel.datapath().stats().hit, 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, OneTruth, testing::Range(seeds().first, seeds().second));

/// Many megaflows: the reply to a barrier waits until none goes on by the old tables.
TEST(Barrier, WaitsForAllMegaflows) {
  constexpr unsigned kFlows = 3000;
  KernelRig rig(3);
  rig.flow("priority=1,udp,udp_src=0/0x8000,actions=2");   // each port is a megaflow of its own: it must be wide enough for the bits that others match
  for (unsigned bit = 0; bit < 12; bit++) rig.flow("priority=" + std::to_string(10 + bit) + ",udp,udp_dst=" + std::to_string(60000 + bit) + ",udp_src=" + std::to_string(bit) + ",actions=drop");
  rig.barrier();
  auto frame = [](unsigned i) {
    auto flow = ofp::parse_exact_flow("udp,eth_src=02:00:00:00:00:01,eth_dst=02:00:00:00:00:02,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=64,udp_dst=80,udp_src=" + std::to_string(i));
    return compose(*flow, 64);
  };
  for (unsigned i = 0; i < kFlows; i++) EXPECT_EQ(rig.send("p1", frame(i).view()).count("p2"), 1u) << i;
  ASSERT_GT(rig.datapath().stats().flows, 10u);
  rig.flow("priority=100,udp,actions=3");
  rig.barrier();
  uint64_t missed = rig.datapath().stats().missed;
  for (unsigned i = 0; i < kFlows; i += 7) {
    Outcome o = rig.send("p1", frame(i).view());
    ASSERT_EQ(o.count("p2"), 0u) << i;
    ASSERT_EQ(o.count("p3"), 1u) << i;
  }
  EXPECT_EQ(rig.datapath().stats().missed, missed);   // the same megaflows, with other actions
}

}  // namespace
}  // namespace sluice

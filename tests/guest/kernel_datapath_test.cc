// SPDX-License-Identifier: Apache-2.0
// The kernel datapath against the real openvswitch.ko.  REQUIRES: root in a guest (run.sh); it deletes datapaths and unloads the module.
#include "datapath/kernel/kernel_datapath.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <random>
#include <set>

#include <linux/openvswitch.h>
#include <poll.h>

#include "datapath/compose.h"
#include "datapath/edits.h"
#include "datapath/geneve.h"
#include "datapath/kernel/genl_socket.h"
#include "datapath/kernel/odp_netlink.h"
#include "datapath/kernel/vport.h"
#include "datapath/link.h"
#include "datapath/odp_text.h"
#include "lib/text.h"
#include "tests/guest/tap.h"
#include "tests/unit/datapath/random_flow.h"

namespace sluice {
namespace {

Time clock_now() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return Time(seconds(t.tv_sec) + Duration(t.tv_nsec));
}

/// Keeps what comes up; installs what it is told to.
struct Brain : UpcallHandler {
  KernelDatapath* datapath = nullptr;
  std::vector<Upcall> upcalls;
  std::map<uint64_t, Megaflow> removed;   // by cookie, the last
  void upcall(Upcall u, Time) override { upcalls.push_back(std::move(u)); }
  void flow_removed(const Megaflow& flow, Time) override { removed[flow.cookie] = flow; }
};

/// All that every kernel has.
Flow whole_mask() {
  Flow mask;
  std::memset(static_cast<void*>(&mask), 0xff, sizeof mask);
  mask.ct_state = 0, mask.ct_zone = {}, mask.ct_mark = {}, mask.ct_nw_src = mask.ct_nw_dst = {}, mask.ct_nw_proto = 0, mask.ct_tp_src = mask.ct_tp_dst = {};
  mask.ct_ipv6_src = mask.ct_ipv6_dst = {};
  std::fill(std::begin(mask.ct_label), std::end(mask.ct_label), 0);
  mask.nd_reserved = {}, mask.nd_options_type = 0, mask.ipv6_exthdr = {};
  mask.nsh_flags = mask.nsh_mdtype = mask.nsh_np = mask.nsh_ttl = 0, mask.nsh_path = {};
  std::fill(std::begin(mask.nsh_context), std::end(mask.nsh_context), be32());
  mask.pbb_uca = 0, mask.pbb_isid = {}, mask.tun_present = {};
  std::memset(mask.tun_metadata, 0, sizeof mask.tun_metadata);
  return mask;
}

OdpActions parse_actions(const std::string& text) {
  auto actions = parse_odp_actions(text);
  EXPECT_TRUE(actions) << actions.error();
  return *actions;
}

Bytes frame_of(const std::string& text) {
  auto packet = parse_packet(text);
  EXPECT_TRUE(packet) << packet.error();
  return {packet->view().begin(), packet->view().end()};
}

const char* kUdp = "eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02),eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=17,tos=0,ttl=64,frag=no),udp(src=1000,dst=2000)";

class KernelTest : public testing::Test {
 protected:
  void SetUp() override { open(); }
  void TearDown() override {
    if (datapath && brain.datapath)
      for (auto& p : datapath->ports())
        if (p.port != kOdpLocal) datapath->port_del(p.port);
  }
  void open() {
    auto opened = KernelDatapath::open(options);
    ASSERT_TRUE(opened) << opened.error();
    datapath = std::move(*opened);
    datapath->set_upcall_handler(&brain);
    brain.datapath = datapath.get();
  }
  void add_taps(int n) {
    for (int i = 0; i < n; i++) {
      taps.push_back(std::make_unique<Tap>("t" + std::to_string(i)));
      ASSERT_TRUE(taps.back()->ok());
      auto port = datapath->port_add({.name = taps.back()->name(), .type = "system", .options = {}, .mac = {}, .mtu = {}}, std::nullopt);
      ASSERT_TRUE(port) << port.error();
      ports.push_back(*port);
    }
    datapath->settle(clock_now());
  }
  /// Runs the datapath until there are `n` upcalls.
  void run_until(size_t n, int wait_ms = 2000) {
    Time end = clock_now() + milliseconds(wait_ms);
    while (brain.upcalls.size() < n && clock_now() < end) {
      pollfd p{.fd = datapath->wait_fd(), .events = POLLIN, .revents = 0};
      poll(&p, 1, 20);
      datapath->run(clock_now());
    }
  }
  Upcall take_upcall() {
    run_until(1);
    EXPECT_EQ(brain.upcalls.size(), 1u);
    Upcall u = std::move(brain.upcalls.front());
    brain.upcalls.clear();
    return u;
  }
  void put(const Flow& key, const Flow& mask, const std::string& actions, uint64_t cookie = 1) {
    ASSERT_EQ(datapath->flow_put({key, mask, parse_actions(actions), 1, cookie}, clock_now()), SlowReason::kNone);
    datapath->run(clock_now());
  }
  std::vector<Megaflow> dump() {
    std::vector<Megaflow> all;
    for (uint64_t from = 0; (from = datapath->flow_dump(from, 100, [&](const Megaflow& f) { return all.push_back(f), true; })) != 0;) {
    }
    return all;
  }

  static KernelDatapath::Options without_threads() {
    KernelDatapath::Options o;
    o.handler_threads = 0;
    return o;
  }

  KernelDatapath::Options options = without_threads();   // so that what has been sent is there when run() begins
  Brain brain;
  std::unique_ptr<KernelDatapath> datapath;
  std::vector<std::unique_ptr<Tap>> taps;
  std::vector<OdpPort> ports;
};

TEST_F(KernelTest, PortsComeAndGo) {
  add_taps(2);
  auto internal = datapath->port_add({.name = "br0", .type = "internal", .options = {}, .mac = parse_mac("02:00:00:00:00:77"), .mtu = 1400}, std::nullopt);
  ASSERT_TRUE(internal) << internal.error();
  Netdev* device = datapath->netdev(*internal);
  EXPECT_EQ(format(device->state().mac), "02:00:00:00:00:77");
  EXPECT_EQ(device->state().mtu, 1400);
  EXPECT_GT(device->state().ifindex, 0);
  EXPECT_FALSE(device->state().admin_up);
  EXPECT_EQ(device->set_admin_up(true), 0);
  EXPECT_TRUE(device->state().admin_up);
  EXPECT_EQ(datapath->ports().size(), 4u);
  auto nothing = datapath->port_add({.name = "nothing", .type = "system", .options = {}, .mac = {}, .mtu = {}}, std::nullopt);
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error(), "could not open network device nothing (No such device)");
  EXPECT_FALSE(datapath->port_add({.name = "t0", .type = "system", .options = {}, .mac = {}, .mtu = {}}, std::nullopt));
  EXPECT_FALSE(datapath->port_add({.name = "g0", .type = "gen", .options = {}, .mac = {}, .mtu = {}}, std::nullopt));
  EXPECT_TRUE(read_link("ovs-system"));
  datapath->port_del(*internal);
  EXPECT_FALSE(read_link("br0"));
  for (OdpPort p : ports) datapath->port_del(p);
  EXPECT_FALSE(read_link("ovs-system"));   // gone with the last port
  EXPECT_TRUE(read_link("t0"));
}

TEST_F(KernelTest, MissFlowAndExactStatistics) {
  add_taps(2);
  Bytes frame = frame_of(kUdp);
  ASSERT_TRUE(taps[0]->send(frame));
  Upcall u = take_upcall();
  EXPECT_EQ(u.kind, UpcallKind::kMiss);
  EXPECT_EQ(u.key.in_port, be32(ports[0].value));
  EXPECT_EQ(Bytes(u.packet.view().begin(), u.packet.view().end()), frame);
  Flow mask{};
  mask.eth_type = be16(UINT16_MAX), mask.nw_dst = be32(UINT32_MAX);
  put(u.key, mask, std::to_string(ports[1].value));
  datapath->execute(std::move(u.packet), parse_actions(std::to_string(ports[1].value)), clock_now());
  datapath->run(clock_now());
  EXPECT_EQ(taps[1]->receive(), frame);
  for (int i = 0; i < 5; i++) {
    ASSERT_TRUE(taps[0]->send(frame));
    EXPECT_EQ(taps[1]->receive(), frame);
  }
  datapath->run(clock_now());
  EXPECT_TRUE(brain.upcalls.empty());
  auto flows = dump();
  ASSERT_EQ(flows.size(), 1u);
  EXPECT_EQ(flows[0].stats.packets, 5u);
  EXPECT_EQ(flows[0].stats.bytes, 5 * frame.size());
  EXPECT_LT(clock_now() - flows[0].stats.used, seconds(2));
  EXPECT_EQ(format_odp_key(flows[0].key, flows[0].mask, {.packet_type = false}), "recirc_id(0),in_port(" + std::to_string(ports[0].value) + "),eth(),eth_type(0x0800),ipv4(dst=10.0.0.2,frag=no)");
  DpifStats s = datapath->stats();
  EXPECT_EQ(s.hit, 5u);
  EXPECT_EQ(s.flows, 1u);
  ASSERT_TRUE(taps[0]->send(frame));
  EXPECT_TRUE(taps[1]->receive());
  datapath->flow_del(flows[0].ufid, clock_now());
  EXPECT_EQ(brain.removed.at(1).stats.packets, 6u);
  EXPECT_TRUE(dump().empty());
}

TEST_F(KernelTest, SeveralPacketsOfOneNewFlow) {
  add_taps(2);
  Bytes frame = frame_of(kUdp);
  for (int i = 0; i < 3; i++) ASSERT_TRUE(taps[0]->send(frame));
  run_until(3);
  ASSERT_EQ(brain.upcalls.size(), 3u);
  for (uint64_t cookie = 1; cookie <= 3; cookie++) put(brain.upcalls[0].key, whole_mask(), std::to_string(ports[1].value), cookie);
  EXPECT_EQ(brain.removed.size(), 2u);
  ASSERT_TRUE(taps[0]->send(frame));
  EXPECT_TRUE(taps[1]->receive());
  auto flows = dump();
  ASSERT_EQ(flows.size(), 1u);
  EXPECT_EQ(flows[0].cookie, 3u);
  EXPECT_EQ(flows[0].stats.packets, 1u);
}

/// The kernel takes every key that a packet can have, under random masks, and says the same of it.
TEST_F(KernelTest, KeysAndMasksAsTheKernelHasThem) {
  add_taps(1);
  auto socket = GenlSocket::open();
  auto families = GenlFamilies::resolve(*socket);
  ASSERT_TRUE(families);
  VportRequests requests(*socket, *families);
  int dp = requests.find_datapath("ovs-system")->ifindex;
  std::mt19937 rng(3);
  size_t tried = 0;
  for (int round = 0; round < 10; round++) {
    std::map<Ufid, std::string> wanted;
    for (int i = 0; i < 200; i++, tried++) {
      Flow key = random_flow(rng), mask = whole_mask();
      key.nd_reserved = {}, key.nd_options_type = 0, key.ipv6_exthdr = {};
      key.in_port = be32(rng() % 8 ? ports[0].value : kOdpNone.value);
      if (key.eth_type == be16(0x88b5) && rng() % 2) key.eth_type = be16(kEthTypeNone);   // tagged and untagged
      if (rng() % 4)
        for (uint64_t& w : mask.words()) w &= rng() % 3 == 0 ? 0 : rng() % 2 ? UINT64_MAX : uint64_t{rng()} << 32 | rng();
      // The kernel refuses flows that overlap.
      key.eth_src = MacAddr::from_u64(0x020000000000 + tried);
      mask.eth_src = MacAddr::from_u64(0xffffffffffff);
      ASSERT_EQ(datapath->flow_put({key, mask, {}, 1, tried + 1}, clock_now()), SlowReason::kNone) << format_odp_key(key, mask);
      datapath->run(clock_now());
      EXPECT_FALSE(brain.removed.contains(tried + 1)) << "refused: " << format_odp_key(key, mask);
    }
    size_t count = 0;
    ASSERT_EQ(socket->dump({families->flow, OVS_FLOW_CMD_GET, 1}, dp, [&] { count = 0; }, [&](const GenlMessage& m) {
      Attrs attrs(m.attrs);
      auto key = decode_odp_key(attrs.find(OVS_FLOW_ATTR_KEY)->data);
      ASSERT_TRUE(key) << key.error();
      auto mask = decode_odp_mask(attrs.find(OVS_FLOW_ATTR_MASK)->data, key->flow);
      ASSERT_TRUE(mask) << mask.error();
      Flow masked = key->flow;
      mask_flow(masked, mask->flow);
      wanted[*attrs.find(OVS_FLOW_ATTR_UFID)->as<Ufid>()] = format_odp_key(masked, mask->flow);
      count++;
    }), 0);
    for (const Megaflow& f : dump()) {
      ASSERT_TRUE(wanted.contains(f.ufid));
      EXPECT_EQ(format_odp_key(f.key, f.mask), wanted.at(f.ufid));
    }
    EXPECT_EQ(count, 200u);
    EXPECT_EQ(count, dump().size());
    datapath->flow_flush(clock_now());
  }
}

struct ActionCase { const char *packet, *actions; };
class KernelActions : public KernelTest, public testing::WithParamInterface<ActionCase> {};

/// The kernel does with a packet what the userspace datapath does with it; by a flow, and by execute().
TEST_P(KernelActions, GiveTheSamePacket) {
  add_taps(2);
  Bytes frame = frame_of(GetParam().packet);
  Packet expected = Packet::from(frame);
  Flow key;
  extract(expected, key);
  for (const OdpAction& a : parse_actions(GetParam().actions)) {
    if (auto* set = std::get_if<OdpSet>(&a.v)) set_fields(expected, *set);
    if (auto* push = std::get_if<OdpPushVlan>(&a.v)) push_vlan(expected, push->tpid, push->tci);
    if (std::holds_alternative<OdpPopVlan>(a.v)) pop_vlan(expected);
    if (auto* push = std::get_if<OdpPushMpls>(&a.v)) push_mpls(expected, push->lse, push->eth_type);
    if (auto* pop = std::get_if<OdpPopMpls>(&a.v)) pop_mpls(expected, pop->eth_type);
    if (auto* trunc = std::get_if<OdpTrunc>(&a.v)) expected.truncate(trunc->max_len);
  }
  std::string actions = std::string(GetParam().actions) + "," + std::to_string(ports[1].value);
  ASSERT_TRUE(taps[0]->send(frame));
  Upcall u = take_upcall();
  SlowReason slow = datapath->flow_put({u.key, whole_mask(), parse_actions(actions), 1, 1}, clock_now());
  datapath->execute(std::move(u.packet), parse_actions(actions), clock_now());
  datapath->run(clock_now());
  auto executed = taps[1]->receive();
  ASSERT_TRUE(executed);
  EXPECT_EQ(hex(*executed), hex(expected.view()));
  if (slow != SlowReason::kNone) return;
  ASSERT_TRUE(taps[0]->send(frame));
  auto forwarded = taps[1]->receive();
  ASSERT_TRUE(forwarded);
  EXPECT_EQ(hex(*forwarded), hex(expected.view()));
  EXPECT_EQ(dump().size(), 1u);
}

#define E "eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02),"
#define TCP4 E "eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=6,tos=0x3,ttl=64,frag=no),tcp(src=1000,dst=2000),tcp_flags(syn|ack)"
#define UDP6 E "eth_type(0x86dd),ipv6(src=fe80::1,dst=fe80::2,label=0x5,proto=17,tclass=0x10,hlimit=9,frag=no),udp(src=1000,dst=2000)"
#define ARP E "eth_type(0x0806),arp(sip=10.0.0.1,tip=10.0.0.2,op=1,sha=02:00:00:00:00:01,tha=00:00:00:00:00:00)"
#define VLAN E "eth_type(0x8100),vlan(vid=5,pcp=3),encap(eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=17,tos=0,ttl=64,frag=no),udp(src=1,dst=2))"
INSTANTIATE_TEST_SUITE_P(Each, KernelActions, testing::Values(
    ActionCase{TCP4, "set(eth(src=0a:00:00:00:00:00/ff:00:00:00:00:00,dst=0b:00:00:00:00:01))"},
    ActionCase{TCP4, "set(ipv4(src=1.2.3.4,dst=5.6.0.0/255.255.0.0,tos=0x80/0xfc,ttl=63))"},
    ActionCase{TCP4, "set(tcp(src=80,dst=0/0xff00))"},
    ActionCase{kUdp, "set(udp(dst=53)),set(ipv4(ttl=1))"},
    ActionCase{UDP6, "set(ipv6(src=2001:db8::1,hlimit=8,label=0x7,tclass=0x20)),set(udp(src=7))"},
    ActionCase{TCP4, "push_vlan(vid=7,pcp=2)"},
    ActionCase{VLAN, "pop_vlan"},
    ActionCase{VLAN, "pop_vlan,push_vlan(vid=9,pcp=0),set(ipv4(ttl=3))"},
    ActionCase{TCP4, "push_mpls(label=5,tc=1,ttl=64,bos=1,eth_type=0x8847)"},
    ActionCase{TCP4, "trunc(60)"},
    // What the kernel can't set is set by the daemon.
    ActionCase{ARP, "set(arp(sip=9.9.9.9,op=2,tha=02:00:00:00:00:09))"},
    ActionCase{ARP, "push_vlan(vid=7,pcp=2),set(arp(sip=9.9.9.9)),pop_vlan"},
    ActionCase{E "eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=1,tos=0,ttl=64,frag=no),icmp(type=8,code=0)", "set(icmp(type=0))"}));

TEST_F(KernelTest, UserspaceActionComesUpWithItsCookie) {
  add_taps(1);
  Bytes frame = frame_of(kUdp);
  ASSERT_TRUE(taps[0]->send(frame));
  Upcall u = take_upcall();
  OdpActions actions{{OdpUserspace{SlowReason::kController, 0x1234567890, 128}}};
  datapath->flow_put({u.key, whole_mask(), actions, 1, 1}, clock_now());
  datapath->run(clock_now());
  ASSERT_TRUE(taps[0]->send(frame));
  Upcall again = take_upcall();
  EXPECT_EQ(again.kind, UpcallKind::kAction);
  EXPECT_EQ(again.cookie, 0x1234567890u);
  EXPECT_EQ(again.reason, SlowReason::kController);
  EXPECT_EQ(dump().at(0).actions, actions);
  datapath->execute(std::move(again.packet), actions, clock_now());
  EXPECT_EQ(take_upcall().cookie, 0x1234567890u);
}

/// A packet that was handed up after the tracker and goes back comes to the next lookup with all that it had.
TEST_F(KernelTest, ExecuteKeepsWhatTheTrackerSaid) {
  add_taps(1);
  Packet p = Packet::from(frame_of(kUdp));
  p.in_port = ports[0];
  p.ct_state = kCtTrk | kCtEst | kCtRpl;
  p.ct_zone = 9, p.ct_mark = 77, p.ct_label[3] = 5;
  p.has_ct_tuple = true;
  p.ct_tuple.src.b = {10, 9, 8, 7}, p.ct_tuple.dst.b = {10, 9, 8, 6};
  p.ct_tuple.tp_src = be16(1111), p.ct_tuple.tp_dst = be16(22), p.ct_tuple.proto = 17;
  const CtTuple tuple = p.ct_tuple;
  datapath->execute(std::move(p), parse_actions("recirc(0x5)"), clock_now());
  Upcall u = take_upcall();
  EXPECT_EQ(u.key.recirc_id, be32(5));
  EXPECT_EQ(u.key.ct_state, kCtTrk | kCtEst | kCtRpl);
  EXPECT_EQ(u.key.ct_mark, be32(77));
  EXPECT_EQ(u.key.ct_label[3], 5);
  EXPECT_TRUE(u.packet.has_ct_tuple && u.packet.ct_tuple == tuple);
}

/// Packets that only go out, and those of which more is to be done, leave as they were whatever they are.
TEST_F(KernelTest, ExecuteSendsToEachPort) {
  add_taps(3);
  std::string out = std::to_string(ports[1].value) + "," + std::to_string(ports[2].value);
  Bytes shortest(14, 0x11), longest = frame_of(kUdp), tagged = frame_of(VLAN);
  longest.resize(1514);
  for (const Bytes& frame : {shortest, longest, tagged})
    for (uint32_t mark : {0, 1}) {
      Packet p = Packet::from(frame);
      p.in_port = ports[0], p.pkt_mark = mark;
      datapath->execute(std::move(p), parse_actions(out), clock_now());
      datapath->run(clock_now());
      EXPECT_EQ(taps[1]->receive(), frame);
      EXPECT_EQ(taps[2]->receive(), frame);
    }
  // One that can't be sent does not hold up those after it.
  Bytes too_long(5000, 0x22);
  for (const Bytes& frame : {longest, too_long, tagged}) datapath->execute(Packet::from(frame), parse_actions(std::to_string(ports[1].value)), clock_now());
  datapath->run(clock_now());
  EXPECT_EQ(taps[1]->receive(), longest);
  EXPECT_EQ(taps[1]->receive(), tagged);
  EXPECT_FALSE(taps[1]->receive(50));
}

struct Dispatch { bool per_cpu; unsigned threads; };
class KernelUpcalls : public KernelTest, public testing::WithParamInterface<Dispatch> {
 protected:
  void SetUp() override {
    options.per_cpu_upcalls = GetParam().per_cpu;
    options.handler_threads = GetParam().threads;
    open();
  }
  /// Until each packet has come up or is counted as lost.
  void run_until_all(uint64_t n) {
    for (int i = 0; i < 100 && brain.upcalls.size() + datapath->stats().lost < n; i++) run_until(brain.upcalls.size() + 1000, 50);
  }
  Bytes frame(uint32_t i) {
    auto base = parse_odp_key(kUdp)->key;
    base.nw_src = be32(0x0a000000 + i);
    Packet p = compose(base);
    return {p.view().begin(), p.view().end()};
  }
};
INSTANTIATE_TEST_SUITE_P(Dispatch, KernelUpcalls, testing::Values(Dispatch{true, 0}, Dispatch{false, 0}, Dispatch{true, 3}, Dispatch{false, 2}));

TEST_P(KernelUpcalls, EachPacketComesUpOnce) {
  add_taps(3);
  for (uint32_t i = 0; i < 300; i++) ASSERT_TRUE(taps[i % 3]->send(frame(i)));
  run_until(300);
  std::set<std::pair<uint32_t, uint32_t>> came;
  for (auto& u : brain.upcalls) came.emplace(u.packet.in_port.value, u.key.nw_src.host());
  EXPECT_EQ(came.size(), 300u);
  EXPECT_EQ(brain.upcalls.size(), 300u);
  for (uint32_t i = 0; i < 300; i++) EXPECT_TRUE(came.contains({ports[i % 3].value, 0x0a000000 + i})) << i;
  // Also those of actions, of flows and of packets that we send.
  OdpActions actions{{OdpUserspace{SlowReason::kController, 7, 128}}};
  brain.upcalls.clear();
  datapath->execute(Packet::from(frame(1)), actions, clock_now());
  EXPECT_EQ(take_upcall().cookie, 7u);
}

TEST_P(KernelUpcalls, FloodOfOnePortLeavesAnotherAlive) {
  add_taps(2);
  constexpr uint32_t kSent = 6000;
  for (uint32_t i = 0; i < kSent; i++) ASSERT_TRUE(taps[0]->send(frame(i)));
  ASSERT_TRUE(taps[1]->send(frame(0)));
  // Before the flood is worked off, the other port has had its turn.
  auto has_second = [&] { return std::ranges::any_of(brain.upcalls, [&](const Upcall& u) { return u.packet.in_port == ports[1]; }); };
  bool threads = GetParam().threads > 0;   // these read whenever they are let: perhaps as fast as we take, then nothing is lost
  for (int i = 0; i < 6 && !has_second() && !threads; i++) run_until(brain.upcalls.size() + 1);
  EXPECT_TRUE(has_second() || threads);
  EXPECT_LT(brain.upcalls.size(), 1000u);   // bounded quanta
  run_until_all(kSent + 1);
  EXPECT_TRUE(has_second());
  DpifStats s = datapath->stats();
  EXPECT_EQ(s.missed, kSent + 1);
  EXPECT_TRUE(s.lost > 0 || threads);
  EXPECT_EQ(brain.upcalls.size() + s.lost, kSent + 1);
}

TEST_P(KernelUpcalls, OverflowedSocketsGoOn) {
  add_taps(1);
  Bytes one = frame(1);
  constexpr uint32_t kSent = 30000;
  for (uint32_t i = 0; i < kSent; i++) ASSERT_TRUE(taps[0]->send(one));
  run_until_all(kSent);
  DpifStats s = datapath->stats();
  EXPECT_TRUE(s.lost > 0 || GetParam().threads);
  EXPECT_EQ(brain.upcalls.size() + s.lost, kSent);
  brain.upcalls.clear();
  ASSERT_TRUE(taps[0]->send(frame(2)));
  EXPECT_EQ(take_upcall().key.nw_src, be32(0x0a000002));
}

TEST_F(KernelTest, AnotherRunTakesOverPortsAndFlows) {
  add_taps(3);
  Bytes frame = frame_of(kUdp);
  ASSERT_TRUE(taps[0]->send(frame));
  Upcall u = take_upcall();
  put(u.key, whole_mask(), std::to_string(ports[1].value), 7);
  Flow other = u.key;
  other.nw_dst = be32(1);
  put(other, whole_mask(), "userspace(pid=0,controller(reason=1,dont_send=0,continuation=0,recirc_id=5,rule_cookie=0,controller_id=0,max_len=128))", 8);
  // As if the daemon were killed: nobody takes anything down.
  datapath->set_upcall_handler(nullptr);
  datapath.reset();
  ASSERT_TRUE(taps[0]->send(frame));
  EXPECT_EQ(taps[1]->receive(), frame);
  open();
  for (int i : {1, 0}) {
    auto port = datapath->port_add({.name = taps[i]->name(), .type = "system", .options = {}, .mac = {}, .mtu = {}}, std::nullopt);
    ASSERT_TRUE(port) << port.error();
    EXPECT_EQ(*port, ports[i]);
  }
  EXPECT_TRUE(dump().empty());   // not ours yet
  ASSERT_TRUE(taps[0]->send(frame));
  EXPECT_EQ(taps[1]->receive(), frame);
  datapath->settle(clock_now());
  auto flows = dump();
  ASSERT_EQ(flows.size(), 1u);   // the other one's upcalls would go nowhere
  EXPECT_EQ(flows[0].cookie, 0u);
  EXPECT_EQ(flows[0].stats.packets, 2u);
  datapath->flow_adopt(flows[0].ufid, 2, 9);
  ASSERT_TRUE(taps[0]->send(frame));
  EXPECT_EQ(taps[1]->receive(), frame);
  flows = dump();
  ASSERT_EQ(flows.size(), 1u);
  EXPECT_EQ(flows[0].cookie, 9u);
  EXPECT_EQ(flows[0].generation, 2u);
  EXPECT_EQ(flows[0].stats.packets, 3u);
  EXPECT_EQ(datapath->ports().size(), 3u);   // the third, unclaimed, is gone
  EXPECT_EQ(datapath->stats().flows, 1u);
  ASSERT_TRUE(taps[0]->send(frame_of(std::string(kUdp))));
  EXPECT_TRUE(taps[1]->receive());
}

/// Packets leave through the kernel's tunnel devices with the outer headers that the actions say, and come in with those as part of their key.
TEST_F(KernelTest, Tunnels) {
  add_taps(1);
  Tap underlay("u0");
  ASSERT_EQ(system("ip addr add 192.0.2.1/24 dev u0 && ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:99 dev u0"), 0);
  Bytes frame = frame_of(kUdp);
  for (auto [type, name] : {std::pair{"vxlan", "vxlan_sys_4789"}, {"geneve", "genev_sys_6081"}, {"gre", "gre_sys"}}) {
    SCOPED_TRACE(type);
    auto port = datapath->port_add({.name = "tunnel0", .type = type, .options = {}, .mac = {}, .mtu = {}}, std::nullopt);
    ASSERT_TRUE(port) << port.error();
    EXPECT_TRUE(read_link(name));
    EXPECT_EQ(datapath->netdev(*port)->type(), type);
    std::string options = type == std::string("geneve") ? "geneve({class=0x102,type=0x3,len=4,0xa}{class=0x102,type=0x80,len=0})," : "";
    std::string actions = "set(tunnel(tun_id=0x5,src=192.0.2.1,dst=192.0.2.2,ttl=64," + options + "flags(df|key)))," + std::to_string(port->value);
    datapath->execute(Packet::from(frame), parse_actions(actions), clock_now());
    datapath->run(clock_now());
    auto outer = underlay.receive();
    ASSERT_TRUE(outer);
    ASSERT_GT(outer->size(), frame.size() + 34);
    EXPECT_EQ(hex(ByteView(*outer).last(frame.size())), hex(frame));
    EXPECT_EQ(hex(ByteView(*outer).subspan(26, 8)), "c0000201c0000202");
    // The same back: addresses change places.
    std::swap_ranges(outer->begin() + 26, outer->begin() + 30, outer->begin() + 30);
    auto link = read_link("u0");
    ASSERT_TRUE(link);
    std::copy(link->state.mac.b.begin(), link->state.mac.b.end(), outer->begin());
    ASSERT_TRUE(underlay.send(*outer));
    Upcall u = take_upcall();
    EXPECT_EQ(u.key.in_port, be32(port->value));
    EXPECT_EQ(u.key.tunnel.id, be64(5));
    EXPECT_EQ(u.key.tunnel.src, parse_odp_key("tunnel(src=192.0.2.2)")->key.tunnel.src);
    EXPECT_EQ(Bytes(u.packet.view().begin(), u.packet.view().end()), frame);
    auto sent_options = parse_odp_key("tunnel(" + options + ")");
    ASSERT_TRUE(sent_options);
    EXPECT_EQ(hex(geneve_options(u.key)), hex(geneve_options(sent_options->key)));
    datapath->port_del(*port);
    EXPECT_FALSE(read_link(name));
  }
}

TEST_F(KernelTest, InterfaceThatGoesAndComesBack) {
  add_taps(2);
  taps[0].reset();
  Time end = clock_now() + seconds(2);
  while (datapath->netdev(ports[0])->state().ifindex && clock_now() < end) datapath->run(clock_now());
  EXPECT_EQ(datapath->netdev(ports[0])->state().ifindex, 0);
  taps[0] = std::make_unique<Tap>("t0");
  end = clock_now() + seconds(2);
  while (!datapath->netdev(ports[0])->state().link_up && clock_now() < end) datapath->run(clock_now());
  EXPECT_TRUE(datapath->netdev(ports[0])->state().link_up);
  ASSERT_TRUE(taps[0]->send(frame_of(kUdp)));
  EXPECT_EQ(take_upcall().packet.in_port, ports[0]);
}

/// A port is the interface of its name: the one that was renamed forwards no more, one that gets the name does.
TEST_F(KernelTest, InterfaceThatIsRenamed) {
  add_taps(2);
  auto run_until_up = [&](bool up) {
    for (Time end = clock_now() + seconds(2); datapath->netdev(ports[0])->state().link_up != up && clock_now() < end;) datapath->run(clock_now());
    EXPECT_EQ(datapath->netdev(ports[0])->state().link_up, up);
  };
  uint64_t resets = datapath->netdev(ports[0])->state().link_resets;
  ASSERT_EQ(system("ip link set t0 down && ip link set t0 name t0x && ip link set t0x up"), 0);
  run_until_up(false);
  ASSERT_TRUE(taps[0]->send(frame_of(kUdp)));
  run_until(1, 200);
  EXPECT_EQ(brain.upcalls.size(), 0u);
  Tap other("t0");
  run_until_up(true);
  EXPECT_EQ(datapath->netdev(ports[0])->state().link_resets, resets + 2);
  ASSERT_TRUE(other.send(frame_of(kUdp)));
  EXPECT_EQ(take_upcall().packet.in_port, ports[0]);
}

/// MTU, address and link of an interface as rtnetlink tells them, without being asked.
TEST_F(KernelTest, ChangesOfAnInterfaceAreSeen) {
  add_taps(1);
  const NetdevState& state = datapath->netdev(ports[0])->state();
  auto run_until_changed = [&](uint64_t before) {
    for (Time end = clock_now() + seconds(2); state.changes == before && clock_now() < end;) datapath->run(clock_now());
    EXPECT_NE(state.changes, before);
  };
  uint64_t before = state.changes;
  ASSERT_EQ(system("ip link set t0 mtu 1400"), 0);
  run_until_changed(before);
  EXPECT_EQ(state.mtu, 1400);
  before = state.changes;
  ASSERT_EQ(system("ip link set t0 address 02:00:00:00:12:34"), 0);
  run_until_changed(before);
  EXPECT_EQ(state.mac, (MacAddr{{2, 0, 0, 0, 0x12, 0x34}}));
  before = state.changes;
  uint64_t resets = state.link_resets;
  ASSERT_EQ(system("ip link set t0 down"), 0);
  run_until_changed(before);
  EXPECT_FALSE(state.admin_up || state.link_up);
  EXPECT_EQ(state.link_resets, resets + 1);
  // Internal ports are as asked for.
  auto internal = datapath->port_add({.name = "in0", .type = "internal", .options = {}, .mac = MacAddr{{2, 0, 0, 0, 0x77, 1}}, .mtu = 1300}, std::nullopt);
  ASSERT_TRUE(internal) << internal.error();
  auto link = read_link("in0");
  ASSERT_TRUE(link);
  EXPECT_EQ(link->state.mtu, 1300);
  EXPECT_EQ(link->state.mac, (MacAddr{{2, 0, 0, 0, 0x77, 1}}));
}

/// What a tunnel needs is gone again if the tunnel can't be made.
TEST_F(KernelTest, TunnelWithoutDatapathLeavesNoDevice) {
  add_taps(1);
  datapath->port_del(ports[0]);   // and the datapath with it
  ASSERT_EQ(system("modprobe vxlan && modprobe -r openvswitch"), 0);
  auto port = datapath->port_add({.name = "tunnel0", .type = "vxlan", .options = {}, .mac = {}, .mtu = {}}, std::nullopt);
  EXPECT_FALSE(port);
  EXPECT_FALSE(read_link("vxlan_sys_4789"));
  ASSERT_EQ(system("modprobe openvswitch"), 0);
}

TEST_F(KernelTest, ModuleThatIsReloaded) {
  add_taps(2);
  Bytes frame = frame_of(kUdp);
  ASSERT_TRUE(taps[0]->send(frame));
  Upcall u = take_upcall();
  put(u.key, whole_mask(), std::to_string(ports[1].value), 7);
  {
    auto socket = GenlSocket::open();
    auto families = GenlFamilies::resolve(*socket);
    VportRequests requests(*socket, *families);
    ASSERT_EQ(requests.delete_datapath(requests.find_datapath("ovs-system")->ifindex), 0);
  }
  ASSERT_EQ(system("modprobe -r openvswitch && modprobe openvswitch"), 0);
  Time t = clock_now();
  for (int i = 0; i < 20; i++) datapath->run(t += milliseconds(600));
  EXPECT_TRUE(brain.removed.contains(7));
  ASSERT_TRUE(taps[0]->send(frame));
  u = take_upcall();
  EXPECT_EQ(u.packet.in_port, ports[0]);
  put(u.key, whole_mask(), std::to_string(ports[1].value), 8);
  ASSERT_TRUE(taps[0]->send(frame));
  EXPECT_EQ(taps[1]->receive(), frame);
}

}  // namespace
}  // namespace sluice

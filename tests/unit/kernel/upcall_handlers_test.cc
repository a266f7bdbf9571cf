// SPDX-License-Identifier: Apache-2.0
// Handlers: what comes to their sockets is queued by port and taken in turns; floods are bounded; threads come and go.
#include "datapath/kernel/upcall_handlers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include <linux/netlink.h>
#include <linux/openvswitch.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "datapath/compose.h"
#include "datapath/kernel/odp_netlink.h"
#include "datapath/odp_text.h"

namespace sluice {
namespace {

constexpr uint16_t kFamily = 77;

std::unique_ptr<Upcall> upcall_of(uint32_t port) {
  auto u = std::make_unique<Upcall>(Upcall{.kind = UpcallKind::kMiss, .packet = {}, .key = {}});
  u->packet.in_port = OdpPort{port};
  return u;
}

std::vector<uint32_t> ports_of(const UpcallBatch& batch) {
  std::vector<uint32_t> ports;
  for (auto& u : batch) ports.push_back(u->packet.in_port.value);
  return ports;
}

TEST(UpcallQueues, PortsHaveTheirTurns) {
  UpcallQueues q;
  for (int i = 0; i < 100; i++) EXPECT_EQ(q.add(OdpPort{1}, upcall_of(1)), i == 0);
  EXPECT_FALSE(q.add(OdpPort{2}, upcall_of(2)));
  EXPECT_FALSE(q.add(OdpPort{3}, upcall_of(3)));
  auto first = ports_of(q.take(kUpcallsPerTurn + 2));
  EXPECT_EQ(std::ranges::count(first, 1u), static_cast<ptrdiff_t>(kUpcallsPerTurn));
  EXPECT_EQ(std::ranges::count(first, 2u), 1);
  EXPECT_EQ(std::ranges::count(first, 3u), 1);
  EXPECT_EQ(q.take(1000).size(), 100 - kUpcallsPerTurn);
  EXPECT_TRUE(q.empty());
  EXPECT_TRUE(q.take(1).empty());
  EXPECT_TRUE(q.add(OdpPort{1}, upcall_of(1)));
}

TEST(UpcallQueues, AFullQueueLeavesRoomForOthers) {
  UpcallQueues q;
  for (size_t i = 0; i < kQueuedOfPort; i++) {
    ASSERT_TRUE(q.has_room(OdpPort{1}));
    q.add(OdpPort{1}, upcall_of(1));
  }
  EXPECT_FALSE(q.has_room(OdpPort{1}));
  EXPECT_TRUE(q.has_room(OdpPort{2}));
  EXPECT_EQ(q.lost(), 1u);
  uint32_t port = 2;
  for (size_t i = kQueuedOfPort; i < kQueuedOfAll; i++) q.add(OdpPort{port++}, upcall_of(port));
  EXPECT_FALSE(q.has_room(OdpPort{port}));   // of all together
  EXPECT_EQ(q.lost(), 2u);
}

/// The kernel's part: sends upcalls to a socket.  (That takes CAP_NET_ADMIN.)
class Kernel {
 public:
  Kernel() : socket_(GenlSocket::open()) {}
  bool send(uint32_t pid, uint32_t port, uint16_t source, uint16_t family = kFamily) {
    auto key = parse_odp_key("in_port(" + std::to_string(port) + "),eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02),eth_type(0x0800),"
                             "ipv4(src=10.0.0.1,dst=10.0.0.2,proto=17,tos=0,ttl=64,frag=no),udp(src=" + std::to_string(source) + ",dst=2)");
    Packet frame = compose(key->key);
    Bytes message;
    add_request(message, {family, OVS_PACKET_CMD_MISS, OVS_PACKET_VERSION}, 0, 1, 5, [&](AttrWriter& w) {
      w.put(OVS_PACKET_ATTR_PACKET, frame.view());
      w.nest(OVS_PACKET_ATTR_KEY, [&] { encode_odp_key(key->key, key->mask, w); });
    });
    sockaddr_nl to{};
    to.nl_family = AF_NETLINK, to.nl_pid = pid;
    return sendto(socket_->fd(), message.data(), message.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to) > 0;
  }

 private:
  std::expected<GenlSocket, int> socket_;
};

/// What came until nothing does.
UpcallBatch drain(UpcallHandlers& handlers, size_t wanted) {
  UpcallBatch all;
  for (int i = 0; i < 500 && all.size() < wanted; i++) {
    pollfd p{.fd = handlers.fd(), .events = POLLIN, .revents = 0};
    poll(&p, 1, 10);
    handlers.poll();
    for (auto& u : handlers.take(50)) all.push_back(std::move(u));
    while (handlers.has_queued())
      for (auto& u : handlers.take(50)) all.push_back(std::move(u));
  }
  return all;
}

class Handlers : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Threads, Handlers, testing::Values(0u, 1u, 3u));

TEST_P(Handlers, PacketsOfAllSocketsComeOnce) {
  auto handlers = UpcallHandlers::start(GetParam());
  ASSERT_TRUE(handlers);
  (*handlers)->set_format(kFamily, 2);
  std::vector<std::shared_ptr<GenlSocket>> sockets;
  for (int i = 0; i < 4; i++) {
    sockets.push_back((*handlers)->add_socket(1 << 20).value());
  }
  Kernel kernel;
  if (!kernel.send(sockets[0]->pid(), 1, 9999, kFamily + 1)) GTEST_SKIP() << "no right to send to netlink sockets";   // and one that is passed over
  std::set<std::pair<uint32_t, uint16_t>> sent;
  for (uint16_t i = 0; i < 200; i++) {
    ASSERT_TRUE(kernel.send(sockets[i % 4]->pid(), i % 7, i));
    sent.emplace(i % 7, i);
  }
  std::set<std::pair<uint32_t, uint16_t>> came;
  for (auto& u : drain(**handlers, sent.size())) {
    EXPECT_EQ(u->kind, UpcallKind::kMiss);
    EXPECT_TRUE(came.emplace(u->packet.in_port.value, u->key.tp_src.host()).second);
  }
  EXPECT_EQ(came, sent);
  (*handlers)->remove_socket(sockets[1]);
  EXPECT_TRUE(kernel.send(sockets[1]->pid(), 1, 1));
  EXPECT_TRUE(kernel.send(sockets[2]->pid(), 2, 2));
  EXPECT_EQ(drain(**handlers, 1).size(), 1u);
  EXPECT_EQ((*handlers)->lost() + (*handlers)->overflows() + (*handlers)->unreadable(), 0u);
}

TEST_P(Handlers, AFloodThroughOnePortIsLostThereAlone) {
  auto handlers = UpcallHandlers::start(GetParam());
  ASSERT_TRUE(handlers);
  (*handlers)->set_format(kFamily, 2);
  auto socket = (*handlers)->add_socket(64 << 20).value();
  Kernel kernel;
  size_t flood = kQueuedOfPort + 500, sent = 0;
  for (size_t i = 0; i < flood; i++) {
    if (!kernel.send(socket->pid(), 1, static_cast<uint16_t>(i))) GTEST_SKIP() << "no right to send to netlink sockets";
    sent++;
  }
  ASSERT_TRUE(kernel.send(socket->pid(), 2, 5));
  size_t of_second = 0, all = 0;
  for (int i = 0; i < 5000 && all + (*handlers)->lost() < sent + 1; i++) {
    while ((*handlers)->poll()) {}
    usleep(1000);
    if ((*handlers)->lost() < 500) continue;   // the queue fills first
    for (auto& u : (*handlers)->take(100)) of_second += u->packet.in_port.value == 2, all++;
  }
  EXPECT_EQ(of_second, 1u);
  EXPECT_EQ(all, kQueuedOfPort + 1);
  EXPECT_EQ((*handlers)->lost(), 500u);
}

}  // namespace
}  // namespace sluice

// SPDX-License-Identifier: Apache-2.0
// Kernel devices for real: two hosts behind veth pairs, and the host of a tap, talk TCP through the userspace datapath with their default offloads.
// In a network namespace of its own; skipped without the privilege to make one, or without iperf3.
#include "datapath/netdev/system_device.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

#include <fmt/core.h>

#include "datapath/user/user_datapath.h"

namespace sluice {
namespace {

/// Joins ports 1 and 2 (in_port and nothing else in the mask).
class Wire : public UpcallHandler {
 public:
  explicit Wire(UserDatapath& d) : datapath(d) { d.set_upcall_handler(this); }
  void upcall(Upcall u, Time now) override {
    Flow mask{};
    mask.in_port = be32(UINT32_MAX);
    OdpActions actions = extra;
    actions.push_back({OdpOutput{OdpPort{3 - u.key.in_port.host()}}});
    datapath.flow_put({u.key, mask, actions, 0, 0}, now);
    upcalls++;
    datapath.execute(std::move(u.packet), actions, now);
  }
  void flow_removed(const Megaflow&, Time) override {}
  UserDatapath& datapath;
  OdpActions extra;
  uint64_t upcalls = 0;
};

bool sh(const std::string& command) { return std::system((command + " >/dev/null 2>&1").c_str()) == 0; }

std::string output_of(const std::string& command) {
  std::string text;
  FILE* f = popen((command + " 2>&1").c_str(), "r");
  char buffer[4096];
  while (size_t n = fread(buffer, 1, sizeof buffer, f)) text.append(buffer, n);
  pclose(f);
  return text;
}

/// A process in a new network namespace that does nothing.
class Host {
 public:
  Host() {
    int ready[2];
    if (pipe(ready)) return;
    pid_ = fork();
    if (pid_ == 0) {
      char c = unshare(CLONE_NEWNET) == 0 ? 'y' : 'n';
      if (write(ready[1], &c, 1) == 1) pause();
      _exit(0);
    }
    char c = 'n';
    ok_ = read(ready[0], &c, 1) == 1 && c == 'y';
    close(ready[0]);
    close(ready[1]);
  }
  ~Host() {
    for (pid_t p : {server_, pid_})
      if (p > 0) kill(p, SIGKILL), waitpid(p, nullptr, 0);
  }
  bool ok() const { return ok_; }
  std::string in(const std::string& command) const { return fmt::format("nsenter -t {} -n {}", pid_, command); }
  void connect(const std::string& device, const std::string& addresses) {
    if (!device.empty()) sh(fmt::format("ip link set {} netns {}", device, pid_));
    sh(in(fmt::format("sh -c 'ip link set lo up; ip link set {0} up; {1}'", device, addresses)));
  }
  void serve() {
    server_ = fork();
    if (server_ == 0) {
      std::string pid = std::to_string(pid_);
      if (!freopen("/dev/null", "w", stdout)) _exit(1);
      execlp("nsenter", "nsenter", "-t", pid.c_str(), "-n", "iperf3", "-s", nullptr);
      _exit(1);
    }
  }

 private:
  pid_t pid_ = -1, server_ = -1;
  bool ok_ = false;
};

class SystemDeviceTest : public testing::Test {
 protected:
  void SetUp() override {
    if (unshare(CLONE_NEWNET)) GTEST_SKIP() << "no privilege for network namespaces";
    if (!sh("which iperf3 nsenter ip")) GTEST_SKIP() << "no iperf3";
    add_system_devices(factory);
    add_tap_devices(factory);
    datapath = std::make_unique<UserDatapath>(UserDatapathSettings{}, factory);
    wire = std::make_unique<Wire>(*datapath);
  }
  void TearDown() override { stop(); }
  void veth(Host& host, const std::string& name, int n) {
    ASSERT_TRUE(sh(fmt::format("ip link add {0} type veth peer name {0}h && ip link set {0} up", name)));
    host.connect(name + "h", fmt::format("ip addr add 10.9.0.{0}/24 dev {1}h; ip addr add fd09::{0}/64 dev {1}h nodad", n, name));
    ASSERT_TRUE(datapath->port_add({name, "system", {}, {}, {}}, OdpPort{static_cast<uint32_t>(n)}));
  }
  void start() {
    thread = std::thread([this] {
      while (!stopping) {
        pollfd p{datapath->wait_fd(), POLLIN, 0};
        poll(&p, 1, 10);
        datapath->run(Time(std::chrono::steady_clock::now().time_since_epoch()));
      }
    });
  }
  void stop() {
    stopping = true;
    if (thread.joinable()) thread.join();
  }
  /// Bits per second that the receiver saw.
  double tcp_rate(Host& from, const std::string& to, const std::string& options = "") {
    std::string json;
    for (int i = 0; i < 5 && json.find("\"sum_received\"") == json.npos; i++) {   // until the server is up
      json = output_of(from.in(fmt::format("timeout 10 iperf3 -J -t 1 -c {} {}", to, options)));
      if (json.find("\"sum_received\"") == json.npos) usleep(200'000);
    }
    size_t at = json.find("\"bits_per_second\"", json.find("\"sum_received\""));
    return at == json.npos ? 0 : strtod(json.c_str() + at + 19, nullptr);
  }
  NetdevFactory factory;
  std::unique_ptr<UserDatapath> datapath;
  std::unique_ptr<Wire> wire;
  std::thread thread;
  std::atomic<bool> stopping = false;
};

constexpr double kSane = 50e6;  // bits a second: retransmission of everything would be far below

TEST_F(SystemDeviceTest, TcpBetweenVethsWithDefaultOffloads) {
  Host a, b;
  ASSERT_TRUE(a.ok() && b.ok());
  veth(a, "dpa", 1);
  veth(b, "dpb", 2);
  start();
  b.serve();
  EXPECT_GT(tcp_rate(a, "10.9.0.2"), kSane);
  EXPECT_GT(tcp_rate(a, "fd09::2"), kSane);
  EXPECT_GT(tcp_rate(a, "10.9.0.2", "-R"), kSane);
  stop();
  EXPECT_EQ(wire->upcalls, 2u);
  uint64_t forwarded = 0;
  datapath->flow_dump(0, 10, [&](const Megaflow& m) { forwarded += m.stats.packets; return true; });
  DpifStats stats = datapath->stats();
  EXPECT_EQ(forwarded, stats.hit);
  EXPECT_EQ(stats.lost, 0u);
}

TEST_F(SystemDeviceTest, TcpWithTagsPushedAndPopped) {
  // a - 1 [push] 2 ==veth== 3 [pop] 4 - b: super-packets with a tag cross a device, both ways.
  Host a, b;
  ASSERT_TRUE(a.ok() && b.ok());
  veth(a, "dpa", 1);
  veth(b, "dpb", 4);
  ASSERT_TRUE(sh("ip link add dpx type veth peer name dpy && ip link set dpx up && ip link set dpy up"));
  ASSERT_TRUE(datapath->port_add({"dpx", "system", {}, {}, {}}, OdpPort{2}));
  ASSERT_TRUE(datapath->port_add({"dpy", "system", {}, {}, {}}, OdpPort{3}));
  class Tagger : public Wire {
   public:
    using Wire::Wire;
    void upcall(Upcall u, Time now) override {
      uint32_t from = u.key.in_port.host();
      Flow mask{};
      mask.in_port = be32(UINT32_MAX);
      OdpActions actions;
      if (from == 1 || from == 4) actions.push_back({OdpPushVlan{be16(0x8100), be16(0x1005)}});
      else actions.push_back({OdpPopVlan{}});
      constexpr uint32_t kTo[] = {0, 2, 1, 4, 3};
      actions.push_back({OdpOutput{OdpPort{kTo[from]}}});
      datapath.flow_put({u.key, mask, actions, 0, 0}, now);
      datapath.execute(std::move(u.packet), actions, now);
    }
  };
  wire = std::make_unique<Tagger>(*datapath);
  start();
  b.serve();
  EXPECT_GT(tcp_rate(a, "10.9.0.4"), kSane);
  EXPECT_GT(tcp_rate(a, "fd09::4", "-R"), kSane);
}

TEST_F(SystemDeviceTest, TapToVeth) {
  Host a;
  ASSERT_TRUE(a.ok());
  veth(a, "dpa", 1);
  auto port = datapath->port_add({"dptap", "internal", {}, MacAddr{{2, 0, 0, 0, 0, 7}}, {}}, OdpPort{2});
  ASSERT_TRUE(port) << port.error();
  EXPECT_EQ(datapath->ports().back().type, "tap");
  Netdev* tap = datapath->netdev(OdpPort{2});
  EXPECT_EQ(tap->set_admin_up(true), 0);
  sh("ip addr add 10.9.0.2/24 dev dptap");
  EXPECT_EQ(tap->state().mac, (MacAddr{{2, 0, 0, 0, 0, 7}}));
  EXPECT_GT(tap->state().ifindex, 0);
  start();
  a.serve();
  std::string json = output_of("sleep 0.5; timeout 10 iperf3 -J -t 1 -c 10.9.0.1");
  EXPECT_NE(json.find("\"sum_received\""), json.npos) << json;
  stop();
  EXPECT_GT(tap->stats().rx_packets, 0u);
  EXPECT_GT(tap->stats().tx_bytes, 0u);
}

TEST_F(SystemDeviceTest, ErrorsAndStates) {
  EXPECT_EQ(datapath->port_add({"nosuch0", "system", {}, {}, {}}, {}).error(), "could not open network device nosuch0 (No such device)");
  EXPECT_FALSE(datapath->port_add({"a-name-longer-than-fifteen", "internal", {}, {}, {}}, {}));
  sh("ip link add dpc type veth peer name dpd");
  auto port = datapath->port_add({"dpc", "system", {}, {}, {}}, {});
  ASSERT_TRUE(port);
  Netdev* device = datapath->netdev(*port);
  EXPECT_FALSE(device->state().admin_up);
  EXPECT_EQ(device->state().status.at("driver_name"), "veth");
  EXPECT_EQ(device->state().link_speed_bps, 10'000'000'000u);
  uint64_t changes = device->state().changes;
  sh("ip link set dpc up; ip link set dpd up; ip link set dpc mtu 1400");
  device->refresh_state();
  EXPECT_TRUE(device->state().admin_up && device->state().link_up);
  EXPECT_EQ(device->state().mtu, 1400);
  EXPECT_GT(device->state().changes, changes);
  EXPECT_EQ(device->set_mtu(1300), 0);
  EXPECT_EQ(device->set_mac(MacAddr{{2, 1, 1, 1, 1, 1}}), 0);
  EXPECT_EQ(device->state().mtu, 1300);
  sh("ip link del dpc");
  device->refresh_state();
  EXPECT_EQ(device->state().ifindex, 0);
  EXPECT_FALSE(device->state().link_up);
}

}  // namespace
}  // namespace sluice

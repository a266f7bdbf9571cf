// SPDX-License-Identifier: Apache-2.0
// A Switch with one bridge and some ports, on the kernel datapath (ports are taps) or on the userspace datapath (dummies, or taps through packet sockets): what goes in,
// what comes out.
#pragma once

#include <gtest/gtest.h>

#include <ctime>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <poll.h>

#include "datapath/compose.h"
#include "datapath/kernel/kernel_datapath.h"
#include "datapath/netdev/dummy_device.h"
#include "datapath/netdev/system_device.h"
#include "datapath/user/user_datapath.h"
#include "lib/text.h"
#include "ofproto/openflow/flow_text.h"
#include "ofproto/openflow/group_text.h"
#include "ofproto/switch.h"
#include "tests/guest/tap.h"

namespace sluice {

/// Frames in hexadecimal by the device that sent them.
using Outcome = std::map<std::string, std::vector<std::string>>;

class Rig : public BridgeEvents {
 public:
  virtual ~Rig() = default;
  virtual Time now() = 0;
  virtual void inject(const std::string& device, ByteView frame) = 0;
  virtual void take(Outcome& out) = 0;
  Switch& sw() { return *sw_; }
  Bridge& bridge() { return *bridge_; }

  void add_ports(unsigned n) {
    for (unsigned i = 1; i <= n; i++) add_port(port_name(i), port_type(), i);
  }
  /// Empty, or the name of the error.
  std::string try_flow(const std::string& text) {
    auto parsed = ofp::parse_flow(text, ofp::FlowModCommand::kAdd);
    if (!parsed) return parsed.error();
    if (parsed->flow.table_id == ofp::kTableAll) parsed->flow.table_id = 0;
    auto done = bridge_->flow_mod(parsed->flow, ofp::Version::k13, now());
    return done ? "" : std::string(ofp::error_name(done.error()));
  }
  void flow(const std::string& text) { ASSERT_EQ(try_flow(text), "") << text; }
  /// As a session waits for the reply to a barrier.
  void barrier() {
    uint64_t generation = bridge_->generation_to_wait_for();
    while (!bridge_->in_force(generation, now())) sw_->run(now());
  }
  Outcome send(const std::string& device, ByteView frame) {
    packet_ins = 0;
    inject(device, frame);
    Outcome out;
    for (int i = 0; i < 3 || busy(); i++) sw_->run(now());
    take(out);
    if (packet_ins) out["controller"].push_back(std::to_string(packet_ins));
    return out;
  }
  uint64_t packets(const std::string& filter) {
    auto parsed = ofp::parse_flow_filter(filter);
    ofp::FlowStatsRequest q;
    q.match = parsed->filter.match, q.table_id = parsed->filter.table_id;
    return bridge_->aggregate(q, now()).value().packet_count;
  }

  void group(const std::string& text) {
    auto parsed = ofp::parse_group(text, ofp::GroupCommand::kAdd);
    ASSERT_TRUE(parsed) << parsed.error();
    ASSERT_TRUE(bridge_->group_mod(parsed->mod, now())) << text;
  }

  void packet_in(const PacketInEvent&) override { packet_ins++; }
  void flow_removed(const ofp::FlowRemoved&) override {}
  void flow_changed(const FlowChange&) override {}
  void port_status(ofp::PortReason, const ofp::PortDesc&, bool) override {}
  unsigned packet_ins = 0;

 protected:
  virtual std::string port_type() const = 0;
  virtual std::string port_name(unsigned i) const { return "p" + std::to_string(i); }
  virtual std::string bridge_name() const { return "br0"; }
  virtual bool busy() { return false; }
  void start(Dpif& dpif) {
    sw_ = std::make_unique<Switch>(dpif, SwitchOptions{}, 1);
    BridgeSettings s;
    s.name = bridge_name();
    s.datapath_type = dpif.type();
    bridge_ = &sw_->add_bridge(s, now());
    bridge_->set_events(this);
    add_port(bridge_name(), "internal", {});
  }
  void add_port(const std::string& name, const std::string& type, std::optional<uint32_t> number) {
    bridge_->add_interface({.device = {name, type, {}, {}, {}}, .ofport_request = number, .patch_peer = {}}, now());
    PortSettings p;
    p.name = name;
    p.interfaces = {name};
    bridge_->set_port(p, now());
  }
  std::unique_ptr<Switch> sw_;
  Bridge* bridge_ = nullptr;
};

/// Of the clock that the kernel's counters go by.
class RealTimeRig : public Rig {
 public:
  Time now() override {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return Time(seconds(t.tv_sec) + Duration(t.tv_nsec));
  }
};

class KernelRig final : public RealTimeRig {
 public:
  /// The kernel must have the module.
  explicit KernelRig(unsigned ports) {
    KernelDatapath::Options options;
    options.handler_threads = 0;   // what was sent is there when run() begins
    auto opened = KernelDatapath::open(options);
    if (!opened) ADD_FAILURE() << opened.error();
    datapath_ = std::move(*opened);
    for (unsigned i = 1; i <= ports; i++) taps_.push_back(std::make_unique<Tap>("p" + std::to_string(i)));
    datapath_->ct_flush({}, now(), [](const CtEntry&) { return true; });   // of who was here before
    start(*datapath_);
    add_ports(ports);
    sw_->settle(now());
    sw_->run(now());
  }
  ~KernelRig() override {
    sw_->remove_bridge("br0", now());
    sw_.reset();
  }
  void inject(const std::string& device, ByteView frame) override { EXPECT_TRUE(tap(device).send(frame)); }
  void take(Outcome& out) override {
    for (auto& t : taps_)
      while (auto frame = t->receive(0)) out[t->name()].push_back(hex(*frame));
  }
  KernelDatapath& datapath() { return *datapath_; }
  Tap& tap(const std::string& device) { return *taps_[static_cast<size_t>(device[1] - '1')]; }

 private:
  std::string port_type() const override { return "system"; }
  bool busy() override {
    pollfd p{.fd = datapath_->wait_fd(), .events = POLLIN, .revents = 0};
    return poll(&p, 1, 0) > 0;
  }
  std::vector<std::unique_ptr<Tap>> taps_;
  std::unique_ptr<KernelDatapath> datapath_;
};

/// Ports q1, q2, ...; in outcomes they are called p1, p2 as those of the others.
class SocketRig final : public RealTimeRig {
 public:
  explicit SocketRig(unsigned ports) : datapath_({}, add(factory_)) {
    for (unsigned i = 1; i <= ports; i++) taps_.push_back(std::make_unique<Tap>(port_name(i)));
    start(datapath_);
    add_ports(ports);
  }
  ~SocketRig() override { sw_.reset(); }
  void inject(const std::string& device, ByteView frame) override { EXPECT_TRUE(taps_[static_cast<size_t>(device[1] - '1')]->send(frame)); }
  void take(Outcome& out) override {
    for (int i = 0; i < 1000 && sw_->run(now()); i++) {}
    for (auto& t : taps_)
      while (auto frame = t->receive(0)) out["p" + t->name().substr(1)].push_back(hex(*frame));
  }

 private:
  static NetdevFactory& add(NetdevFactory& f) {
    add_system_devices(f);
    add_tap_devices(f);
    return f;
  }
  std::string port_type() const override { return "system"; }
  std::string port_name(unsigned i) const override { return "q" + std::to_string(i); }
  std::string bridge_name() const override { return "br1"; }
  NetdevFactory factory_;
  std::vector<std::unique_ptr<Tap>> taps_;
  UserDatapath datapath_;
};

class UserRig final : public Rig {
 public:
  explicit UserRig(unsigned ports) : datapath_({"dummy", "ovs-dummy", 42, true}, add(factory_, devices_)) {
    devices_.on_sent([this](const std::string& device, ByteView frame) { sent_[device].push_back(hex(frame)); });
    start(datapath_);
    add_ports(ports);
  }
  ~UserRig() override { sw_.reset(); }
  Time now() override { return now_; }
  void inject(const std::string& device, ByteView frame) override { EXPECT_TRUE(devices_.find(device)->inject(Packet::from(frame))); }
  void take(Outcome& out) override {
    for (int i = 0; i < 1000 && sw_->run(now_); i++) {}
    out.swap(sent_);
    sent_.clear();
    out.erase("br0");
  }

 private:
  static NetdevFactory& add(NetdevFactory& f, DummyDevices& d) {
    override_with_dummies(f, d, false);
    add_dummy_devices(f, d);
    return f;
  }
  std::string port_type() const override { return "dummy"; }
  NetdevFactory factory_;
  DummyDevices devices_;
  UserDatapath datapath_;
  Time now_{seconds(1000)};
  Outcome sent_;
};

}  // namespace sluice

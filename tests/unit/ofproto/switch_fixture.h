// SPDX-License-Identifier: Apache-2.0
// A Switch on the userspace datapath with dummy devices, in virtual time.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "datapath/compose.h"
#include "datapath/netdev/dummy_device.h"
#include "datapath/user/user_datapath.h"
#include "ofproto/openflow/flow_text.h"
#include "ofproto/switch.h"

namespace sluice {

class SwitchFixture : public testing::Test, public BridgeEvents {
 protected:
  SwitchFixture() : datapath({"dummy", "ovs-dummy", 42, true}, add(factory, devices)), sw(datapath, {}, 1) {
    devices.on_sent([this](const std::string& device, ByteView frame) { sent[device].emplace_back(frame.begin(), frame.end()); });
    br = &add_bridge("br0");
  }
  static NetdevFactory& add(NetdevFactory& f, DummyDevices& d) {
    override_with_dummies(f, d, false);
    add_dummy_devices(f, d);
    return f;
  }

  Bridge& add_bridge(const std::string& name) {
    BridgeSettings s;
    s.name = name;
    s.datapath_type = "dummy";
    Bridge& b = sw.add_bridge(s, now);
    add_port(b, name, "internal");
    b.set_events(this);
    return b;
  }
  void add_port(Bridge& b, const std::string& name, const std::string& type = "dummy", std::optional<uint32_t> ofport = {}, const std::string& peer = "") {
    b.add_interface({.device = {name, type, {}, {}, {}}, .ofport_request = ofport, .patch_peer = peer}, now);
    PortSettings p;
    p.name = name;
    p.interfaces = {name};
    b.set_port(p, now);
  }
  void add_ports(Bridge& b, unsigned n) {
    for (unsigned i = 1; i <= n; i++) add_port(b, "p" + std::to_string(i), "dummy", i);
  }
  void flow(const std::string& text, ofp::Version version = ofp::Version::k13) {
    auto parsed = ofp::parse_flow(text, ofp::FlowModCommand::kAdd);
    ASSERT_TRUE(parsed) << parsed.error();
    if (parsed->flow.table_id == ofp::kTableAll) parsed->flow.table_id = 0;
    auto done = br->flow_mod(parsed->flow, version, now);
    ASSERT_TRUE(done) << ofp::error_name(done.error());
  }
  void del_flows(const std::string& text) {
    auto parsed = ofp::parse_flow(text, ofp::FlowModCommand::kDelete);
    ASSERT_TRUE(parsed) << parsed.error();
    ASSERT_TRUE(br->flow_mod(parsed->flow, ofp::Version::k13, now));
  }
  /// Sum over the flows that the filter means.
  ofp::AggregateStats count(const std::string& text) {
    auto parsed = ofp::parse_flow_filter(text);
    EXPECT_TRUE(parsed);
    ofp::FlowStatsRequest q;
    q.match = parsed->filter.match;
    q.table_id = parsed->filter.table_id;
    return br->aggregate(q, now).value();
  }
  void receive(const std::string& device, const std::string& flow_text, size_t size = 100) {
    auto flow = ofp::parse_exact_flow(flow_text);
    ASSERT_TRUE(flow) << flow.error();
    ASSERT_TRUE(devices.find(device)->inject(compose(*flow, size)));
    run();
  }
  void run() {
    for (int i = 0; i < 10000 && (sw.run(now) || sw.deadline(now) <= now); i++) {}
  }
  /// Virtual time passes, with all that happens meanwhile.
  void pass(Duration d) {
    Time end = now + d;
    while (now < end) {
      now = std::min(end, std::max(now + milliseconds(1), sw.deadline(now)));
      run();
    }
  }
  /// Ports that have sent since the last call, with numbers of frames: "p2*1 p3*1".
  std::string outcome() {
    std::string out;
    for (auto& [name, frames] : sent) out += (out.empty() ? "" : " ") + name + "*" + std::to_string(frames.size());
    sent.clear();
    return out;
  }
  std::string trace(const std::string& flow_text) {
    auto t = trace_command({&sw}, {"br0", flow_text}, now);
    return t ? *t : t.error();
  }
  std::string actions_of(const std::string& flow_text) {
    std::string t = trace(flow_text);
    auto at = t.find("Datapath actions: ");
    return at == std::string::npos ? t : t.substr(at + 18, t.find('\n', at) - at - 18);
  }

  void packet_in(const PacketInEvent& e) override { packet_ins.push_back(e); }
  void flow_removed(const ofp::FlowRemoved& e) override { removed.push_back(e); }
  void flow_changed(const FlowChange&) override {}
  void port_status(ofp::PortReason, const ofp::PortDesc&, bool) override {}

  NetdevFactory factory;
  DummyDevices devices;
  UserDatapath datapath;
  Time now{seconds(1000)};
  std::map<std::string, std::vector<Bytes>> sent;
  std::vector<PacketInEvent> packet_ins;
  std::vector<ofp::FlowRemoved> removed;
  Switch sw;
  Bridge* br = nullptr;
};

}  // namespace sluice

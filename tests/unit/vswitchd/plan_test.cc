// SPDX-License-Identifier: Apache-2.0
// plan(): doing its steps, in order, to a model of the running bridges gives the wanted ones, from any configuration to any other; what stays has no step.
#include "vswitchd/plan.h"

#include <gtest/gtest.h>

#include "lib/random.h"

namespace sluice {
namespace {

/// What steps do, on names and settings alone; refuses what a real bridge could not do.
struct Model {
  struct ModelBridge {
    BridgeSettings settings;
    std::map<std::string, InterfaceSettings> interfaces;
    std::map<std::string, PortSettings> ports;
    std::vector<ControllerSettings> controllers;
    bool has_controllers = false;
  };
  std::map<std::string, ModelBridge> bridges;

  void operator()(const SetTls&) {}
  void operator()(const RemoveBridge& s) { ASSERT_EQ(bridges.erase(s.bridge), 1u); }
  void operator()(const AddBridge& s) {
    ASSERT_FALSE(bridges.contains(s.settings.name));
    bridges[s.settings.name].settings = s.settings;
  }
  void operator()(const ConfigureBridge& s) { bridges.at(s.settings.name).settings = s.settings; }
  void operator()(const RemovePort& s) { ASSERT_EQ(bridges.at(s.bridge).ports.erase(s.port), 1u); }
  void operator()(const RemoveInterface& s) { ASSERT_EQ(bridges.at(s.bridge).interfaces.erase(s.interface), 1u); }
  void operator()(const AddInterface& s) {
    for (auto& [name, b] : bridges) ASSERT_FALSE(b.interfaces.contains(s.settings.device.name)) << "device names are unique in a process";
    bridges.at(s.bridge).interfaces[s.settings.device.name] = s.settings;
  }
  void operator()(const ChangeInterface& s) { bridges.at(s.bridge).interfaces.at(s.settings.device.name) = s.settings; }
  void operator()(const SetPort& s) {
    for (const std::string& i : s.settings.interfaces) ASSERT_TRUE(bridges.at(s.bridge).interfaces.contains(i));
    bridges.at(s.bridge).ports[s.settings.name] = s.settings;
  }
  void operator()(const SetControllers& s) {
    bridges.at(s.bridge).controllers = s.controllers;
    bridges.at(s.bridge).has_controllers = true;
  }
  void run(const std::vector<Step>& steps) {
    for (const Step& s : steps) {
      EXPECT_FALSE(format(s).empty());
      std::visit(*this, s);
    }
  }
};

/// A configuration over few names, so that two of them share and move things.
Config random_config(Random& random) {
  Config c;
  std::vector<std::string> devices{"e0", "e1", "e2", "e3", "e4", "e5"};
  for (const char* name : {"br0", "br1", "br2"}) {
    if (random.below(3) == 0) continue;
    BridgeConfig b;
    b.settings.name = name;
    b.settings.datapath_type = random.below(4) ? "netdev" : "dummy";
    b.settings.mac_aging_s = 300 + static_cast<uint32_t>(random.below(2));
    b.settings.fail_mode = random.below(2) ? FailMode::kSecure : FailMode::kStandalone;
    for (int i = static_cast<int>(random.below(4)); i > 0 && !devices.empty(); i--) {
      std::string device = devices[random.below(devices.size())];
      std::erase(devices, device);
      InterfaceConfig interface;
      interface.settings.device.name = device;
      interface.settings.device.type = random.below(2) ? "system" : "dummy";
      if (random.below(2)) interface.settings.ofport_request = static_cast<uint32_t>(random.below(3) + 1);
      b.interfaces[device] = interface;
      PortConfig port;
      port.settings.name = random.below(4) ? device : "bond-" + device;
      port.settings.interfaces = {device};
      port.settings.tag = static_cast<uint16_t>(random.below(2));
      b.ports[port.settings.name] = port;
    }
    if (random.below(2)) b.controllers.push_back({.row = {}, .settings = {.target = "tcp:127.0.0.1:6653"}});
    c.bridges[name] = b;
  }
  return c;
}

void expect_equal(const Model& model, const Config& wanted) {
  ASSERT_EQ(model.bridges.size(), wanted.bridges.size());
  for (const auto& [name, b] : wanted.bridges) {
    const auto& m = model.bridges.at(name);
    EXPECT_EQ(m.settings, b.settings);
    EXPECT_TRUE(m.has_controllers);
    ASSERT_EQ(m.interfaces.size(), b.interfaces.size());
    for (const auto& [i, config] : b.interfaces) EXPECT_EQ(m.interfaces.at(i), config.settings);
    ASSERT_EQ(m.ports.size(), b.ports.size());
    for (const auto& [p, config] : b.ports) EXPECT_EQ(m.ports.at(p), config.settings);
    ASSERT_EQ(m.controllers.size(), b.controllers.size());
  }
}

TEST(Plan, LeadsFromAnyConfigurationToAnyOther) {
  Random random(7);
  for (int round = 0; round < 3000; round++) {
    Config a = random_config(random), b = random_config(random);
    Model model;
    model.run(plan(Config{}, a));
    expect_equal(model, a);
    model.run(plan(a, b));
    expect_equal(model, b);
    EXPECT_TRUE(plan(b, b).empty());
    if (testing::Test::HasFailure()) FAIL() << "round " << round;
  }
}

TEST(Plan, OneMorePortIsTwoSteps) {
  Config a;
  BridgeConfig b;
  b.settings.name = "br0";
  auto add = [&](const std::string& name) {
    b.interfaces[name].settings.device = {.name = name, .type = "system"};
    b.ports[name].settings = {.name = name, .interfaces = {name}};
  };
  for (int i = 0; i < 1000; i++) add("e" + std::to_string(i));
  a.bridges["br0"] = b;
  add("one-more");
  Config after;
  after.bridges["br0"] = b;
  auto steps = plan(a, after);
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_EQ(format(steps[0]), "br0: add interface one-more (system)");
  EXPECT_EQ(format(steps[1]), "br0: set port one-more");
}

}  // namespace
}  // namespace sluice

// SPDX-License-Identifier: Apache-2.0
// See plan.h.
#include "vswitchd/plan.h"

#include <fmt/core.h>

#include <algorithm>

#include <type_traits>

#include "ofproto/openflow/version.h"

namespace sluice {
namespace {

template <typename Map>
auto* find(Map& map, const std::string& key) {
  auto it = map.find(key);
  return it == map.end() ? nullptr : &it->second;
}

/// A bridge or device that must be made anew, since what differs is fixed at creation.
bool must_remake(const BridgeConfig& a, const BridgeConfig& b) { return a.settings.datapath_type != b.settings.datapath_type; }
bool must_remake(const InterfaceConfig& a, const InterfaceConfig& b) { return a.settings.device.type != b.settings.device.type; }

std::vector<ControllerSettings> settings_of(const std::vector<ControllerConfig>& controllers) {
  std::vector<ControllerSettings> all;
  for (const auto& c : controllers) all.push_back(c.settings);
  return all;
}

void plan_removals(const std::string& name, const BridgeConfig& old, const BridgeConfig* wanted, std::vector<Step>& steps) {
  if (!wanted || must_remake(old, *wanted)) {
    steps.push_back(RemoveBridge{name});
    return;
  }
  for (const auto& [port, config] : old.ports)
    if (!wanted->ports.contains(port)) steps.push_back(RemovePort{name, port});
  for (const auto& [interface, config] : old.interfaces) {
    auto* stays = find(wanted->interfaces, interface);
    if (!stays || must_remake(config, *stays)) steps.push_back(RemoveInterface{name, interface});
  }
}

void plan_additions(const std::string& name, const BridgeConfig* old, const BridgeConfig& wanted, std::vector<Step>& steps) {
  if (old && must_remake(*old, wanted)) old = nullptr;
  if (!old)
    steps.push_back(AddBridge{wanted.settings});
  else if (old->settings != wanted.settings)
    steps.push_back(ConfigureBridge{wanted.settings});
  for (const auto& [interface, config] : wanted.interfaces) {
    auto* before = old ? find(old->interfaces, interface) : nullptr;
    if (!before || must_remake(*before, config))
      steps.push_back(AddInterface{name, config.settings});
    else if (before->settings != config.settings)
      steps.push_back(ChangeInterface{name, config.settings});
  }
  for (const auto& [port, config] : wanted.ports) {
    auto* before = old ? find(old->ports, port) : nullptr;
    bool remade = before && std::ranges::any_of(config.settings.interfaces, [&](const std::string& i) {
      auto *a = find(old->interfaces, i), *b = find(wanted.interfaces, i);
      return !a || must_remake(*a, *b);
    });
    if (!before || remade || before->settings != config.settings) steps.push_back(SetPort{name, config.settings});
  }
  auto controllers = settings_of(wanted.controllers);
  if (!old || settings_of(old->controllers) != controllers || old->settings.versions != wanted.settings.versions || old->settings.fail_mode != wanted.settings.fail_mode)
    steps.push_back(SetControllers{name, std::move(controllers), wanted.settings.versions, wanted.settings.fail_mode});
}

}  // namespace

std::vector<Step> plan(const Config& running, const Config& wanted) {
  std::vector<Step> steps;
  if (running.tls != wanted.tls) steps.push_back(SetTls{wanted.tls});
  for (const auto& [name, old] : running.bridges) plan_removals(name, old, find(wanted.bridges, name), steps);
  for (const auto& [name, config] : wanted.bridges) plan_additions(name, find(running.bridges, name), config, steps);
  return steps;
}

std::string format(const Step& step) {
  struct Format {
    std::string operator()(const SetTls&) { return "set SSL"; }
    std::string operator()(const RemoveBridge& s) { return fmt::format("{}: remove bridge", s.bridge); }
    std::string operator()(const AddBridge& s) { return fmt::format("{}: add bridge ({})", s.settings.name, s.settings.datapath_type); }
    std::string operator()(const ConfigureBridge& s) { return fmt::format("{}: configure bridge", s.settings.name); }
    std::string operator()(const RemovePort& s) { return fmt::format("{}: remove port {}", s.bridge, s.port); }
    std::string operator()(const RemoveInterface& s) { return fmt::format("{}: remove interface {}", s.bridge, s.interface); }
    std::string operator()(const AddInterface& s) { return fmt::format("{}: add interface {} ({})", s.bridge, s.settings.device.name, s.settings.device.type); }
    std::string operator()(const ChangeInterface& s) { return fmt::format("{}: change interface {}", s.bridge, s.settings.device.name); }
    std::string operator()(const SetPort& s) { return fmt::format("{}: set port {}", s.bridge, s.settings.name); }
    std::string operator()(const SetControllers& s) { return fmt::format("{}: set {} controllers, {}", s.bridge, s.controllers.size(), ofp::format_versions(s.versions)); }
  };
  return std::visit(Format{}, step);
}

}  // namespace sluice

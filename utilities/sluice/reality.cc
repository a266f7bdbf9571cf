// SPDX-License-Identifier: Apache-2.0
#include "utilities/sluice/reality.h"

#include <fmt/core.h>

#include <algorithm>
#include <sstream>
#include <vector>

namespace sluice::cli {
namespace {

// Commands that only test devices and stopped time know.
constexpr std::string_view kTestWords[] = {"netdev-dummy/", "time/", "type=dummy"};

struct KernelNeed { std::string_view words, capability; };
constexpr KernelNeed kKernelNeeds[] = {{"zone=", "ct_zone"}};

std::vector<std::string> words_of(const std::string& command) {
  std::istringstream in(command);
  std::vector<std::string> out;
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}

/// Calls `f` with the words of each command.
template <class F>
void each_command(const Scenario& scenario, F f) {
  for (const Step& s : scenario.steps)
    if (auto* c = std::get_if<CommandStep>(&s)) f(words_of(c->command));
}

}  // namespace

std::optional<std::string> needs_test_world(const Scenario& scenario) {
  bool has_packets = std::ranges::any_of(scenario.steps, [](const Step& s) { return std::holds_alternative<InputStep>(s) || std::holds_alternative<OutputStep>(s); });
  if (!has_packets) return "has no packets";
  Duration total{};
  for (const Step& s : scenario.steps) {
    if (auto* t = std::get_if<TimeStep>(&s)) total += t->duration;
    if (auto* c = std::get_if<CommandStep>(&s))
      for (std::string_view word : kTestWords)
        if (c->command.find(word) != std::string::npos) return fmt::format("uses {}", word);
  }
  if (total > kMaxRealTime) return fmt::format("needs {} s of time", to_seconds(total));
  return std::nullopt;
}

std::set<std::string> kernel_needs(const Scenario& scenario) {
  std::set<std::string> out;
  for (const Step& s : scenario.steps)
    if (auto* c = std::get_if<CommandStep>(&s))
      for (const KernelNeed& n : kKernelNeeds)
        if ((c->command + c->input).find(n.words) != std::string::npos) out.emplace(n.capability);
  return out;
}

std::set<std::string> mentioned_ports(const Scenario& scenario) {
  std::set<std::string> out;
  for (const Step& s : scenario.steps) {
    if (auto* o = std::get_if<OutputStep>(&s)) out.insert(o->ports.begin(), o->ports.end());
    if (auto* i = std::get_if<InputStep>(&s)) out.insert(i->port);
  }
  return out;
}

std::set<std::string> devices_to_make(const Scenario& scenario) {
  std::set<std::string> out = mentioned_ports(scenario), others;
  each_command(scenario, [&](const std::vector<std::string>& words) {
    for (size_t i = 0; i + 1 < words.size(); i++) {
      if (words[i] == "add-port" && i + 2 < words.size()) out.insert(words[i + 2]);
      if (words[i] == "add-br") others.insert(words[i + 1]);
      if (words[i] == "interface" && i + 2 < words.size() && (words[i + 2] == "type=internal" || words[i + 2] == "type=tap")) others.insert(words[i + 1]);
    }
  });
  for (const std::string& name : others) out.erase(name);
  return out;
}

}  // namespace sluice::cli

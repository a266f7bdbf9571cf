// SPDX-License-Identifier: Apache-2.0
// See counters.h.
#include "lib/counters.h"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>

#include "lib/hash.h"
#include "lib/unixctl.h"

namespace sluice {

Counter& Counters::get(std::string_view name) {
  auto it = std::ranges::find(counters_, name, &Counter::name);
  return it != counters_.end() ? *it : counters_.emplace_back(std::string(name));
}

void Counters::run(Time now) {
  if (now < next_) return;
  next_ = now + kSample;
  for (Counter& c : counters_) {
    uint64_t value = c.value(), events = value - c.sampled_;
    c.sampled_ = value;
    c.minute_[sample_ % Counter::kMinuteSlots] = events;
    size_t minute = sample_ / Counter::kMinuteSlots % Counter::kHourSlots;
    if (sample_ % Counter::kMinuteSlots == 0) c.hour_[minute] = 0;
    c.hour_[minute] += events;
  }
  sample_++;
}

std::string Counters::show() const {
  uint64_t seen = 0;
  size_t silent = 0;
  std::string rows;
  std::vector<const Counter*> sorted;
  for (const Counter& c : counters_) c.value() ? sorted.push_back(&c) : static_cast<void>(silent++);
  std::ranges::sort(sorted, {}, [](const Counter* c) { return c->name(); });
  for (const Counter* c : sorted) {
    seen = seen * 31 + hash_bytes({reinterpret_cast<const uint8_t*>(c->name().data()), c->name().size()}, 0);
    uint64_t minute = std::accumulate(c->minute_.begin(), c->minute_.end(), uint64_t{0}), hour = std::accumulate(c->hour_.begin(), c->hour_.end(), uint64_t{0});
    uint64_t last = sample_ ? c->minute_[(sample_ - 1) % Counter::kMinuteSlots] : 0;
    rows += fmt::format("{:<24} {:5.1f}/sec {:9.3f}/sec {:13.4f}/sec   total: {}\n", c->name(), static_cast<double>(last) / 5, static_cast<double>(minute) / 60,
                        static_cast<double>(hour) / 3600, c->value());
  }
  return fmt::format("Event coverage, avg rate over last: 5 seconds, last minute, last hour,  hash={:08x}:\n{}{} events never hit\n", static_cast<uint32_t>(seen), rows, silent);
}

std::optional<uint64_t> Counters::read(std::string_view name) const {
  auto it = std::ranges::find(counters_, name, &Counter::name);
  return it == counters_.end() ? std::nullopt : std::optional(it->value());
}

void Counters::add_memory_source(std::function<void(std::map<std::string, uint64_t>&)> fn) { memory_.push_back(std::move(fn)); }

std::string Counters::show_memory() const {
  std::map<std::string, uint64_t> sum;
  for (const auto& source : memory_) {
    std::map<std::string, uint64_t> one;
    source(one);
    for (const auto& [name, n] : one) sum[name] += n;
  }
  std::string out;
  for (const auto& [name, n] : sum) out += fmt::format("{}{}:{}", out.empty() ? "" : " ", name, n);
  return out + "\n";
}

void Counters::add_commands(UnixctlServer& server) {
  server.add_text("coverage/show", "", 0, 0, [this](UnixctlArgs) -> UnixctlText { return show(); });
  server.add_text("coverage/read-counter", "COUNTER", 1, 1, [this](UnixctlArgs args) -> UnixctlText {
    auto value = read(args[0]);
    return value ? UnixctlText(fmt::format("{}\n", *value)) : std::unexpected("No such counter");
  });
  server.add_text("memory/show", "", 0, 0, [this](UnixctlArgs) -> UnixctlText { return show_memory(); });
}

}  // namespace sluice

// SPDX-License-Identifier: Apache-2.0
// Packets from memory, for measuring.
#include "datapath/netdev/gen_device.h"

#include <time.h>

#include <algorithm>
#include <charconv>

#include <fmt/core.h>

#include "datapath/pcap_file.h"

namespace sluice {

namespace {

constexpr uint64_t kWindow = 32768;        // packets a window of the statistics
constexpr size_t kMostWindows = 1 << 16;   // kept between two looks at them

/// What the polling thread has used of its CPU.  (A measuring instrument reads a clock by itself.)
uint64_t thread_cpu_ns() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(t.tv_nsec);
}

uint64_t number_option(const NetdevSpec& spec, const char* key) {
  auto it = spec.options.find(key);
  uint64_t v = 0;
  if (it != spec.options.end()) std::from_chars(it->second.data(), it->second.data() + it->second.size(), v);
  return v;
}

}  // namespace

class GenDevice final : public Netdev {
 public:
  GenDevice(const NetdevSpec& spec, GenDevices& devices, std::vector<CapturedFrame> frames);
  ~GenDevice() override { std::erase(devices_.devices_, this); }

  const std::string& name() const override { return spec_.name; }
  const std::string& type() const override { return type_; }
  bool has_packets(Time now) const override { return !frames_.empty() && (!count_ || stats_.rx_packets < count_) && (!rate_ || next_packet() <= now); }
  Time next_packet() const override;
  void receive(Time now, PacketBatch& out) override;
  void send(Time now, PacketBatch& packets) override;
  NetdevStats stats() const override { return stats_; }
  const NetdevState& state() const override { return state_; }
  bool reconfigure(const NetdevSpec& spec) override { return spec.options == spec_.options; }
  std::string stats_text(Time now);

 private:
  void measure();
  NetdevSpec spec_;
  std::string type_ = "gen";
  GenDevices& devices_;
  NetdevState state_;
  NetdevStats stats_;
  Bytes bytes_;                                           // all frames, one after another
  std::vector<std::pair<uint32_t, uint32_t>> frames_;     // where, how long
  size_t next_ = 0;
  uint64_t count_, rate_;
  std::optional<Time> started_;
  uint64_t window_left_ = kWindow, window_cpu_ = 0;
  std::vector<float> windows_;                            // ns a packet
};

GenDevice::GenDevice(const NetdevSpec& spec, GenDevices& devices, std::vector<CapturedFrame> frames)
    : spec_(spec), devices_(devices), count_(number_option(spec, "count")), rate_(number_option(spec, "rate")) {
  state_.mac = spec.mac.value_or(MacAddr{});
  state_.admin_up = state_.link_up = true;
  for (const CapturedFrame& f : frames) {
    frames_.push_back({static_cast<uint32_t>(bytes_.size()), static_cast<uint32_t>(f.bytes.size())});
    bytes_.insert(bytes_.end(), f.bytes.begin(), f.bytes.end());
  }
  devices_.devices_.push_back(this);
}

Time GenDevice::next_packet() const {
  if (!rate_ || frames_.empty() || (count_ && stats_.rx_packets >= count_)) return kNever;
  if (!started_) return Time::min();
  return *started_ + Duration(static_cast<int64_t>(static_cast<double>(stats_.rx_packets) * 1e9 / static_cast<double>(rate_)));
}

void GenDevice::receive(Time now, PacketBatch& out) {
  if (!started_) started_ = now;
  uint64_t n = kBurst;
  if (count_) n = std::min(n, count_ - std::min(count_, stats_.rx_packets));
  uint64_t bytes = 0, i = 0;
  for (; i < n && (!rate_ || has_packets(now)); i++) {
    auto [at, size] = frames_[next_];
    if (++next_ == frames_.size()) next_ = 0;
    std::memcpy(out.add(size).data(), bytes_.data() + at, size);
    bytes += size;
    if (rate_) stats_.rx_packets++;  // has_packets() looks at it
  }
  if (!rate_) stats_.rx_packets += i;
  stats_.rx_bytes += bytes;
  if (window_left_ > n) window_left_ -= n;
  else measure();
}

void GenDevice::measure() {
  uint64_t cpu = thread_cpu_ns();
  if (window_cpu_ && windows_.size() < kMostWindows) windows_.push_back(static_cast<float>(cpu - window_cpu_) / kWindow);
  window_cpu_ = cpu;
  window_left_ = kWindow;
}

void GenDevice::send(Time, PacketBatch& packets) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < packets.size(); i++) bytes += packets[i].size();
  stats_.tx_bytes += bytes;
  stats_.tx_packets += packets.size();
  packets.clear();
}

std::string GenDevice::stats_text(Time now) {
  std::ranges::sort(windows_);
  auto at = [&](double part) { return windows_.empty() ? 0.f : windows_[static_cast<size_t>(part * static_cast<double>(windows_.size() - 1))]; };
  std::string text = fmt::format("{} rx {} tx {} txbytes {} ns {} win {} min {:.1f} p10 {:.1f} p50 {:.1f}\n", spec_.name, stats_.rx_packets, stats_.tx_packets, stats_.tx_bytes,
                                 now.time_since_epoch().count(), windows_.size(), at(0), at(0.1), at(0.5));
  windows_.clear();
  return text;
}

std::string GenDevices::stats_text(const std::string& name, Time now) {
  std::string text;
  for (GenDevice* d : devices_)
    if (name.empty() || d->name() == name) text += d->stats_text(now);
  return text;
}

namespace {

std::expected<std::unique_ptr<Netdev>, std::string> open_gen(const NetdevSpec& spec, void* context) {
  std::vector<CapturedFrame> frames;
  if (auto path = spec.options.find("pcap"); path != spec.options.end()) {
    auto read = read_pcap(path->second);
    if (!read) return std::unexpected(read.error());
    frames = std::move(*read);
  }
  return std::make_unique<GenDevice>(spec, *static_cast<GenDevices*>(context), std::move(frames));
}

}  // namespace

void add_gen_devices(NetdevFactory& factory, GenDevices& devices) { factory.add("gen", open_gen, &devices); }

}  // namespace sluice

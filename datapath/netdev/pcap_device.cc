// SPDX-License-Identifier: Apache-2.0
// Replaying and recording capture files.
#include "datapath/netdev/pcap_device.h"

#include <algorithm>

#include "datapath/checksum.h"
#include "datapath/pcap_file.h"

namespace sluice {
namespace {

class PcapDevice final : public Netdev {
 public:
  explicit PcapDevice(const NetdevSpec& spec) : name_(spec.name), options_(spec.options) {
    state_.mac = spec.mac.value_or(MacAddr{});
    state_.mtu = spec.mtu.value_or(1500);
    state_.admin_up = state_.link_up = true;
  }
  /// An error text, or nothing.
  std::string open();

  const std::string& name() const override { return name_; }
  const std::string& type() const override { return type_; }
  bool has_packets(Time now) const override { return next_ < frames_.size() && (!started_ || due(next_) <= now); }
  Time next_packet() const override { return next_ < frames_.size() && started_ ? due(next_) : kNever; }
  void receive(Time now, PacketBatch& out) override;
  void send(Time now, PacketBatch& packets) override;
  NetdevStats stats() const override { return stats_; }
  const NetdevState& state() const override { return state_; }
  int set_mac(const MacAddr& mac) override { state_.mac = mac; state_.changes++; return 0; }
  int set_mtu(int mtu) override { state_.mtu = mtu; state_.changes++; return 0; }
  bool reconfigure(const NetdevSpec& spec) override { return spec.options == options_; }

 private:
  Time due(size_t i) const { return *started_ + std::max(Duration(0), frames_[i].timestamp - frames_[0].timestamp); }
  std::string option(const char* key) const { auto it = options_.find(key); return it == options_.end() ? "" : it->second; }

  std::string name_, type_ = "pcap";
  std::map<std::string, std::string> options_;
  NetdevState state_;
  NetdevStats stats_;
  std::vector<CapturedFrame> frames_;
  size_t next_ = 0;
  std::optional<Time> started_;   // when the first frame was received
  std::optional<PcapWriter> writer_;
};

std::string PcapDevice::open() {
  if (std::string rx = option("rx"); !rx.empty()) {
    auto frames = read_pcap(rx);
    if (!frames) return frames.error();
    frames_ = std::move(*frames);
  }
  if (std::string tx = option("tx"); !tx.empty()) {
    auto writer = PcapWriter::open(tx, true);
    if (!writer) return writer.error();
    writer_ = std::move(*writer);
  }
  return "";
}

void PcapDevice::receive(Time now, PacketBatch& out) {
  if (!started_) started_ = now;
  for (size_t i = 0; i < kBurst && has_packets(now); i++) {
    const Bytes& frame = frames_[next_++].bytes;
    stats_.rx_packets++;
    stats_.rx_bytes += frame.size();
    out.add_frame(frame);
  }
}

void PcapDevice::send(Time now, PacketBatch& packets) {
  complete_offloads(packets);
  for (size_t i = 0; i < packets.size(); i++) {
    stats_.tx_packets++;
    stats_.tx_bytes += packets[i].size();
    if (writer_) writer_->write(now, packets[i].view());
  }
  packets.clear();
}

std::expected<std::unique_ptr<Netdev>, std::string> open_pcap(const NetdevSpec& spec, void*) {
  auto device = std::make_unique<PcapDevice>(spec);
  if (std::string error = device->open(); !error.empty()) return std::unexpected(error);
  return device;
}

}  // namespace

void add_pcap_devices(NetdevFactory& factory) { factory.add("pcap", open_pcap); }

}  // namespace sluice

// SPDX-License-Identifier: Apache-2.0
// Devices for tests.
#include "datapath/netdev/dummy_device.h"

#include <cerrno>

#include "datapath/checksum.h"

namespace sluice {
namespace {

constexpr size_t kQueueLimit = 4096;  // frames that wait to be received

std::expected<std::unique_ptr<Netdev>, std::string> open_dummy(const NetdevSpec& spec, void* context) {
  auto& devices = *static_cast<DummyDevices*>(context);
  if (devices.find(spec.name)) return std::unexpected(open_error(spec.name, EEXIST));
  auto device = std::make_unique<DummyDevice>(spec, devices);
  if (std::string error = device->open_files(spec); !error.empty()) return std::unexpected(error);
  return device;
}

std::expected<std::unique_ptr<Netdev>, std::string> open_internal(const NetdevSpec& spec, void* context) {
  NetdevSpec dummy = spec;
  dummy.type = "dummy-internal";
  return open_dummy(dummy, context);
}

std::string option(const NetdevSpec& spec, const char* key) {
  auto it = spec.options.find(key);
  return it == spec.options.end() ? "" : it->second;
}

}  // namespace

DummyDevice* DummyDevices::find(const std::string& name) const {
  auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : it->second;
}

std::vector<DummyDevice*> DummyDevices::all() const {
  std::vector<DummyDevice*> all;
  for (auto& [name, device] : by_name_) all.push_back(device);
  return all;
}

DummyDevice::DummyDevice(const NetdevSpec& spec, DummyDevices& devices) : name_(spec.name), type_(spec.type), devices_(devices) {
  constexpr uint64_t kFirstMac = 0xaa55aa550000;
  state_.mac = spec.mac.value_or(MacAddr::from_u64(kFirstMac + devices_.opened_++));
  state_.mtu = spec.mtu.value_or(1500);
  state_.admin_up = state_.link_up = true;
  devices_.by_name_[name_] = this;
}

DummyDevice::~DummyDevice() { devices_.by_name_.erase(name_); }

std::string DummyDevice::open_files(const NetdevSpec& spec) {
  std::string both = option(spec, "pcap"), rx = option(spec, "rxq_pcap"), tx = option(spec, "tx_pcap"), error;
  auto open = [&](const std::string& path) -> std::shared_ptr<PcapWriter> {
    if (path.empty()) return nullptr;
    auto writer = PcapWriter::open(path, false);
    if (writer) return std::make_shared<PcapWriter>(std::move(*writer));
    error = writer.error();
    return nullptr;
  };
  if (!both.empty()) rx = tx = both;
  if (rx == rx_path_ && tx == tx_path_) return "";
  rx_file_ = open(rx_path_ = rx);
  tx_file_ = rx == tx ? rx_file_ : open(tx);
  tx_path_ = tx;
  return error;
}

bool DummyDevice::inject(Packet packet) {
  if (!state_.admin_up || queue_.size() >= kQueueLimit) {
    stats_.rx_dropped++;
    return false;
  }
  queue_.push_back(std::move(packet));
  return true;
}

void DummyDevice::receive(Time now, PacketBatch& out) {
  for (size_t i = 0; i < kBurst && !queue_.empty(); i++) {
    Packet packet = std::move(queue_.front());
    queue_.pop_front();
    stats_.rx_packets++;
    stats_.rx_bytes += packet.size();
    if (rx_file_) rx_file_->write(now, packet.view());
    out.add(std::move(packet));
  }
}

void DummyDevice::send(Time now, PacketBatch& packets) {
  if (!state_.admin_up) {
    stats_.tx_dropped += packets.size();
    packets.clear();
    return;
  }
  complete_offloads(packets);
  for (size_t i = 0; i < packets.size(); i++) {
    stats_.tx_packets++;
    stats_.tx_bytes += packets[i].size();
    if (tx_file_) tx_file_->write(now, packets[i].view());
    if (devices_.on_sent_) devices_.on_sent_(name_, packets[i].view());
  }
  packets.clear();
}

/// As Open vSwitch's test devices: losses unknown, and counters of their own, the same under other names.
NetdevStats DummyDevice::stats() const {
  NetdevStats s = stats_;
  s.tells_losses = false;
  s.custom = {{"rx_custom_packets_1", s.rx_packets}, {"rx_custom_packets_2", s.rx_packets}, {"rx_q0_packets", s.rx_packets},
              {"rx_q0_bytes", s.rx_bytes},           {"tx_q0_packets", s.tx_packets},       {"tx_q0_bytes", s.tx_bytes}};
  return s;
}

int DummyDevice::set_mac(const MacAddr& mac) {
  if (state_.mac != mac) state_.changes++;
  state_.mac = mac;
  return 0;
}

int DummyDevice::set_mtu(int mtu) {
  if (mtu < 68 || mtu > 65535) return EINVAL;
  if (state_.mtu != mtu) state_.changes++;
  state_.mtu = mtu;
  return 0;
}

int DummyDevice::set_admin_up(bool up) {
  if (state_.admin_up != up) state_.changes++;
  state_.admin_up = state_.link_up = up;
  return 0;
}

bool DummyDevice::reconfigure(const NetdevSpec& spec) {
  return open_files(spec).empty();
}

void add_dummy_devices(NetdevFactory& factory, DummyDevices& devices) {
  for (const char* type : {"dummy", "dummy-internal", "dummy-pmd"}) factory.add(type, open_dummy, &devices);
}

void override_with_dummies(NetdevFactory& factory, DummyDevices& devices, bool system_only) {
  factory.add("system", open_dummy, &devices);
  if (system_only) return;
  factory.add("tap", open_dummy, &devices);
  factory.add("internal", open_internal, &devices);
}

}  // namespace sluice

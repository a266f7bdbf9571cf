// SPDX-License-Identifier: Apache-2.0
// Tap devices that exist as long as we hold them, with offloads both ways (IFF_VNET_HDR).
//
// What the host sends through the interface is what we receive, so our counters are the kernel's the other way round: we count by ourselves.
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "datapath/link.h"
#include "datapath/netdev/system_device.h"
#include "datapath/netdev/vnet.h"

namespace sluice {
namespace {

constexpr size_t kFirstPart = 1792;  // see system_device.cc
constexpr size_t kOverflow = kMaxPacketSize - kFirstPart;

class TapDevice final : public Netdev {
 public:
  explicit TapDevice(std::string name) : name_(std::move(name)) {}
  ~TapDevice() override { if (fd_ >= 0) close(fd_); }
  int open(const NetdevSpec& spec);

  const std::string& name() const override { return name_; }
  const std::string& type() const override { return type_; }
  int rx_fd() const override { return fd_; }
  void receive(Time now, PacketBatch& out) override;
  void send(Time now, PacketBatch& packets) override;
  NetdevStats stats() const override { return stats_; }
  const NetdevState& state() const override { return state_; }
  void refresh_state() override;
  int set_mac(const MacAddr& mac) override { return after(set_link_mac(name_, mac)); }
  int set_mtu(int mtu) override { return after(set_link_mtu(name_, mtu)); }
  int set_admin_up(bool up) override { return after(set_link_up(name_, up)); }
  bool reconfigure(const NetdevSpec&) override { return true; }

 private:
  int after(int error) { refresh_state(); return error; }

  std::string name_, type_ = "tap";
  int fd_ = -1;
  NetdevState state_;
  NetdevStats stats_;
  std::unique_ptr<uint8_t[]> overflow_ = std::make_unique_for_overwrite<uint8_t[]>(kOverflow);
};

int TapDevice::open(const NetdevSpec& spec) {
  if (name_.empty() || name_.size() >= IFNAMSIZ) return ENODEV;
  fd_ = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd_ < 0) return errno;
  ifreq request{};
  std::memcpy(request.ifr_name, name_.data(), name_.size());
  request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
  if (ioctl(fd_, TUNSETIFF, &request)) return errno;
  // The host may leave checksums and segmentation of what it sends to us.
  ioctl(fd_, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN);
  if (spec.mac) set_link_mac(name_, *spec.mac);
  if (spec.mtu) set_link_mtu(name_, *spec.mtu);
  refresh_state();
  read_link_settings(name_, state_);
  return 0;
}

void TapDevice::receive(Time, PacketBatch& out) {
  for (size_t i = 0; i < kBurst; i++) {
    Packet& p = out.add(kFirstPart);
    VnetHeader vnet;
    const iovec parts[] = {{&vnet, sizeof vnet}, {p.data(), kFirstPart}, {overflow_.get(), kOverflow}};
    ssize_t n = readv(fd_, parts, 3);
    if (n < static_cast<ssize_t>(sizeof vnet + 14)) {
      out.pop_back();
      return;
    }
    size_t size = static_cast<size_t>(n) - sizeof vnet;
    p.resize(size);
    if (size > kFirstPart) std::memcpy(p.data() + kFirstPart, overflow_.get(), size - kFirstPart);
    offload_from_vnet(vnet, p);
    stats_.rx_packets++;
    stats_.rx_bytes += size;
  }
}

void TapDevice::send(Time, PacketBatch& packets) {
  for (size_t i = 0; i < packets.size(); i++) {
    Packet& p = packets[i];
    VnetHeader vnet = vnet_from_offload(p);
    const iovec parts[] = {{&vnet, sizeof vnet}, {p.data(), p.size()}};
    if (writev(fd_, parts, 2) < 0) {
      stats_.tx_dropped++;
    } else {
      stats_.tx_packets++;
      stats_.tx_bytes += p.size();
    }
  }
  packets.clear();
}

void TapDevice::refresh_state() {
  if (auto link = read_link(name_)) update_state(state_, link->state);
}

std::expected<std::unique_ptr<Netdev>, std::string> open_tap(const NetdevSpec& spec, void*) {
  auto device = std::make_unique<TapDevice>(spec.name);
  if (int error = device->open(spec)) return std::unexpected(open_error(spec.name, error));
  return device;
}

}  // namespace

void add_tap_devices(NetdevFactory& factory) {
  factory.add("tap", open_tap);
  factory.add("internal", open_tap);
}

}  // namespace sluice

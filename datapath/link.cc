// SPDX-License-Identifier: Apache-2.0
// Network interfaces of the kernel.
#include "datapath/link.h"

#include <cerrno>
#include <cstring>

#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sluice {
namespace {

class Socket {
 public:
  Socket(int family, int type, int protocol) : fd_(socket(family, type | SOCK_CLOEXEC, protocol)) {}
  Socket(const Socket&) = delete;
  ~Socket() { if (fd_ >= 0) close(fd_); }
  int fd() const { return fd_; }

 private:
  int fd_;
};

bool set_name(ifreq& request, const std::string& name) {
  std::memset(&request, 0, sizeof request);
  if (name.empty() || name.size() >= IFNAMSIZ) return false;
  std::memcpy(request.ifr_name, name.data(), name.size());
  return true;
}

int link_ioctl(unsigned long command, ifreq& request) {
  Socket s(AF_INET, SOCK_DGRAM, 0);
  if (s.fd() < 0) return errno;
  return ioctl(s.fd(), command, &request) < 0 ? errno : 0;
}

void take_stats(const rtattr* a, NetdevStats& out) {
  rtnl_link_stats64 s{};
  std::memcpy(&s, RTA_DATA(a), std::min<size_t>(sizeof s, RTA_PAYLOAD(a)));
  out.rx_packets = s.rx_packets, out.rx_bytes = s.rx_bytes, out.rx_errors = s.rx_errors, out.rx_dropped = s.rx_dropped;
  out.tx_packets = s.tx_packets, out.tx_bytes = s.tx_bytes, out.tx_errors = s.tx_errors, out.tx_dropped = s.tx_dropped;
  out.rx_frame_err = s.rx_frame_errors, out.rx_over_err = s.rx_over_errors, out.rx_crc_err = s.rx_crc_errors;
  out.rx_missed_errors = s.rx_missed_errors, out.collisions = s.collisions, out.multicast = s.multicast;
  out.tx_aborted_err = s.tx_aborted_errors, out.tx_carrier_err = s.tx_carrier_errors;
}

LinkReport decode_link(const nlmsghdr* message) {
  LinkReport report;
  auto* info = static_cast<const ifinfomsg*>(NLMSG_DATA(message));
  report.state.ifindex = info->ifi_index;
  report.state.admin_up = info->ifi_flags & IFF_UP;
  report.state.link_up = info->ifi_flags & IFF_RUNNING;
  int left = static_cast<int>(IFLA_PAYLOAD(message));
  for (auto* a = IFLA_RTA(info); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
    switch (a->rta_type) {
      case IFLA_ADDRESS:
        if (RTA_PAYLOAD(a) == 6) std::memcpy(report.state.mac.b.data(), RTA_DATA(a), 6);
        break;
      case IFLA_MTU: std::memcpy(&report.state.mtu, RTA_DATA(a), 4); break;
      case IFLA_STATS64: take_stats(a, report.stats); break;
      default: break;
    }
  }
  return report;
}

/// ethtool's link modes -> OFPPF_* of OpenFlow 1.1+.
struct Feature { uint32_t mode, feature; };
constexpr Feature kFeatures[] = {
    {SUPPORTED_10baseT_Half, 1 << 0}, {SUPPORTED_10baseT_Full, 1 << 1}, {SUPPORTED_100baseT_Half, 1 << 2}, {SUPPORTED_100baseT_Full, 1 << 3},
    {SUPPORTED_1000baseT_Half, 1 << 4}, {SUPPORTED_1000baseT_Full, 1 << 5}, {SUPPORTED_1000baseKX_Full, 1 << 5}, {SUPPORTED_10000baseT_Full, 1 << 6},
    {SUPPORTED_10000baseKX4_Full, 1 << 6}, {SUPPORTED_10000baseKR_Full, 1 << 6}, {SUPPORTED_40000baseKR4_Full, 1 << 7}, {SUPPORTED_40000baseCR4_Full, 1 << 7},
    {SUPPORTED_40000baseSR4_Full, 1 << 7}, {SUPPORTED_40000baseLR4_Full, 1 << 7}, {SUPPORTED_TP, 1 << 11}, {SUPPORTED_FIBRE, 1 << 12},
    {SUPPORTED_Autoneg, 1 << 13}, {SUPPORTED_Pause, 1 << 14}, {SUPPORTED_Asym_Pause, 1 << 15},
};

uint32_t features_of(uint32_t modes) {
  uint32_t features = 0;
  for (const Feature& f : kFeatures)
    if (modes & f.mode) features |= f.feature;
  return features;
}

struct Speed { uint32_t mbps, half, full; };
constexpr Speed kSpeeds[] = {{10, 1 << 0, 1 << 1}, {100, 1 << 2, 1 << 3}, {1000, 1 << 4, 1 << 5}, {10000, 1 << 10, 1 << 6},
                             {40000, 1 << 10, 1 << 7}, {100000, 1 << 10, 1 << 8}, {1000000, 1 << 10, 1 << 9}};

void take_settings(const ethtool_cmd& e, NetdevState& state) {
  uint32_t speed = ethtool_cmd_speed(&e);
  state.features = 0;
  state.link_speed_bps = 0;
  if (speed && speed != static_cast<uint32_t>(SPEED_UNKNOWN)) {
    state.link_speed_bps = uint64_t{speed} * 1'000'000;
    state.features = 1 << 10;  // other
    for (const Speed& s : kSpeeds)
      if (s.mbps == speed) state.features = e.duplex ? s.full : s.half;
  }
  if (e.duplex <= DUPLEX_FULL) state.full_duplex = e.duplex == DUPLEX_FULL;
  if (e.port == PORT_TP) state.features |= 1 << 11;
  if (e.port == PORT_FIBRE) state.features |= 1 << 12;
  if (e.autoneg) state.features |= 1 << 13;
  state.supported = features_of(e.supported);
  state.advertised = features_of(e.advertising);
  state.peer = features_of(e.lp_advertising);
}

}  // namespace

std::expected<LinkReport, int> read_link(const std::string& name) {
  struct { nlmsghdr header; ifinfomsg info; rtattr attribute; char name[IFNAMSIZ]; } request{};
  if (name.empty() || name.size() >= IFNAMSIZ) return std::unexpected(ENODEV);
  request.header = {.nlmsg_len = sizeof request, .nlmsg_type = RTM_GETLINK, .nlmsg_flags = NLM_F_REQUEST, .nlmsg_seq = 1, .nlmsg_pid = 0};
  request.attribute = {.rta_len = static_cast<unsigned short>(RTA_LENGTH(IFNAMSIZ)), .rta_type = IFLA_IFNAME};
  std::memcpy(request.name, name.data(), name.size());
  Socket s(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  if (s.fd() < 0 || send(s.fd(), &request, sizeof request, 0) < 0) return std::unexpected(errno);
  alignas(nlmsghdr) char buffer[16384];
  ssize_t n = recv(s.fd(), buffer, sizeof buffer, 0);
  if (n < 0) return std::unexpected(errno);
  auto* reply = reinterpret_cast<const nlmsghdr*>(buffer);
  if (!NLMSG_OK(reply, static_cast<size_t>(n))) return std::unexpected(EPROTO);
  if (reply->nlmsg_type == NLMSG_ERROR) return std::unexpected(-static_cast<const nlmsgerr*>(NLMSG_DATA(reply))->error);
  if (reply->nlmsg_type != RTM_NEWLINK) return std::unexpected(EPROTO);
  return decode_link(reply);
}

void read_link_settings(const std::string& name, NetdevState& state) {
  ifreq request;
  if (!set_name(request, name)) return;
  ethtool_cmd settings{};
  settings.cmd = ETHTOOL_GSET;
  request.ifr_data = reinterpret_cast<char*>(&settings);
  if (link_ioctl(SIOCETHTOOL, request) == 0) take_settings(settings, state);
  ethtool_drvinfo driver{};
  driver.cmd = ETHTOOL_GDRVINFO;
  set_name(request, name);
  request.ifr_data = reinterpret_cast<char*>(&driver);
  if (link_ioctl(SIOCETHTOOL, request) == 0) {
    auto text = [](const char* s, size_t n) { return std::string(s, strnlen(s, n)); };
    state.status = {{"driver_name", text(driver.driver, sizeof driver.driver)},
                    {"driver_version", text(driver.version, sizeof driver.version)},
                    {"firmware_version", text(driver.fw_version, sizeof driver.fw_version)}};
  }
}

int set_link_mac(const std::string& name, const MacAddr& mac) {
  ifreq request;
  if (!set_name(request, name)) return ENODEV;
  request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
  std::memcpy(request.ifr_hwaddr.sa_data, mac.b.data(), 6);
  return link_ioctl(SIOCSIFHWADDR, request);
}

int set_link_mtu(const std::string& name, int mtu) {
  ifreq request;
  if (!set_name(request, name)) return ENODEV;
  request.ifr_mtu = mtu;
  return link_ioctl(SIOCSIFMTU, request);
}

int set_link_up(const std::string& name, bool up) {
  ifreq request;
  if (!set_name(request, name)) return ENODEV;
  if (int error = link_ioctl(SIOCGIFFLAGS, request)) return error;
  auto flags = static_cast<short>(up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
  if (flags == request.ifr_flags) return 0;
  request.ifr_flags = flags;
  return link_ioctl(SIOCSIFFLAGS, request);
}

void update_state(NetdevState& state, const NetdevState& fresh) {
  bool changed = state.mac != fresh.mac || state.mtu != fresh.mtu || state.admin_up != fresh.admin_up || state.link_up != fresh.link_up ||
                 state.ifindex != fresh.ifindex;
  state.mac = fresh.mac;
  state.mtu = fresh.mtu;
  state.admin_up = fresh.admin_up;
  state.link_up = fresh.link_up;
  state.ifindex = fresh.ifindex;
  if (changed) state.changes++;
}

}  // namespace sluice

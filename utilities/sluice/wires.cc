// SPDX-License-Identifier: Apache-2.0
#include "utilities/sluice/wires.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <optional>

#include "lib/program.h"

namespace sluice::cli {
namespace {

constexpr char kFarEnd = '~';  // behind a port's name
constexpr size_t kMaxFrame = 65536;
constexpr int kReceiveBuffer = 4 << 20;

bool write_text(const std::string& path, std::string_view text) {
  UniqueFd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return fd && write_all(fd.get(), text) == 0;
}

std::string error_of(const std::string& what) { return fmt::format("{}: {}", what, errno_text(errno)); }

void set_up(const std::string& device) {
  UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq r{};
  device.copy(r.ifr_name, IFNAMSIZ - 1);
  if (ioctl(fd.get(), SIOCGIFFLAGS, &r)) return;
  r.ifr_flags |= IFF_UP;
  ioctl(fd.get(), SIOCSIFFLAGS, &r);
}

/// The kernel takes the outer VLAN tag out of what a packet socket reads, and says it beside.
void restore_tag(Bytes& frame, msghdr& message) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA) continue;
    tpacket_auxdata aux;
    std::memcpy(&aux, CMSG_DATA(c), sizeof aux);
    if (!(aux.tp_status & TP_STATUS_VLAN_VALID)) return;
    uint16_t tpid = aux.tp_status & TP_STATUS_VLAN_TPID_VALID ? aux.tp_vlan_tpid : ETH_P_8021Q;
    const uint8_t tag[] = {uint8_t(tpid >> 8), uint8_t(tpid), uint8_t(aux.tp_vlan_tci >> 8), uint8_t(aux.tp_vlan_tci)};
    frame.insert(frame.begin() + 2 * ETH_ALEN, tag, tag + sizeof tag);
  }
}

std::optional<Bytes> read_frame(int fd) {
  Bytes frame(kMaxFrame);
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(tpacket_auxdata))];
  iovec part{frame.data(), frame.size()};
  msghdr message{};
  message.msg_iov = &part, message.msg_iovlen = 1;
  message.msg_control = control, message.msg_controllen = sizeof control;
  ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT);
  if (n < ETH_HLEN) return std::nullopt;
  frame.resize(static_cast<size_t>(n));
  restore_tag(frame, message);
  return frame;
}

}  // namespace

std::expected<void, std::string> enter_network_namespace() {
  uid_t uid = geteuid();
  gid_t gid = getegid();
  if (unshare(CLONE_NEWNET)) {
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET)) return std::unexpected(error_of("no network namespace (needs root, or user namespaces)"));
    write_text("/proc/self/setgroups", "deny");
    write_text("/proc/self/uid_map", fmt::format("0 {} 1", uid));
    write_text("/proc/self/gid_map", fmt::format("0 {} 1", gid));
  }
  // No neighbour discovery, no multicast reports.
  for (const char* which : {"all", "default"}) write_text(fmt::format("/proc/sys/net/ipv6/conf/{}/disable_ipv6", which), "1");
  set_up("lo");
  return {};
}

std::string Wires::recipe(const std::set<std::string>& devices) {
  std::string out;
  for (const std::string& d : devices) out += fmt::format("link add dev {0} type veth peer name {0}{1}\nlink set dev {0} up\nlink set dev {0}{1} up\n", d, kFarEnd);
  return out;
}

std::expected<Wires::End, std::string> Wires::attach(const std::string& device) {
  End end;
  end.ifindex = if_nametoindex(device.c_str());
  if (!end.ifindex) return std::unexpected(error_of(device));
  end.fd.reset(socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!end.fd) return std::unexpected(error_of("no packet socket"));
  int on = 1;
  setsockopt(end.fd.get(), SOL_PACKET, PACKET_AUXDATA, &on, sizeof on);
  if (setsockopt(end.fd.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on)) return std::unexpected(error_of("no PACKET_IGNORE_OUTGOING"));
  setsockopt(end.fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer);
  packet_mreq all{.mr_ifindex = static_cast<int>(end.ifindex), .mr_type = PACKET_MR_PROMISC, .mr_alen = 0, .mr_address = {}};
  setsockopt(end.fd.get(), SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(end.ifindex);
  if (bind(end.fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address)) return std::unexpected(error_of(device));
  return end;
}

std::expected<void, std::string> Wires::open(const std::set<std::string>& devices) {
  for (const std::string& d : devices) {
    auto end = attach(d + kFarEnd);
    if (!end) return std::unexpected(end.error());
    ends_[d] = std::move(*end);
  }
  return {};
}

void Wires::open_own(const std::string& port) {
  unsigned ifindex = if_nametoindex(port.c_str());
  auto known = ends_.find(port);
  if (!ifindex || (known != ends_.end() && known->second.ifindex == ifindex)) return;
  set_up(port);
  if (auto end = attach(port)) ends_[port] = std::move(*end);
}

std::expected<void, std::string> Wires::send(const std::string& port, ByteView frame) {
  auto end = ends_.find(port);
  if (end == ends_.end()) return std::unexpected(port + ": no such device");
  if (::send(end->second.fd.get(), frame.data(), frame.size(), 0) < 0) return std::unexpected(error_of(fmt::format("{}: {} bytes could not be sent", port, frame.size())));
  return {};
}

bool Wires::collect(std::vector<SentFrame>& out) {
  size_t before = out.size();
  for (auto& [port, end] : ends_)
    while (auto frame = read_frame(end.fd.get())) out.push_back({port, std::move(*frame)});
  return out.size() > before;
}

}  // namespace sluice::cli

// SPDX-License-Identifier: Apache-2.0
// Network interfaces through packet sockets, with offloads both ways (PACKET_VNET_HDR): TCP's super-packets and partial checksums pass unchanged.
//
// The interface itself is left as it is; promiscuous mode is a membership of the socket, so it ends with us and disturbs nobody else who has it.
#include "datapath/netdev/system_device.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "datapath/ethertype.h"
#include "datapath/link.h"
#include "datapath/netdev/vnet.h"

namespace sluice {
namespace {

constexpr int kReceiveBuffer = 4 << 20;    // bytes that the kernel queues for us
constexpr size_t kFirstPart = 1792;        // bytes read straight into a pooled packet; what is longer goes on in an overflow buffer
constexpr size_t kOverflow = kMaxPacketSize - kFirstPart;

class SystemDevice final : public Netdev {
 public:
  explicit SystemDevice(std::string name) : name_(std::move(name)) {}
  ~SystemDevice() override { if (fd_ >= 0) close(fd_); }
  int open();

  const std::string& name() const override { return name_; }
  const std::string& type() const override { return type_; }
  int rx_fd() const override { return fd_; }
  void receive(Time now, PacketBatch& out) override;
  void send(Time now, PacketBatch& packets) override;
  NetdevStats stats() const override;
  const NetdevState& state() const override { return state_; }
  void refresh_state() override;
  int set_mac(const MacAddr& mac) override { return after(set_link_mac(name_, mac)); }
  int set_mtu(int mtu) override { return after(set_link_mtu(name_, mtu)); }
  int set_admin_up(bool up) override { return after(set_link_up(name_, up)); }
  bool reconfigure(const NetdevSpec&) override { return true; }

 private:
  struct Slot { VnetHeader vnet; iovec parts[3]; alignas(cmsghdr) char control[CMSG_SPACE(sizeof(tpacket_auxdata))]; };
  int bind_to(int ifindex);
  int after(int error) { refresh_state(); return error; }
  void prepare(Packet* const* packets);
  void finish(Packet& packet, Slot& slot, size_t size, uint8_t* overflow, const msghdr& message);

  std::string name_, type_ = "system";
  int fd_ = -1;
  NetdevState state_;
  uint64_t tx_dropped_ = 0;
  Slot slots_[kBurst];
  mmsghdr messages_[kBurst];
  std::unique_ptr<uint8_t[]> overflow_;
};

int SystemDevice::open() {
  auto link = read_link(name_);
  if (!link) return link.error();
  update_state(state_, link->state);
  read_link_settings(name_, state_);
  fd_ = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return errno;
  int on = 1;
  if (setsockopt(fd_, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) || setsockopt(fd_, SOL_PACKET, PACKET_AUXDATA, &on, sizeof on)) return errno;
  if (setsockopt(fd_, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on)) return errno;
  int size = kReceiveBuffer;
  if (setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size)) setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  overflow_ = std::make_unique_for_overwrite<uint8_t[]>(kBurst * kOverflow);  // pages are real once they are used
  return bind_to(state_.ifindex);
}

int SystemDevice::bind_to(int ifindex) {
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = ifindex;
  if (bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address)) return errno;
  packet_mreq promiscuous{};
  promiscuous.mr_ifindex = ifindex;
  promiscuous.mr_type = PACKET_MR_PROMISC;
  setsockopt(fd_, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof promiscuous);
  return 0;
}

void SystemDevice::prepare(Packet* const* packets) {
  for (size_t i = 0; i < kBurst; i++) {
    Slot& s = slots_[i];
    s.parts[0] = {&s.vnet, sizeof s.vnet};
    s.parts[1] = {packets[i]->data(), kFirstPart};
    s.parts[2] = {overflow_.get() + i * kOverflow, kOverflow};
    messages_[i].msg_hdr = {};
    messages_[i].msg_hdr.msg_iov = s.parts;
    messages_[i].msg_hdr.msg_iovlen = 3;
    messages_[i].msg_hdr.msg_control = s.control;
    messages_[i].msg_hdr.msg_controllen = sizeof s.control;
  }
}

void SystemDevice::receive(Time, PacketBatch& out) {
  PacketPool& pool = out.pool();
  Packet* packets[kBurst];
  for (Packet*& p : packets) p = pool.take(kFirstPart);
  prepare(packets);
  int n = recvmmsg(fd_, messages_, kBurst, MSG_DONTWAIT, nullptr);
  for (int i = 0; i < static_cast<int>(kBurst); i++) {
    size_t size = i < n ? messages_[i].msg_len : 0;
    if (size < sizeof(VnetHeader) + 14) {
      pool.give(packets[i]);
      continue;
    }
    finish(*packets[i], slots_[i], size - sizeof(VnetHeader), overflow_.get() + i * kOverflow, messages_[i].msg_hdr);
    out.add_owned(packets[i]);
  }
}

/// The kernel takes the outermost VLAN tag out of the frame: puts it back.
void restore_vlan(Packet& packet, const msghdr& message) {
  for (auto* c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(const_cast<msghdr*>(&message), c)) {
    if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA) continue;
    tpacket_auxdata aux;
    std::memcpy(&aux, CMSG_DATA(c), sizeof aux);
    if (!(aux.tp_status & TP_STATUS_VLAN_VALID)) return;
    uint8_t* data = packet.push_front(4);
    std::memmove(data, data + 4, 12);
    store_be(data + 12, aux.tp_status & TP_STATUS_VLAN_TPID_VALID ? aux.tp_vlan_tpid : kEthVlan.host());
    store_be(data + 14, aux.tp_vlan_tci);
    return;
  }
}

void SystemDevice::finish(Packet& packet, Slot& slot, size_t size, uint8_t* overflow, const msghdr& message) {
  packet.resize(std::min(size, kMaxPacketSize));
  if (size > kFirstPart) std::memcpy(packet.data() + kFirstPart, overflow, packet.size() - kFirstPart);
  offload_from_vnet(slot.vnet, packet);
  restore_vlan(packet, message);
}

void SystemDevice::send(Time, PacketBatch& packets) {
  for (size_t from = 0; from < packets.size(); from += kBurst) {
    auto count = static_cast<unsigned>(std::min(kBurst, packets.size() - from));
    for (unsigned i = 0; i < count; i++) {
      Slot& s = slots_[i];
      Packet& p = packets[from + i];
      s.vnet = vnet_from_offload(p);
      s.parts[0] = {&s.vnet, sizeof s.vnet};
      s.parts[1] = {p.data(), p.size()};
      messages_[i].msg_hdr = {};
      messages_[i].msg_hdr.msg_iov = s.parts;
      messages_[i].msg_hdr.msg_iovlen = 2;
    }
    for (unsigned done = 0; done < count;) {
      int n = sendmmsg(fd_, messages_ + done, count - done, MSG_DONTWAIT);
      if (n <= 0) {
        tx_dropped_++;  // queue full, too long, interface down: this one is lost, the next may do
        n = 1;
      }
      done += static_cast<unsigned>(n);
    }
  }
  packets.clear();
}

NetdevStats SystemDevice::stats() const {
  auto link = read_link(name_);
  NetdevStats stats = link ? link->stats : NetdevStats{};
  stats.tx_dropped += tx_dropped_;
  return stats;
}

void SystemDevice::refresh_state() {
  auto link = read_link(name_);
  if (!link) {  // gone
    NetdevState none = state_;
    none.admin_up = none.link_up = false;
    none.ifindex = 0;
    return update_state(state_, none);
  }
  int old_index = state_.ifindex;
  uint64_t changes = state_.changes;
  update_state(state_, link->state);
  if (state_.ifindex != old_index) bind_to(state_.ifindex);  // another interface has the name now
  if (state_.changes != changes) read_link_settings(name_, state_);
}

std::expected<std::unique_ptr<Netdev>, std::string> open_system(const NetdevSpec& spec, void*) {
  auto device = std::make_unique<SystemDevice>(spec.name);
  if (int error = device->open()) return std::unexpected(open_error(spec.name, error));
  return device;
}

}  // namespace

void add_system_devices(NetdevFactory& factory) { factory.add("system", open_system); }

}  // namespace sluice

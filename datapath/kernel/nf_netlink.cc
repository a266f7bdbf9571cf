// SPDX-License-Identifier: Apache-2.0
// See nf_netlink.h.
#include "datapath/kernel/nf_netlink.h"

#include <cerrno>

#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>
#include <sys/time.h>

namespace sluice {
namespace {

constexpr size_t kBufferSize = 64 * 1024;   // a part of a dump
constexpr time_t kReplyTimeout = 5;         // seconds

}  // namespace

std::expected<NfNetlink, int> NfNetlink::open(uint8_t subsystem) {
  NfNetlink n;
  n.subsystem_ = subsystem;
  n.fd_.reset(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (!n.fd_ || bind(n.fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address)) return std::unexpected(errno);
  timeval timeout{.tv_sec = kReplyTimeout, .tv_usec = 0};
  setsockopt(n.fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  return n;
}

int NfNetlink::send(uint8_t command, uint16_t flags, uint8_t family, const Write& write) {
  Bytes request(NLMSG_HDRLEN + sizeof(nfgenmsg));
  nfgenmsg head{.nfgen_family = family, .version = NFNETLINK_V0, .res_id = 0};
  std::memcpy(request.data() + NLMSG_HDRLEN, &head, sizeof head);
  AttrWriter writer(request);
  write(writer);
  nlmsghdr header{.nlmsg_len = static_cast<uint32_t>(request.size()), .nlmsg_type = static_cast<uint16_t>(subsystem_ << 8 | command),
                  .nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags), .nlmsg_seq = ++seq_, .nlmsg_pid = 0};
  std::memcpy(request.data(), &header, sizeof header);
  return ::send(fd_.get(), request.data(), request.size(), 0) < 0 ? errno : 0;
}

/// The answer to the last request until its end.
int NfNetlink::receive(const std::function<void(const nlmsghdr*)>& visit) {
  Bytes buffer(kBufferSize);
  for (;;) {
    ssize_t n = recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    int left = static_cast<int>(n);
    for (auto* h = reinterpret_cast<const nlmsghdr*>(buffer.data()); mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
      if (h->nlmsg_seq != seq_) continue;
      if (h->nlmsg_type == NLMSG_DONE) return visit(h), 0;
      if (h->nlmsg_type == NLMSG_ERROR) return netlink_error(h);
      visit(h);
    }
  }
}

int NfNetlink::request(uint8_t command, uint16_t flags, uint8_t family, const Write& write) {
  if (int error = send(command, flags | NLM_F_ACK, family, write)) return error;
  return receive([](const nlmsghdr*) {});
}

std::expected<bool, int> NfNetlink::dump(uint8_t command, const std::function<void(ByteView)>& visit) {
  if (int error = send(command, NLM_F_DUMP, AF_UNSPEC, [](AttrWriter&) {})) return std::unexpected(error);
  bool changed = false;
  int error = receive([&](const nlmsghdr* h) {
    changed |= h->nlmsg_flags & NLM_F_DUMP_INTR;
    if (h->nlmsg_type < NLMSG_MIN_TYPE || mnl_nlmsg_get_payload_len(h) < sizeof(nfgenmsg)) return;
    auto* payload = static_cast<const uint8_t*>(mnl_nlmsg_get_payload(h));
    visit({payload + sizeof(nfgenmsg), mnl_nlmsg_get_payload_len(h) - sizeof(nfgenmsg)});
  });
  if (error) return std::unexpected(error);
  return changed;
}

}  // namespace sluice

// SPDX-License-Identifier: Apache-2.0
// See genl_socket.h.
#include "datapath/kernel/genl_socket.h"

#include <algorithm>
#include <cerrno>

#include <linux/genetlink.h>
#include <linux/openvswitch.h>
#include <sys/socket.h>
#include <sys/time.h>

namespace sluice {
namespace {

constexpr size_t kBufferSize = 128 * 1024;   // the largest datagram: a GSO packet in an upcall
constexpr int kDumpTries = 4;
constexpr time_t kReplyTimeout = 5;          // seconds; the kernel answers at once, or something is very wrong
constexpr size_t kGenlHeader = sizeof(nlmsghdr) + sizeof(genlmsghdr);
constexpr size_t kOvsHeader = kGenlHeader + sizeof(ovs_header);

/// The message without its headers; of control messages and of cut ones dp_ifindex is 0.
GenlMessage message_of(const nlmsghdr* h) {
  auto* bytes = reinterpret_cast<const uint8_t*>(h);
  GenlMessage m{.family = h->nlmsg_type, .attrs = {}};
  if (h->nlmsg_len < kGenlHeader) return m;
  m.command = reinterpret_cast<const genlmsghdr*>(bytes + sizeof(nlmsghdr))->cmd;
  size_t header = h->nlmsg_type == GENL_ID_CTRL ? kGenlHeader : kOvsHeader;
  if (h->nlmsg_len < header) return m;
  if (header == kOvsHeader) std::memcpy(&m.dp_ifindex, bytes + kGenlHeader, sizeof m.dp_ifindex);
  m.attrs = {bytes + header, h->nlmsg_len - header};
  return m;
}

/// Calls for each message of a datagram.
template <typename Fn>
void each_message(const uint8_t* bytes, size_t size, Fn fn) {
  auto* h = reinterpret_cast<const nlmsghdr*>(bytes);
  for (int left = static_cast<int>(size); mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) fn(h);
}

}  // namespace

size_t begin_request(Bytes& out, GenlCommand command, int dp_ifindex) {
  size_t begun = out.size();
  bool control = command.family == GENL_ID_CTRL;
  out.resize(begun + (control ? kGenlHeader : kOvsHeader));
  genlmsghdr genl{.cmd = command.command, .version = command.version, .reserved = 0};
  std::memcpy(out.data() + begun + sizeof(nlmsghdr), &genl, sizeof genl);
  if (!control) std::memcpy(out.data() + begun + kGenlHeader, &dp_ifindex, sizeof dp_ifindex);
  return begun;
}

void end_request(Bytes& out, size_t begun, GenlCommand command, uint16_t flags, uint32_t seq) {
  nlmsghdr header{.nlmsg_len = static_cast<uint32_t>(out.size() - begun), .nlmsg_type = command.family, .nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags),
                  .nlmsg_seq = seq, .nlmsg_pid = 0};
  std::memcpy(out.data() + begun, &header, sizeof header);
}

std::expected<GenlSocket, int> GenlSocket::open() {
  GenlSocket s;
  s.fd_.reset(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC));
  if (!s.fd_) return std::unexpected(errno);
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (bind(s.fd(), reinterpret_cast<sockaddr*>(&address), sizeof address)) return std::unexpected(errno);
  socklen_t size = sizeof address;
  if (getsockname(s.fd(), reinterpret_cast<sockaddr*>(&address), &size)) return std::unexpected(errno);
  s.pid_ = address.nl_pid;
  int on = 1;
  setsockopt(s.fd(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  timeval timeout{.tv_sec = kReplyTimeout, .tv_usec = 0};
  setsockopt(s.fd(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  return s;
}

GenlSocket GenlSocket::over(UniqueFd fd) {
  GenlSocket s;
  s.fd_ = std::move(fd);
  return s;
}

int GenlSocket::join(uint32_t group) { return setsockopt(fd(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) ? errno : 0; }

int GenlSocket::set_receive_buffer(int bytes) {
  if (!setsockopt(fd(), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes)) return 0;
  return setsockopt(fd(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes) ? errno : 0;
}

std::expected<uint16_t, int> GenlSocket::resolve(const char* family, uint32_t* group) {
  auto reply = transact({GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1}, 0, 0, [&](AttrWriter& w) { w.put(CTRL_ATTR_FAMILY_NAME, std::string(family)); });
  if (!reply) return std::unexpected(reply.error());
  Attrs attrs(reply->attrs);
  auto id = attrs.find(CTRL_ATTR_FAMILY_ID);
  if (!id || !id->as<uint16_t>()) return std::unexpected(EBADMSG);
  if (auto groups = attrs.find(CTRL_ATTR_MCAST_GROUPS); groups && group)
    for (Attr g : Attrs(groups->data))
      if (auto number = Attrs(g.data).find(CTRL_ATTR_MCAST_GRP_ID); number && number->as<uint32_t>()) *group = *number->as<uint32_t>();
  return *id->as<uint16_t>();
}

std::expected<size_t, int> GenlSocket::receive_datagram(int flags) {
  if (!buffer_) buffer_ = std::make_unique_for_overwrite<uint8_t[]>(kBufferSize);
  for (;;) {
    ssize_t n = recv(fd(), buffer_.get(), kBufferSize, flags | MSG_TRUNC);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::unexpected(errno);
    if (static_cast<size_t>(n) > kBufferSize) return std::unexpected(EMSGSIZE);
    return static_cast<size_t>(n);
  }
}

std::expected<GenlMessage, int> GenlSocket::transact(GenlCommand command, int dp_ifindex, uint16_t flags, const Write& write) {
  Bytes request;
  uint32_t seq = next_seq();
  add_request(request, command, flags | NLM_F_ACK, seq, dp_ifindex, write);
  if (int error = send(request)) return std::unexpected(error);
  // The acknowledgment comes in a datagram after that of the reply, which is kept.
  reply_.clear();
  GenlMessage reply;
  for (;;) {
    auto n = receive_datagram(0);
    if (!n) return std::unexpected(n.error());
    std::optional<int> end;
    each_message(buffer_.get(), *n, [&](const nlmsghdr* h) {
      if (h->nlmsg_seq != seq) return;   // of an earlier one that was given up
      if (h->nlmsg_type == NLMSG_ERROR) {
        end = netlink_error(h);
      } else if (h->nlmsg_type >= NLMSG_MIN_TYPE) {
        reply = message_of(h);
        reply_.assign(reply.attrs.begin(), reply.attrs.end());
        reply.attrs = reply_;
      }
    });
    if (!end) continue;
    if (*end) return std::unexpected(*end);
    return reply;
  }
}

int GenlSocket::transact_many(ByteView requests, uint32_t first_seq, size_t count, const OnReply& on_reply, const OnEnd& on_end) {
  if (int error = send(requests)) return error;
  auto is_ours = [&, count](uint32_t seq) { return seq - first_seq < count; };   // else of one that was given up
  for (size_t ended = 0; ended < count;) {
    auto n = receive_datagram(0);
    if (!n) return n.error();
    each_message(buffer_.get(), *n, [&](const nlmsghdr* h) {
      if (!is_ours(h->nlmsg_seq)) return;
      if (h->nlmsg_type == NLMSG_ERROR) {
        ended++;
        on_end(h->nlmsg_seq, netlink_error(h));
      } else if (h->nlmsg_type >= NLMSG_MIN_TYPE) {
        on_reply(h->nlmsg_seq, message_of(h));
      }
    });
  }
  return 0;
}

int GenlSocket::send(ByteView requests) {
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  for (;;) {
    if (sendto(fd(), requests.data(), requests.size(), 0, reinterpret_cast<sockaddr*>(&kernel), sizeof kernel) >= 0) return 0;
    if (errno != EINTR) return errno;
  }
}

void GenlSocket::take_errors(const OnEnd& on_error) {
  for (;;) {
    auto n = receive_datagram(MSG_DONTWAIT);
    if (!n && n.error() == ENOBUFS) continue;   // some errors are lost: what they were about shows otherwise
    if (!n) return;
    each_message(buffer_.get(), *n, [&](const nlmsghdr* h) {
      if (h->nlmsg_type == NLMSG_ERROR && netlink_error(h)) on_error(h->nlmsg_seq, netlink_error(h));
    });
  }
}

int GenlSocket::begin_dump(GenlCommand command, int dp_ifindex, const Write& write) {
  Bytes request;
  interrupted_ = false;
  add_request(request, command, NLM_F_DUMP, next_seq(), dp_ifindex, write);
  return send(request);
}

GenlSocket::DumpStep GenlSocket::dump_step(const std::function<void(const GenlMessage&)>& visit) {
  auto n = receive_datagram(0);
  if (!n) return DumpStep::kError;
  DumpStep step = DumpStep::kMore;
  each_message(buffer_.get(), *n, [&](const nlmsghdr* h) {
    if (h->nlmsg_seq != seq_) return;
    interrupted_ |= h->nlmsg_flags & NLM_F_DUMP_INTR;
    if (h->nlmsg_type == NLMSG_DONE) step = interrupted_ ? DumpStep::kInterrupted : DumpStep::kEnd;
    else if (h->nlmsg_type == NLMSG_ERROR) step = DumpStep::kError;
    else if (h->nlmsg_type >= NLMSG_MIN_TYPE) visit(message_of(h));
  });
  return step;
}

int GenlSocket::dump(GenlCommand command, int dp_ifindex, const std::function<void()>& restart, const std::function<void(const GenlMessage&)>& visit) {
  for (int i = 0; i < kDumpTries; i++) {
    restart();
    if (int error = begin_dump(command, dp_ifindex, [](AttrWriter&) {})) return error;
    DumpStep step;
    while ((step = dump_step(visit)) == DumpStep::kMore) {
    }
    if (step == DumpStep::kError) return EIO;
    if (step == DumpStep::kEnd) return 0;
  }
  return 0;   // it changes all the time: what there is now is as good as what comes
}

std::expected<GenlMessage, int> GenlSocket::receive() {
  auto n = receive_datagram(MSG_DONTWAIT);
  if (!n) return std::unexpected(n.error());
  GenlMessage m;
  each_message(buffer_.get(), *n, [&](const nlmsghdr* h) {
    if (h->nlmsg_type >= NLMSG_MIN_TYPE && m.attrs.empty()) m = message_of(h);   // the kernel sends one in a datagram
  });
  return m;
}

int GenlSocket::receive_many(GenlBatch& batch) {
  batch.messages.clear();
  if (!batch.bytes) batch.bytes = std::make_unique_for_overwrite<uint8_t[]>(kReadOfSocket * kBufferSize);
  iovec parts[kReadOfSocket];
  mmsghdr datagrams[kReadOfSocket]{};
  for (unsigned i = 0; i < kReadOfSocket; i++) {
    parts[i] = {batch.bytes.get() + i * kBufferSize, kBufferSize};
    datagrams[i].msg_hdr.msg_iov = &parts[i];
    datagrams[i].msg_hdr.msg_iovlen = 1;
  }
  int n = recvmmsg(fd(), datagrams, kReadOfSocket, MSG_DONTWAIT, nullptr);
  if (n < 0) return errno;
  for (int i = 0; i < n; i++) {
    if (datagrams[i].msg_hdr.msg_flags & MSG_TRUNC) continue;
    each_message(static_cast<const uint8_t*>(parts[i].iov_base), datagrams[i].msg_len, [&](const nlmsghdr* h) {
      if (h->nlmsg_type >= NLMSG_MIN_TYPE) batch.messages.push_back(message_of(h));
    });
  }
  return 0;
}

std::expected<GenlFamilies, int> GenlFamilies::resolve(GenlSocket& socket) {
  GenlFamilies f;
  struct Wanted { const char* name; uint16_t* number; uint32_t* group; };
  for (Wanted w : {Wanted{OVS_DATAPATH_FAMILY, &f.datapath, nullptr}, {OVS_VPORT_FAMILY, &f.vport, &f.vport_group}, {OVS_FLOW_FAMILY, &f.flow, nullptr},
                   {OVS_PACKET_FAMILY, &f.packet, nullptr}}) {
    auto number = socket.resolve(w.name, w.group);
    if (!number) return std::unexpected(number.error());
    *w.number = *number;
  }
  return f;
}

}  // namespace sluice

// SPDX-License-Identifier: Apache-2.0
// See ct_netlink.h.
#include "datapath/kernel/ct_netlink.h"

#include <algorithm>
#include <cerrno>

#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "datapath/l4.h"

namespace sluice {
namespace {

constexpr int kDumpTries = 4;
constexpr size_t kBufferSize = 64 * 1024;   // a part of a dump
constexpr time_t kReplyTimeout = 5;         // seconds

uint16_t be16_of(const Attr& a) { return a.as<be16>().value_or(be16()).host(); }
uint32_t be32_of(const Attr& a) { return a.as<be32>().value_or(be32()).host(); }
uint8_t byte_of(const Attr& a) { return a.as<uint8_t>().value_or(0); }

void take_address(const Attr& a, Ipv6Addr& to) { std::memcpy(to.b.data(), a.data.data(), std::min(a.data.size(), to.b.size())); }

/// ICMP: ports are type and code, as CtEntry has them.
bool take_tuple(ByteView attrs, CtTuple& t, uint16_t& icmp_id) {
  auto ip = Attrs(attrs).find(CTA_TUPLE_IP), proto = Attrs(attrs).find(CTA_TUPLE_PROTO);
  if (!ip || !proto) return false;
  for (Attr a : Attrs(ip->data)) {
    if (a.type == CTA_IP_V4_SRC || a.type == CTA_IP_V6_SRC) take_address(a, t.src);
    if (a.type == CTA_IP_V4_DST || a.type == CTA_IP_V6_DST) take_address(a, t.dst);
    t.ipv6 |= a.type == CTA_IP_V6_SRC || a.type == CTA_IP_V6_DST;
  }
  for (Attr a : Attrs(proto->data)) switch (a.type) {
    case CTA_PROTO_NUM: t.proto = byte_of(a); break;
    case CTA_PROTO_SRC_PORT: t.tp_src = be16(be16_of(a)); break;
    case CTA_PROTO_DST_PORT: t.tp_dst = be16(be16_of(a)); break;
    case CTA_PROTO_ICMP_TYPE: case CTA_PROTO_ICMPV6_TYPE: t.tp_src = be16(byte_of(a)); break;
    case CTA_PROTO_ICMP_CODE: case CTA_PROTO_ICMPV6_CODE: t.tp_dst = be16(byte_of(a)); break;
    case CTA_PROTO_ICMP_ID: case CTA_PROTO_ICMPV6_ID: icmp_id = be16_of(a); break;
  }
  return true;
}

CtTcpState tcp_state(uint8_t state) {
  switch (state) {
    case TCP_CONNTRACK_SYN_SENT: case TCP_CONNTRACK_SYN_SENT2: return CtTcpState::kSynSent;
    case TCP_CONNTRACK_SYN_RECV: return CtTcpState::kSynRecv;
    case TCP_CONNTRACK_ESTABLISHED: return CtTcpState::kEstablished;
    case TCP_CONNTRACK_FIN_WAIT: return CtTcpState::kFinWait1;
    case TCP_CONNTRACK_CLOSE_WAIT: return CtTcpState::kCloseWait;
    case TCP_CONNTRACK_LAST_ACK: return CtTcpState::kLastAck;
    case TCP_CONNTRACK_TIME_WAIT: return CtTcpState::kTimeWait;
    case TCP_CONNTRACK_CLOSE: return CtTcpState::kClosing;
    default: return CtTcpState::kClosed;
  }
}

void take_tcp(ByteView attrs, CtEntry& e) {
  for (Attr a : Attrs(attrs)) {
    if (a.type == CTA_PROTOINFO_TCP_STATE) e.tcp_orig = e.tcp_reply = tcp_state(byte_of(a));
    if (a.type == CTA_PROTOINFO_TCP_WSCALE_ORIGINAL) e.tcp_wscale_orig = byte_of(a);
    if (a.type == CTA_PROTOINFO_TCP_WSCALE_REPLY) e.tcp_wscale_reply = byte_of(a);
    if (a.type == CTA_PROTOINFO_TCP_FLAGS_ORIGINAL && !a.data.empty()) e.tcp_flags_orig = a.data[0];
    if (a.type == CTA_PROTOINFO_TCP_FLAGS_REPLY && !a.data.empty()) e.tcp_flags_reply = a.data[0];
  }
}

CtSctp sctp_of(ByteView attrs) {
  CtSctp s;
  for (Attr a : Attrs(attrs)) {
    if (a.type == CTA_PROTOINFO_SCTP_STATE) s.state = byte_of(a);
    if (a.type == CTA_PROTOINFO_SCTP_VTAG_ORIGINAL) s.vtag_orig = be32_of(a);
    if (a.type == CTA_PROTOINFO_SCTP_VTAG_REPLY) s.vtag_reply = be32_of(a);
  }
  return s;
}

}  // namespace

std::optional<CtEntry> decode_connection(ByteView attrs) {
  CtEntry e;
  bool has_orig = false, has_reply = false;
  for (Attr a : Attrs(attrs)) switch (a.type) {
    case CTA_TUPLE_ORIG: has_orig = take_tuple(a.data, e.orig, e.icmp_id_orig); break;
    case CTA_TUPLE_REPLY: has_reply = take_tuple(a.data, e.reply, e.icmp_id_reply); break;
    case CTA_TUPLE_MASTER: {
      uint16_t id;
      if (CtTuple parent; take_tuple(a.data, parent, id)) e.parent = parent;
      break;
    }
    case CTA_ZONE: e.zone = be16_of(a); break;
    case CTA_MARK: e.mark = be32_of(a); break;
    case CTA_ID: e.id = be32_of(a); break;
    case CTA_STATUS: e.status = be32_of(a); break;
    case CTA_TIMEOUT: e.timeout = seconds(be32_of(a)); break;
    case CTA_LABELS:
      std::memcpy(e.label.data(), a.data.data(), std::min(a.data.size(), e.label.size()));
      e.label = reorder_label(e.label);
      break;
    case CTA_HELP:
      if (auto name = Attrs(a.data).find(CTA_HELP_NAME)) e.helper = name->text();
      break;
    case CTA_PROTOINFO:
      if (auto tcp = Attrs(a.data).find(CTA_PROTOINFO_TCP)) take_tcp(tcp->data, e);
      if (auto sctp = Attrs(a.data).find(CTA_PROTOINFO_SCTP)) e.sctp = sctp_of(sctp->data);
      break;
  }
  return has_orig && has_reply ? std::optional(e) : std::nullopt;
}

void encode_connection_name(const CtEntry& e, AttrWriter& out) {
  const CtTuple& t = e.orig;
  out.nest(CTA_TUPLE_ORIG | NLA_F_NESTED, [&] {
    out.nest(CTA_TUPLE_IP | NLA_F_NESTED, [&] {
      size_t size = t.ipv6 ? 16 : 4;
      out.put(t.ipv6 ? CTA_IP_V6_SRC : CTA_IP_V4_SRC, t.src.b.data(), size);
      out.put(t.ipv6 ? CTA_IP_V6_DST : CTA_IP_V4_DST, t.dst.b.data(), size);
    });
    out.nest(CTA_TUPLE_PROTO | NLA_F_NESTED, [&] {
      out.value(CTA_PROTO_NUM, t.proto);
      bool v6 = t.proto == kProtoIcmpv6;
      if (v6 || t.proto == kProtoIcmp) {
        out.value(v6 ? CTA_PROTO_ICMPV6_ID : CTA_PROTO_ICMP_ID, be16(e.icmp_id_orig));
        out.value(v6 ? CTA_PROTO_ICMPV6_TYPE : CTA_PROTO_ICMP_TYPE, static_cast<uint8_t>(t.tp_src.host()));
        out.value(v6 ? CTA_PROTO_ICMPV6_CODE : CTA_PROTO_ICMP_CODE, static_cast<uint8_t>(t.tp_dst.host()));
      } else {
        out.value(CTA_PROTO_SRC_PORT, t.tp_src);
        out.value(CTA_PROTO_DST_PORT, t.tp_dst);
      }
    });
  });
  if (e.zone) out.value(CTA_ZONE, be16(e.zone));
  if (e.id) out.value(CTA_ID, be32(e.id));
}

std::expected<CtNetlink, int> CtNetlink::open() {
  CtNetlink c;
  c.fd_.reset(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  if (!c.fd_ || bind(c.fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address)) return std::unexpected(errno);
  timeval timeout{.tv_sec = kReplyTimeout, .tv_usec = 0};
  setsockopt(c.fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  return c;
}

int CtNetlink::send(uint8_t command, uint16_t flags, uint8_t family, const std::function<void(AttrWriter&)>& write) {
  Bytes request(NLMSG_HDRLEN + sizeof(nfgenmsg));
  nfgenmsg head{.nfgen_family = family, .version = NFNETLINK_V0, .res_id = 0};
  std::memcpy(request.data() + NLMSG_HDRLEN, &head, sizeof head);
  AttrWriter writer(request);
  write(writer);
  nlmsghdr header{.nlmsg_len = static_cast<uint32_t>(request.size()), .nlmsg_type = static_cast<uint16_t>(NFNL_SUBSYS_CTNETLINK << 8 | command),
                  .nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags), .nlmsg_seq = ++seq_, .nlmsg_pid = 0};
  std::memcpy(request.data(), &header, sizeof header);
  return ::send(fd_.get(), request.data(), request.size(), 0) < 0 ? errno : 0;
}

namespace {

/// Answers to request `seq` until its end: 0 or errno.
int receive_all(int fd, uint32_t seq, const std::function<void(const nlmsghdr*)>& visit) {
  Bytes buffer(kBufferSize);
  for (;;) {
    ssize_t n = recv(fd, buffer.data(), buffer.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    int left = static_cast<int>(n);
    for (auto* h = reinterpret_cast<const nlmsghdr*>(buffer.data()); mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
      if (h->nlmsg_seq != seq) continue;
      if (h->nlmsg_type == NLMSG_DONE) return visit(h), 0;
      if (h->nlmsg_type == NLMSG_ERROR) return netlink_error(h);
      visit(h);
    }
  }
}

}  // namespace

int CtNetlink::list(std::vector<CtEntry>& all, bool& interrupted) {
  all.clear();
  interrupted = false;
  if (int error = send(IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC, [](AttrWriter&) {})) return error;
  return receive_all(fd_.get(), seq_, [&](const nlmsghdr* h) {
    interrupted |= h->nlmsg_flags & NLM_F_DUMP_INTR;
    if (h->nlmsg_type < NLMSG_MIN_TYPE || mnl_nlmsg_get_payload_len(h) < sizeof(nfgenmsg)) return;
    auto* payload = static_cast<const uint8_t*>(mnl_nlmsg_get_payload(h));
    if (auto e = decode_connection({payload + sizeof(nfgenmsg), mnl_nlmsg_get_payload_len(h) - sizeof(nfgenmsg)})) all.push_back(std::move(*e));
  });
}

int CtNetlink::dump(std::optional<uint16_t> zone, const std::function<bool(const CtEntry&)>& visit) {
  std::vector<CtEntry> all;
  bool interrupted = true;
  for (int i = 0; i < kDumpTries && interrupted; i++)
    if (int error = list(all, interrupted)) return error;
  for (const CtEntry& e : all)
    if ((!zone || e.zone == *zone) && !visit(e)) break;
  return 0;
}

int CtNetlink::remove(const CtEntry* entry) {
  uint8_t family = entry ? (entry->orig.ipv6 ? AF_INET6 : AF_INET) : AF_UNSPEC;
  auto write = [&](AttrWriter& w) {
    if (entry) encode_connection_name(*entry, w);
  };
  if (int error = send(IPCTNL_MSG_CT_DELETE, NLM_F_ACK, family, write)) return error;
  return receive_all(fd_.get(), seq_, [](const nlmsghdr*) {});
}

std::expected<size_t, int> CtNetlink::flush(std::optional<uint16_t> zone, const std::function<bool(const CtEntry&)>& which) {
  if (!zone && !which) {
    int error = remove(nullptr);
    return error ? std::unexpected(error) : std::expected<size_t, int>(0);
  }
  std::vector<CtEntry> ended;
  if (int error = dump(zone, [&](const CtEntry& e) {
        if (!which || which(e)) ended.push_back(e);
        return true;
      })) return std::unexpected(error);
  for (const CtEntry& e : ended)
    if (int error = remove(&e); error && error != ENOENT) return std::unexpected(error);   // ENOENT: it ended by itself
  return ended.size();
}

}  // namespace sluice

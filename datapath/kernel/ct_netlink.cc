// SPDX-License-Identifier: Apache-2.0
// See ct_netlink.h.
#include "datapath/kernel/ct_netlink.h"

#include <algorithm>
#include <cerrno>

#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "datapath/l4.h"

namespace sluice {
namespace {

constexpr int kDumpTries = 4;

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
  auto socket = NfNetlink::open(NFNL_SUBSYS_CTNETLINK);
  if (!socket) return std::unexpected(socket.error());
  return CtNetlink(std::move(*socket));
}

int CtNetlink::dump(std::optional<uint16_t> zone, const std::function<bool(const CtEntry&)>& visit) {
  std::vector<CtEntry> all;
  std::expected<bool, int> changed = true;
  for (int i = 0; i < kDumpTries && *changed; i++) {
    all.clear();
    changed = socket_.dump(IPCTNL_MSG_CT_GET, [&](ByteView attrs) {
      if (auto e = decode_connection(attrs)) all.push_back(std::move(*e));
    });
    if (!changed) return changed.error();
  }
  for (const CtEntry& e : all)
    if ((!zone || e.zone == *zone) && !visit(e)) break;
  return 0;
}

int CtNetlink::remove(const CtEntry* entry) {
  uint8_t family = entry ? (entry->orig.ipv6 ? AF_INET6 : AF_INET) : AF_UNSPEC;
  return socket_.request(IPCTNL_MSG_CT_DELETE, 0, family, [&](AttrWriter& w) {
    if (entry) encode_connection_name(*entry, w);
  });
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

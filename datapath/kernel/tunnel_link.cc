// SPDX-License-Identifier: Apache-2.0
// See tunnel_link.h.
#include "datapath/kernel/tunnel_link.h"

#include <cerrno>

#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "datapath/kernel/netlink_attr.h"
#include "lib/bytes.h"
#include "lib/decimal.h"
#include "lib/files.h"

namespace sluice {
namespace {

constexpr uint32_t kLargestMtu = 65000;   // the path decides: the kernel makes fragments of outer packets

void collect_metadata(AttrWriter& w, const TunnelLink&) { w.flag(IFLA_GRE_COLLECT_METADATA); }

/// The kernel's devices, in the order of TunnelKind.
struct LinkKind {
  const char* name;
  void (*settings)(AttrWriter&, const TunnelLink&);
};
constexpr LinkKind kLinkKinds[std::size(kTunnelKinds)] = {
    {"vxlan", [](AttrWriter& w, const TunnelLink& link) {
       w.value(IFLA_VXLAN_COLLECT_METADATA, uint8_t{1});
       w.value(IFLA_VXLAN_LEARNING, uint8_t{0});
       w.value(IFLA_VXLAN_UDP_ZERO_CSUM6_RX, uint8_t{1});
       w.value(IFLA_VXLAN_PORT, be16(link.dst_port));
       if (link.gbp) w.flag(IFLA_VXLAN_GBP);
     }},
    {"geneve", [](AttrWriter& w, const TunnelLink& link) {
       w.flag(IFLA_GENEVE_COLLECT_METADATA);
       w.value(IFLA_GENEVE_UDP_ZERO_CSUM6_RX, uint8_t{1});
       w.value(IFLA_GENEVE_PORT, be16(link.dst_port));
     }},
    {"gretap", collect_metadata},
    {"ip6gretap", collect_metadata},
    {"erspan", collect_metadata},
    {"ip6erspan", collect_metadata},
};

/// Sends a link message and waits for its acknowledgment.
int link_request(uint16_t type, uint16_t flags, const std::string& name, unsigned link_flags, const Bytes& attributes) {
  UniqueFd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  struct { nlmsghdr header; ifinfomsg info; } head{};
  head.info.ifi_flags = head.info.ifi_change = link_flags;
  Bytes message(sizeof head);
  AttrWriter w(message);
  w.put(IFLA_IFNAME, name);
  message.insert(message.end(), attributes.begin(), attributes.end());
  head.header = {.nlmsg_len = static_cast<uint32_t>(message.size()), .nlmsg_type = type, .nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags), .nlmsg_seq = 1,
                 .nlmsg_pid = 0};
  std::memcpy(message.data(), &head, sizeof head);
  if (!fd || send(fd.get(), message.data(), message.size(), 0) < 0) return errno;
  alignas(nlmsghdr) char buffer[4096];
  ssize_t n = recv(fd.get(), buffer, sizeof buffer, 0);
  if (n < 0) return errno;
  auto* reply = reinterpret_cast<const nlmsghdr*>(buffer);
  if (!mnl_nlmsg_ok(reply, static_cast<int>(n)) || reply->nlmsg_type != NLMSG_ERROR) return EPROTO;
  return netlink_error(reply);
}

}  // namespace

std::optional<TunnelLink> tunnel_link(const NetdevSpec& spec) {
  const TunnelKindRow* row = find_tunnel_kind(spec.type);
  if (!row) return std::nullopt;
  TunnelLink tunnel{.kind = row->kind, .dst_port = row->default_port};
  if (auto exts = spec.options.find("exts"); exts != spec.options.end()) tunnel.gbp = row->kind == TunnelKind::kVxlan && exts->second == kGbpExtension;
  auto wanted = spec.options.find("dst_port");
  if (row->default_port && wanted != spec.options.end())
    if (auto port = parse_decimal<uint16_t>(wanted->second); port && *port) tunnel.dst_port = *port;
  return tunnel;
}

std::string tunnel_type_of(const std::string& device) {
  for (const TunnelKindRow& row : kTunnelKinds)
    if (row.default_port ? device.starts_with(std::string(row.device) + "_") : device == row.device) return std::string(row.type);
  return "";
}

std::expected<bool, int> make_tunnel_link(const TunnelLink& tunnel) {
  const LinkKind& link = kLinkKinds[static_cast<size_t>(tunnel.kind)];
  Bytes attributes;
  AttrWriter w(attributes);
  w.value(IFLA_MTU, kLargestMtu);
  w.nest(IFLA_LINKINFO, [&] {
    w.put(IFLA_INFO_KIND, std::string(link.name));
    w.nest(IFLA_INFO_DATA, [&] { link.settings(w, tunnel); });
  });
  int error = link_request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, tunnel.device(), IFF_UP, attributes);
  if (error && error != EEXIST) return std::unexpected(error);
  return error == 0;
}

int delete_link(const std::string& name) { return link_request(RTM_DELLINK, 0, name, 0, {}); }

}  // namespace sluice

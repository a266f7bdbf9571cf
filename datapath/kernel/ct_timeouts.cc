// SPDX-License-Identifier: Apache-2.0
// See ct_timeouts.h.
#include "datapath/kernel/ct_timeouts.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>

#include <linux/netfilter/nfnetlink_cttimeout.h>
#include <sys/socket.h>

#include "datapath/l4.h"

namespace sluice {
namespace {

constexpr std::string_view kPrefix = "ovs_tp_";   // as Open vSwitch names them

struct Timeout { uint16_t attribute; CtPhase phase; };
constexpr Timeout kTcp[] = {{CTA_TIMEOUT_TCP_SYN_SENT, CtPhase::kTcpSynSent},       {CTA_TIMEOUT_TCP_SYN_RECV, CtPhase::kTcpSynRecv},   {CTA_TIMEOUT_TCP_ESTABLISHED, CtPhase::kTcpEstablished},
                            {CTA_TIMEOUT_TCP_FIN_WAIT, CtPhase::kTcpFinWait},       {CTA_TIMEOUT_TCP_CLOSE_WAIT, CtPhase::kTcpCloseWait}, {CTA_TIMEOUT_TCP_LAST_ACK, CtPhase::kTcpLastAck},
                            {CTA_TIMEOUT_TCP_TIME_WAIT, CtPhase::kTcpTimeWait},     {CTA_TIMEOUT_TCP_CLOSE, CtPhase::kTcpClose},        {CTA_TIMEOUT_TCP_SYN_SENT2, CtPhase::kTcpSynSent2},
                            {CTA_TIMEOUT_TCP_RETRANS, CtPhase::kTcpRetransmit},     {CTA_TIMEOUT_TCP_UNACK, CtPhase::kTcpUnack}};
constexpr Timeout kUdp[] = {{CTA_TIMEOUT_UDP_UNREPLIED, CtPhase::kUdpSingle}, {CTA_TIMEOUT_UDP_REPLIED, CtPhase::kUdpMultiple}};
constexpr Timeout kIcmp4[] = {{CTA_TIMEOUT_ICMP_TIMEOUT, CtPhase::kIcmpFirst}};
constexpr Timeout kIcmp6[] = {{CTA_TIMEOUT_ICMPV6_TIMEOUT, CtPhase::kIcmpFirst}};

struct Protocol {
  std::string_view name;
  bool ipv6;
  uint8_t number;
  std::span<const Timeout> timeouts;
};
constexpr Protocol kProtocols[] = {{"tcp4", false, kProtoTcp, kTcp}, {"udp4", false, kProtoUdp, kUdp}, {"icmp4", false, kProtoIcmp, kIcmp4},
                                   {"tcp6", true, kProtoTcp, kTcp},  {"udp6", true, kProtoUdp, kUdp},  {"icmp6", true, kProtoIcmpv6, kIcmp6}};

std::string name_of(uint16_t zone, const Protocol& p) { return fmt::format("{}{}_{}", kPrefix, zone, p.name); }

}  // namespace

NfNetlink* CtTimeoutPolicies::socket() {
  if (!socket_)
    if (auto made = NfNetlink::open(NFNL_SUBSYS_CTNETLINK_TIMEOUT)) socket_ = std::move(*made);
  return socket_ ? &*socket_ : nullptr;
}

int CtTimeoutPolicies::make(uint16_t zone, const CtTimeouts& timeouts) {
  NfNetlink* s = socket();
  if (!s) return EPROTONOSUPPORT;
  for (const Protocol& p : kProtocols) {
    const std::string name = name_of(zone, p);
    unused_.erase(name);
    int error = s->request(IPCTNL_MSG_TIMEOUT_NEW, NLM_F_CREATE | NLM_F_REPLACE, AF_UNSPEC, [&](AttrWriter& w) {
      w.put(CTA_TIMEOUT_NAME, name);
      w.value(CTA_TIMEOUT_L3PROTO, be16(p.ipv6 ? AF_INET6 : AF_INET));
      w.value(CTA_TIMEOUT_L4PROTO, p.number);
      w.nest(CTA_TIMEOUT_DATA | NLA_F_NESTED, [&] {
        for (const Timeout& t : p.timeouts)
          if (auto wanted = timeouts[static_cast<size_t>(t.phase)]) w.value(t.attribute, be32(*wanted));
      });
    });
    if (error) return error;
  }
  return 0;
}

/// Of a daemon that was here before.
void CtTimeoutPolicies::find_those_of_earlier_times() {
  NfNetlink* s = socket();
  if (s) (void)s->dump(IPCTNL_MSG_TIMEOUT_GET, [&](ByteView attrs) {
    if (auto name = Attrs(attrs).find(CTA_TIMEOUT_NAME); name && name->text().starts_with(kPrefix)) unused_.insert(std::string(name->text()));
  });
}

int CtTimeoutPolicies::configure(const CtSettings& settings) {
  int worst = 0;
  bool wanted = std::ranges::any_of(settings.zones, [](auto& zone) { return zone.second.timeouts.has_value(); });
  if (wanted && !socket_) find_those_of_earlier_times();
  std::map<uint16_t, CtTimeouts> before = std::exchange(zones_, {});
  for (auto& [id, zone] : settings.zones) {
    if (!zone.timeouts) continue;
    auto old = before.find(id);
    int error = old != before.end() && old->second == *zone.timeouts ? 0 : make(id, *zone.timeouts);
    if (error) worst = error;
    else zones_[id] = *zone.timeouts;
  }
  for (auto& [id, timeouts] : before)
    if (!zones_.contains(id))
      for (const Protocol& p : kProtocols) unused_.insert(name_of(id, p));
  return worst;
}

std::optional<std::string> CtTimeoutPolicies::name(uint16_t zone, bool ipv6, uint8_t proto) const {
  if (!zones_.contains(zone)) return std::nullopt;
  for (const Protocol& p : kProtocols)
    if (p.ipv6 == ipv6 && p.number == proto) return name_of(zone, p);
  return "";
}

void CtTimeoutPolicies::delete_unused() {
  NfNetlink* s = unused_.empty() ? nullptr : socket();
  if (s) std::erase_if(unused_, [&](const std::string& name) {
    return s->request(IPCTNL_MSG_TIMEOUT_DELETE, 0, AF_UNSPEC, [&](AttrWriter& w) { w.put(CTA_TIMEOUT_NAME, name); }) != EBUSY;
  });
}

}  // namespace sluice

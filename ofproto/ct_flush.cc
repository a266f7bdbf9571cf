// SPDX-License-Identifier: Apache-2.0
// Connections that a controller wants forgotten (NXT_CT_FLUSH_ZONE, NXT_CT_FLUSH).  The tracker is the datapath's: all bridges on it share its zones.
#include <cstring>

#include "datapath/l4.h"
#include "lib/log.h"
#include "ofproto/bridge_ports.h"
#include "ofproto/openflow/mapped_address.h"
#include "ofproto/openflow/message_text.h"
#include "ofproto/openflow/other_messages.h"
#include "ofproto/switch_impl.h"

namespace sluice {
namespace {

bool is_address(const std::optional<Ipv6Addr>& wanted, const CtTuple& t, const Ipv6Addr& got) {
  if (!wanted) return true;
  if (ofp::is_v4_mapped(*wanted)) return !t.ipv6 && std::memcmp(wanted->b.data() + 12, got.b.data(), 4) == 0;
  return t.ipv6 && *wanted == got;
}

template <typename Wanted, typename Got>
bool is(const std::optional<Wanted>& wanted, Got got) { return !wanted || *wanted == got; }

bool matches(const ofp::CtTuple& wanted, const CtTuple& t, uint16_t icmp_id) {
  bool icmp = is_icmp(t.proto);
  if (!is_address(wanted.src, t, t.src) || !is_address(wanted.dst, t, t.dst)) return false;
  if (icmp) return is(wanted.icmp_id, icmp_id) && is(wanted.icmp_type, t.tp_src.host()) && is(wanted.icmp_code, t.tp_dst.host());
  return is(wanted.src_port, t.tp_src.host()) && is(wanted.dst_port, t.tp_dst.host());
}

bool is_empty(const ofp::CtTuple& t) { return !t.src && !t.dst && !t.src_port && !t.dst_port && !t.icmp_id && !t.icmp_type && !t.icmp_code; }

/// One tuple that is whole names its connection whichever end's it is.
bool names_either_end(const ofp::CtFlush& m) {
  const ofp::CtTuple& t = m.original;
  return m.ip_proto && t.src && t.dst && ((t.src_port && t.dst_port) || t.icmp_id) && is_empty(m.reply);
}

bool is_label(const ofp::CtFlush& m, const std::array<uint8_t, 16>& label) {
  if (!m.labels) return true;
  for (size_t i = 0; i < label.size(); i++)
    if ((label[i] ^ m.labels->b[i]) & (m.labels_mask ? m.labels_mask->b[i] : 0xff)) return false;
  return true;
}

Log log_ct("ct_dpif");

/// "zone=5 'ct_nw_src=...' '...'", as the message shows it.
std::string describe(const ofp::CtFlush& m) {
  if (!m.ip_proto && !m.mark && !m.labels && is_empty(m.original) && is_empty(m.reply)) return m.zone ? fmt::format("zone {}", *m.zone) : "<all>";
  std::string text = ofp::format({.type = ofp::MessageType::NXT_CT_FLUSH, .body = m});
  text.erase(0, std::min(text.find("zone="), text.size()));
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace

void Bridge::flush_connections(const ofp::CtFlush& m, Time now) {
  Dpif& dpif = impl_->owner.dpif();
  if (log_ct.enabled(LogLevel::dbg)) log_ct.dbg("{}@{}: ct_flush: {}", dpif.type(), dpif.name(), describe(m));
  impl_->owner.dpif().ct_flush(m.zone, now, [&](const CtEntry& e) {
    if (m.ip_proto && m.ip_proto != e.orig.proto) return false;
    if (m.mark && ((*m.mark ^ e.mark) & m.mark_mask.value_or(UINT32_MAX))) return false;
    if (!is_label(m, e.label)) return false;
    if (names_either_end(m) && matches(m.original, e.reply, e.icmp_id_reply)) return true;
    return matches(m.original, e.orig, e.icmp_id_orig) && matches(m.reply, e.reply, e.icmp_id_reply);
  });
}

}  // namespace sluice

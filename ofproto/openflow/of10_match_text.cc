// SPDX-License-Identifier: Apache-2.0
// The fixed match of 1.0 as text, field by field, "*" for any value (OF1.0.1 5.2.3).
#include "lib/text.h"
#include "ofproto/openflow/of10_match.h"
#include "ofproto/openflow/nxm_text.h"
#include "ofproto/openflow/port.h"

namespace sluice::ofp {
namespace {

constexpr uint16_t kIp = 0x0800, kArp = 0x0806, kRarp = 0x8035;

class Printer {
 public:
  Printer(const Of10Match& match, const NameMap* ports) : m_(match), ports_(ports) {}
  std::string print() {
    if (has(OFPFW10_DL_TYPE)) keyword(m_.type, m_.proto);
    field("in_port", OFPFW10_IN_PORT, format_port(port_from_of10(m_.in_port).value_or(OFPP_NONE), ports_));
    field("dl_vlan", OFPFW10_DL_VLAN, fmt::format("{}", m_.vlan));
    field("dl_vlan_pcp", OFPFW10_DL_VLAN_PCP, fmt::format("{}", m_.pcp));
    field("dl_src", OFPFW10_DL_SRC, sluice::format(m_.src));
    field("dl_dst", OFPFW10_DL_DST, sluice::format(m_.dst));
    if (!said_type_) field("dl_type", OFPFW10_DL_TYPE, fmt::format("{:#06x}", m_.type));
    address("nw_src", m_.nw_src, OFPFW10_NW_SRC_SHIFT);
    address("nw_dst", m_.nw_dst, OFPFW10_NW_DST_SHIFT);
    bool arp = has(OFPFW10_DL_TYPE) && (m_.type == kArp || m_.type == kRarp), icmp = has(OFPFW10_DL_TYPE) && m_.type == kIp && has(OFPFW10_NW_PROTO) && m_.proto == 1;
    if (!said_proto_) field(arp ? "arp_op" : "nw_proto", OFPFW10_NW_PROTO, fmt::format("{}", m_.proto));
    field("nw_tos", OFPFW10_NW_TOS, fmt::format("{}", m_.tos));
    field(icmp ? "icmp_type" : "tp_src", OFPFW10_TP_SRC, fmt::format("{}", m_.tp_src));
    field(icmp ? "icmp_code" : "tp_dst", OFPFW10_TP_DST, fmt::format("{}", m_.tp_dst));
    return out_;
  }

 private:
  bool has(uint32_t bit) const { return m_.has(bit); }
  void item(std::string_view text) {
    if (!out_.empty()) out_ += ',';
    out_ += text;
  }
  void field(std::string_view name, uint32_t bit, const std::string& value) { item(fmt::format("{}={}", name, has(bit) ? value : "*")); }
  void keyword(uint16_t type, uint8_t proto) {
    said_type_ = type == kIp || type == kArp || type == kRarp;
    if (type == kArp) return item("arp");
    if (type == kRarp) return item("rarp");
    if (type != kIp) return;
    std::string_view name = !has(OFPFW10_NW_PROTO) ? "" : proto == 1 ? "icmp" : proto == 6 ? "tcp" : proto == 17 ? "udp" : proto == 132 ? "sctp" : "";
    said_proto_ = !name.empty();
    item(said_proto_ ? name : "ip");
  }
  void address(std::string_view name, be32 ip, unsigned shift) {
    unsigned ignored = m_.wild_bits(shift);
    item(fmt::format("{}={}{}", name, ignored < 32 ? format_ipv4(ip) : "*", ignored && ignored < 32 ? fmt::format("/{}", 32 - ignored) : ""));
  }

  const Of10Match& m_;
  const NameMap* ports_;
  std::string out_;
  bool said_type_ = false, said_proto_ = false;
};

}  // namespace

std::string format_of10_match(ByteView match, const NameMap* ports) {
  ByteReader r(match);
  return Printer(Of10Match(r), ports).print();
}

}  // namespace sluice::ofp

// SPDX-License-Identifier: Apache-2.0
// Matches as text, in the order and forms of `ovs-ofctl dump-flows` (spec/flow-syntax.md section 2).
#include <fmt/core.h>

#include <algorithm>

#include "ofproto/openflow/match.h"
#include "ofproto/openflow/port.h"

namespace sluice::ofp {
namespace {

struct Protocol {
  uint16_t eth_type;
  uint8_t ip_proto;
  std::string_view name;
};
constexpr Protocol kProtocols[] = {
    {0x0800, 1, "icmp"}, {0x0800, 6, "tcp"}, {0x0800, 17, "udp"}, {0x0800, 132, "sctp"}, {0x0800, 0, "ip"},
    {0x86dd, 58, "icmp6"}, {0x86dd, 6, "tcp6"}, {0x86dd, 17, "udp6"}, {0x86dd, 132, "sctp6"}, {0x86dd, 0, "ipv6"},
    {0x0806, 0, "arp"}, {0x8035, 0, "rarp"}, {0x8847, 0, "mpls"}, {0x8848, 0, "mplsm"},
};

class Formatter {
 public:
  Formatter(const Match& m, std::string& out, const NameMap* ports, const TlvTable* tlv) : m_(m), out_(out), ports_(ports), tlv_(tlv) {}

  void run(int priority) {
    if (priority != 32768) text(fmt::format("priority={}", priority));
    for (FieldId f : {FieldId::kPktMark, FieldId::kRecircId, FieldId::kDpHash, FieldId::kConjId, FieldId::kSkbPriority, FieldId::kActsetOutput,
                      FieldId::kCtState, FieldId::kCtZone, FieldId::kCtMark, FieldId::kCtLabel, FieldId::kCtNwSrc, FieldId::kCtIpv6Src,
                      FieldId::kCtNwDst, FieldId::kCtIpv6Dst, FieldId::kCtNwProto, FieldId::kCtTpSrc, FieldId::kCtTpDst})
      put(f);
    protocol();
    for (int i = 0; i < static_cast<int>(kRegs); i++) put(FieldId::kReg0 + i);
    tunnel();
    for (FieldId f : {FieldId::kMetadata, FieldId::kInPortOxm, FieldId::kInPhyPort}) put(f);
    vlans();
    put(FieldId::kEthSrc);
    put(FieldId::kEthDst);
    if (m_.mask.eth_type && !said_eth_type_) text(fmt::format("dl_type=0x{:04x}", m_.value.eth_type.host()));
    network();
    mpls();
    put(FieldId::kIpFrag);
    transport();
  }

 private:
  const Match& m_;
  std::string& out_;
  const NameMap* ports_;
  const TlvTable* tlv_;
  bool said_eth_type_ = false, said_proto_ = false;

  std::string& item() {
    if (!out_.empty() && out_.back() != ' ' && started_) out_ += ',';
    started_ = true;
    return out_;
  }
  bool started_ = false;
  void text(std::string_view s) { item() += s; }

  /// name=value[/mask] with the name that dumps use.
  void put(FieldId f, std::string_view name = {}) {
    if (m_.is_wild(f, tlv_)) return;
    item() += name.empty() ? dump_name(f) : name;
    out_ += '=';
    FieldValue mask = m_.get_mask(f, tlv_);
    bool exact = f == FieldId::kCtState ? false : m_.is_exact(f, tlv_);
    format_value(f, m_.get(f, tlv_), exact ? nullptr : &mask, out_, ports_);
  }
  /// As put(), but 0 is "0x0".
  void put_hex(FieldId f) {
    uint64_t mask = m_.get_mask(f).u64();
    if (!mask) return;
    text(fmt::format("{}=0x{:x}", field(f).name, m_.get(f).u64()));
    if (!m_.is_exact(f, tlv_)) out_ += fmt::format("/0x{:x}", mask);
  }
  /// Dumps keep the old names of 1.0.
  static std::string_view dump_name(FieldId f) {
    switch (f) {
      case FieldId::kInPortOxm: return "in_port";
      case FieldId::kEthSrc: return "dl_src";
      case FieldId::kEthDst: return "dl_dst";
      case FieldId::kIpSrc: return "nw_src";
      case FieldId::kIpDst: return "nw_dst";
      case FieldId::kIpFrag: return "nw_frag";
      case FieldId::kTunGtpuFlags: return "gtpu_flags";
      case FieldId::kTunGtpuMsgtype: return "gtpu_msgtype";
      default: return field(f).name;
    }
  }

  uint16_t l3_type() const {
    if (m_.mask.packet_type && m_.value.packet_type) {
      uint32_t type = m_.value.packet_type.host();
      return type >> 16 == 1 ? static_cast<uint16_t>(type) : 0;
    }
    return m_.mask.eth_type ? m_.value.eth_type.host() : 0;
  }

  void protocol() {
    if (m_.mask.packet_type) {
      uint32_t type = m_.value.packet_type.host();
      if (type) text(fmt::format("packet_type=({},0x{:x})", type >> 16, type & 0xffff));
      else if (!m_.mask.eth_type) text("eth");
    } else if (m_.mask.recirc_id && implies_ethernet(m_)) {
      text("eth");  // where the datapath's own number is matched, as in megaflows
    }
    if (!m_.mask.eth_type) return;
    uint8_t proto = m_.mask.nw_proto == 0xff ? m_.value.nw_proto : 0;
    for (const Protocol& p : kProtocols) {
      if (p.eth_type != m_.value.eth_type.host() || (p.ip_proto && p.ip_proto != proto)) continue;
      text(p.name);
      said_eth_type_ = true;
      said_proto_ = p.ip_proto != 0;
      return;
    }
  }

  void tunnel() {
    for (FieldId f : {FieldId::kTunId, FieldId::kTunSrc, FieldId::kTunDst, FieldId::kTunIpv6Src, FieldId::kTunIpv6Dst, FieldId::kTunGbpId,
                      FieldId::kTunGbpFlags, FieldId::kTunTos, FieldId::kTunTtl, FieldId::kTunErspanVer, FieldId::kTunErspanIdx,
                      FieldId::kTunErspanDir, FieldId::kTunErspanHwid, FieldId::kTunGtpuFlags, FieldId::kTunGtpuMsgtype, FieldId::kTunFlags})
      put(f);
    for (int i = 0; i < 64; i++) {
      FieldId f = FieldId::kTunMetadata0 + i;
      if (m_.is_wild(f, tlv_)) continue;
      if (!(m_.value.tun_present & be64(uint64_t{1} << i))) text(fmt::format("{}=NP", field(f).name));   // of megaflows: it is not there
      else if (place_of(f, tlv_).bytes == 0 || m_.get_mask(f, tlv_).is_zero()) text(field(f).name);
      else put(f);
    }
  }

  void vlans() {
    vlan(m_.value.vlan_tci.host(), m_.mask.vlan_tci.host(), "");
    vlan(m_.value.vlan2_tci.host(), m_.mask.vlan2_tci.host(), "1");  // of packets: OpenFlow does not match on it
  }

  void vlan(uint16_t value, uint16_t mask, std::string_view nth) {
    if (mask == 0) return;
    bool vid = (mask & 0x1fff) == 0x1fff, pcp = (mask & 0xf000) == 0xf000;
    bool no_vid_bits = (mask & 0xfff) == 0, no_pcp_bits = (mask & 0xe000) == 0;
    if ((value & kVlanPresent) && (vid || (pcp && no_vid_bits)) && (pcp || no_pcp_bits)) {
      if (vid) text(fmt::format("dl_vlan{}={}", nth, value & 0xfff));
      if (pcp) text(fmt::format("dl_vlan_pcp{}={}", nth, value >> 13));
    } else if (mask == 0xffff) {
      text(fmt::format("vlan_tci{}=0x{:04x}", nth, value));
    } else {
      text(fmt::format("vlan_tci{}=0x{:04x}/0x{:04x}", nth, value, mask));
    }
  }

  void ipv6_label() {
    if (!m_.mask.ipv6_label) return;
    text(fmt::format("ipv6_label=0x{:05x}", m_.value.ipv6_label.host()));
    if (!m_.is_exact(FieldId::kIpv6Label, tlv_)) out_ += fmt::format("/0x{:05x}", m_.mask.ipv6_label.host());
  }

  void network() {
    uint16_t type = l3_type();
    if (type == 0x86dd) {
      put(FieldId::kIpv6Src);
      put(FieldId::kIpv6Dst);
      ipv6_label();
      put(FieldId::kIpv6ExtHdr);
    } else if (type == 0x0806 || type == 0x8035) {
      put(FieldId::kArpSpa);
      put(FieldId::kArpTpa);
    } else if (type == 0x894f) {
      for (FieldId f : {FieldId::kNshFlags, FieldId::kNshTtl, FieldId::kNshMdtype, FieldId::kNshNp}) put(f);
      put_hex(FieldId::kNshSpi);
      put(FieldId::kNshSi);
      for (int i = 0; i < 4; i++) put_hex(FieldId::kNshC1 + i);
    } else if (type == 0x88e7) {
      put(FieldId::kPbbIsid);
      put(FieldId::kPbbUca);
    } else {
      put(FieldId::kIpSrc);
      put(FieldId::kIpDst);
    }
    if (type == 0x0806 || type == 0x8035) {
      for (FieldId f : {FieldId::kArpOp, FieldId::kArpSha, FieldId::kArpTha}) put(f);
    } else if (!said_proto_) {
      put(FieldId::kNwProto);
    }
    if (m_.mask.nw_tos & 0xfc) text(fmt::format("nw_tos={}", m_.value.nw_tos & 0xfc));
    put(FieldId::kNwEcn);
    put(FieldId::kNwTtl);
  }

  void mpls() {
    for (FieldId f : {FieldId::kMplsLabel, FieldId::kMplsTc, FieldId::kMplsTtl, FieldId::kMplsBos}) put(f);
    for (unsigned i = 1; i < kMplsLabels; i++) {   // of packets: OpenFlow matches on the outermost
      be32 value = m_.value.mpls_lse[i], mask = m_.mask.mpls_lse[i];
      if (mask == be32(UINT32_MAX)) text(fmt::format("mpls_lse{}={}", i, value.host()));
      else if (mask) text(fmt::format("mpls_lse{}=0x{:08x}/0x{:08x}", i, value.host(), mask.host()));
    }
  }

  void transport() {
    uint16_t type = l3_type();
    uint8_t proto = m_.mask.nw_proto == 0xff ? m_.value.nw_proto : 0;
    bool icmp4 = type == 0x0800 && proto == 1, icmp6 = type == 0x86dd && proto == 58;
    if (icmp4 || icmp6) {
      put(FieldId::kIcmpType, "icmp_type");
      put(FieldId::kIcmpCode, "icmp_code");
      if (!icmp6) return;
      put(FieldId::kNdTarget);
      put(FieldId::kNdSll);
      put(FieldId::kNdTll);
      put(FieldId::kNdReserved);
      put(FieldId::kNdOptionsType);
      return;
    }
    put(FieldId::kTcpSrc, "tp_src");
    put(FieldId::kTcpDst, "tp_dst");
    put(FieldId::kTcpFlags);
  }
};

}  // namespace

void format_match(const Match& m, std::string& out, const NameMap* ports, const TlvTable* tlv, int priority) {
  Formatter(m, out, ports, tlv).run(priority);
}

std::string format_match(const Match& m) {
  std::string out;
  format_match(m, out);
  return out;
}

}  // namespace sluice::ofp

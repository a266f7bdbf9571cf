// SPDX-License-Identifier: Apache-2.0
// The fixed match of 1.0 as text, field by field, "*" for any value (OF1.0.1 5.2.3).
#include "lib/text.h"
#include "ofproto/openflow/match.h"
#include "ofproto/openflow/nxm_text.h"
#include "ofproto/openflow/port.h"

namespace sluice::ofp {
namespace {

enum : uint32_t {
  kInPort = 1 << 0, kVlan = 1 << 1, kSrc = 1 << 2, kDst = 1 << 3, kType = 1 << 4, kProto = 1 << 5, kTpSrc = 1 << 6, kTpDst = 1 << 7, kPcp = 1 << 20, kTos = 1 << 21,
};
constexpr unsigned kNwSrcShift = 8, kNwDstShift = 14;
constexpr uint16_t kIp = 0x0800, kArp = 0x0806, kRarp = 0x8035;

class Printer {
 public:
  Printer(ByteView match, const NameMap* ports) : r_(match), ports_(ports) {}
  std::string print() {
    wild_ = r_.u32();
    uint16_t in_port = r_.u16();
    MacAddr src, dst;
    r_.copy(src.b.data(), 6), r_.copy(dst.b.data(), 6);
    uint16_t vlan = r_.u16();
    uint8_t pcp = r_.u8();
    r_.skip(1);
    uint16_t type = r_.u16();
    uint8_t tos = r_.u8(), proto = r_.u8();
    r_.skip(2);
    be32 nw_src(r_.u32()), nw_dst(r_.u32());
    uint16_t tp_src = r_.u16(), tp_dst = r_.u16();
    if (has(kType)) keyword(type, proto);
    field("in_port", kInPort, format_port(port_from_of10(in_port).value_or(OFPP_NONE), ports_));
    field("dl_vlan", kVlan, fmt::format("{}", vlan));
    field("dl_vlan_pcp", kPcp, fmt::format("{}", pcp));
    field("dl_src", kSrc, sluice::format(src));
    field("dl_dst", kDst, sluice::format(dst));
    if (!said_type_) field("dl_type", kType, fmt::format("{:#06x}", type));
    address("nw_src", nw_src, kNwSrcShift);
    address("nw_dst", nw_dst, kNwDstShift);
    bool arp = has(kType) && (type == kArp || type == kRarp), icmp = has(kType) && type == kIp && has(kProto) && proto == 1;
    if (!said_proto_) field(arp ? "arp_op" : "nw_proto", kProto, fmt::format("{}", proto));
    field("nw_tos", kTos, fmt::format("{}", tos));
    field(icmp ? "icmp_type" : "tp_src", kTpSrc, fmt::format("{}", tp_src));
    field(icmp ? "icmp_code" : "tp_dst", kTpDst, fmt::format("{}", tp_dst));
    return out_;
  }

 private:
  bool has(uint32_t bit) const { return !(wild_ & bit); }
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
    std::string_view name = !has(kProto) ? "" : proto == 1 ? "icmp" : proto == 6 ? "tcp" : proto == 17 ? "udp" : proto == 132 ? "sctp" : "";
    said_proto_ = !name.empty();
    item(said_proto_ ? name : "ip");
  }
  void address(std::string_view name, be32 ip, unsigned shift) {
    unsigned ignored = wild_ >> shift & 63;   // low bits
    item(fmt::format("{}={}{}", name, ignored < 32 ? format_ipv4(ip) : "*", ignored && ignored < 32 ? fmt::format("/{}", 32 - ignored) : ""));
  }

  ByteReader r_;
  const NameMap* ports_;
  uint32_t wild_ = 0;
  std::string out_;
  bool said_type_ = false, said_proto_ = false;
};

}  // namespace

std::string format_of10_match(ByteView match, const NameMap* ports) { return Printer(match, ports).print(); }

}  // namespace sluice::ofp

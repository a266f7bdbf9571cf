// SPDX-License-Identifier: Apache-2.0
// Codec: switch description, TLV tables, connection-tracking flushes, IPFIX statistics.
#include <algorithm>

#include "datapath/l4.h"
#include "ofproto/openflow/codec_body.h"
#include "ofproto/openflow/codec_property.h"
#include "ofproto/openflow/mapped_address.h"

namespace sluice::ofp {
namespace {

constexpr size_t kDescText = 256, kSerialText = 32;

constexpr unsigned kTlvFields = 64, kTlvMaxBytes = 124;

Status decode_maps(ByteReader& r, std::vector<TlvMap>& maps) {
  while (r.remaining()) {
    TlvMap& map = maps.emplace_back();
    map.option_class = r.u16();
    map.option_type = r.u8();
    map.option_len = r.u8();
    map.index = r.u16();
    r.skip(2);
    if (!r.ok()) return fail(Error::OFPBRC_BAD_LEN);
    if (map.option_len % 4 || map.option_len > kTlvMaxBytes) return fail(Error::NXTTMFC_BAD_OPT_LEN);
    if (map.index >= kTlvFields) return fail(Error::NXTTMFC_BAD_FIELD_IDX);
  }
  return {};
}

void encode_maps(ByteWriter& w, const std::vector<TlvMap>& maps) {
  for (const TlvMap& m : maps) {
    w.u16(m.option_class);
    w.u8(m.option_type);
    w.u8(m.option_len);
    w.u16(m.index);
    w.zeros(2);
  }
}

enum : uint16_t { kCtOrig = 0, kCtReply = 1, kCtZone = 2, kCtMark = 3, kCtMarkMask = 4, kCtLabels = 5, kCtLabelsMask = 6 };
enum : uint16_t { kTupleSrc = 0, kTupleDst = 1, kTupleSrcPort = 2, kTupleDstPort = 3, kTupleIcmpId = 4, kTupleIcmpType = 5, kTupleIcmpCode = 6 };

template <typename T>
Status take(ByteReader& v, std::optional<T>& out) {
  T x{};
  if constexpr (std::is_same_v<T, Ipv6Addr>) v.copy(x.b.data(), 16);
  else if constexpr (sizeof(T) == 1) x = v.u8();
  else if constexpr (sizeof(T) == 2) x = v.u16();
  else x = v.u32();
  out = x;
  return v.ok() ? Status{} : fail(Error::OFPBPC_BAD_LEN);
}

Status decode_tuple(ByteReader v, uint8_t ip_proto, CtTuple& t) {
  v.skip(4);
  if (!v.ok()) return fail(Error::OFPBPC_BAD_LEN);
  while (v.remaining()) {
    auto p = next_property(v);
    if (!p) return fail(p.error());
    bool icmp = is_icmp(ip_proto);
    Status s;
    switch (p->type) {
      case kTupleSrc: s = take(p->value, t.src); break;
      case kTupleDst: s = take(p->value, t.dst); break;
      case kTupleSrcPort: s = take(p->value, t.src_port); break;
      case kTupleDstPort: s = take(p->value, t.dst_port); break;
      case kTupleIcmpId: s = icmp ? take(p->value, t.icmp_id) : fail(unknown_property(*p)); break;
      case kTupleIcmpType: s = icmp ? take(p->value, t.icmp_type) : fail(unknown_property(*p)); break;
      case kTupleIcmpCode: s = icmp ? take(p->value, t.icmp_code) : fail(unknown_property(*p)); break;
      default: s = fail(unknown_property(*p));
    }
    if (!s) return s;
  }
  return {};
}

/// The addresses of both directions are of one family.
bool is_one_family(const CtFlush& m) {
  bool v4 = false, v6 = false;
  for (const auto* a : {&m.original.src, &m.original.dst, &m.reply.src, &m.reply.dst})
    if (*a) (is_v4_mapped(**a) ? v4 : v6) = true;
  return !(v4 && v6);
}

template <typename T>
void put(ByteWriter& w, uint16_t type, const std::optional<T>& value) {
  if (!value) return;
  PropertyWriter p(w, type);
  if constexpr (std::is_same_v<T, Ipv6Addr>) w.bytes(value->b);
  else if constexpr (sizeof(T) == 1) w.u8(*value);
  else if constexpr (sizeof(T) == 4) w.u32(*value);
  else w.u32(static_cast<uint32_t>(*value) << 16);  // u16 and two zeros that count
  p.close();
}

void encode_tuple(ByteWriter& w, uint16_t type, const CtTuple& t) {
  bool empty = !t.src && !t.dst && !t.src_port && !t.dst_port && !t.icmp_id && !t.icmp_type && !t.icmp_code;
  if (empty) return;
  PropertyWriter p(w, type);
  w.zeros(4);
  put(w, kTupleSrc, t.src);
  put(w, kTupleDst, t.dst);
  put(w, kTupleSrcPort, t.src_port);
  put(w, kTupleDstPort, t.dst_port);
  put(w, kTupleIcmpId, t.icmp_id);
  put(w, kTupleIcmpType, t.icmp_type);
  put(w, kTupleIcmpCode, t.icmp_code);
  p.close();
}

}  // namespace

Status decode_body(ByteReader& r, const BodyContext&, DescReply& m) {
  m.mfr_desc = read_text(r, kDescText);
  m.hw_desc = read_text(r, kDescText);
  m.sw_desc = read_text(r, kDescText);
  m.serial_num = read_text(r, kSerialText);
  m.dp_desc = read_text(r, kDescText);
  return {};
}

Status encode_body(ByteWriter& w, const BodyContext&, const DescReply& m) {
  w.text(m.mfr_desc, kDescText);
  w.text(m.hw_desc, kDescText);
  w.text(m.sw_desc, kDescText);
  w.text(m.serial_num, kSerialText);
  w.text(m.dp_desc, kDescText);
  return {};
}

Status decode_body(ByteReader& r, const BodyContext&, TlvTableMod& m) {
  uint16_t command = r.u16();
  r.skip(6);
  if (!r.ok()) return fail(Error::OFPBRC_BAD_LEN);
  if (command > static_cast<uint16_t>(TlvTableCommand::kClear)) return fail(Error::NXTTMFC_BAD_COMMAND);
  m.command = static_cast<TlvTableCommand>(command);
  return decode_maps(r, m.maps);
}

Status encode_body(ByteWriter& w, const BodyContext&, const TlvTableMod& m) {
  w.u16(static_cast<uint16_t>(m.command));
  w.zeros(6);
  encode_maps(w, m.maps);
  return {};
}

Status decode_body(ByteReader& r, const BodyContext&, TlvTableReply& m) {
  m.max_option_space = r.u32();
  m.max_fields = r.u16();
  r.skip(10);
  if (!r.ok()) return fail(Error::OFPBRC_BAD_LEN);
  return decode_maps(r, m.maps);
}

Status encode_body(ByteWriter& w, const BodyContext&, const TlvTableReply& m) {
  w.u32(m.max_option_space);
  w.u16(m.max_fields);
  w.zeros(10);
  encode_maps(w, m.maps);
  return {};
}

Status decode_body(ByteReader& r, const BodyContext&, CtFlush& m) {
  m.ip_proto = r.u8();
  ByteView zeros = r.bytes(7);
  if (!r.ok()) return fail(Error::OFPBRC_BAD_LEN);
  if (std::ranges::any_of(zeros, [](uint8_t b) { return b != 0; })) return fail(Error::NXBRC_MUST_BE_ZERO);
  while (r.remaining()) {
    auto p = next_property(r);
    if (!p) return fail(p.error());
    Status s;
    switch (p->type) {
      case kCtOrig: s = decode_tuple(p->value, m.ip_proto, m.original); break;
      case kCtReply: s = decode_tuple(p->value, m.ip_proto, m.reply); break;
      case kCtZone: s = take(p->value, m.zone); break;
      case kCtMark: s = take(p->value, m.mark); break;
      case kCtMarkMask: s = take(p->value, m.mark_mask); break;
      case kCtLabels: s = take(p->value, m.labels); break;
      case kCtLabelsMask: s = take(p->value, m.labels_mask); break;
      default: s = fail(unknown_property(*p));
    }
    if (!s) return s;
  }
  return is_one_family(m) ? Status{} : fail(Error::OFPBPC_BAD_VALUE);
}

Status encode_body(ByteWriter& w, const BodyContext&, const CtFlush& m) {
  w.u8(m.ip_proto);
  w.zeros(7);
  encode_tuple(w, kCtOrig, m.original);
  encode_tuple(w, kCtReply, m.reply);
  put(w, kCtZone, m.zone);
  put(w, kCtMark, m.mark);
  put(w, kCtMarkMask, m.mark_mask);
  put(w, kCtLabels, m.labels);
  put(w, kCtLabelsMask, m.labels_mask);
  return {};
}

Status decode_body(ByteReader& r, const BodyContext&, IpfixStatsReply& m) {
  while (r.ok() && r.remaining()) {
    IpfixStats& s = m.entries.emplace_back();
    for (uint64_t* x : {&s.total_flows, &s.current_flows, &s.pkts, &s.ipv4_pkts, &s.ipv6_pkts, &s.error_pkts, &s.ipv4_error_pkts, &s.ipv6_error_pkts,
                        &s.tx_pkts, &s.tx_errors})
      *x = r.u64();
    s.collector_set_id = r.u32();
    r.skip(4);
  }
  return {};
}

Status encode_body(ByteWriter& w, const BodyContext& ctx, const IpfixStatsReply& m) {
  for (const IpfixStats& s : m.entries) {
    size_t start = w.size();
    for (uint64_t x : {s.total_flows, s.current_flows, s.pkts, s.ipv4_pkts, s.ipv6_pkts, s.error_pkts, s.ipv4_error_pkts, s.ipv6_error_pkts, s.tx_pkts,
                       s.tx_errors})
      w.u64(x);
    w.u32(s.collector_set_id);
    w.zeros(4);
    if (Status done = entry_done(ctx, start); !done) return done;
  }
  return {};
}

}  // namespace sluice::ofp

// SPDX-License-Identifier: Apache-2.0
// Irregular bodies: clone, ct and nat, bundle, controller2, encap (spec/actions.md section 3).
#include <algorithm>

#include "ofproto/openflow/action_io.h"
#include "ofproto/openflow/action_words.h"

namespace sluice::ofp {
namespace {

ActionContext deeper(const ActionContext& ctx) {
  ActionContext c = ctx;
  c.depth++;
  return c;
}

}  // namespace

// --- clone ---

Result<Action> read_clone(ByteReader& r, const ActionContext& ctx) {
  r.skip(6);
  if (!r.ok()) return fail(Error::OFPBAC_BAD_LEN);
  Clone clone;
  if (Status s = read_action_list(ByteReader(r.rest()), deeper(ctx), clone.actions); !s) return fail(s.error());
  return clone;
}

Status write_clone(const Action& a, ByteWriter& w, const ActionContext& ctx) {
  w.zeros(6);
  return write_action_list(std::get<Clone>(a.v).actions, w, deeper(ctx));
}

// --- ct ---

namespace {
enum : uint16_t { NX_CT_F_COMMIT = 1, NX_CT_F_FORCE = 2 };
}

Result<Action> read_ct(ByteReader& r, const ActionContext& ctx) {
  Ct ct;
  ReadIo io{r, ctx};
  uint16_t flags = r.u16();
  bool has_source = r.remaining() >= 4 && load_be<uint32_t>(r.position()) != 0;
  if (has_source) {
    io.field(ct.zone_src, Error::OFPBMC_BAD_FIELD);
    io.ofs_nbits(ct.zone_src);
    if (ct.zone_src.n_bits != 16) io.raise(Error::OFPBAC_BAD_SET_LEN);
  } else {
    r.skip(4);
    ct.zone = r.u16();
  }
  ct.recirc_table = r.u8();
  io.zero(3);
  ct.alg = r.u16();
  if (!r.ok()) return fail(Error::OFPBAC_BAD_LEN);
  if (io.error) return fail(*io.error);
  if (flags & ~(NX_CT_F_COMMIT | NX_CT_F_FORCE)) return fail(Error::OFPBAC_BAD_ARGUMENT);
  ct.commit = flags & NX_CT_F_COMMIT;
  ct.force = flags & NX_CT_F_FORCE;
  if (ct.force && !ct.commit) return fail(Error::OFPBAC_BAD_ARGUMENT);
  if (Status s = read_action_list(ByteReader(r.rest()), deeper(ctx), ct.actions); !s) return fail(s.error());
  return ct;
}

Status write_ct(const Action& a, ByteWriter& w, const ActionContext& ctx) {
  const Ct& ct = std::get<Ct>(a.v);
  WriteIo io{w, ctx};
  w.u16(static_cast<uint16_t>((ct.commit ? NX_CT_F_COMMIT : 0) | (ct.force ? NX_CT_F_FORCE : 0)));
  if (ct.zone_src.field != FieldId::kNone) {
    io.field(ct.zone_src);
    io.ofs_nbits(ct.zone_src);
  } else {
    w.zeros(4);
    w.u16(ct.zone);
  }
  w.u8(ct.recirc_table);
  w.zeros(3);
  w.u16(ct.alg);
  if (io.error) return fail(*io.error);
  return write_action_list(ct.actions, w, deeper(ctx));
}

// --- nat ---

namespace {
enum : uint16_t {
  NX_NAT_F_SRC = 1, NX_NAT_F_DST = 2, NX_NAT_F_PERSISTENT = 4, NX_NAT_F_HASH = 8, NX_NAT_F_RANDOM = 16, kNatFlags = 31,
  NX_NAT_RANGE_IPV4_MIN = 1, NX_NAT_RANGE_IPV4_MAX = 2, NX_NAT_RANGE_IPV6_MIN = 4, NX_NAT_RANGE_IPV6_MAX = 8, NX_NAT_RANGE_PROTO_MIN = 16,
  NX_NAT_RANGE_PROTO_MAX = 32, kNatRanges = 63,
};
}

Result<Action> read_nat(ByteReader& r, const ActionContext&) {
  Nat n;
  r.skip(2);
  uint16_t flags = r.u16(), ranges = r.u16();
  if ((flags & ~kNatFlags) || (ranges & ~kNatRanges)) return fail(Error::OFPBAC_BAD_ARGUMENT);
  n.src = flags & NX_NAT_F_SRC;
  n.dst = flags & NX_NAT_F_DST;
  n.persistent = flags & NX_NAT_F_PERSISTENT;
  n.hash = flags & NX_NAT_F_HASH;
  n.random = flags & NX_NAT_F_RANDOM;
  if ((n.src && n.dst) || (n.hash && n.random)) return fail(Error::OFPBAC_BAD_ARGUMENT);
  auto ipv6 = [&] {
    Ipv6Addr ip;
    r.copy(ip.b.data(), 16);
    return ip;
  };
  if (ranges & NX_NAT_RANGE_IPV4_MIN) n.ipv4_min = be32(r.u32());
  if (ranges & NX_NAT_RANGE_IPV4_MAX) n.ipv4_max = be32(r.u32());
  if (ranges & NX_NAT_RANGE_IPV6_MIN) n.ipv6_min = ipv6();
  if (ranges & NX_NAT_RANGE_IPV6_MAX) n.ipv6_max = ipv6();
  if (ranges & NX_NAT_RANGE_PROTO_MIN) n.port_min = r.u16();
  if (ranges & NX_NAT_RANGE_PROTO_MAX) n.port_max = r.u16();
  if (!r.ok()) return fail(Error::OFPBAC_BAD_LEN);
  bool both = n.ipv4_min && n.ipv6_min;
  bool max_alone = (n.ipv4_max && !n.ipv4_min) || (n.ipv6_max && !n.ipv6_min) || (n.port_max && !n.port_min);
  bool reversed = (n.ipv4_max && *n.ipv4_max < *n.ipv4_min) || (n.ipv6_max && *n.ipv6_max < *n.ipv6_min) || (n.port_max && *n.port_max < *n.port_min);
  bool without_direction = !n.src && !n.dst && (ranges || n.persistent || n.hash || n.random);
  if (both || max_alone || reversed || without_direction) return fail(Error::OFPBAC_BAD_ARGUMENT);
  return n;
}

Status write_nat(const Action& a, ByteWriter& w, const ActionContext&) {
  const Nat& n = std::get<Nat>(a.v);
  auto bit = [](bool on, int b) { return on ? b : 0; };
  w.zeros(2);
  w.u16(static_cast<uint16_t>(bit(n.src, NX_NAT_F_SRC) | bit(n.dst, NX_NAT_F_DST) | bit(n.persistent, NX_NAT_F_PERSISTENT) |
                              bit(n.hash, NX_NAT_F_HASH) | bit(n.random, NX_NAT_F_RANDOM)));
  w.u16(static_cast<uint16_t>(bit(n.ipv4_min.has_value(), NX_NAT_RANGE_IPV4_MIN) | bit(n.ipv4_max.has_value(), NX_NAT_RANGE_IPV4_MAX) |
                              bit(n.ipv6_min.has_value(), NX_NAT_RANGE_IPV6_MIN) | bit(n.ipv6_max.has_value(), NX_NAT_RANGE_IPV6_MAX) |
                              bit(n.port_min.has_value(), NX_NAT_RANGE_PROTO_MIN) | bit(n.port_max.has_value(), NX_NAT_RANGE_PROTO_MAX)));
  if (n.ipv4_min) w.u32(n.ipv4_min->host());
  if (n.ipv4_max) w.u32(n.ipv4_max->host());
  if (n.ipv6_min) w.bytes(n.ipv6_min->b);
  if (n.ipv6_max) w.bytes(n.ipv6_max->b);
  if (n.port_min) w.u16(*n.port_min);
  if (n.port_max) w.u16(*n.port_max);
  return {};
}

// --- bundle ---

namespace {

constexpr uint32_t kMemberTypePort = 0x00000002;  // NXM_OF_IN_PORT

Result<Action> read_bundle_body(ByteReader& r, const ActionContext& ctx, bool load) {
  Bundle b;
  ReadIo io{r, ctx};
  uint16_t algorithm = r.u16(), fields = r.u16();
  b.basis = r.u16();
  uint32_t type = r.u32();
  uint16_t n = r.u16();
  if (load) {
    io.ofs_nbits(b.dst);
    io.field(b.dst);
  } else {
    io.zero(6);
  }
  io.zero(4);
  if (!r.ok()) return fail(Error::OFPBAC_BAD_LEN);
  if (io.error) return fail(*io.error);
  bool known = algorithm <= static_cast<uint16_t>(BundleAlgorithm::kHrw) && fields <= static_cast<uint16_t>(HashFields::kSymmetricL3);
  if (!known || type != kMemberTypePort || n > kMaxBundleMembers) return fail(Error::OFPBAC_BAD_ARGUMENT);
  if (r.remaining() != (n * 2u + 7) / 8 * 8) return fail(Error::OFPBAC_BAD_LEN);
  b.algorithm = static_cast<BundleAlgorithm>(algorithm);
  b.fields = static_cast<HashFields>(fields);
  for (unsigned i = 0; i < n; i++) {
    OfpPort p;
    io.port16(p);
    b.members.push_back(p);
  }
  io.zero(r.remaining());
  if (io.error) return fail(*io.error);
  return b;
}

}  // namespace

Result<Action> read_bundle(ByteReader& r, const ActionContext& ctx) { return read_bundle_body(r, ctx, false); }
Result<Action> read_bundle_load(ByteReader& r, const ActionContext& ctx) { return read_bundle_body(r, ctx, true); }

Status write_bundle(const Action& a, ByteWriter& w, const ActionContext& ctx) {
  const Bundle& b = std::get<Bundle>(a.v);
  WriteIo io{w, ctx};
  w.u16(static_cast<uint16_t>(b.algorithm));
  w.u16(static_cast<uint16_t>(b.fields));
  w.u16(b.basis);
  w.u32(kMemberTypePort);
  w.u16(static_cast<uint16_t>(b.members.size()));
  if (b.dst.field != FieldId::kNone) {
    io.ofs_nbits(b.dst);
    io.field(b.dst);
  } else {
    w.zeros(6);
  }
  w.zeros(4);
  for (OfpPort p : b.members) io.port16(p);
  if (io.error) return fail(*io.error);
  return {};
}

// --- controller2: properties ---

namespace {
enum : uint16_t { kMaxLen, kControllerId, kReason, kUserdata, kPause, kMeterId };

/// Head and body of a property, padded to 8 (the padding is not in the length).
template <typename Fn>
void write_property(ByteWriter& w, uint16_t type, Fn body) {
  size_t start = w.size();
  w.u16(type);
  w.u16(0);
  body();
  w.patch_u16(start + 2, static_cast<uint16_t>(w.size() - start));
  w.pad(start, 8);
}

Status read_controller_property(Controller& c, uint16_t type, ByteReader p) {
  switch (type) {
    case kMaxLen: c.max_len = p.u16(); break;
    case kControllerId: c.controller_id = p.u16(); break;
    case kReason: {
      uint8_t reason = p.u8();
      if (reason > static_cast<uint8_t>(PacketInReason::kPacketOut)) return fail(Error::NXBRC_BAD_REASON);
      c.reason = static_cast<PacketInReason>(reason);
      break;
    }
    case kUserdata: {
      ByteView v = p.rest();
      c.userdata.assign(v.begin(), v.end());
      break;
    }
    case kPause: c.pause = true; break;
    case kMeterId: c.meter_id = p.u32(); break;
    default: return fail(Error::OFPBPC_BAD_TYPE);
  }
  if (!p.ok()) return fail(Error::OFPBPC_BAD_LEN);
  return {};
}
}  // namespace

Result<Action> read_controller2(ByteReader& r, const ActionContext&) {
  Controller c;
  ByteView pad = r.bytes(6);
  if (!r.ok()) return fail(Error::OFPBAC_BAD_LEN);
  if (std::any_of(pad.begin(), pad.end(), [](uint8_t b) { return b; })) return fail(Error::NXBRC_MUST_BE_ZERO);
  while (r.remaining()) {
    uint16_t type = r.u16(), length = r.u16();
    if (!r.ok() || length < 4) return fail(Error::OFPBPC_BAD_LEN);
    size_t padded = (length + 7u) / 8 * 8;
    if (padded - 4 > r.remaining()) return fail(Error::OFPBPC_BAD_LEN);
    ByteReader p = r.sub(padded - 4).sub(length - 4u);
    if (auto ok = read_controller_property(c, type, p); !ok) return fail(ok.error());
  }
  return c;
}

Status write_controller2(const Action& a, ByteWriter& w, const ActionContext&) {
  const Controller& c = std::get<Controller>(a.v);
  w.zeros(6);
  if (c.max_len != kNoBufferLen) write_property(w, kMaxLen, [&] { w.u32(static_cast<uint32_t>(c.max_len) << 16); });  // two zeros count
  if (c.controller_id) write_property(w, kControllerId, [&] { w.u32(static_cast<uint32_t>(c.controller_id) << 16); });
  if (c.reason != PacketInReason::kAction) write_property(w, kReason, [&] { w.u8(static_cast<uint8_t>(c.reason)); });
  if (!c.userdata.empty()) write_property(w, kUserdata, [&] { w.bytes(c.userdata); });
  if (c.pause) write_property(w, kPause, [] {});
  if (c.meter_id) write_property(w, kMeterId, [&] { w.u32(c.meter_id); });
  return {};
}

// --- encap ---

namespace {
constexpr uint16_t kNshClass = 4;
enum : uint8_t { kMdType = 1, kTlv = 2 };

Status read_encap_property(Encap& e, uint8_t type, ByteReader p) {
  if (type == kMdType) {
    if (p.remaining() != 1) return fail(Error::NXBAC_BAD_ED_PROP);
    e.nsh_md_type = p.u8();
    if (*e.nsh_md_type != 1 && *e.nsh_md_type != 2) return fail(Error::NXBAC_BAD_ED_PROP);
    return {};
  }
  if (type != kTlv) return fail(Error::NXBAC_UNKNOWN_ED_PROP);
  EncapNshTlv t;
  t.tlv_class = p.u16();
  t.type = p.u8();
  uint8_t n = p.u8();
  ByteView data = p.bytes(n);
  if (!p.ok() || p.remaining() > 7) return fail(Error::NXBAC_BAD_ED_PROP);  // padding may be counted
  t.data.assign(data.begin(), data.end());
  e.nsh_tlvs.push_back(std::move(t));
  return {};
}
}  // namespace

Result<Action> read_encap(ByteReader& r, const ActionContext&) {
  Encap e;
  r.skip(2);
  e.packet_type = r.u32();
  if (!r.ok()) return fail(Error::OFPBAC_BAD_LEN);
  if (std::ranges::find(kEncapNames, e.packet_type, &EncapName::packet_type) == std::end(kEncapNames))
    return fail(Error::NXBAC_BAD_HEADER_TYPE);
  while (r.remaining()) {
    uint16_t property_class = r.u16();
    uint8_t type = r.u8(), length = r.u8();
    if (!r.ok() || length < 4) return fail(Error::NXBAC_BAD_ED_PROP);
    size_t padded = (length + 7u) / 8 * 8;
    if (padded - 4 > r.remaining()) return fail(Error::OFPBAC_BAD_LEN);
    ByteReader p = r.sub(padded - 4).sub(length - 4u);
    if (property_class != kNshClass || e.packet_type != kPacketTypeNsh) return fail(Error::NXBAC_UNKNOWN_ED_PROP);
    if (auto ok = read_encap_property(e, type, p); !ok) return fail(ok.error());
  }
  return e;
}

Status write_encap(const Action& a, ByteWriter& w, const ActionContext&) {
  const Encap& e = std::get<Encap>(a.v);
  w.zeros(2);
  w.u32(e.packet_type);
  // The length of a TLV counts its padding, as Open vSwitch wants it; that of the MD type does not.
  auto property = [&](uint8_t type, auto body) {
    size_t start = w.size();
    w.u16(kNshClass);
    w.u8(type);
    w.u8(0);
    body();
    size_t length = w.size() - start;
    w.pad(start, 8);
    w.out()[start + 3] = static_cast<uint8_t>(type == kTlv ? w.size() - start : length);
  };
  if (e.nsh_md_type) property(kMdType, [&] { w.u8(*e.nsh_md_type); });
  for (const EncapNshTlv& t : e.nsh_tlvs) {
    if (t.data.size() > 240) return fail(Error::NXBAC_BAD_ED_PROP);
    property(kTlv, [&] {
      w.u16(t.tlv_class);
      w.u8(t.type);
      w.u8(static_cast<uint8_t>(t.data.size()));
      w.bytes(t.data);
    });
  }
  return {};
}

}  // namespace sluice::ofp

// SPDX-License-Identifier: Apache-2.0
// The table of action encodings (OF1.0.1 5.2.4, OF1.3.5 7.2.5, OF1.5.1 7.2.6; Nicira: spec/actions.md section 3).
// Bodies begin after the common head: 4 bytes in the standard form, 10 in the vendor forms.
#include "ofproto/openflow/action_io.h"

namespace sluice::ofp {
namespace {

constexpr auto kPad4 = [](auto& io, auto&) { io.pad(4); };
constexpr auto kPopVlan = [](auto& io, auto& a) {
  io.pad(4);
  if constexpr (std::remove_reference_t<decltype(io)>::kReads) a.as_pop = true;
};
constexpr auto kPad6 = [](auto& io, auto&) { io.pad(6); };

// --- Standard ---
constexpr auto kToSomewhere = [](auto& io, OfpPort port) {
  if (std::decay_t<decltype(io)>::kReads && port == OFPP_NONE) io.raise(Error::OFPBAC_BAD_OUT_PORT);
};
constexpr auto kOutput10 = [](auto& io, auto& a) { io.port16(a.port); io.u16(a.max_len); kToSomewhere(io, a.port); };
constexpr auto kOutput11 = [](auto& io, auto& a) {
  io.port32(a.port);
  kToSomewhere(io, a.port);
  io.u16(a.max_len);
  io.pad(6);
};
/// Refuses a value that was read and does not fit into the header field.
constexpr auto kAtMost = [](auto& io, auto value, auto max) {
  if constexpr (std::remove_reference_t<decltype(io)>::kReads)
    if (value > max) io.raise(Error::OFPBAC_BAD_ARGUMENT);
};
// 1.0 tags an untagged packet.
constexpr auto kPushIf10 = [](auto& io, auto& a) {
  if constexpr (std::remove_reference_t<decltype(io)>::kReads) a.push_if_needed = io.ctx.version == Version::k10;
};
constexpr auto kVid = [](auto& io, auto& a) { io.u16(a.vid); io.pad(2); kAtMost(io, a.vid, 0xfff); kPushIf10(io, a); };
constexpr auto kPcp = [](auto& io, auto& a) { io.u8(a.pcp); io.pad(3); kAtMost(io, a.pcp, 7); kPushIf10(io, a); };
constexpr auto kMac = [](auto& io, auto& a) { io.mac(a.mac); io.pad(6); };
constexpr auto kIp = [](auto& io, auto& a) { io.ip(a.ip); };
constexpr auto kTos = [](auto& io, auto& a) { io.u8(a.tos); io.pad(3); kAtMost(io, a.tos & 3, 0); };
constexpr auto kEcn = [](auto& io, auto& a) { io.u8(a.ecn); io.pad(3); kAtMost(io, a.ecn, 3); };
constexpr auto kPort = [](auto& io, auto& a) { io.u16(a.port); io.pad(2); };
constexpr auto kEnqueue = [](auto& io, auto& a) { io.port16(a.port); io.pad(6); io.u32(a.queue); };
constexpr auto kLabel = [](auto& io, auto& a) { io.u32(a.label); kAtMost(io, a.label, 0xfffffu); };
constexpr auto kTc = [](auto& io, auto& a) { io.u8(a.tc); io.pad(3); kAtMost(io, a.tc, 7); };
constexpr auto kTtl = [](auto& io, auto& a) { io.u8(a.ttl); io.pad(3); };
constexpr auto kEthertype = [](auto& io, auto& a) { io.u16(a.ethertype); io.pad(2); };
constexpr auto kQueue = [](auto& io, auto& a) { io.u32(a.queue); };
constexpr auto kGroup = [](auto& io, auto& a) { io.u32(a.group); };
constexpr auto kMeter = [](auto& io, auto& a) { io.u32(a.meter_id); };
constexpr auto kCopyField = [](auto& io, auto& a) {
  io.u16(a.src.n_bits);
  io.u16(a.src.ofs);
  io.u16(a.dst.ofs);
  io.pad(2);
  io.std_field(a.src.field);
  io.std_field(a.dst.field);
  if constexpr (std::remove_reference_t<decltype(io)>::kReads) a.dst.n_bits = a.src.n_bits;
};

// --- Nicira ---
constexpr auto kNxResubmit = [](auto& io, auto& a) {
  io.port16(a.in_port);
  io.pad(4);
  if constexpr (std::remove_reference_t<decltype(io)>::kReads) a.old_form = true;
};
constexpr auto kNxResubmitTable = [](auto& io, auto& a) {
  io.port16(a.in_port);
  io.u8(a.table);
  io.pad(3);
};
constexpr auto kNxResubmitCt = [](auto& io, auto& a) {
  kNxResubmitTable(io, a);
  if constexpr (std::remove_reference_t<decltype(io)>::kReads) a.ct = true;
};
constexpr auto kNxSetTunnel = [](auto& io, auto& a) {
  io.pad(2);
  if constexpr (std::remove_reference_t<decltype(io)>::kReads) {
    uint32_t id = 0;
    io.u32(id);
    a.id = id;
  } else {
    io.u32(static_cast<uint32_t>(a.id));
  }
};
constexpr auto kNxSetTunnel64 = [](auto& io, auto& a) {
  io.pad(6);
  io.u64(a.id);
  if constexpr (std::remove_reference_t<decltype(io)>::kReads) a.is_64 = true;
};
constexpr auto kNxQueue = [](auto& io, auto& a) { io.pad(2); io.u32(a.queue); };
constexpr auto kNxGroup = [](auto& io, auto& a) { io.pad(2); io.u32(a.group); };
constexpr auto kOnfCopyField = [](auto& io, auto& a) {
  io.pad(2);
  kCopyField(io, a);
  if constexpr (std::remove_reference_t<decltype(io)>::kReads) a.as_onf = true;
};
constexpr auto kNxMove = [](auto& io, auto& a) {
  io.u16(a.src.n_bits);
  io.u16(a.src.ofs);
  io.u16(a.dst.ofs);
  io.field(a.src, Error::OFPBMC_BAD_FIELD);
  io.field(a.dst, Error::OFPBMC_BAD_FIELD);
  if constexpr (std::remove_reference_t<decltype(io)>::kReads) a.dst.n_bits = a.src.n_bits;
};
constexpr auto kNxEthertype = [](auto& io, auto& a) { io.u16(a.ethertype); io.pad(4); };
constexpr auto kNxTtl = [](auto& io, auto& a) { io.u8(a.ttl); io.pad(5); };
constexpr auto kNxTc = [](auto& io, auto& a) { io.u8(a.tc); io.pad(5); kAtMost(io, a.tc, 7); };
constexpr auto kNxLabel = [](auto& io, auto& a) { io.pad(2); io.u32(a.label); kAtMost(io, a.label, 0xfffffu); };
constexpr auto kNxMultipath = [](auto& io, auto& a) {
  constexpr bool reads = std::remove_reference_t<decltype(io)>::kReads;
  uint16_t fields = static_cast<uint16_t>(a.fields), algorithm = static_cast<uint16_t>(a.algorithm);
  uint16_t max_link = static_cast<uint16_t>(a.n_links - 1);
  io.u16(fields);
  io.u16(a.basis);
  io.pad(2);
  io.u16(algorithm);
  io.u16(max_link);
  io.u32(a.arg);
  io.pad(2);
  io.ofs_nbits(a.dst);
  io.field(a.dst);
  if constexpr (reads) {
    if (fields > static_cast<uint16_t>(HashFields::kSymmetricL3) || algorithm > static_cast<uint16_t>(MultipathAlgorithm::kIterHash))
      return io.raise(Error::OFPBAC_BAD_ARGUMENT);
    a.fields = static_cast<HashFields>(fields);
    a.algorithm = static_cast<MultipathAlgorithm>(algorithm);
    a.n_links = max_link + 1u;
  }
};
constexpr auto kNxOutputReg = [](auto& io, auto& a) { io.ofs_nbits(a.src); io.field(a.src, Error::OFPBMC_BAD_FIELD); io.u16(a.max_len); io.zero(6); };
constexpr auto kNxOutputReg2 = [](auto& io, auto& a) { io.ofs_nbits(a.src); io.u16(a.max_len); io.field(a.src, Error::OFPBMC_BAD_FIELD); };
constexpr auto kNxFinTimeout = [](auto& io, auto& a) { io.u16(a.idle); io.u16(a.hard); io.pad(2); };
constexpr auto kNxController = [](auto& io, auto& a) {
  uint8_t reason = static_cast<uint8_t>(a.reason);
  io.u16(a.max_len);
  io.u16(a.controller_id);
  io.u8(reason);
  io.zero(1);
  if constexpr (std::remove_reference_t<decltype(io)>::kReads) {
    if (reason > static_cast<uint8_t>(PacketInReason::kPacketOut)) return io.raise(Error::NXBRC_BAD_REASON);
    a.reason = static_cast<PacketInReason>(reason);
  }
};
constexpr auto kNxWriteMetadata = [](auto& io, auto& a) { io.zero(6); io.u64(a.value); io.u64(a.mask); };
constexpr auto kNxStackPush = [](auto& io, auto& a) { io.u16(a.src.ofs); io.field(a.src, Error::OFPBMC_BAD_FIELD); io.u16(a.src.n_bits); };
constexpr auto kNxStackPop = [](auto& io, auto& a) { io.u16(a.dst.ofs); io.field(a.dst, Error::OFPBMC_BAD_FIELD); io.u16(a.dst.n_bits); };
constexpr auto kNxSample = [](auto& io, auto& a) {
  io.u16(a.probability);
  io.u32(a.collector_set_id);
  io.u32(a.obs_domain_id);
  io.u32(a.obs_point_id);
};
constexpr auto kNxSample2 = [](auto& io, auto& a) { kNxSample(io, a); io.port16(a.sampling_port); io.pad(6); };
constexpr auto kDirection = [](auto& io, auto& a) {
  uint8_t direction = static_cast<uint8_t>(a.direction);
  io.u8(direction);
  if constexpr (std::remove_reference_t<decltype(io)>::kReads) {
    if (direction > 2) return io.raise(Error::OFPBAC_BAD_ARGUMENT);
    a.direction = static_cast<Sample::Direction>(direction);
  }
};
constexpr auto kNxSample3 = [](auto& io, auto& a) { kNxSample(io, a); io.port16(a.sampling_port); kDirection(io, a); io.zero(5); };
/// A header and ofs_nbits, or header 0 and a number in the same 4 bytes.
constexpr auto kFieldOrId = [](auto& io, auto& src, auto& id) {
  if constexpr (std::remove_reference_t<decltype(io)>::kReads) {
    if (load_be<uint32_t>(io.r.remaining() >= 4 ? io.r.position() : reinterpret_cast<const uint8_t*>("\0\0\0\0")) == 0) {
      io.pad(4);
      io.u32(id);
    } else {
      io.field(src);
      io.ofs_nbits(src);
      io.pad(2);
    }
  } else if (src.field == FieldId::kNone) {
    io.pad(4);
    io.u32(id);
  } else {
    io.field(src);
    io.ofs_nbits(src);
    io.pad(2);
  }
};
constexpr auto kNxSample4 = [](auto& io, auto& a) {
  io.u16(a.probability);
  io.u32(a.collector_set_id);
  kFieldOrId(io, a.obs_domain_src, a.obs_domain_id);
  kFieldOrId(io, a.obs_point_src, a.obs_point_id);
  io.port16(a.sampling_port);
  kDirection(io, a);
  io.zero(5);
};
constexpr auto kNxConjunction = [](auto& io, auto& a) { io.u8(a.clause); io.u8(a.n_clauses); io.u32(a.id); };
constexpr auto kNxOutputTrunc = [](auto& io, auto& a) { io.port16(a.port); io.u32(a.max_len); };
constexpr auto kNxDecap = [](auto& io, auto& a) {
  io.pad(2);
  io.u32(a.packet_type);
  if constexpr (std::remove_reference_t<decltype(io)>::kReads)
    if (io.ctx.version < Version::k13) io.raise(Error::OFPBAC_BAD_VENDOR_TYPE);  // sent in all versions, understood from 1.3 on
};
constexpr auto kNxCheckPktLarger = [](auto& io, auto& a) {
  io.u16(a.length);
  io.u16(a.dst.ofs);
  io.field(a.dst);
  if constexpr (std::remove_reference_t<decltype(io)>::kReads) a.dst.n_bits = 1;
};
constexpr auto kNxDeleteField = [](auto& io, auto& a) { io.field(a.field); io.pad(10); };  // always 24 bytes
constexpr auto kNxDecTtlIds = [](auto& io, auto& a) {
  uint16_t n = static_cast<uint16_t>(a.controller_ids.size());
  io.u16(n);
  io.zero(4);
  if constexpr (std::remove_reference_t<decltype(io)>::kReads) {
    if (n == 0 || n > io.r.remaining() / 2) return io.raise(n ? Error::OFPBAC_BAD_LEN : Error::OFPBAC_BAD_ARGUMENT);
    a.controller_ids.resize(n);
  }
  for (auto& id : a.controller_ids) io.u16(id);
};
constexpr auto kNxNote = [](auto& io, auto& a) {
  if constexpr (std::remove_reference_t<decltype(io)>::kReads) {
    ByteView v = io.r.rest();
    a.data.assign(v.begin(), v.end());
  } else {
    io.w.bytes(a.data);
  }
};

// --- Which of several encodings a value needs ---
bool as_onf(const Action& a) { return std::get<Move>(a.v).as_onf; }
bool resubmit_old(const Action& a) { return std::get<Resubmit>(a.v).old_form; }
bool resubmit_ct(const Action& a) { return std::get<Resubmit>(a.v).ct; }
bool tunnel_32(const Action& a) { return !std::get<SetTunnel>(a.v).is_64 && std::get<SetTunnel>(a.v).id <= UINT32_MAX; }
bool no_ids(const Action& a) { return std::get<DecTtl>(a.v).controller_ids.empty(); }
bool short_source(const Action& a) { return !wire_id_of(std::get<OutputReg>(a.v).src.field, Version::k10)->header.is_experimenter(); }
bool simple_controller(const Action& a) {
  const Controller& c = std::get<Controller>(a.v);
  return c.userdata.empty() && !c.pause && c.meter_id == 0;
}
bool simple_learn(const Action& a) {
  const Learn& l = std::get<Learn>(a.v);
  return l.limit == 0 && l.result_dst.field == FieldId::kNone && !l.as_learn2;
}
bool bundle_without_load(const Action& a) { return std::get<Bundle>(a.v).dst.field == FieldId::kNone; }
bool ids_only(const Sample& s) { return s.obs_domain_src.field == FieldId::kNone && s.obs_point_src.field == FieldId::kNone; }
bool sample1(const Action& a) {
  const Sample& s = std::get<Sample>(a.v);
  return ids_only(s) && s.sampling_port == OFPP_NONE && s.direction == Sample::Direction::kDefault;
}
bool sample2(const Action& a) { return ids_only(std::get<Sample>(a.v)) && std::get<Sample>(a.v).direction == Sample::Direction::kDefault; }
bool sample3(const Action& a) { return ids_only(std::get<Sample>(a.v)); }
bool as_set_field(const Action& a) { return std::get<SetField>(a.v).form == SetField::Form::kSetField; }
/// load can say it: an NXM header of 4 bytes, one run of at most 64 bits.
bool as_load(const Action& a) {
  const SetField& s = std::get<SetField>(a.v);
  const WireId* id = wire_id_of(s.field, Version::k10);
  auto run = mask_run(s.field, s.mask);
  return id && !id->header.is_experimenter() && !is_tun_metadata(s.field) && run && run->n_bits <= 64;
}

using enum WireForm;
using enum Version;
#define ROW(name, form, number, first, last, type, layout, ...) \
  WireRow{#name, form, number, first, last, kKind<type>, read_layout<type, layout>, write_layout<type, layout>, __VA_ARGS__}
#define IRREGULAR(name, form, number, first, last, type, read, write, ...) WireRow{#name, form, number, first, last, kKind<type>, read_irregular<read>, write, __VA_ARGS__}

// For writing, the first row of a kind whose versions and `fits` agree is taken.  For reading, form, number and version decide.
constexpr WireRow kRows[] = {
    ROW(OFPAT_OUTPUT, kStandard, 0, k10, k10, Output, kOutput10, nullptr),
    ROW(OFPAT_OUTPUT, kStandard, 0, k11, k15, Output, kOutput11, nullptr),
    ROW(OFPAT_SET_VLAN_VID, kStandard, 1, k10, k15, SetVlanVid, kVid, nullptr),
    ROW(OFPAT_SET_VLAN_PCP, kStandard, 2, k10, k15, SetVlanPcp, kPcp, nullptr),
    ROW(OFPAT_STRIP_VLAN, kStandard, 3, k10, k10, StripVlan, kPad4, nullptr),
    ROW(OFPAT_POP_VLAN, kStandard, 18, k11, k15, StripVlan, kPopVlan, nullptr),
    ROW(OFPAT_SET_DL_SRC, kStandard, 4, k10, k10, SetEthSrc, kMac, nullptr),
    ROW(OFPAT_SET_DL_SRC, kStandard, 3, k11, k15, SetEthSrc, kMac, nullptr),
    ROW(OFPAT_SET_DL_DST, kStandard, 5, k10, k10, SetEthDst, kMac, nullptr),
    ROW(OFPAT_SET_DL_DST, kStandard, 4, k11, k15, SetEthDst, kMac, nullptr),
    ROW(OFPAT_SET_NW_SRC, kStandard, 6, k10, k10, SetIpSrc, kIp, nullptr),
    ROW(OFPAT_SET_NW_SRC, kStandard, 5, k11, k15, SetIpSrc, kIp, nullptr),
    ROW(OFPAT_SET_NW_DST, kStandard, 7, k10, k10, SetIpDst, kIp, nullptr),
    ROW(OFPAT_SET_NW_DST, kStandard, 6, k11, k15, SetIpDst, kIp, nullptr),
    ROW(OFPAT_SET_NW_TOS, kStandard, 8, k10, k10, SetIpTos, kTos, nullptr),
    ROW(OFPAT_SET_NW_TOS, kStandard, 7, k11, k15, SetIpTos, kTos, nullptr),
    ROW(OFPAT_SET_NW_ECN, kStandard, 8, k11, k15, SetIpEcn, kEcn, nullptr),
    ROW(OFPAT_SET_TP_SRC, kStandard, 9, k10, k15, SetL4Src, kPort, nullptr),
    ROW(OFPAT_SET_TP_DST, kStandard, 10, k10, k15, SetL4Dst, kPort, nullptr),
    ROW(OFPAT_ENQUEUE, kStandard, 11, k10, k10, Enqueue, kEnqueue, nullptr),
    ROW(OFPAT_COPY_TTL_OUT, kStandard, 11, k11, k15, CopyTtlOut, kPad4, nullptr),
    ROW(OFPAT_COPY_TTL_IN, kStandard, 12, k11, k15, CopyTtlIn, kPad4, nullptr),
    ROW(OFPAT_SET_MPLS_LABEL, kStandard, 13, k11, k15, SetMplsLabel, kLabel, nullptr),
    ROW(OFPAT_SET_MPLS_TC, kStandard, 14, k11, k15, SetMplsTc, kTc, nullptr),
    ROW(OFPAT_SET_MPLS_TTL, kStandard, 15, k11, k15, SetMplsTtl, kTtl, nullptr),
    ROW(OFPAT_DEC_MPLS_TTL, kStandard, 16, k11, k15, DecMplsTtl, kPad4, nullptr),
    ROW(OFPAT_PUSH_VLAN, kStandard, 17, k11, k15, PushVlan, kEthertype, nullptr),
    ROW(OFPAT_PUSH_MPLS, kStandard, 19, k11, k15, PushMpls, kEthertype, nullptr),
    ROW(OFPAT_POP_MPLS, kStandard, 20, k11, k15, PopMpls, kEthertype, nullptr),
    ROW(OFPAT_SET_QUEUE, kStandard, 21, k11, k15, SetQueue, kQueue, nullptr),
    ROW(OFPAT_GROUP, kStandard, 22, k11, k15, Group, kGroup, nullptr),
    ROW(OFPAT_SET_NW_TTL, kStandard, 23, k11, k15, SetIpTtl, kTtl, nullptr),
    ROW(OFPAT_DEC_NW_TTL, kStandard, 24, k11, k15, DecTtl, kPad4, no_ids),
    IRREGULAR(OFPAT_SET_FIELD, kStandard, 25, k12, k15, SetField, read_set_field, write_set_field, as_set_field),
    ROW(OFPAT_PUSH_PBB, kStandard, 26, k13, k15, PushPbb, kEthertype, nullptr),
    ROW(OFPAT_POP_PBB, kStandard, 27, k13, k15, PopPbb, kPad4, nullptr),
    ROW(OFPAT_COPY_FIELD, kStandard, 28, k15, k15, Move, kCopyField, nullptr, 7),
    ROW(OFPAT_METER, kStandard, 29, k15, k15, Meter, kMeter, nullptr),

    ROW(ONFACT_COPY_FIELD, kOnf, 3200, k13, k14, Move, kOnfCopyField, as_onf, 7),

    ROW(NXAST_RESUBMIT, kNicira, 1, k10, k15, Resubmit, kNxResubmit, resubmit_old),
    ROW(NXAST_RESUBMIT_TABLE_CT, kNicira, 44, k10, k15, Resubmit, kNxResubmitCt, resubmit_ct),
    ROW(NXAST_RESUBMIT_TABLE, kNicira, 14, k10, k15, Resubmit, kNxResubmitTable, nullptr),
    ROW(NXAST_SET_TUNNEL, kNicira, 2, k10, k15, SetTunnel, kNxSetTunnel, tunnel_32),
    ROW(NXAST_SET_TUNNEL64, kNicira, 9, k10, k15, SetTunnel, kNxSetTunnel64, nullptr),
    ROW(NXAST_SET_QUEUE, kNicira, 4, k10, k10, SetQueue, kNxQueue, nullptr),
    ROW(NXAST_POP_QUEUE, kNicira, 5, k10, k15, PopQueue, kPad6, nullptr),
    ROW(NXAST_REG_MOVE, kNicira, 6, k10, k14, Move, kNxMove, nullptr, 7),
    IRREGULAR(NXAST_REG_LOAD, kNicira, 7, k10, k14, SetField, read_load, write_load, as_load),
    IRREGULAR(NXAST_REG_LOAD2, kNicira, 33, k10, k14, SetField, read_load2, write_load2, nullptr),
    ROW(NXAST_NOTE, kNicira, 8, k10, k15, Note, kNxNote, nullptr),
    ROW(NXAST_MULTIPATH, kNicira, 10, k10, k15, Multipath, kNxMultipath, nullptr),
    IRREGULAR(NXAST_BUNDLE, kNicira, 12, k10, k15, Bundle, read_bundle, write_bundle, bundle_without_load),
    IRREGULAR(NXAST_BUNDLE_LOAD, kNicira, 13, k10, k15, Bundle, read_bundle_load, write_bundle, nullptr),
    ROW(NXAST_OUTPUT_REG, kNicira, 15, k10, k15, OutputReg, kNxOutputReg, short_source),
    ROW(NXAST_OUTPUT_REG2, kNicira, 32, k10, k15, OutputReg, kNxOutputReg2, nullptr, 7),
    IRREGULAR(NXAST_LEARN, kNicira, 16, k10, k15, Learn, read_learn, write_learn, simple_learn),
    IRREGULAR(NXAST_LEARN2, kNicira, 45, k10, k15, Learn, read_learn2, write_learn2, nullptr),
    ROW(NXAST_EXIT, kNicira, 17, k10, k15, Exit, kPad6, nullptr),
    ROW(NXAST_DEC_TTL, kNicira, 18, k10, k10, DecTtl, kPad6, no_ids),
    ROW(NXAST_DEC_TTL_CNT_IDS, kNicira, 21, k10, k15, DecTtl, kNxDecTtlIds, nullptr, 7),
    ROW(NXAST_FIN_TIMEOUT, kNicira, 19, k10, k15, FinTimeout, kNxFinTimeout, nullptr),
    ROW(NXAST_CONTROLLER, kNicira, 20, k10, k15, Controller, kNxController, simple_controller),
    IRREGULAR(NXAST_CONTROLLER2, kNicira, 37, k10, k15, Controller, read_controller2, write_controller2, nullptr),
    ROW(NXAST_WRITE_METADATA, kNicira, 22, k10, k10, WriteMetadata, kNxWriteMetadata, nullptr),
    ROW(NXAST_PUSH_MPLS, kNicira, 23, k10, k10, PushMpls, kNxEthertype, nullptr),
    ROW(NXAST_POP_MPLS, kNicira, 24, k10, k10, PopMpls, kNxEthertype, nullptr),
    ROW(NXAST_SET_MPLS_TTL, kNicira, 25, k10, k10, SetMplsTtl, kNxTtl, nullptr),
    ROW(NXAST_DEC_MPLS_TTL, kNicira, 26, k10, k10, DecMplsTtl, kPad6, nullptr),
    ROW(NXAST_STACK_PUSH, kNicira, 27, k10, k15, StackPush, kNxStackPush, nullptr, 7),
    ROW(NXAST_STACK_POP, kNicira, 28, k10, k15, StackPop, kNxStackPop, nullptr, 7),
    ROW(NXAST_SAMPLE, kNicira, 29, k10, k15, Sample, kNxSample, sample1),
    ROW(NXAST_SAMPLE2, kNicira, 38, k10, k15, Sample, kNxSample2, sample2),
    ROW(NXAST_SAMPLE3, kNicira, 41, k10, k15, Sample, kNxSample3, sample3),
    ROW(NXAST_SAMPLE4, kNicira, 51, k10, k15, Sample, kNxSample4, nullptr, 7),
    ROW(NXAST_SET_MPLS_LABEL, kNicira, 30, k10, k10, SetMplsLabel, kNxLabel, nullptr),
    ROW(NXAST_SET_MPLS_TC, kNicira, 31, k10, k10, SetMplsTc, kNxTc, nullptr),
    ROW(NXAST_CONJUNCTION, kNicira, 34, k10, k15, Conjunction, kNxConjunction, nullptr),
    IRREGULAR(NXAST_CT, kNicira, 35, k10, k15, Ct, read_ct, write_ct, nullptr),
    IRREGULAR(NXAST_NAT, kNicira, 36, k10, k15, Nat, read_nat, write_nat, nullptr, 7),
    ROW(NXAST_OUTPUT_TRUNC, kNicira, 39, k10, k15, OutputTrunc, kNxOutputTrunc, nullptr),
    ROW(NXAST_GROUP, kNicira, 40, k10, k10, Group, kNxGroup, nullptr),
    IRREGULAR(NXAST_CLONE, kNicira, 42, k10, k15, Clone, read_clone, write_clone, nullptr),
    ROW(NXAST_CT_CLEAR, kNicira, 43, k10, k15, CtClear, kPad6, nullptr),
    IRREGULAR(NXAST_ENCAP, kNicira, 46, k13, k15, Encap, read_encap, write_encap, nullptr),
    ROW(NXAST_DECAP, kNicira, 47, k10, k15, Decap, kNxDecap, nullptr),
    ROW(NXAST_DEC_NSH_TTL, kNicira, 48, k13, k15, DecNshTtl, kPad6, nullptr),
    ROW(NXAST_CHECK_PKT_LARGER, kNicira, 49, k10, k15, CheckPktLarger, kNxCheckPktLarger, nullptr, 7),
    ROW(NXAST_DELETE_FIELD, kNicira, 50, k10, k15, DeleteField, kNxDeleteField, nullptr),
    ROW(NXAST_DEBUG_SLOW, kNicira, 254, k10, k15, DebugSlow, kPad6, nullptr),
    ROW(NXAST_DEBUG_RECIRC, kNicira, 255, k10, k15, DebugRecirc, kPad6, nullptr),
};
#undef ROW
#undef IRREGULAR

}  // namespace

namespace {

constexpr size_t kStandardNumbers = 32, kNiciraNumbers = 256;
static_assert(std::size(kRows) < 255);

/// [version][number] -> row + 1.
template <size_t N>
constexpr auto make_index(WireForm form) {
  std::array<std::array<uint8_t, N>, 7> t{};
  for (size_t i = std::size(kRows); i-- > 0;) {
    const WireRow& r = kRows[i];
    if (r.form != form) continue;
    for (int v = static_cast<int>(r.first); v <= static_cast<int>(r.last); v++) t[static_cast<size_t>(v)][r.number] = static_cast<uint8_t>(i + 1);
  }
  return t;
}
constexpr auto kStandardIndex = make_index<kStandardNumbers>(WireForm::kStandard);
constexpr auto kNiciraIndex = make_index<kNiciraNumbers>(WireForm::kNicira);

/// [version][kind] -> first row that may write it + 1.
constexpr auto make_kind_index() {
  std::array<std::array<uint8_t, std::variant_size_v<Action::Variant>>, 7> t{};
  for (size_t i = std::size(kRows); i-- > 0;) {
    const WireRow& r = kRows[i];
    for (int v = static_cast<int>(r.first); v <= static_cast<int>(r.last); v++) t[static_cast<size_t>(v)][r.kind] = static_cast<uint8_t>(i + 1);
  }
  return t;
}
constexpr auto kKindIndex = make_kind_index();

}  // namespace

std::span<const WireRow> action_rows() { return kRows; }

const WireRow* row_to_read(WireForm form, uint16_t number, Version v) {
  size_t version = static_cast<size_t>(v);
  uint8_t row = 0;
  if (form == WireForm::kStandard && number < kStandardNumbers) row = kStandardIndex[version][number];
  if (form == WireForm::kNicira && number < kNiciraNumbers) row = kNiciraIndex[version][number];
  if (row) return &kRows[row - 1];
  if (form != WireForm::kOnf) return nullptr;
  for (const WireRow& r : kRows)
    if (r.form == form && r.number == number && r.first <= v && v <= r.last) return &r;
  return nullptr;
}

const WireRow* row_to_write(const Action& a, Version v) {
  size_t first = kKindIndex[static_cast<size_t>(v)][a.v.index()];
  if (first == 0) return nullptr;
  for (size_t i = first - 1; i < std::size(kRows); i++) {
    const WireRow& r = kRows[i];
    if (r.kind == a.v.index() && r.first <= v && v <= r.last && (!r.fits || r.fits(a))) return &r;
  }
  return nullptr;
}

}  // namespace sluice::ofp

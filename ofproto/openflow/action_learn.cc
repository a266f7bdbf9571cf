// SPDX-License-Identifier: Apache-2.0
// learn and learn2 on the wire (spec/actions.md, "learn specs").
#include "ofproto/openflow/action_io.h"

namespace sluice::ofp {
namespace {

enum : uint16_t { kSendFlowRem = 1, kDeleteLearned = 2, kWriteResult = 4 };
enum : uint16_t { kImmediate = 1 << 13, kDstMask = 3 << 11, kNbitsMask = 0x3ff };

void read_fixed(ByteReader& r, Learn& l, uint16_t& flags) {
  l.idle_timeout = r.u16();
  l.hard_timeout = r.u16();
  l.priority = r.u16();
  l.cookie = r.u64();
  flags = r.u16();
  l.table = r.u8();
  r.skip(1);
  l.fin_idle_timeout = r.u16();
  l.fin_hard_timeout = r.u16();
  l.send_flow_rem = flags & kSendFlowRem;
  l.delete_learned = flags & kDeleteLearned;
}

Status read_spec(ByteReader& r, uint16_t header, LearnSpec& s, ReadIo& io) {
  s.n_bits = header & kNbitsMask;
  unsigned dst = (header & kDstMask) >> 11;
  if (dst > 2 || s.n_bits == 0 || (header >> 14)) return fail(Error::OFPBAC_BAD_ARGUMENT);
  s.kind = static_cast<LearnSpec::Kind>(dst);
  if (header & kImmediate) {
    size_t bytes = (s.n_bits + 15u) / 16 * 2, want = (s.n_bits + 7u) / 8;
    ByteView v = r.bytes(bytes);
    if (!r.ok()) return fail(Error::OFPBAC_BAD_LEN);
    s.immediate.assign(v.subspan(bytes - want));
    unsigned top = s.n_bits % 8;
    if ((bytes > want && v[0]) || (top && s.immediate.data()[0] >> top)) return fail(Error::OFPBAC_BAD_ARGUMENT);
  } else {
    io.field(s.src);
    s.src.ofs = r.u16();
    s.src.n_bits = s.n_bits;
  }
  if (s.kind != LearnSpec::Kind::kOutput) {
    io.field(s.dst);
    s.dst.ofs = r.u16();
    s.dst.n_bits = s.n_bits;
  } else if (header & kImmediate) {
    return fail(Error::OFPBAC_BAD_ARGUMENT);
  }
  if (!r.ok()) return fail(Error::OFPBAC_BAD_LEN);
  if (io.error) return fail(*io.error);
  return {};
}

Status read_specs(ByteReader& r, Learn& l, const ActionContext& ctx) {
  ReadIo io{r, ctx};
  while (r.remaining() >= 2) {
    uint16_t header = r.u16();
    if (header == 0) break;
    LearnSpec s;
    if (auto ok = read_spec(r, header, s, io); !ok) return ok;
    l.specs.push_back(std::move(s));
  }
  for (uint8_t b : r.rest())
    if (b) return fail(Error::OFPBAC_BAD_ARGUMENT);
  return {};
}

void write_fixed(ByteWriter& w, const Learn& l) {
  w.u16(l.idle_timeout);
  w.u16(l.hard_timeout);
  w.u16(l.priority);
  w.u64(l.cookie);
  bool result = l.result_dst.field != FieldId::kNone;
  w.u16(static_cast<uint16_t>((l.send_flow_rem ? kSendFlowRem : 0) | (l.delete_learned ? kDeleteLearned : 0) | (result ? kWriteResult : 0)));
  w.u8(l.table);
  w.zeros(1);
  w.u16(l.fin_idle_timeout);
  w.u16(l.fin_hard_timeout);
}

Status write_specs(ByteWriter& w, const Learn& l, const ActionContext& ctx) {
  WriteIo io{w, ctx};
  for (const LearnSpec& s : l.specs) {
    bool immediate = s.src.field == FieldId::kNone;
    w.u16(static_cast<uint16_t>(s.n_bits | static_cast<unsigned>(s.kind) << 11 | (immediate ? kImmediate : 0)));
    if (immediate) {
      size_t bytes = (s.n_bits + 15u) / 16 * 2;
      w.zeros(bytes - s.immediate.size());
      w.bytes(s.immediate.bytes());
    } else {
      io.field(s.src);
      w.u16(s.src.ofs);
    }
    if (s.kind != LearnSpec::Kind::kOutput) {
      io.field(s.dst);
      w.u16(s.dst.ofs);
    }
  }
  if (io.error) return fail(*io.error);
  return {};
}

}  // namespace

Result<Action> read_learn(ByteReader& r, const ActionContext& ctx) {
  Learn l;
  uint16_t flags;
  read_fixed(r, l, flags);
  if (!r.ok()) return fail(Error::OFPBAC_BAD_LEN);
  if (flags & ~(kSendFlowRem | kDeleteLearned)) return fail(Error::OFPBAC_BAD_ARGUMENT);
  if (auto ok = read_specs(r, l, ctx); !ok) return fail(ok.error());
  return l;
}

Result<Action> read_learn2(ByteReader& r, const ActionContext& ctx) {
  Learn l;
  l.as_learn2 = true;
  uint16_t flags;
  read_fixed(r, l, flags);
  l.limit = r.u32();
  uint16_t ofs = r.u16();
  r.skip(2);
  if (!r.ok()) return fail(Error::OFPBAC_BAD_LEN);
  if (flags & ~(kSendFlowRem | kDeleteLearned | kWriteResult)) return fail(Error::OFPBAC_BAD_ARGUMENT);
  if (flags & kWriteResult) {
    ReadIo io{r, ctx};
    io.field(l.result_dst, Error::OFPBMC_BAD_FIELD);
    l.result_dst.ofs = ofs;
    l.result_dst.n_bits = 1;
    if (!r.ok()) return fail(Error::OFPBAC_BAD_LEN);
    if (io.error) return fail(*io.error);
  } else if (ofs) {
    return fail(Error::OFPBAC_BAD_ARGUMENT);
  }
  if (auto ok = read_specs(r, l, ctx); !ok) return fail(ok.error());
  return l;
}

Status write_learn(const Action& a, ByteWriter& w, const ActionContext& ctx) {
  const Learn& l = std::get<Learn>(a.v);
  write_fixed(w, l);
  return write_specs(w, l, ctx);
}

Status write_learn2(const Action& a, ByteWriter& w, const ActionContext& ctx) {
  const Learn& l = std::get<Learn>(a.v);
  write_fixed(w, l);
  w.u32(l.limit);
  bool result = l.result_dst.field != FieldId::kNone;
  w.u16(result ? l.result_dst.ofs : 0);
  w.zeros(2);
  if (result) {
    WriteIo io{w, ctx};
    io.field(l.result_dst);
    if (io.error) return fail(*io.error);
  }
  return write_specs(w, l, ctx);
}

}  // namespace sluice::ofp

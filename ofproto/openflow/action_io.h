// SPDX-License-Identifier: Apache-2.0
// How action layouts are described: once, for reader and writer.
//
// A layout is a generic function `[](auto& io, auto& action)` that names the parts of an action's body in order; `io` is a ReadIo or a
// WriteIo with the same methods.  A WireRow says where a layout is used: form and number, versions, and for which values.
// Irregular actions (learn, ct, ...) write a ReadFn and a WriteFn by hand.
#pragma once

#include <algorithm>
#include <optional>
#include <span>

#include "ofproto/openflow/action.h"
#include "ofproto/openflow/port.h"

namespace sluice::ofp {

struct ActionContext {
  Version version = Version::k10;
  const TlvTable* tlv = nullptr;
  unsigned depth = 0;              // of nesting
  bool in_rule = false;            // not in a packet-out or bucket: write_metadata in its form of 1.0 may stand here
};

struct ReadIo {
  static constexpr bool kReads = true;
  ByteReader& r;
  const ActionContext& ctx;
  std::optional<Error> error{};

  void raise(Error e) { if (!error) error = e; }
  void u8(uint8_t& x) { x = r.u8(); }
  void u16(uint16_t& x) { x = r.u16(); }
  void u32(uint32_t& x) { x = r.u32(); }
  void u64(uint64_t& x) { x = r.u64(); }
  void ip(be32& x) { x = be32(r.u32()); }
  void mac(MacAddr& x) { r.copy(x.b.data(), 6); }
  void pad(size_t n) { r.skip(n); }
  void zero(size_t n) {
    ByteView v = r.bytes(n);
    if (std::any_of(v.begin(), v.end(), [](uint8_t b) { return b != 0; })) raise(Error::NXBAC_MUST_BE_ZERO);
  }
  void port16(OfpPort& p) {
    if (auto n = port_from_of10(r.u16())) p = *n;
    else raise(Error::OFPBAC_BAD_OUT_PORT);
  }
  void port32(OfpPort& p) {
    if (auto n = port_from_of11(r.u32())) p = *n;
    else raise(n.error());
  }
  void ofs_nbits(Subfield& s) {
    uint16_t v = r.u16();
    s.ofs = v >> 6;
    s.n_bits = (v & 0x3f) + 1;
  }
  /// A field header of 4 or 8 bytes; a mask bit says nothing here.  `unknown`: the error for others, which differs between actions.
  void field(FieldId& f, Error unknown = Error::OFPBAC_BAD_SET_TYPE) {
    auto h = read_wire_header(r);
    if (!h) return;  // r is not ok
    const WireId* id = find_wire_id(*h);
    bool known = id && (is_tun_metadata(id->field) || *h == id->header || *h == with_mask(id->header));
    if (!known) return raise(unknown);
    f = id->field;
  }
  void field(Subfield& s, Error unknown = Error::OFPBAC_BAD_SET_TYPE) { field(s.field, unknown); }
  void std_field(FieldId& f) { field(f); }
};

struct WriteIo {
  static constexpr bool kReads = false;
  ByteWriter& w;
  const ActionContext& ctx;
  std::optional<Error> error{};

  void raise(Error e) { if (!error) error = e; }
  void u8(const uint8_t& x) { w.u8(x); }
  void u16(const uint16_t& x) { w.u16(x); }
  void u32(const uint32_t& x) { w.u32(x); }
  void u64(const uint64_t& x) { w.u64(x); }
  void ip(const be32& x) { w.u32(x.host()); }
  void mac(const MacAddr& x) { w.bytes(x.b.data(), 6); }
  void pad(size_t n) { w.zeros(n); }
  void zero(size_t n) { w.zeros(n); }
  void port16(const OfpPort& p) { w.u16(port_to_of10(p)); }
  void port32(const OfpPort& p) { w.u32(p.value); }
  void ofs_nbits(const Subfield& s) { w.u16(static_cast<uint16_t>(s.ofs << 6 | ((s.n_bits - 1) & 0x3f))); }
  /// Nicira's actions use NXM headers in all versions; std_field the version's own.
  void field(FieldId f, Error = {}) { header(f, Version::k10); }
  void field(const Subfield& s, Error = {}) { field(s.field); }
  void std_field(FieldId f) { header(f, ctx.version); }

 private:
  void header(FieldId f, Version v) {
    const WireId* id = wire_id_of(f, v);
    if (!id) return raise(Error::OFPBAC_BAD_SET_TYPE);
    WireHeader h = id->header;
    if (is_tun_metadata(f) && !(ctx.tlv && ctx.tlv->grows()))
      if (size_t n = wire_bytes_of(f, ctx.tlv)) h.header = (h.header & ~0xffu) | static_cast<uint32_t>(n);
    write_wire_header(w, h);
  }
};

/// Reads the body that `r` holds exactly (without the common head) into a new action.
using ReadFn = Status (*)(ByteReader& r, const ActionContext& ctx, Action& out);
/// Appends the body; the caller writes head and padding.
using WriteFn = Status (*)(const Action& a, ByteWriter& w, const ActionContext& ctx);

/// The field that set_field, load or move writes; null: another action.
inline const FieldId* written_field(const Action& a) {
  if (auto* s = a.as<SetField>()) return &s->field;
  if (auto* m = a.as<Move>()) return &m->dst.field;
  return nullptr;
}

enum class WireForm : uint8_t { kStandard, kNicira, kOnf };

struct WireRow {
  std::string_view name;                        // the specification's: "OFPAT_OUTPUT"
  WireForm form;
  uint16_t number;
  Version first, last;
  size_t kind;                                  // index in Action::Variant
  ReadFn read;
  WriteFn write;
  bool (*fits)(const Action& a);                // null: any value
  uint8_t tail = 0;                             // surplus bytes that a reader accepts (padding to 8)
};

template <typename T, typename V>
struct IndexOf;
template <typename T, typename... Ts>
struct IndexOf<T, std::variant<Ts...>> {
  static constexpr size_t value = [] {
    constexpr bool same[] = {std::is_same_v<T, Ts>...};
    for (size_t i = 0; i < sizeof...(Ts); i++)
      if (same[i]) return i;
    return sizeof...(Ts);
  }();
};
template <typename T>
inline constexpr size_t kKind = IndexOf<T, Action::Variant>::value;

template <typename T, auto Layout>
Status read_layout(ByteReader& r, const ActionContext& ctx, Action& out) {
  T& t = out.v.emplace<T>();
  ReadIo io{r, ctx};
  Layout(io, t);
  if (!r.ok()) return fail(Error::OFPBAC_BAD_LEN);
  if (io.error) return fail(*io.error);
  return {};
}
/// Of an irregular action.
template <Result<Action> (*Read)(ByteReader&, const ActionContext&)>
Status read_irregular(ByteReader& r, const ActionContext& ctx, Action& out) {
  auto action = Read(r, ctx);
  if (!action) return fail(action.error());
  out = std::move(*action);
  return {};
}
template <typename T, auto Layout>
Status write_layout(const Action& a, ByteWriter& w, const ActionContext& ctx) {
  WriteIo io{w, ctx};
  Layout(io, std::get<T>(a.v));
  if (io.error) return fail(*io.error);
  return {};
}

std::span<const WireRow> action_rows();
/// The row of a number on the wire, or nothing.
const WireRow* row_to_read(WireForm form, uint16_t number, Version v);
/// The first row that the version has for this value, or nothing.
const WireRow* row_to_write(const Action& a, Version v);

// Irregular bodies, by file.
Result<Action> read_learn(ByteReader& r, const ActionContext& ctx);
Result<Action> read_learn2(ByteReader& r, const ActionContext& ctx);
Status write_learn(const Action& a, ByteWriter& w, const ActionContext& ctx);
Status write_learn2(const Action& a, ByteWriter& w, const ActionContext& ctx);
Result<Action> read_ct(ByteReader& r, const ActionContext& ctx);
Status write_ct(const Action& a, ByteWriter& w, const ActionContext& ctx);
Result<Action> read_nat(ByteReader& r, const ActionContext& ctx);
Status write_nat(const Action& a, ByteWriter& w, const ActionContext& ctx);
Result<Action> read_clone(ByteReader& r, const ActionContext& ctx);
Status write_clone(const Action& a, ByteWriter& w, const ActionContext& ctx);
Result<Action> read_bundle(ByteReader& r, const ActionContext& ctx);
Result<Action> read_bundle_load(ByteReader& r, const ActionContext& ctx);
Status write_bundle(const Action& a, ByteWriter& w, const ActionContext& ctx);
Result<Action> read_controller2(ByteReader& r, const ActionContext& ctx);
Status write_controller2(const Action& a, ByteWriter& w, const ActionContext& ctx);
Result<Action> read_encap(ByteReader& r, const ActionContext& ctx);
Status write_encap(const Action& a, ByteWriter& w, const ActionContext& ctx);
Result<Action> read_set_field(ByteReader& r, const ActionContext& ctx);
Result<Action> read_load(ByteReader& r, const ActionContext& ctx);
Result<Action> read_load2(ByteReader& r, const ActionContext& ctx);
Status write_set_field(const Action& a, ByteWriter& w, const ActionContext& ctx);
Status write_load(const Action& a, ByteWriter& w, const ActionContext& ctx);
Status write_load2(const Action& a, ByteWriter& w, const ActionContext& ctx);

/// An action list; what is read is appended.
Status read_action_list(ByteReader r, const ActionContext& ctx, Actions& out);
Status write_action_list(const Actions& actions, ByteWriter& w, const ActionContext& ctx);

/// The contiguous run of ones in a mask as (ofs, n_bits); nothing if it is not one run.
std::optional<Subfield> mask_run(FieldId f, const FieldValue& mask);
/// What the action becomes in the version: itself, or other actions of the same effect (appended to out).
Status lower_action(const Action& a, Version version, Actions& out);
/// False: lower_action would give the action itself.
bool may_lower(const Action& a);

}  // namespace sluice::ofp

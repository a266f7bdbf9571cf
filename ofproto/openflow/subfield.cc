// SPDX-License-Identifier: Apache-2.0
// Subfields as text ("NXM_NX_REG0[0..15]") and their checks as source and destination.
#include <fmt/core.h>

#include <cctype>

#include "lib/log.h"
#include "lib/text.h"
#include "ofproto/openflow/field.h"
#include "ofproto/openflow/match.h"
#include "ofproto/openflow/text.h"

namespace sluice::ofp {

unsigned bits_of(FieldId f, const TlvTable* tlv) { return is_tun_metadata(f) ? place_of(f, tlv).bits : field(f).bits; }

unsigned make_room(const Subfield& s, const TlvTable* tlv) {
  if (is_tun_metadata(s.field) && tlv && tlv->grows()) {
    unsigned bytes = s.n_bits == field(s.field).bits ? 1 : (s.ofs + s.n_bits + 7u) / 8;  // "[]": whatever it has
    tlv->find_or_grow(static_cast<unsigned>(s.field - FieldId::kTunMetadata0), bytes);
  }
  return bits_of(s.field, tlv);
}

namespace {

Log log_fields("meta_flow");
LogLimit limit(1, 5);

Status check(const Subfield& s, const Match* match, const TlvTable* tlv, std::string_view role) {
  if (s.field == FieldId::kNone) return fail(Error::OFPBAC_BAD_SET_TYPE);
  unsigned bits = make_room(s, tlv);
  if (bits == 0) return fail(Error::NXFMFC_INVALID_TLV_FIELD);
  if (s.n_bits == 0 || s.ofs >= bits || s.ofs + s.n_bits > bits) return fail(Error::OFPBAC_BAD_SET_LEN);
  if (match && !has_prereq(s.field, *match)) {
    log_fields.warn(limit, "{} field {} lacks correct prerequisites", role, field(s.field).name);
    return fail(Error::OFPBAC_MATCH_INCONSISTENT);
  }
  return {};
}

}  // namespace

Status check_source(const Subfield& s, const Match* match, const TlvTable* tlv) { return check(s, match, tlv, "source"); }

Status check_destination(const Subfield& s, const Match* match, const TlvTable* tlv) {
  if (auto ok = check(s, match, tlv, "destination"); !ok) return ok;
  if (field(s.field).access == Access::kReadOnly) return fail(Error::OFPBAC_BAD_SET_ARGUMENT);
  return {};
}

TextResult<Subfield> parse_subfield_prefix(std::string_view& s) {
  size_t n = 0;
  while (n < s.size() && (std::isalnum(static_cast<unsigned char>(s[n])) || s[n] == '_')) n++;
  std::string_view name = s.substr(0, n);
  const Field* f = field_by_name(name);
  std::string_view whole_text = s;
  if (!f) return TextError(fmt::format("{}: unknown field `{}'", whole_text, name));
  if (!wire_id_of(f->id, Version::k15)) return TextError(fmt::format("{}: OpenFlow has no number for the field {}", whole_text, f->name));
  s.remove_prefix(n);
  Subfield out{f->id, 0, f->bits};
  if (s.empty() || s[0] != '[') return out;
  size_t close = s.find(']');
  if (close == s.npos) return TextError(fmt::format("{}: syntax error expecting [] or [<bit>] or [<start>..<end>]", whole_text));
  std::string_view range = s.substr(1, close - 1);
  s.remove_prefix(close + 1);
  if (range.empty()) return out;
  size_t dots = range.find("..");
  auto first = parse_number(range.substr(0, dots));
  auto last = dots == range.npos ? first : parse_number(range.substr(dots + 2));
  if (!first || !last) return TextError(fmt::format("{}: syntax error expecting [] or [<bit>] or [<start>..<end>]", whole_text));
  if (*first > *last) return TextError(fmt::format("{}: starting bit {} is after ending bit {}", whole_text, *first, *last));
  if (*first >= f->bits) return TextError(fmt::format("{}: starting bit {} is not valid because field is only {} bits wide", whole_text, *first, f->bits));
  if (*last >= f->bits) return TextError(fmt::format("{}: ending bit {} is not valid because field is only {} bits wide", whole_text, *last, f->bits));
  out.ofs = static_cast<uint16_t>(*first);
  out.n_bits = static_cast<uint16_t>(*last - *first + 1);
  return out;
}

TextResult<Subfield> parse_subfield(std::string_view text) {
  std::string_view s = text;
  auto out = parse_subfield_prefix(s);
  if (!out) return out;
  if (!s.empty()) return TextError(fmt::format("{}: trailing garbage in field", text));
  return out;
}

std::string format_subfield(const Subfield& s) {
  std::string out(wire_name(s.field));
  if (s.ofs == 0 && s.n_bits == field(s.field).bits) out += "[]";
  else if (s.n_bits == 1) append(out, "[{}]", s.ofs);
  else append(out, "[{}..{}]", s.ofs, s.ofs + s.n_bits - 1);
  return out;
}

}  // namespace sluice::ofp

// SPDX-License-Identifier: Apache-2.0
#include "ofproto/openflow/nxm_text.h"

#include <fmt/core.h>

#include "lib/text.h"
#include "ofproto/openflow/text.h"

namespace sluice::ofp {
namespace {

std::optional<Bytes> parse_hex(std::string_view s) {
  if (s.size() % 2) return std::nullopt;
  Bytes out;
  for (size_t i = 0; i < s.size(); i += 2) {
    auto n = parse_number(fmt::format("0x{}", s.substr(i, 2)));
    if (!n) return std::nullopt;
    out.push_back(static_cast<uint8_t>(*n));
  }
  return out;
}

/// NXM_NX_COOKIE restricts flow-mods and is no match field, so the table of fields does not have it.
constexpr uint32_t kCookieHeader = 0x00013c08;
bool is_cookie(WireHeader h) { return (h.header & 0xfffffe00) == (kCookieHeader & 0xfffffe00) && h.length() % 8 == 0; }

std::string name_of(WireHeader h) {
  if (is_cookie(h)) return "NXM_NX_COOKIE";
  const WireId* id = find_wire_id(h);
  if (id) return std::string(id->name);
  return h.is_experimenter() ? fmt::format("{:08x}{:08x}", h.header, h.experimenter) : fmt::format("{:08x}", h.header);
}

/// The header of "NAME" or "NAME_W"; its length is still to be set.
std::optional<WireHeader> header_of(std::string_view name) {
  if (const WireId* id = wire_id_by_name(name)) return id->header;
  bool masked = name.ends_with("_W");
  if (masked) name.remove_suffix(2);
  WireHeader h;
  if (const WireId* id = wire_id_by_name(name)) h = id->header;
  else if (name == "NXM_NX_COOKIE") h = {kCookieHeader, 0};
  else return std::nullopt;
  if (masked) h.header |= 0x100;
  return h;
}

void put(Bytes& out, WireHeader h) {
  ByteWriter w(out);
  write_wire_header(w, h);
}

std::expected<void, std::string> parse_tlv(std::string_view text, Bytes& out) {
  size_t open = text.find('('), close = text.rfind(')');
  if (open == text.npos) return std::unexpected(fmt::format("{}: missing ( at end of nx_match", text));
  if (close == text.npos || close < open) return std::unexpected(fmt::format("{}: missing ) at end of nx_match", text));
  std::string_view name = trim(text.substr(0, open)), payload = text.substr(open + 1, close - open - 1);
  size_t slash = payload.find('/');
  auto value = parse_hex(payload.substr(0, slash));
  auto mask = slash == payload.npos ? std::optional<Bytes>(Bytes()) : parse_hex(payload.substr(slash + 1));
  if (!value || !mask) return std::unexpected(fmt::format("{}: bad hex digits", text));
  if (auto h = header_of(name)) {
    h->header = (h->header & ~0xffu) | static_cast<uint32_t>((value->size() + mask->size() + (h->is_experimenter() ? 4 : 0)) & 0xff);
    put(out, *h);
  } else if (auto raw = parse_hex(name); raw && (raw->size() == 4 || raw->size() == 8)) {
    out.insert(out.end(), raw->begin(), raw->end());
  } else {
    return std::unexpected(fmt::format("unknown field `{}'", name));
  }
  out.insert(out.end(), value->begin(), value->end());
  out.insert(out.end(), mask->begin(), mask->end());
  return {};
}

}  // namespace

std::string format_nxm(ByteView tlvs) {
  if (tlvs.empty()) return "<any>";
  std::string out;
  ByteReader r(tlvs);
  while (r.remaining()) {
    if (!out.empty()) out += ", ";
    ByteReader whole = r;
    auto h = read_wire_header(r);
    size_t length = h ? h->length() : 0;
    if (h && h->is_experimenter()) length = length < 4 ? SIZE_MAX : length - 4;
    if (!h || length > r.remaining()) return out + hex(whole.rest());
    ByteView payload = r.bytes(length);
    out += name_of(*h);
    if (!h->has_mask()) out += fmt::format("({})", hex(payload));
    else out += fmt::format("_W({}/{})", hex(payload.first(length / 2)), hex(payload.subspan(length / 2)));
  }
  return out;
}

std::string format_nxm(const Match& m, const TlvTable* tlv) {
  Bytes wire;
  ByteWriter w(wire);
  encode_nxm(m, w, Version::k10, tlv);
  return wire.empty() ? std::string() : format_nxm(wire);
}

std::expected<Bytes, std::string> parse_nxm(std::string_view text) {
  Bytes out;
  text = trim(text);
  if (text == "<any>") return out;
  while (!text.empty()) {
    size_t close = text.find(')');
    std::string_view tlv = close == text.npos ? text : text.substr(0, close + 1);
    if (auto ok = parse_tlv(tlv, out); !ok) return std::unexpected(ok.error());
    text.remove_prefix(tlv.size());
    while (!text.empty() && (text[0] == ',' || text[0] == ' ' || text[0] == '\t')) text.remove_prefix(1);
  }
  return out;
}

}  // namespace sluice::ofp

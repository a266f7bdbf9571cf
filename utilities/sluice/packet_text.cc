// SPDX-License-Identifier: Apache-2.0
// See packet_text.h.  A packet's in_port is where it came from, which is not its own: it is left out everywhere here.
#include "utilities/sluice/packet_text.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

#include "datapath/checksum.h"
#include "datapath/compose.h"
#include "datapath/ethertype.h"
#include "datapath/odp_text.h"
#include "datapath/packet.h"
#include "lib/text.h"
#include "ofproto/openflow/flow_text.h"
#include "ofproto/openflow/text.h"

namespace sluice::cli {
namespace {

constexpr uint8_t kDefaultTtl = 64;
constexpr size_t kMinFrame = 14;
constexpr size_t kMaxFrame = 65535;
constexpr size_t kHexLine = 32;  // bytes a line when shown

Flow key_of(ByteView frame) {
  Packet p = Packet::from(frame);
  Flow key{};
  extract(p, key);
  key.in_port = {};
  return key;
}

/// All bits of the fields that a packet itself has.
Flow packet_mask() {
  Flow m;
  std::ranges::fill(m.words(), ~uint64_t{0});
  return m;
}

/// Cuts "len N" from the end; 0 if there is none.
std::expected<size_t, std::string> take_length(std::string_view& text) {
  size_t at = text.rfind(" len ");
  if (at == text.npos) return 0;
  std::string_view digits = ofp::trim(text.substr(at + 5));
  size_t n = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
  if (error != std::errc() || end != digits.data() + digits.size() || n < kMinFrame || n > kMaxFrame)
    return std::unexpected(fmt::format("\"{}\": a length is {} to {}", digits, kMinFrame, kMaxFrame));
  text = ofp::trim(text.substr(0, at));
  return n;
}

std::expected<ofp::Match, std::string> parse_match(std::string_view text) {
  if (looks_like_odp_key(text)) {
    auto parsed = parse_odp_key(text);
    if (!parsed) return std::unexpected(parsed.error());
    return ofp::Match{parsed->key, parsed->mask};
  }
  auto parsed = ofp::parse_flow_filter(text);
  if (!parsed) return std::unexpected(parsed.error());
  return parsed->filter.match;
}

void forget_origin(ofp::Match& m) { m.value.in_port = m.mask.in_port = be32(); }

std::string checksum_remarks(ByteView frame) {
  Packet p = Packet::from(frame);
  Flow key{};
  extract(p, key);
  if (p.l3 == kNoOffset) return "";
  Packet right = p.copy();
  std::string out;
  if (key.eth_type == kEthIpv4 && p.size() >= p.l3 + 20u) {
    size_t length = (p.data()[p.l3] & 15u) * 4u;
    if (length >= 20 && p.l3 + length <= p.size() && checksum({p.data() + p.l3, length}) != 0) out += " (wrong IP checksum)";
  }
  if (key.is_ip() && p.l4 != kNoOffset && !key.nw_frag) {
    write_l4_checksum(right);
    bool unused = key.nw_proto == 17 && key.eth_type == kEthIpv4 && p.size() >= p.l4 + 8u && !p.data()[p.l4 + 6] && !p.data()[p.l4 + 7];
    if (!unused && !std::ranges::equal(p.view(), right.view())) out += " (wrong L4 checksum)";
  }
  return out;
}

std::string field_differences(const Flow& want, const Flow& mask, const Flow& got) {
  std::string out;
  ofp::Match kind;  // fields share places: only those of this kind of packet are named
  kind.value = want;
  std::ranges::fill(kind.mask.words(), ~uint64_t{0});
  for (const ofp::Field& f : ofp::all_fields()) {
    if (f.place.bytes == 0 || !ofp::has_prereq(f.prereq, kind)) continue;
    auto m = ofp::get_field(f.id, mask), a = ofp::get_field(f.id, want), b = ofp::get_field(f.id, got);
    if (a.size() != b.size() || a.size() != m.size()) continue;
    ofp::mask_value(a, m);
    ofp::FieldValue masked = b;
    ofp::mask_value(masked, m);
    if (a == masked) continue;
    if (!out.empty()) out += "; ";
    out += fmt::format("{} is ", f.name);
    ofp::format_value(f.id, b, nullptr, out);
    out += ", not ";
    ofp::format_value(f.id, a, nullptr, out);
  }
  return out;
}

}  // namespace

bool is_hex(std::string_view text) { return parse_hex(text, " \t.:").has_value(); }

std::expected<Bytes, std::string> parse_frame(std::string_view text) {
  auto length = take_length(text);
  if (!length) return std::unexpected(length.error());
  if (auto bytes = parse_hex(text, " \t.:")) {
    if (bytes->size() < kMinFrame) return std::unexpected(fmt::format("\"{}\": a frame has at least {} bytes", text, kMinFrame));
    if (*length > bytes->size()) bytes->resize(*length);
    return std::move(*bytes);
  }
  auto match = parse_match(text);
  if (!match) return std::unexpected(match.error());
  forget_origin(*match);
  Flow& flow = match->value;
  if (flow.is_ip() && !match->mask.nw_ttl) flow.nw_ttl = kDefaultTtl;
  Packet p = compose(flow, *length);
  return Bytes(p.view().begin(), p.view().end());
}

bool PacketPattern::matches(ByteView frame) const { return match.matches(key_of(frame)); }

std::expected<PacketPattern, std::string> parse_pattern(std::string_view text) {
  auto match = parse_match(text);
  if (!match) return std::unexpected(match.error());
  forget_origin(*match);
  return PacketPattern{*match, std::string(text)};
}

std::string describe(ByteView frame) {
  Flow key = key_of(frame);
  ofp::Match m;
  m.value = key;
  // The fields that a packet of this kind can have are those that differ from zero, and the addresses.
  for (size_t i = 0; i < kFlowWords; i++)
    if (key.words()[i]) m.mask.words()[i] = ~uint64_t{0};
  std::ranges::fill(m.mask.eth_dst.b, 0xff);
  std::ranges::fill(m.mask.eth_src.b, 0xff);
  // These share their words with others; zero goes without saying.
  if (!key.vlan_tci) m.mask.vlan_tci = m.mask.vlan_tpid = be16();
  if (!key.nw_tos) m.mask.nw_tos = 0;
  forget_origin(m);
  m.mask.packet_type = m.mask.recirc_id = be32();
  ofp::normalize(m);
  return fmt::format("{}{}, {} bytes", ofp::format_match(m), checksum_remarks(frame), frame.size());
}

std::string show_frame(ByteView frame, std::string_view indent) {
  std::string out = fmt::format("{}{}\n", indent, describe(frame));
  for (size_t at = 0; at < frame.size(); at += kHexLine)
    out += fmt::format("{}{}\n", indent, hex(frame.subspan(at, std::min(kHexLine, frame.size() - at))));
  return out;
}

std::string differences(const PacketPattern& want, ByteView got) { return field_differences(want.match.value, want.match.mask, key_of(got)); }

std::string differences(ByteView want, ByteView got) {
  std::string fields = field_differences(key_of(want), packet_mask(), key_of(got));
  if (!fields.empty()) return fields;
  if (want.size() != got.size()) return fmt::format("{} bytes long, not {}", got.size(), want.size());
  auto [a, b] = std::ranges::mismatch(want, got);
  if (a == want.end()) return "";
  return fmt::format("byte {} is {:02x}, not {:02x}", a - want.begin(), *b, *a);
}

}  // namespace sluice::cli

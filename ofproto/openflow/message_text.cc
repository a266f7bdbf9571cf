// SPDX-License-Identifier: Apache-2.0
// Headers of printed messages, messages that do not decode, and small pieces of text that several bodies use.
#include "ofproto/openflow/message_text.h"

#include <algorithm>

#include "ofproto/openflow/flow_text.h"
#include "ofproto/openflow/text_body.h"

namespace sluice::ofp {
namespace {

std::string version_suffix(uint8_t wire_version) {
  if (wire_version == 1) return "";
  if (wire_version >= 2 && wire_version <= 6) return fmt::format(" (OF1.{})", wire_version - 1);
  return fmt::format(" (OF 0x{:02x})", wire_version);
}

void add_header(std::string& out, MessageType type, uint8_t wire_version, uint32_t xid) {
  append(out, "{}{} (xid=0x{:x}):", info(type).name, version_suffix(wire_version), xid);
}

void end_line(std::string& out) {
  if (!out.ends_with('\n')) out += '\n';
}

void add_message(std::string& out, const Message& m, uint8_t wire_version, const PrintOptions& options) {
  add_header(out, m.type, wire_version, m.xid);
  if (m.more) out += " flags=[more]";
  std::visit([&](const auto& body) { format_body(out, {m, options}, body); }, m.body);
  end_line(out);
}

}  // namespace

std::string format(const Message& m, const PrintOptions& options) {
  std::string out;
  add_message(out, m, static_cast<uint8_t>(m.version), options);
  return out;
}

std::string format_wire(ByteView bytes, const PrintOptions& options, const CodecOptions& codec) {
  if (bytes.empty()) return "OpenFlow message is empty\n";
  auto h = peek_header(bytes);
  if (!h) return fmt::format("OpenFlow packet too short (only {} bytes):\n", bytes.size()) + hex_dump(bytes);
  std::string out;
  if (h->length != bytes.size()) {
    // Show what kind it is if the headers are whole.
    if (auto type = decode_type_of_part(bytes)) {
      add_header(out, *type, h->version, h->xid);
      out += '\n';
    }
    if (h->length > bytes.size()) append(out, "(***truncated to {} bytes from {}***)\n", bytes.size(), h->length);
    else append(out, "(***only uses {} bytes out of {}***)\n", h->length, bytes.size());
    return out + hex_dump(bytes);
  }
  auto type = decode_type(bytes);
  if (!type) return fmt::format("***decode error: {}***\n", error_name(type.error())) + hex_dump(bytes);
  auto m = decode(bytes, codec);
  if (m) {
    PrintOptions with_tables = options;
    with_tables.has_table_ids = codec.flow_mod_table_id;
    with_tables.wire = bytes;
    add_message(out, *m, h->version, with_tables);
    const Hello* hello = std::get_if<Hello>(&m->body);
    if (hello && hello->has_unknown) out += " unknown data in hello:\n" + hex_dump(bytes);
    constexpr int kWithBytes = 5;
    if (options.verbosity >= kWithBytes) out += hex_dump(bytes);
    return out;
  }
  add_header(out, *type, h->version, h->xid);
  append(out, " ***decode error: {}***\n", error_name(m.error()));
  return out + hex_dump(bytes);
}

namespace {
/// Dumps are long: digits are written without a formatter.
void add_hex(std::string& out, uint64_t n, int digits) {
  while (digits--) out += "0123456789abcdef"[n >> 4 * digits & 15];
}
}  // namespace

std::string hex_dump(ByteView bytes, size_t first_offset) {
  std::string out;
  constexpr size_t kPerLine = 16, kLineLength = 79;
  out.reserve((bytes.size() + kPerLine - 1) / kPerLine * kLineLength);
  for (size_t at = 0; at < bytes.size(); at += kPerLine) {
    add_hex(out, first_offset + at, 8);
    out += ' ';
    for (size_t i = at; i < at + kPerLine; i++) {
      bool middle = i == at + 8;  // a dash behind the eighth byte, if there is one
      if (i >= bytes.size()) {
        out += middle && i == bytes.size() ? "-  " : "   ";
        continue;
      }
      out += middle ? '-' : ' ';
      add_hex(out, bytes[i], 2);
    }
    out += " |";
    for (size_t i = at; i < at + kPerLine; i++) {
      if (i >= bytes.size()) out += ' ';
      else out += bytes[i] >= 0x20 && bytes[i] < 0x7f ? static_cast<char>(bytes[i]) : '.';
    }
    out += "|\n";
  }
  return out;
}

std::string plain_hex_dump(ByteView bytes) {
  std::string out;
  constexpr size_t kPerLine = 16;
  for (size_t at = 0; at < bytes.size(); at += kPerLine) {
    add_hex(out, at, 8);
    out += ' ';
    for (size_t i = at; i < std::min(at + kPerLine, bytes.size()); i++) {
      out += i == at + 8 ? '-' : ' ';
      add_hex(out, bytes[i], 2);
    }
    out += '\n';
  }
  return out;
}

void add_duration(std::string& out, uint32_t sec, uint32_t nsec) {
  format_duration(sec, nsec, out);
  out += 's';
}

void add_bits(std::string& out, uint32_t bits, std::span<const BitName> names, std::string_view separator) {
  if (bits == 0) {
    out += '0';
    return;
  }
  std::string_view gap;
  for (const BitName& n : names) {
    if (!(bits & n.bit)) continue;
    out += gap;
    out += n.name;
    bits &= ~n.bit;
    gap = separator;
  }
  if (bits) append(out, "{}0x{:x}", gap, bits);
}

std::string counter(uint64_t v) { return v == UINT64_MAX ? "?" : fmt::format("{}", v); }

std::string_view packet_in_reason_name(PacketInReason r) {
  constexpr std::string_view kNames[] = {"no_match", "action", "invalid_ttl", "action_set", "group", "packet_out"};
  return kNames[static_cast<size_t>(r)];
}

std::string_view flow_removed_reason_name(FlowRemovedReason r) {
  constexpr std::string_view kNames[] = {"idle", "hard", "delete", "group_delete", "meter_delete", "eviction"};
  return kNames[static_cast<size_t>(r)];
}

void add_match(std::string& out, const TextContext& ctx, const Match& m, int priority) {
  format_match(m, out, ctx.names().ports, ctx.names().tlv, priority);
}

}  // namespace sluice::ofp

// SPDX-License-Identifier: Apache-2.0
// Commands without a switch: printing OpenFlow from files, and the parsers and printers on their own, for tests.
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <fstream>
#include <iostream>

#include "datapath/compose.h"
#include "datapath/packet.h"
#include "datapath/pcap_file.h"
#include "lib/program.h"
#include "lib/text.h"
#include "ofproto/openflow/group_text.h"
#include "ofproto/openflow/message_text.h"
#include "ofproto/openflow/nxm_text.h"
#include "ofproto/openflow/text.h"
#include "utilities/ofctl/flows.h"
#include "utilities/ofctl/pcap_stream.h"

namespace sluice::ofctl {
namespace {

using namespace ofp;  // NOLINT

PrintOptions print_options(const Settings& s) {
  static const TlvTable tlv(true);
  return {.names = {.tlv = &tlv, .compat = s.compat}, .verbosity = s.verbosity};
}

std::string show_bytes(const Settings& s, ByteView bytes) {
  PrintOptions options = print_options(s);
  return format_wire(bytes, options, {.tlv = options.names.tlv, .flow_mod_table_id = true});
}

/// Hexadecimal digits, white space anywhere.
std::optional<Bytes> parse_spaced_hex(std::string_view text) { return parse_hex(text, " \t\n\v\f\r"); }

Bytes parse_hex_or_die(std::string_view text, std::string_view complaint = "Trailing garbage in hex data") {
  auto bytes = parse_spaced_hex(text);
  if (!bytes) fatal("{}", complaint);
  return std::move(*bytes);
}

/// The same with "xx" for bytes that don't matter.
Bytes parse_partial_hex_or_die(std::string_view text) {
  std::string digits(text);
  std::ranges::replace(digits, 'x', '0');
  return parse_hex_or_die(digits);
}

void ofp_print(const Settings& s, Words w) {
  std::string text = w[0] == "-" ? std::string(std::istreambuf_iterator<char>(std::cin), {}) : w[0];
  if (w[0] == "-" && text.empty()) fatal("Failed to read stdin");
  Bytes bytes = parse_hex_or_die(text, "trailing garbage following hex bytes");
  Settings verbose = s;
  if (w.size() > 1) {
    auto n = parse_number_in(w[1], "verbosity", INT_MAX);
    if (!n) fatal("{}", n.error());
    verbose.verbosity = static_cast<int>(*n);
  }
  print(show_bytes(verbose, bytes));
}

Bytes read_file(const std::string& path) {
  std::ifstream file;
  if (path != "-") {
    file.open(path, std::ios::binary);
    if (!file) fatal("{}: open ({})", path, errno_text(errno));
  }
  std::istream& in = path == "-" ? std::cin : file;
  return Bytes(std::istreambuf_iterator<char>(in), {});
}

void ofp_parse(const Settings& s, Words w) {
  Bytes all = read_file(w[0]);
  ByteView rest = all;
  while (!rest.empty()) {
    auto h = peek_header(rest);
    if (!h) fatal("{}: unexpected end of file mid-message", w[0]);
    if (h->length < kHeaderSize) fatal("{}: {}-byte message is too short for OpenFlow", w[0], h->length);
    if (rest.size() < h->length) fatal("{}: unexpected end of file mid-message", w[0]);
    print(show_bytes(s, rest.first(h->length)));
    rest = rest.subspan(h->length);
  }
}

void ofp_parse_pcap(const Settings& s, Words w) {
  std::vector<uint16_t> ports;
  for (const std::string& word : w.subspan(1)) {
    auto port = parse_number(word);
    if (!port || *port == 0 || *port > UINT16_MAX) fatal("{}: bad port number", word);
    ports.push_back(static_cast<uint16_t>(*port));
  }
  auto ok = each_openflow_message(w[0], ports, [&](std::string_view direction, ByteView message) {
    print(fmt::format("{}\n{}\n", direction, show_bytes(s, message)));
  });
  if (!ok) fatal("{}: open failed ({})", w[0], ok.error());
}

void parse_pcap(const Settings& s, Words w) {
  int exit_status = 0;
  for (const std::string& path : w) {
    auto ok = each_frame(path, [&](ByteView frame) { print(format_frame(frame, print_options(s)) + "\n"); });
    if (ok) continue;
    std::fprintf(stderr, "%s: %s: open failed (%s)\n", std::string(program_name()).c_str(), path.c_str(), ok.error().c_str());
    exit_status = 2;
  }
  if (exit_status) std::exit(exit_status);
}

// --- Flows ---

Protocol choose_protocol(const Settings& s, ProtocolSet usable) {
  ProtocolSet both = usable & s.protocols;
  if (!both) check_usable(s, usable);
  return static_cast<Protocol>(both & ~(both - 1));
}

void print_flow_mods(const Settings& s, const std::vector<FlowMod>& flows, ProtocolSet usable) {
  print(fmt::format("usable protocols: {}\n", format_protocols(usable)));
  Protocol protocol = choose_protocol(s, usable);
  print(fmt::format("chosen protocol: {}\n", format_protocols(protocol)));
  uint32_t xid = 1;
  for (const FlowMod& flow : flows) {
    bool nxm = protocol & kNxmAny;
    CodecOptions codec{.tlv = print_options(s).names.tlv, .flow_mod_table_id = (protocol & (kOf10Tid | kNxmTid)) != 0};
    Bytes bytes = encode_or_die({.type = nxm ? MessageType::NXT_FLOW_MOD : MessageType::OFPT_FLOW_MOD, .version = protocol_version(protocol), .xid = xid++,
                                 .body = flow}, codec);
    print(format_wire(bytes, print_options(s), codec));
  }
}

void parse_flow_command(const Settings& s, Words w) {
  TextNames names = print_options(s).names;
  ParsedFlow flow = parse_flow_or_die(w[0], FlowModCommand::kAdd, names);
  print_flow_mods(s, {std::move(flow.flow)}, flow.usable);
}

void parse_flows_command(const Settings& s, Words w) {
  ProtocolSet usable = kAllProtocols;
  std::vector<FlowMod> flows = parse_flow_lines(w[0], read_lines(w[0]), std::nullopt, print_options(s).names, usable);
  print_flow_mods(s, flows, usable);
}

void parse_group_command(const Settings& s, Words w) {
  auto group = parse_group(w[0], std::nullopt, print_options(s).names);
  if (!group) fatal("{}", group.error());
  print(fmt::format("usable protocols: {}\n", format_protocols(group->usable)));
  VersionSet versions = protocols_versions(group->usable & s.protocols);
  if (!versions) check_usable(s, group->usable);
  Version v = static_cast<Version>(31 - __builtin_clz(versions));
  print(fmt::format("chosen version: {}\n", version_name(v)));
  MessageType type = v == Version::k10 ? MessageType::NXT_GROUP_MOD : MessageType::OFPT_GROUP_MOD;
  print(show_bytes(s, encode_or_die({.type = type, .version = v, .xid = 1, .body = group->mod})));
}

Version version_or_die(const std::string& name) {
  auto v = parse_version(name);
  if (!v) fatal("{}: not a valid OpenFlow version", name);
  return *v;
}

/// The bytes that came back different, each on a line.
void print_differences(ByteView before, ByteView after, std::string_view label = "") {
  for (size_t i = 0; i < std::max(before.size(), after.size()); i++) {
    auto byte = [i](ByteView b) { return i < b.size() ? fmt::format("{:02x}", b[i]) : std::string("(none)"); };
    if (byte(before) != byte(after)) print(fmt::format("{}{:2}: {} -> {}\n", label, i, byte(before), byte(after)));
  }
}

/// A goto that goes on, as a switch demands of rules in `table`.
bool goes_forward(const Actions& actions, unsigned table) {
  return std::ranges::all_of(actions, [table](const Action& a) {
    const auto* go = a.as<GotoTable>();
    return !go || go->table > table;
  });
}

/// Lines of hexadecimal actions on stdin, behind the number of their table and a comma if it matters; what they decode to, and, if it
/// differs, what that encodes to again.
void parse_wire_actions(const Settings& s, Words w, bool instructions) {
  Version v = version_or_die(w[0]);
  const TlvTable* tlv = print_options(s).names.tlv;
  std::string line;
  while (std::getline(std::cin, line)) {
    std::string_view text = trim(std::string_view(line).substr(0, line.find('#')));
    if (text.empty()) continue;
    std::optional<uint64_t> table;
    if (size_t comma = text.find(','); comma != std::string_view::npos) {
      table = parse_number(text.substr(0, comma));
      text.remove_prefix(comma + 1);
    }
    Bytes bytes = parse_hex_or_die(text);
    auto actions = instructions ? decode_instructions(ByteReader(bytes), v, tlv) : decode_actions(ByteReader(bytes), v, tlv);
    ActionCheck check{.version = v, .table_id = kTableAll, .tlv = tlv};
    if (actions && instructions)  // as the peer: actions alone may stand anywhere
      if (Status ok = check_actions(*actions, MiniMatch(), check); !ok) actions = fail(ok.error());
    if (actions && table && !goes_forward(*actions, static_cast<unsigned>(*table))) actions = fail(Error::OFPBIC_BAD_TABLE_ID);
    if (!actions) {
      print(fmt::format("bad {} {}: {}\n\n", version_name(v), instructions ? "instructions" : "actions", error_name(actions.error())));
      continue;
    }
    std::string out = "actions=";
    format_actions(*actions, out, {.tlv = tlv});
    print(out + "\n");
    Bytes again;
    ByteWriter writer(again);
    bool ok = (instructions ? encode_instructions(*actions, writer, v, tlv) : encode_actions(*actions, writer, v, tlv)).has_value();
    if (!ok || again != bytes) print_differences(bytes, again);
    print("\n");
  }
}
void parse_actions_command(const Settings& s, Words w) { parse_wire_actions(s, w, false); }
void parse_instructions_command(const Settings& s, Words w) { parse_wire_actions(s, w, true); }

/// What goes of a match of 1.0 because a prerequisite is not there.
void print_normalized(const Bytes& whole) {
  ByteReader reader(whole);
  auto match = decode_of10_match(reader);
  Bytes again;
  ByteWriter w(again);
  encode_of10_match(*match, w);
  print_differences(whole, again, "normal: ");
}

/// Lines of a fixed match in hexadecimal: what it means, and what of it would be sent otherwise.
void parse_fixed_match(const Settings& s, bool of11) {
  std::string line;
  while (std::getline(std::cin, line)) {
    std::string_view text = trim(std::string_view(line).substr(0, line.find('#')));
    if (text.empty()) continue;
    Bytes bytes = parse_partial_hex_or_die(text);
    if (size_t wanted = of11 ? kOf11MatchSize : kOf10MatchSize; bytes.size() != wanted) fatal("Input is {} bytes, expected {}", bytes.size(), wanted);
    ByteReader reader(bytes);
    auto match = of11 ? decode_of11_match(reader) : decode_whole_of10_match(reader);
    if (!match) {
      print(fmt::format("bad {} {}\n\n", of11 ? "ofp11_match:" : "ofp10_match:", error_name(match.error())));
      continue;
    }
    std::string out;
    format_match(*match, out, nullptr, print_options(s).names.tlv);
    print(out + "\n");
    Bytes again;
    ByteWriter w(again);
    if (of11) encode_of11_match(*match, w);
    else encode_of10_match(*match, w);
    print_differences(bytes, again);
    if (!of11) print_normalized(again);
    print("\n");
  }
}
void parse_ofp10_match(const Settings& s, Words) { parse_fixed_match(s, false); }
void parse_ofp11_match(const Settings& s, Words) { parse_fixed_match(s, true); }

/// Lines of TLVs in the form of nxm_text.h; what they decode to, encoded for a version.  Comments and blank lines stay.
void parse_tlvs(const Settings& s, Version v) {
  const TlvTable* tlv = print_options(s).names.tlv;
  std::string line;
  while (std::getline(std::cin, line)) {
    if (line.empty() || line[0] == '#') {
      print(line + "\n");
      continue;
    }
    auto bytes = parse_nxm(std::string_view(line).substr(0, line.find('#')));
    if (!bytes) fatal("{}", bytes.error());
    CookieMatch cookie;
    auto match = decode_nxm(*bytes, tlv, v < Version::k12 ? &cookie : nullptr, s.strict);
    if (!match) {
      print(fmt::format("nx_pull_match() returned error {}\n", error_name(match.error())));
      continue;
    }
    Bytes out;
    ByteWriter w(out);
    if (v < Version::k12) encode_nxm(*match, w, v, tlv, &cookie);
    else encode_oxm_match(*match, w, v, tlv);
    constexpr size_t kOxmHead = 4;
    size_t head = v < Version::k12 ? 0 : kOxmHead;
    size_t length = head ? load_be<uint16_t>(out.data() + 2) : out.size();
    print(format_nxm(ByteView(out).subspan(head, length - head)) + "\n");
    if (s.verbosity > 0) print(plain_hex_dump(out));
  }
}
void parse_nxm_command(const Settings& s, Words) { parse_tlvs(s, Version::k10); }
void parse_oxm_command(const Settings& s, Words w) {
  auto v = parse_version(w[0]);
  if (!v || *v < Version::k12) fatal("{}: not a valid version for OXM", w[0]);
  parse_tlvs(s, *v);
}

// --- VLANs ---

std::string tci_text(const Match& m) { return fmt::format("{:04x}/{:04x}", m.value.vlan_tci.host(), m.mask.vlan_tci.host()); }

Match only_tci(uint16_t value, uint16_t mask) {
  Match m;
  m.value.vlan_tci = be16(value & mask);
  m.mask.vlan_tci = be16(mask);
  return m;
}

void check_fixed_vlan(const Match& m, bool of11) {
  Bytes wire;
  ByteWriter w(wire);
  if (of11) encode_of11_match(m, w);
  else encode_of10_match(m, w);
  // Where the fields and their wildcard bits are (OF1.0.1 5.2.3, OF1.1.0 A.2.3.1).
  size_t vlan_at = of11 ? 36 : 18, pcp_at = of11 ? 38 : 20, wildcards_at = of11 ? 8 : 0;
  uint32_t wildcards = load_be<uint32_t>(wire.data() + wildcards_at);
  unsigned pcp_bit = of11 ? 2 : 20;
  ByteReader r(wire);
  auto again = of11 ? decode_of11_match(r) : decode_of10_match(r);
  print(fmt::format("{}: {:04x}/{},{:02x}/{} -> {}\n", of11 ? "OF1.1" : "OF1.0", load_be<uint16_t>(wire.data() + vlan_at), wildcards >> 1 & 1, wire[pcp_at],
                    wildcards >> pcp_bit & 1, again ? tci_text(*again) : std::string(error_name(again.error()))));
}

/// A match on a VLAN's tag in all forms, each decoded again.
void check_vlan(const Settings&, Words w) {
  auto tci = parse_number("0x" + w[0]), mask = parse_number("0x" + w[1]);
  if (!tci || !mask || *tci > UINT16_MAX || *mask > UINT16_MAX) fatal("{} {}: not two 16-bit hexadecimal numbers", w[0], w[1]);
  Match m = only_tci(static_cast<uint16_t>(*tci), static_cast<uint16_t>(*mask));
  std::string text = format_match(m);
  Match parsed;
  for (std::string_view rest = text;;) {
    auto item = next_item(rest);
    if (!item || !*item) break;
    parse_match_key((*item)->key, (*item)->value, true, parsed, nullptr, nullptr);
  }
  print(fmt::format("{} -> {}\n", text, tci_text(parsed)));
  Bytes nxm, oxm;
  ByteWriter nxm_writer(nxm), oxm_writer(oxm);
  encode_nxm(m, nxm_writer, Version::k10, nullptr);
  encode_nxm(m, oxm_writer, Version::k12, nullptr);
  auto from_nxm = decode_nxm(nxm, nullptr);
  print(fmt::format("NXM: {} -> {}\n", format_nxm(nxm), from_nxm ? tci_text(*from_nxm) : std::string(error_name(from_nxm.error()))));
  auto from_oxm = decode_nxm(oxm, nullptr);
  std::string oxm_text = from_oxm ? fmt::format("{:04x}/{:04x},", from_oxm->value.vlan_tci.host() & 0x1fff, from_oxm->mask.vlan_tci.host() & 0x1fff)
                                  : std::string(error_name(from_oxm.error()));
  if (from_oxm) oxm_text += from_oxm->mask.vlan_tci.host() & 0xe000 ? fmt::format("{:02x}", from_oxm->value.vlan_tci.host() >> 13) : "--";
  print(fmt::format("OXM: {} -> {}\n", format_nxm(oxm), oxm_text));
  check_fixed_vlan(m, false);
  check_fixed_vlan(m, true);
}

// --- Errors, hello ---

void print_error_numbers(const Settings&, Words w) {
  auto error = error_by_name(w[0]);
  if (!error) fatal("unknown error \"{}\"", w[0]);
  for (Version v : kVersions) {
    auto n = error_numbers(*error, v);
    std::string name = fmt::format("OpenFlow 1.{}", static_cast<int>(v) - 1);
    if (n) print(fmt::format("{}: vendor {}, type {}, code {}\n", name, n->vendor ? fmt::format("{:#x}", n->vendor) : "0", n->type, n->code));
  }
}

void encode_error_reply(const Settings&, Words w) {
  auto error = error_by_name(w[0]);
  if (!error) fatal("unknown error \"{}\"", w[0]);
  Bytes request = parse_hex_or_die(w[1]);
  if (request.size() < kHeaderSize || !is_valid_version(request[0])) fatal("bad OpenFlow request");
  print(plain_hex_dump(encode_error(*error, static_cast<Version>(request[0]), request)));
}

void encode_hello(const Settings& s, Words w) {
  auto bits = parse_number(w[0]);
  if (!bits || !(*bits & kAllVersions) || *bits > UINT32_MAX) fatal("invalid version bitmap \"{}\"", w[0]);
  VersionSet versions = static_cast<VersionSet>(*bits);
  bool all_up_to_one = versions & 2 && ((versions + 2) & versions) == 0;  // what a header without elements says
  Message m{.type = MessageType::OFPT_HELLO, .version = static_cast<Version>(31 - __builtin_clz(versions & kAllVersions)), .xid = 1,
            .body = Hello{.versions = versions, .bitmap_element = !all_up_to_one}};
  Bytes bytes = encode_or_die(m);
  print(plain_hex_dump(bytes) + show_bytes(s, bytes));
}

// --- Packets ---

void compose_packet_command(const Settings& s, Words w) {
  auto flow = parse_exact_flow(w[0], print_options(s).names);
  if (!flow) fatal("{}", flow.error());
  Packet packet = w.size() == 1 ? compose(*flow) : compose(*flow, parse_hex_or_die(w[1], fmt::format("{}: trailing garbage in packet data", w[1])));
  if (s.pcap) {
    auto writer = PcapWriter::open("/dev/stdout", false);
    if (!writer) fatal("{}", writer.error());
    writer->write(Duration(), packet.view());
  } else if (s.raw) {
    print(std::string(reinterpret_cast<const char*>(packet.data()), packet.size()));
  } else {
    print(plain_hex_dump(packet.view()));
  }
}

void parse_packet_command(const Settings& s, Words) {
  Bytes frame(std::istreambuf_iterator<char>(std::cin), {});
  if (auto hex = parse_spaced_hex({reinterpret_cast<const char*>(frame.data()), frame.size()})) frame = std::move(*hex);
  print(format_packet(frame, print_options(s)));
}

void parse_key_value(const Settings&, Words w) {
  for (const std::string& text : w) {
    // What is not closed goes to the end; the parentheses that close it are not part of a value.
    size_t open = static_cast<size_t>(std::max<ptrdiff_t>(std::ranges::count(text, '(') - std::ranges::count(text, ')'), 0));
    const std::string closed = text + std::string(open, ')');
    std::string_view rest = closed;
    std::string out;
    for (;;) {
      auto item = next_item(rest);
      if (!item) fatal("{}", item.error());
      if (!*item) break;
      if (!out.empty()) out += ", ";
      out += (*item)->key;
      std::string_view value = (*item)->value;
      if (rest.empty() && (*item)->form != KeyValue::Form::kParens) value.remove_suffix(std::min(open, value.size()));
      if ((*item)->has_value()) out += fmt::format("={}", value);
    }
    print(out + "\n");
  }
}

constexpr Command kCommands[] = {
    {"ofp-parse", "file", 1, 1, kReads, ofp_parse, "print messages read from FILE"},
    {"ofp-parse-pcap", "pcap [port...]", 1, kAnyNumber, kReads, ofp_parse_pcap, "print OpenFlow read from PCAP"},
    {"parse-flow", "", 1, 1, kReads, parse_flow_command, ""},
    {"parse-flows", "", 1, 1, kReads, parse_flows_command, ""},
    {"parse-group", "", 1, 1, kReads, parse_group_command, ""},
    {"parse-actions", "", 1, 1, kReads, parse_actions_command, ""},
    {"parse-instructions", "", 1, 1, kReads, parse_instructions_command, ""},
    {"parse-nxm", "", 0, 0, kReads, parse_nxm_command, ""},
    {"parse-nx-match", "", 0, 0, kReads, parse_nxm_command, ""},
    {"parse-oxm", "", 1, 1, kReads, parse_oxm_command, ""},
    {"check-vlan", "", 2, 2, kReads, check_vlan, ""},
    {"parse-ofp10-match", "", 0, 0, kReads, parse_ofp10_match, ""},
    {"parse-ofp11-match", "", 0, 0, kReads, parse_ofp11_match, ""},
    {"parse-pcap", "", 1, kAnyNumber, kReads, parse_pcap, ""},
    {"print-error", "", 1, 1, kReads, print_error_numbers, ""},
    {"encode-error-reply", "", 2, 2, kReads, encode_error_reply, ""},
    {"ofp-print", "", 1, 2, kReads, ofp_print, ""},
    {"encode-hello", "", 1, 1, kReads, encode_hello, ""},
    {"parse-key-value", "", 1, kAnyNumber, kReads, parse_key_value, ""},
    {"compose-packet", "", 1, 2, kReads, compose_packet_command, ""},
    {"parse-packet", "", 0, 0, kReads, parse_packet_command, ""},
};

}  // namespace

std::span<const Command> test_commands() { return kCommands; }

}  // namespace sluice::ofctl

// SPDX-License-Identifier: Apache-2.0
// Commands about flows: dump, add, modify, delete, packet-out.  replace-flows and diff-flows are in flow_compare.cc, bundles in bundle.cc.
#include <algorithm>

#include "lib/log.h"
#include "lib/program.h"
#include "lib/text.h"
#include "ofproto/openflow/group_text.h"
#include "ofproto/openflow/message_text.h"
#include "ofproto/openflow/port.h"
#include "utilities/ofctl/color.h"
#include "utilities/ofctl/flows.h"

namespace sluice::ofctl {

using namespace ofp;  // NOLINT

static Log log_match("ofp_match");   // there before main() sets its level

void warn(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) log_match.info("{}", line);
}

ParsedFlow parse_flow_or_die(std::string_view text, std::optional<FlowModCommand> command, const TextNames& names) {
  auto flow = parse_flow(text, command, names);
  if (!flow) fatal("{}", flow.error());
  warn(flow->warnings);
  return std::move(*flow);
}

std::vector<FlowMod> parse_flow_lines(const std::string& path, std::span<const Line> lines, std::optional<FlowModCommand> command,
                                      const TextNames& names, ProtocolSet& usable) {
  std::vector<FlowMod> flows;
  for (const Line& line : lines) {
    auto flow = parse_flow(line.text, command, names);
    if (!flow) fatal("{}:{}: {}", path, line.number, flow.error());
    warn(flow->warnings);
    usable &= flow->usable;
    flows.push_back(std::move(flow->flow));
  }
  return flows;
}

Bytes encode_flow_mod(FlowSession& session, const FlowMod& mod, const TlvTable* tlv) {
  CodecOptions codec = session.codec;
  codec.tlv = tlv;
  return encode_or_die(session.client->make(session.flow_mod_type(), mod), codec);
}

namespace {

struct Filtered {
  FlowSession session;
  FlowFilter filter;
};

Filtered open_filtered(const Settings& s, Words w, Names& names) {
  Filtered f;
  ProtocolSet usable = kAllProtocols;
  std::unique_ptr<Client> c;
  if (w.size() > 1) {
    c = open_bridge(s, w[0]);
    TextNames read = names.for_reading(*c, w[1]);
    auto filter = parse_flow_filter(w[1], read);
    if (!filter) fatal("{}", filter.error());
    if (filter->priority) fatal("unknown keyword priority");  // a request for statistics has none
    warn(filter->warnings);
    f.filter = filter->filter;
    usable = filter->usable;
  }
  f.session = open_for_dump(s, w[0], usable, std::move(c));
  return f;
}

// --- Sorting ---

/// Flows without the field come last, whichever the direction.
int compare(const FlowStats& a, const FlowStats& b, const SortKey& key, const TlvTable* tlv) {
  auto sign = [&](bool less) { return less != key.descending ? -1 : 1; };
  if (!key.field) return a.priority == b.priority ? 0 : sign(a.priority < b.priority);
  bool wild_a = a.match.is_wild(*key.field, tlv), wild_b = b.match.is_wild(*key.field, tlv);
  if (wild_a || wild_b) return wild_a == wild_b ? 0 : wild_a ? 1 : -1;
  FieldValue x = a.match.get(*key.field, tlv), y = b.match.get(*key.field, tlv);
  if (x == y) return 0;
  return sign(std::ranges::lexicographical_compare(x.bytes(), y.bytes()));
}

void dump_flows(const Settings& s, Words w) {
  Names names(s);
  Filtered f = open_filtered(s, w, names);
  Client& c = *f.session.client;
  TextNames print_names = names.for_printing(c);
  Message request = c.make(f.session.is_nxm() ? MessageType::NXST_FLOW_REQUEST : MessageType::OFPST_FLOW_REQUEST, f.filter);
  bool plain = s.sort.empty() && !wants_names(s) && s.stats;
  if (plain) return dump(s, c, request, print_names);
  std::vector<FlowStats> flows = fetch_flows(s, c, request, print_names.tlv);
  std::ranges::stable_sort(flows, [&](const FlowStats& a, const FlowStats& b) {
    for (const SortKey& key : s.sort)
      if (int order = compare(a, b, key, print_names.tlv)) return order < 0;
    return !s.sort.empty() && a.priority > b.priority;
  });
  std::string out;
  for (FlowStats& flow : flows) {
    if (f.session.is_nxm()) {  // as the peer: ages only in the plain form of a dump
      flow.idle_age.reset();
      flow.hard_age.reset();
    }
    format_flow_stats(flow, out, print_names, s.stats);
    out += '\n';
  }
  print(s.color ? color_flows(out) : out);
}

void dump_aggregate(const Settings& s, Words w) {
  Names names(s);
  Filtered f = open_filtered(s, w, names);
  Client& c = *f.session.client;
  dump(s, c, c.make(f.session.is_nxm() ? MessageType::NXST_AGGREGATE_REQUEST : MessageType::OFPST_AGGREGATE_REQUEST, f.filter));
}

// --- Changes ---

/// With much verbosity, what is sent: -mmmmm as a dump, -mmmmmm as one number.
void show_request(const Settings& s, ByteView message) {
  constexpr int kAsDump = 5;
  if (s.verbosity < kAsDump) return;
  if (s.verbosity == kAsDump) return print(hex_dump(message));
  std::string digits = sluice::hex(message);
  print("0x" + digits.substr(std::min(digits.find_first_not_of('0'), digits.size() - 1)) + "\n");
}

void send_flow_mods(const Settings& s, const std::string& bridge, std::vector<FlowMod> mods, ProtocolSet usable, std::unique_ptr<Client> c,
                    const TlvTable* tlv) {
  if (s.bundle) {
    std::vector<BundleItem> items;
    for (FlowMod& m : mods) items.push_back({std::move(m), usable});
    return run_bundle(s, bridge, items, usable, tlv, std::move(c));
  }
  FlowSession session = open_for_flow_mods(s, bridge, usable, std::move(c));
  std::vector<Bytes> requests;
  for (const FlowMod& m : mods) {
    requests.push_back(encode_flow_mod(session, m, tlv));
    show_request(s, requests.back());
  }
  transact_many(s, *session.client, requests);
}

void change_flows_file(const Settings& s, Words w, std::optional<FlowModCommand> command) {
  auto c = open_bridge(s, w[0]);
  Names names(s);
  std::vector<Line> lines = read_lines(w[1]);
  TextNames read = names.for_reading(*c, lines);
  ProtocolSet usable = kAllProtocols;
  std::vector<FlowMod> mods = parse_flow_lines(w[1], lines, command, read, usable);
  send_flow_mods(s, w[0], std::move(mods), usable, std::move(c), read.tlv);
}

void change_flow(const Settings& s, Words w, FlowModCommand command) {
  bool adds = command == FlowModCommand::kAdd;  // then lines may have other commands, as in files
  if (w.size() > 1 && w[1] == "-") return change_flows_file(s, w, adds ? std::nullopt : std::optional(command));
  auto c = open_bridge(s, w[0]);
  Names names(s);
  std::string_view text = w.size() > 1 ? std::string_view(w[1]) : std::string_view{};
  TextNames read = names.for_reading(*c, text);
  ParsedFlow parsed = parse_flow_or_die(text, command, read);
  std::vector<FlowMod> mods;
  mods.push_back(std::move(parsed.flow));
  send_flow_mods(s, w[0], std::move(mods), parsed.usable, std::move(c), read.tlv);
}

void add_flow(const Settings& s, Words w) { change_flow(s, w, FlowModCommand::kAdd); }
void add_flows(const Settings& s, Words w) { change_flows_file(s, w, std::nullopt); }
void mod_flows(const Settings& s, Words w) { change_flow(s, w, s.strict ? FlowModCommand::kModifyStrict : FlowModCommand::kModify); }
void del_flows(const Settings& s, Words w) { change_flow(s, w, s.strict ? FlowModCommand::kDeleteStrict : FlowModCommand::kDelete); }

// --- Packets ---

void send_packet_out(const Settings& s, Client& c, const PacketOut& out, const TlvTable* tlv) {
  transact_noreply(s, c, encode_or_die(c.make(MessageType::OFPT_PACKET_OUT, out), {.tlv = tlv}));
}

void packet_out(const Settings& s, Words w) {
  auto c = open_bridge(s, w[0]);
  Names names(s);
  TextNames read = names.for_reading(*c, w.size() == 2 ? w[1] : w.size() > 2 ? w[2] : "");
  if (w.size() == 2) {
    auto p = parse_packet_out(w[1], read);
    if (!p) fatal("{}", p.error());
    FlowSession session = open_for_flow_mods(s, w[0], p->usable, std::move(c));
    return send_packet_out(s, *session.client, p->out, read.tlv);
  }
  if (w.size() < 4) fatal("Too many arguments (or too few: IN_PORT ACTIONS PACKET...)");
  auto actions = parse_actions(w[2], read, false);
  if (!actions) fatal("{}", actions.error());
  FlowSession session = open_for_flow_mods(s, w[0], actions->usable, std::move(c));
  auto port = parse_port(w[1], read.ports);
  if (!port) fatal("{}: unknown port `{}'", w[0], w[1]);
  PacketOut out;
  out.metadata.set_in_port(*port);
  out.actions = actions->actions;
  for (const std::string& hex : w.subspan(3)) {
    auto frame = parse_packet_hex(hex);
    if (!frame) fatal("{}", frame.error());
    out.data = std::move(*frame);
    send_packet_out(s, *session.client, out, read.tlv);
  }
}

void bundle(const Settings& s, Words w) { bundle_file(s, w[0], w[1]); }
void replace(const Settings& s, Words w) { replace_flows(s, w[0], w[1]); }
void diff(const Settings& s, Words w) { diff_flows(s, w[0], w[1]); }

constexpr Command kCommands[] = {
    {"dump-flows", "switch [flow]", 1, 2, kReads, dump_flows, "print all flow entries, or those matching FLOW"},
    {"dump-aggregate", "switch [flow]", 1, 2, kReads, dump_aggregate, "print aggregate flow statistics"},
    {"add-flow", "switch flow", 2, 2, kWrites, add_flow, "add flow described by FLOW"},
    {"add-flows", "switch file", 2, 2, kWrites, add_flows, "add flows from FILE"},
    {"mod-flows", "switch flow", 2, 2, kWrites, mod_flows, "modify actions of matching FLOWs"},
    {"del-flows", "switch [flow]", 1, 2, kWrites, del_flows, "delete matching FLOWs"},
    {"replace-flows", "switch file", 2, 2, kWrites, replace, "replace flows with those in FILE"},
    {"diff-flows", "source1 source2", 2, 2, kReads, diff, "compare flows from two sources"},
    {"bundle", "switch file", 2, 2, kWrites, bundle, "execute the flow, group and packet-out lines of FILE in a bundle"},
    {"packet-out", "switch \"in_port=<port> packet=<hex data> actions=...\"", 2, kAnyNumber, kWrites, packet_out, "execute actions on a packet"},
};

}  // namespace

std::vector<FlowStats> fetch_flows(const Settings& s, Client& c, const Message& request, const TlvTable* tlv) {
  std::vector<FlowStats> flows;
  auto parts = transact_multipart(s, c, encode_or_die(request, {.tlv = tlv}), stderr);
  if (!parts) std::exit(1);
  for (const Bytes& part : *parts) {
    auto m = decode(part, {.tlv = tlv});
    auto* reply = m ? std::get_if<FlowStatsReply>(&m->body) : nullptr;
    if (!reply) fatal("{}: received bad flow statistics ({})", c.name(), m ? "unexpected reply" : error_name(m.error()));
    std::ranges::move(reply->flows, std::back_inserter(flows));
  }
  return flows;
}

std::span<const Command> flow_commands() { return kCommands; }

}  // namespace sluice::ofctl

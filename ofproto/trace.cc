// SPDX-License-Identifier: Apache-2.0
// ofproto/trace: the path of a packet that is described by text, through the pipeline as it is now (spec/flow-syntax.md section 10).
#include <fmt/core.h>

#include <algorithm>

#include "datapath/compose.h"
#include "datapath/odp_fields.h"
#include "datapath/odp_text.h"
#include "ofproto/openflow/flow_text.h"
#include "ofproto/openflow/name_map.h"
#include "ofproto/switch_impl.h"
#include "ofproto/trace_text.h"
#include "ofproto/tunnel_options.h"

namespace sluice {
namespace {

constexpr size_t kMaxTracedRounds = 4096;

using Text = std::expected<std::string, std::string>;

struct Request {
  Switch::Impl* sw = nullptr;
  Bridge::Impl* bridge = nullptr;   // of the in_port if it was given as a datapath flow
  Flow key;                         // in_port: OpenFlow number
  std::optional<Packet> packet;
  bool generate = false;
  std::vector<uint8_t> ct_next;     // states that packets come back with, one after the other
};

std::optional<Bytes> parse_hex(std::string_view text) {
  Bytes out;
  if (text.empty() || text.size() % 2) return std::nullopt;
  auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; };
  for (size_t i = 0; i < text.size(); i += 2) {
    int hi = digit(text[i]), lo = digit(text[i + 1]);
    if (hi < 0 || lo < 0) return std::nullopt;
    out.push_back(static_cast<uint8_t>(hi << 4 | lo));
  }
  return out;
}

}  // namespace

std::string format_trace(const ofp::TlvTable& tlv, const Flow& key, const Translation& t, const TraceTree& tree, const OdpTextOptions& names);

namespace {

/// "trk,new".
std::expected<uint8_t, std::string> parse_ct_next(std::string_view text) {
  uint8_t state = 0;
  while (!text.empty()) {
    size_t end = std::min(text.find_first_of(", |"), text.size());
    std::string_view name = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (name.empty()) continue;
    auto* flag = std::ranges::find(kCtFlags, name, &OdpFlag::name);
    if (flag == std::end(kCtFlags)) return std::unexpected(fmt::format("unknown ct_state flag {}", name));
    state |= static_cast<uint8_t>(flag->bit);
  }
  if (!(state & kCtTrk)) return std::unexpected("invalid ct_state: trk is missing");
  return state;
}

std::string ct_state_text(uint8_t state) {
  std::string out;
  for (const OdpFlag& f : kCtFlags)
    if (state & f.bit) out += fmt::format("{}{}", out.empty() ? "" : "|", f.name);
  return out;
}

/// "foo=1: unknown field foo" without the token, as the whole flow is shown before it.
std::string without_token(const std::string& error, std::string_view flow) {
  size_t colon = error.find(": ");
  return colon != std::string::npos && flow.find(error.substr(0, colon)) != std::string_view::npos ? error.substr(colon + 2) : error;
}

}  // namespace

namespace {

/// The packet's way, then that of each one that comes back from the connection tracker.
std::string trace_all(const Request& rq, Translation& first, Time now) {
  struct Round { Flow key; std::string title; };
  std::vector<Round> rounds{{rq.key, ""}};
  std::vector<Held> held;
  std::string out;
  size_t next_state = 0;
  for (size_t i = 0; i < rounds.size() && i < kMaxTracedRounds; i++) {
    TraceTree tree;
    const Round round = rounds[i];
    Translation t = translate(rq.sw->pipeline, {.key = round.key, .bridge = &rq.bridge->view, .effects_follow = rq.generate}, &tree);
    Translation numbered = t;
    held.push_back(rq.sw->hold(numbered, now));
    std::vector<uint32_t> ids(t.frozen.size());
    for (size_t f = 0; f < ids.size(); f++) {
      ids[f] = rq.sw->pipeline.recircs.hold(t.frozen[f]);
      held.back().recircs.push_back(ids[f]);
    }
    constexpr std::string_view kLine = "===============================================================================\n";
    if (i) out += fmt::format("\n{}{}{}\n", kLine, round.title, kLine);
    numbered.slow = rq.sw->why_slow(t);
    out += format_trace(rq.bridge->view.tlv, round.key, numbered, tree, {});
    for (const Translation::Tracked& back : t.tracked) {
      bool is_default = next_state >= rq.ct_next.size();
      uint8_t state = is_default ? kCtTrk | kCtNew : rq.ct_next[next_state++];
      std::string title = fmt::format("recirc({:#x}) - resume conntrack with {}", ids[back.frozen],
                                      is_default ? "default ct_state=trk|new (use --ct-next to customize)" : "ct_state=" + ct_state_text(state));
      if (back.nat) title += "\nReplacing src/dst IP/ports to simulate NAT:\n Initial flow: \n Modified flow: ";
      Flow key = back.key;
      key.recirc_id = be32(ids[back.frozen]);
      key.ct_state = state;
      key.ct_zone = be16(back.zone);
      rounds.push_back({key, title + "\n"});
    }
    if (i == 0) first = std::move(t);
  }
  for (const Held& h : held) rq.sw->release(h, now);
  return out;
}

}  // namespace

std::expected<std::string, std::string> trace_command(const std::vector<Switch*>& switches, const std::vector<std::string>& args, Time now) {
  Request rq;
  std::vector<std::string> words;
  for (size_t i = 0; i < args.size(); i++) {
    const std::string& a = args[i];
    if (a == "-generate" || a == "--generate") {
      rq.generate = true;
    } else if (a.starts_with("--ct-next")) {
      bool inside = a.starts_with("--ct-next=");
      if (!inside && i + 1 == args.size()) return std::unexpected("Missing argument for option --ct-next");
      auto state = parse_ct_next(inside ? a.substr(10) : args[++i]);
      if (!state) return std::unexpected(state.error());
      rq.ct_next.push_back(*state);
    } else if (!a.starts_with("--")) {   // --names
      words.push_back(a);
    }
  }
  if (words.empty()) return std::unexpected("\"ofproto/trace\" command requires at least 1 arguments");
  std::string packet_text;
  if (words.size() > 1)
    if (auto hex = parse_hex(words.back())) {
      rq.packet = Packet::from(*hex);
      words.pop_back();
    }
  if (words.size() > 2) return std::unexpected("syntax error");
  const std::string& flow_text = words.back();
  auto on_datapath = [&](const Flow& key) {
    for (Switch* s : switches)
      if (const Pipeline::Place* place = s->impl_->pipeline.place(key)) {
        rq.sw = s->impl_.get();
        rq.bridge = rq.sw->by_id.at(place->bridge->id);
        rq.key.in_port = be32(place->port.value);
        return true;
      }
    return false;
  };
  if (looks_like_odp_key(flow_text)) {
    OdpTextOptions options;
    options.port_number = [&](std::string_view name) -> std::optional<OdpPort> {
      for (Switch* s : switches)
        for (const DpPort& p : s->dpif().ports())
          if (p.name == name) return p.port;
      return std::nullopt;
    };
    auto parsed = parse_odp_key(flow_text, options);
    if (!parsed) return std::unexpected("syntax error in datapath flow: " + parsed.error());
    rq.key = parsed->key;
    if (!on_datapath(parsed->key) && parsed->key.tunnel.is_present()) return std::unexpected("no OpenFlow tunnel port for this packet");
    if (!on_datapath(parsed->key)) return std::unexpected("no OpenFlow port for datapath port " + std::to_string(parsed->key.in_port.host()));
  } else {
    if (words.size() < 2) return std::unexpected("Must specify bridge name");
    for (Switch* s : switches)
      if (Bridge* b = s->find(words[0])) rq.sw = s->impl_.get(), rq.bridge = b->impl_.get();
    if (!rq.bridge) return std::unexpected(words[0] + ": unknown bridge");
    ofp::NameMap ports;
    for (auto& [n, p] : rq.bridge->view.ports) ports.add(n, p.name);
    auto parsed = ofp::parse_exact_flow(flow_text, {.ports = &ports, .tlv = &rq.bridge->view.tlv});
    if (!parsed) return std::unexpected("Bad openflow flow syntax: " + flow_text + ": " + without_token(parsed.error(), flow_text));
    rq.key = *parsed;
    fields_to_options(rq.key, rq.bridge->view.tlv);
    if (flow_text.find("in_port") == std::string::npos) rq.key.in_port = be32(OFPP_NONE.value);
  }
  if (rq.packet) {
    be32 in_port = rq.key.in_port;
    extract(*rq.packet, rq.key);
    rq.key.in_port = in_port;
  }
  if (rq.key.vlan_tci && !rq.key.vlan_tpid) rq.key.vlan_tpid = be16(0x8100);   // text has no word for it
  if (rq.key.vlan2_tci && !rq.key.vlan2_tpid) rq.key.vlan2_tpid = be16(0x8100);
  Translation t;
  std::string out = trace_all(rq, t, now);
  if (rq.generate) {
    Packet packet = rq.packet ? std::move(*rq.packet) : compose(rq.key);
    const PortView* port = rq.bridge->view.port(OfpPort{rq.key.in_port.host()});
    packet.in_port = port && !port->is_patch ? port->odp : kOdpNone;
    rq.sw->apply(t.effects, 0, 0, rq.key.tcp_flags.host(), now);   // it teaches, and counts nowhere
    rq.sw->execute_once(std::move(packet), t, now);
  }
  return out;
}

std::string format_trace(const ofp::TlvTable& tlv, const Flow& packet, const Translation& t, const TraceTree& tree, const OdpTextOptions& names) {
  Flow key = packet, mask = t.mask;
  options_to_fields(key, tlv);
  options_to_mask(mask, t.options_asked, packet, tlv);
  std::string out = "Flow: " + format_flow_line(key, &tlv) + "\n" + tree.format() + "\nFinal flow: ";
  Flow before = key, after = t.final_flow;
  before.actset_output = be32(OFPP_UNSET.value);   // what an action set would do counts as a change
  out += before == after ? "unchanged" : format_flow_line(after, &tlv);
  out += "\nMegaflow: " + format_megaflow_line(key, mask, &tlv);
  out += "\nDatapath actions: " + format_odp_actions(t.actions, names) + "\n";
  if (t.slow != SlowReason::kNone)
    out += fmt::format("This flow is handled by the userspace slow path because it:\n  - Uses {} not supported by datapath.\n", t.slow == SlowReason::kMatch ? "match field(s)" : "action(s)");
  if (t.error != TranslateError::kNone) out += fmt::format("Translation failed ({}), packet is dropped.\n", describe(t.error));
  return out;
}

}  // namespace sluice

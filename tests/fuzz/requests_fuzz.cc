// SPDX-License-Identifier: Apache-2.0
// Texts of requests other than flows: groups, meters, TLV maps, packet-outs, ct-flush, flow monitors.  Any bytes give a request or an error; what was accepted is
// sent in each version that it is said to be usable in, and what is understood of that is sent the same; groups read back from how they print.
// Input: byte 0 chooses what it is, the rest is the text.
#include <algorithm>
#include <vector>

#include "ofproto/openflow/codec.h"
#include "ofproto/openflow/group_text.h"
#include "ofproto/openflow/message_text.h"
#include "tests/fuzz/fuzz.h"

using namespace sluice;
using namespace sluice::ofp;

namespace {

TlvTable tlv(true);   // grows with each input anew
const CodecOptions kCodec{.tlv = &tlv};
const TextNames kNames{.tlv = &tlv};

/// What the text may say and the switch refuses, as Open vSwitch's do: a length that can't be, what a group of the type can't consist of, methods that are not known.
bool is_for_the_switch_to_refuse(const Body& body, Error e) {
  if (std::holds_alternative<TlvTableMod>(body)) return true;
  return std::holds_alternative<GroupMod>(body) && (e == Error::OFPGMFC_INVALID_GROUP || e == Error::OFPGMFC_WATCH_UNSUPPORTED || e == Error::OFPBPC_BAD_VALUE);
}

void same_on_the_wire(const Message& m) {
  Bytes once, twice;
  if (!encode(m, once, kCodec)) return;   // refused aloud
  auto back = decode(once, kCodec);
  if (!back && is_for_the_switch_to_refuse(m.body, back.error())) return;
  require(back.has_value());
  require(encode(*back, twice, kCodec).has_value());
  require(once == twice);
  if (std::holds_alternative<GroupMod>(m.body)) return;   // buckets get their numbers when they are sent
  require(format(m, {.names = kNames, .verbosity = 3}) == format(*back, {.names = kNames, .verbosity = 3}));
}

void same_in_versions(ProtocolSet usable, MessageType type, MessageType type10, Body body) {
  for (Version v : kVersions)
    if (MessageType t = v == Version::k10 ? type10 : type; (usable & version_protocols(v)) && exists(t, v)) same_on_the_wire({.type = t, .version = v, .xid = 1, .body = body});
}

void group(std::string_view text) {
  (void)parse_group(text, std::nullopt, kNames);
  auto p = parse_group(text, GroupCommand::kAdd, kNames);
  if (!p) return;
  same_in_versions(p->usable, MessageType::OFPT_GROUP_MOD, MessageType::NXT_GROUP_MOD, p->mod);
  const std::string& method = p->mod.selection.method;
  if (!method.empty() && method != "hash" && method != "dp_hash") return;   // no switch takes it, so none prints it
  std::string printed, again;
  auto print = [](const GroupMod& m, std::string& out) { format_group_desc({.type = m.type, .group_id = m.group_id, .buckets = m.buckets, .selection = m.selection}, true, out, kNames); };
  print(p->mod, printed);
  auto back = parse_group(printed, GroupCommand::kAdd, kNames);
  require(back.has_value());
  print(back->mod, again);
  require(printed == again);
}

void meter(std::string_view text) {
  for (MeterCommand c : {MeterCommand::kModify, MeterCommand::kDelete}) (void)parse_meter(text, c);
  (void)parse_meter_id(text);
  if (auto m = parse_meter(text, MeterCommand::kAdd)) same_in_versions(kMeterProtocols, MessageType::OFPT_METER_MOD, MessageType::OFPT_METER_MOD, *m);
}

void tlv_maps(std::string_view text) {
  for (TlvTableCommand c : {TlvTableCommand::kAdd, TlvTableCommand::kDelete})
    if (auto m = parse_tlv_maps(text, c)) same_in_versions(kAllProtocols, MessageType::NXT_TLV_TABLE_MOD, MessageType::NXT_TLV_TABLE_MOD, *m);
}

void packet_out(std::string_view text) {
  (void)parse_packet_hex(text);
  if (auto p = parse_packet_out(text, kNames)) same_in_versions(p->usable, MessageType::OFPT_PACKET_OUT, MessageType::OFPT_PACKET_OUT, p->out);
}

void ct_flush(std::string_view text) {
  std::vector<std::string> words;
  for (size_t at = 0; at <= text.size();) {
    size_t end = std::min(text.find(' ', at), text.size());
    words.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  if (auto c = parse_ct_flush(words)) same_in_versions(kAllProtocols, MessageType::NXT_CT_FLUSH, MessageType::NXT_CT_FLUSH, *c);
}

void monitor(std::string_view text) {
  auto m = parse_flow_monitor(text, kNames);
  if (!m) return;
  for (Version v : kVersions) {
    using enum MessageType;
    MessageType type = v < Version::k13 ? NXST_FLOW_MONITOR_REQUEST : v == Version::k13 ? ONFST_FLOW_MONITOR_REQUEST : OFPST_FLOW_MONITOR_REQUEST;
    if (m->usable & version_protocols(v)) same_on_the_wire({.type = type, .version = v, .xid = 1, .body = FlowMonitorRequest{{m->monitor}}});
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1 || size > 4096) return 0;
  tlv = TlvTable(true);
  constexpr void (*kKinds[])(std::string_view) = {group, meter, tlv_maps, packet_out, ct_flush, monitor};
  kKinds[data[0] % std::size(kKinds)](as_text(data + 1, size - 1));
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Commands about Nicira's extensions: TLV tables, IPFIX statistics, connection tracking.
#include "lib/program.h"
#include "ofproto/openflow/group_text.h"
#include "ofproto/openflow/text.h"
#include "utilities/ofctl/ofctl.h"

namespace sluice::ofctl {
namespace {

using namespace ofp;  // NOLINT

void change_tlv_map(const Settings& s, Words w, TlvTableCommand command) {
  auto mod = parse_tlv_maps(w.size() > 1 ? w[1] : "", command);
  if (!mod) fatal("{}", mod.error());
  // Such options are of use with NXM and OXM only.
  FlowSession session = open_for_flow_mods(s, w[0], kNxmAny | kOxmAny);
  transact_noreply(s, *session.client, encode_or_die(session.client->make(MessageType::NXT_TLV_TABLE_MOD, *mod)));
}
void add_tlv_map(const Settings& s, Words w) {
  if (trim(w[1]).empty()) fatal("invalid tlv mapping");
  change_tlv_map(s, w, TlvTableCommand::kAdd);
}
void del_tlv_map(const Settings& s, Words w) { change_tlv_map(s, w, TlvTableCommand::kDelete); }

void dump_tlv_map(const Settings& s, Words w) {
  auto c = open_bridge(s, w[0]);
  dump(s, *c, c->make(MessageType::NXT_TLV_TABLE_REQUEST, Empty{}));
}
void dump_ipfix_bridge(const Settings& s, Words w) {
  auto c = open_bridge(s, w[0]);
  dump(s, *c, c->make(MessageType::NXST_IPFIX_BRIDGE_REQUEST, Empty{}));
}
void dump_ipfix_flow(const Settings& s, Words w) {
  auto c = open_bridge(s, w[0]);
  dump(s, *c, c->make(MessageType::NXST_IPFIX_FLOW_REQUEST, Empty{}));
}

void ct_flush_zone(const Settings& s, Words w) {
  auto zone = parse_number(w[1]);
  if (!zone || *zone > UINT16_MAX) fatal("invalid zone_id \"{}\"", w[1]);
  auto c = open_bridge(s, w[0]);
  transact_noreply(s, *c, encode_or_die(c->make(MessageType::NXT_CT_FLUSH_ZONE, Setting{static_cast<uint32_t>(*zone)})));
}

void ct_flush(const Settings& s, Words w) {
  auto flush = parse_ct_flush(w.subspan(1));
  if (!flush) fatal("{}", flush.error());
  auto c = open_bridge(s, w[0]);
  transact_noreply(s, *c, encode_or_die(c->make(MessageType::NXT_CT_FLUSH, *flush)));
}

constexpr Command kCommands[] = {
    {"add-tlv-map", "switch map", 2, 2, kWrites, add_tlv_map, "add TLV option MAPpings"},
    {"del-tlv-map", "switch [map]", 1, 2, kWrites, del_tlv_map, "delete TLV option MAPpings"},
    {"dump-tlv-map", "switch", 1, 1, kReads, dump_tlv_map, "print TLV option mappings"},
    {"dump-ipfix-bridge", "switch", 1, 1, kReads, dump_ipfix_bridge, "print ipfix stats of bridge"},
    {"dump-ipfix-flow", "switch", 1, 1, kReads, dump_ipfix_flow, "print flow ipfix of a bridge"},
    {"ct-flush-zone", "switch zone", 2, 2, kWrites, ct_flush_zone, "flush conntrack entries in ZONE"},
    {"ct-flush", "switch [zone=N] [ct-orig-tuple [ct-reply-tuple]]", 1, 4, kWrites, ct_flush, "flush conntrack entries specified by tuples and zone"},
};

}  // namespace

std::span<const Command> extension_commands() { return kCommands; }

}  // namespace sluice::ofctl

// SPDX-License-Identifier: Apache-2.0
// The OpenFlow codec alone: flow-mods from bytes to structs, entries of flow statistics from structs to bytes.
//
//   codec [ROW-PREFIX [ROUNDS]]      prints "ROW ns/message", the best of some rounds
//
// Instructions a message: instructions.sh PROGRAM 50 250 64 ROW...
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "ofproto/openflow/codec.h"
#include "ofproto/openflow/flow_text.h"
#include "ofproto/openflow/match_shape.h"
#include "tests/bench/load.h"

namespace {

using namespace sluice;
using namespace sluice::ofp;

constexpr size_t kMessages = 64;
size_t sink = 0;  // keeps results alive

FlowMod flow_mod(std::string_view text) {
  auto flow = parse_flow(text, FlowModCommand::kAdd);
  if (!flow) bench::die("flow");
  return flow->flow;
}

/// As a session does it: into one message after the other.
void decode_all(const std::vector<Bytes>& messages) {
  static MatchShapes shapes;   // as a session has them
  for (const Bytes& b : messages) {
    Message m;
    if (!read_message(b, {.shapes = &shapes}, m)) std::abort();
    sink += std::get<FlowMod>(m.body).actions.size();
  }
}

struct Row {
  std::string_view name, flow;
  Version version;
  enum class Kind { kDecode, kEncode, kEncodePacked } kind;   // packed: as a switch has its rules
};
constexpr Row kRows[] = {
    {"decode-flow-mod-exact", "priority=5,tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_src=1000,tp_dst=80,actions=output:2", Version::k13, Row::Kind::kDecode},
    {"decode-flow-mod-acl", "priority=5,tcp,nw_src=10.0.0.0/8,nw_dst=10.1.0.0/16,tp_dst=80,actions=drop", Version::k13, Row::Kind::kDecode},
    {"decode-flow-mod-of10", "priority=5,tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_src=1000,tp_dst=80,actions=output:2", Version::k10, Row::Kind::kDecode},
    {"encode-flow-stats", "priority=5,tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_src=1000,tp_dst=80,actions=output:2", Version::k13, Row::Kind::kEncode},
    {"encode-packed-flow-stats", "priority=5,tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_src=1000,tp_dst=80,actions=output:2", Version::k13, Row::Kind::kEncodePacked},
};

void run_row(const Row& row, size_t rounds) {
  FlowMod mod = flow_mod(row.flow);
  std::vector<Bytes> messages(kMessages, encode({.type = MessageType::OFPT_FLOW_MOD, .version = row.version, .xid = 1, .body = mod}));
  FlowStats stats;
  stats.match = mod.match.expand();
  stats.actions = mod.actions;
  stats.priority = mod.priority;
  Bytes out;
  double best = 1e9;
  for (size_t i = 0; i < rounds; i++) {
    double start = bench::seconds_now();
    if (row.kind != Row::Kind::kDecode) {
      out.clear();
      MultipartWriter w(out, MessageType::OFPST_FLOW_REPLY, row.version, 1, {});
      for (size_t k = 0; k < kMessages; k++)
        if (!(row.kind == Row::Kind::kEncode ? w.append(stats) : w.append(stats, mod.match, stats.actions))) std::abort();
      w.finish(false);
      sink += out.size();
    } else {
      decode_all(messages);
    }
    best = std::min(best, bench::seconds_now() - start);
  }
  std::printf("%.*s %.1f\n", static_cast<int>(row.name.size()), row.name.data(), best * 1e9 / kMessages);
}

}  // namespace

int main(int argc, char** argv) {
  std::string_view prefix = argc > 1 ? argv[1] : "";
  size_t rounds = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 2000;
  for (const Row& row : kRows)
    if (row.name.starts_with(prefix)) run_row(row, rounds);
  return sink == 0;
}

// SPDX-License-Identifier: Apache-2.0
// Running action programs.
#include "datapath/user/executor.h"

#include "datapath/checksum.h"
#include "datapath/edits.h"
#include "datapath/ethertype.h"
#include "datapath/user/hash.h"

namespace sluice {
namespace {

/// Metadata and headers that actions change; never consumes the packet.
bool is_edit(OpCode code) {
  switch (code) {
    case OpCode::kSet: case OpCode::kPushVlan: case OpCode::kPopVlan: case OpCode::kPushMpls: case OpCode::kPopMpls: case OpCode::kHash: case OpCode::kTrunc:
    case OpCode::kCt: case OpCode::kCtClear:
    case OpCode::kPushEth: case OpCode::kPopEth: case OpCode::kPushNsh: case OpCode::kPopNsh: case OpCode::kAddMpls:
      return true;
    default:
      return false;
  }
}

bool hides_headers(OpCode code) { return code == OpCode::kPushNsh || code == OpCode::kAddMpls; }

}  // namespace

void Executor::run(const Program& program, Packet* packet, Time now, unsigned depth, size_t from) {
  for (size_t i = from; i < program.ops().size(); i++) {
    const Op& op = program.ops()[i];
    if (hides_headers(op.code) && packet->offload.gso_type) [[unlikely]] return run_segments(program, packet, now, depth, i);
    if (op.code == OpCode::kMeter) {   // what it does not let pass is gone for the rest of the program
      if (meters_.pass(op.arg, packet->size(), now)) continue;
      return pool_.give(packet);
    }
    // Not for the last operation: that takes our reference.
    if (!op.last && !is_edit(op.code)) PacketPool::share(packet);
    Packet* rest = step(op, packet, now, depth);
    if (rest) packet = rest;
    else if (op.last) return;
  }
  pool_.give(packet);
}

/// The segments of a super-packet, each for itself: no device cuts what is inside of a header that it doesn't know.
void Executor::run_segments(const Program& program, Packet* packet, Time now, unsigned depth, size_t from) {
  PacketBatch segments(pool_);
  segments.add_owned(packet);
  complete_offloads(segments);
  for (size_t i = 0; i < segments.size(); i++) run(program, segments.release(i), now, depth, from);
}

/// Returns the packet if its reference was not consumed.
Packet* Executor::step(const Op& op, Packet* p, Time now, unsigned depth) {
  switch (op.code) {
    case OpCode::kOutput:
      if (p->truncate_to != UINT32_MAX && !op.last) {
        // The limit is of this output only; `p` is still referred to by the program, which goes on with the whole.
        output(op.arg, pool_.copy(*p));
        pool_.give(p);
        p->truncate_to = UINT32_MAX;
        return nullptr;
      }
      output(op.arg, p);
      return nullptr;
    case OpCode::kUserspace:
      exits_.to_user(p, std::get<OdpUserspace>(op.action->v), now);
      return nullptr;
    case OpCode::kRecirc:
      if (depth >= kMaxDepth) {
        pool_.give(p);
        return nullptr;
      }
      p = pool_.writable(p);
      p->recirc_id = op.arg;
      exits_.recirculate(p, depth + 1, now);
      return nullptr;
    case OpCode::kSample:
      if (random() > std::get<OdpSample>(op.action->v).probability) {
        pool_.give(p);
        return nullptr;
      }
      [[fallthrough]];
    case OpCode::kClone:
      run(*op.nested, p, now, depth);
      return nullptr;
    case OpCode::kCheckPktLen: {
      // What is compared is the frame without its tag.
      constexpr size_t kTag = 4;
      size_t size = p->size() - (p->size() >= 14 && is_vlan_type(be16(load_be<uint16_t>(p->data() + 12))) ? kTag : 0);
      run(size > op.arg ? *op.nested : *op.otherwise, p, now, depth);
      return nullptr;
    }
    case OpCode::kDrop:
    case OpCode::kTunnelPush:
    case OpCode::kTunnelPop:
    case OpCode::kDecTtl:
    case OpCode::kOther:
      pool_.give(p);
      return nullptr;
    default:
      return edit(op, pool_.writable(p), now);
  }
}

Packet* Executor::edit(const Op& op, Packet* p, Time now) {
  const OdpAction& a = *op.action;
  switch (op.code) {
    case OpCode::kSet: set_fields(*p, *op.edit); break;
    case OpCode::kPushVlan: push_vlan(*p, std::get<OdpPushVlan>(a.v).tpid, std::get<OdpPushVlan>(a.v).tci); break;
    case OpCode::kPopVlan: pop_vlan(*p); break;
    case OpCode::kPushMpls: push_mpls(*p, std::get<OdpPushMpls>(a.v).lse, std::get<OdpPushMpls>(a.v).eth_type); break;
    case OpCode::kPopMpls: pop_mpls(*p, std::get<OdpPopMpls>(a.v).eth_type); break;
    case OpCode::kPushEth: push_eth(*p, std::get<OdpPushEth>(a.v)); break;
    case OpCode::kPopEth: pop_eth(*p); break;
    case OpCode::kPushNsh: push_nsh(*p, std::get<OdpPushNsh>(a.v)); break;
    case OpCode::kPopNsh: pop_nsh(*p); break;
    case OpCode::kAddMpls: add_mpls(*p, std::get<OdpAddMpls>(a.v)); break;
    case OpCode::kTrunc: p->truncate_to = op.arg; break;
    case OpCode::kCtClear: p->clear_ct(); break;
    case OpCode::kCt:
      complete_checksum(*p);   // translation and its checks want whole ones
      connections_.track(*p, std::get<OdpCt>(a.v), now);
      break;
    case OpCode::kHash: {
      Flow key;
      extract(*p, key);
      p->dp_hash = packet_hash(key, std::get<OdpHash>(a.v));
      break;
    }
    default: break;
  }
  return p;
}

void Executor::output(uint32_t port, Packet* p) {
  if (p->truncate_to < p->size()) {
    p = pool_.writable(p);
    complete_checksum(*p);
    p->offload = {};
    p->truncate(p->truncate_to);
  }
  ports_.send(port, p);
}

/// xorshift64*.
uint32_t Executor::random() {
  random_ ^= random_ >> 12;
  random_ ^= random_ << 25;
  random_ ^= random_ >> 27;
  return static_cast<uint32_t>((random_ * 0x2545f4914f6cdd1d) >> 32);
}

uint32_t packet_hash(const Flow& k, const OdpHash& hash) {
  constexpr uint32_t kSymmetric = 1;
  const HashSeed seed(hash.basis);
  WordHash h(seed);
  uint64_t v6[4];
  std::memcpy(v6, &k.ipv6_src, 32);
  uint64_t l4 = uint64_t{k.tp_src.host()} << 16 | k.tp_dst.host(), v4_src = k.nw_src.raw(), v4_dst = k.nw_dst.raw();
  if (hash.algorithm == kSymmetric) {  // the same in both directions
    l4 = k.tp_src.host() ^ k.tp_dst.host();
    v4_src ^= v4_dst;
    v4_dst = 0;
    v6[0] ^= v6[2], v6[1] ^= v6[3];
    v6[2] = v6[3] = 0;
  }
  for (uint64_t w : {v4_src, v4_dst, v6[0], v6[1], v6[2], v6[3], uint64_t{k.nw_proto}, l4}) h.add(w);
  auto value = static_cast<uint32_t>(h.value());
  return value ? value : 1;
}

}  // namespace sluice

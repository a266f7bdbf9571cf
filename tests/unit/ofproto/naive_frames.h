// SPDX-License-Identifier: Apache-2.0
// An interpreter of action lists over whole frames, as plain as can be: each header is bytes that are put in front or taken away at once, and what a packet is
// is read from its bytes again before each action.  The oracle of encap and decap: it knows no pending headers, no recirculation, no clones.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "datapath/packet.h"
#include "ofproto/openflow/action.h"

namespace sluice {

/// A frame that left.
struct FrameOut {
  uint32_t port;
  Bytes frame;
  friend bool operator==(const FrameOut&, const FrameOut&) = default;
};

class NaiveFrames {
 public:
  std::map<uint32_t, std::vector<ofp::Actions>> groups;   // of type all
  std::map<uint32_t, ofp::Actions> patches;               // port -> what the bridge behind it does
  unsigned ports = 4;                                     // 1..ports

  std::vector<FrameOut> run(const ofp::Actions& actions, uint32_t in_port, ByteView frame) {
    out_.clear();
    kept_.reset();
    in_port_ = in_port;
    Copy whole{{frame.begin(), frame.end()}, 0, 0};
    list(actions, whole);
    return out_;
  }

  /// Where a packet comes back to the datapath before what it begins with has to be known is not said here: then what left before may stay.
  bool allows(const std::vector<FrameOut>& have) const { return have == out_ || (kept_ && have == *kept_); }

 private:
  struct Copy {
    Bytes bytes;
    uint32_t type;               // packet type
    std::optional<size_t> since; // what left since then does not, if the packet turns out to be refused: of a translation of its own
    bool ended = false;
  };

  static Flow look(const Copy& c) {
    Packet p = Packet::from(c.bytes);
    p.packet_type = c.type;
    Flow f{};
    extract(p, f);
    return f;
  }
  static void put_front(Copy& c, const Bytes& header) { c.bytes.insert(c.bytes.begin(), header.begin(), header.end()); }
  static void cut_front(Copy& c, size_t n) { c.bytes.erase(c.bytes.begin(), c.bytes.begin() + static_cast<ptrdiff_t>(n)); }
  static void put16(Copy& c, size_t at, uint16_t v) { c.bytes[at] = static_cast<uint8_t>(v >> 8), c.bytes[at + 1] = static_cast<uint8_t>(v); }
  /// Where the first header after Ethernet and tags is.
  static size_t network(const Copy& c, const Flow& f) { return c.type ? 0 : 14 + (f.vlan_tci ? 4u : 0u) + (f.vlan2_tci ? 4u : 0u); }

  void refuse(Copy& c) {
    c.ended = true;
    if (c.since && !kept_) kept_ = out_;
    if (c.since) out_.resize(*c.since);
  }
  void list(const ofp::Actions& actions, Copy& c) {
    for (const ofp::Action& a : actions)
      if (!c.ended) one(a, c);
  }
  void on_copy(const ofp::Actions& actions, const Copy& c) {
    Copy copy{c.bytes, c.type, std::nullopt};
    list(actions, copy);
  }
  void output(uint32_t port, const Copy& c) {
    if (patches.contains(port)) {
      uint32_t in_port = std::exchange(in_port_, 0);
      on_copy(patches.at(port), c);
      in_port_ = in_port;
    } else if (port >= 1 && port <= ports && port != in_port_ && !c.type) {
      out_.push_back({port, c.bytes});
    }
  }

  void one(const ofp::Action& a, Copy& c) {
    Flow f = look(c);
    if (auto* o = a.as<ofp::Output>()) output(o->port.value, c);
    else if (auto* clone = a.as<ofp::Clone>()) on_copy(clone->actions, c);
    else if (auto* g = a.as<ofp::Group>()) for (auto& bucket : groups[g->group]) on_copy(bucket, c);
    else if (auto* e = a.as<ofp::Encap>()) encap(*e, c);
    else if (auto* d = a.as<ofp::Decap>()) decap(*d, c, f);
    else if (auto* s = a.as<ofp::SetField>()) set(*s, c, f);
    else if (a.as<ofp::DecNshTtl>()) dec_nsh_ttl(c, f);
    else if (a.as<ofp::StripVlan>()) strip_vlan(c, f);
    else if (auto* push = a.as<ofp::PushMpls>()) push_mpls(*push, c, f);
    else if (auto* pop = a.as<ofp::PopMpls>()) pop_mpls(*pop, c, f);
  }

  void encap(const ofp::Encap& e, Copy& c) {
    if (e.packet_type == 0) {
      if (c.type >> 16 != 1) return refuse(c);
      Bytes header(14);
      header[12] = static_cast<uint8_t>(c.type >> 8), header[13] = static_cast<uint8_t>(c.type);
      put_front(c, header);
    } else if (e.packet_type == 0x1894f) {
      uint8_t next = c.type == 0 ? 3 : c.type == 0x10800 ? 1 : c.type == 0x186dd ? 2 : c.type == 0x1894f ? 4 : c.type == 0x18847 ? 5 : 0;
      if (!next) return refuse(c);
      Bytes header{0x0f, 0xc6, 1, next, 0, 0, 0, 255};
      if (e.nsh_md_type == 2) header[2] = 2;
      else header.resize(24);
      for (auto& t : e.nsh_tlvs) {
        header.insert(header.end(), {static_cast<uint8_t>(t.tlv_class >> 8), static_cast<uint8_t>(t.tlv_class), t.type, static_cast<uint8_t>(t.data.size())});
        header.insert(header.end(), t.data.begin(), t.data.end());
        while (header.size() % 4) header.push_back(0);
      }
      header[1] = static_cast<uint8_t>(0xc0 | header.size() / 4);
      put_front(c, header);
    } else {
      bool stacks = c.type == 0x18847 || c.type == 0x18848;
      put_front(c, {0, 0, static_cast<uint8_t>(stacks ? 0 : 1), 64});
    }
    c.type = e.packet_type;
  }

  void decap(const ofp::Decap& d, Copy& c, const Flow& f) {
    if (c.type == 0) {
      if (f.vlan_tci || f.eth_type.host() < 0x600) return refuse(c);
      cut_front(c, 14);
      c.type = 0x10000 | f.eth_type.host();
    } else if (c.type == 0x1894f) {
      constexpr uint32_t kTypes[] = {0, 0x10800, 0x186dd, 0, 0x1894f, 0x18847};
      if (f.nsh_np < 1 || f.nsh_np > 5) return refuse(c);
      cut_front(c, (c.bytes[1] & 0x3fu) * 4u);
      c.type = kTypes[f.nsh_np];
      c.since = out_.size();
    } else if (f.is_mpls()) {
      if (c.bytes.size() < 4) return refuse(c);
      bool bottom = c.bytes[2] & 1;
      if (bottom && d.packet_type >> 16 != 1 && d.packet_type != 0) return refuse(c);
      cut_front(c, 4);
      if (bottom) c.type = d.packet_type;
      c.since = out_.size();
    } else {
      refuse(c);
    }
  }

  /// Whole values of the fields that tests set.
  void set(const ofp::SetField& s, Copy& c, const Flow& f) {
    using enum ofp::FieldId;
    size_t at = network(c, f);
    bool nsh = f.eth_type == be16(0x894f) && f.nsh_mdtype;
    uint64_t v = s.value.u64();
    auto bytes = [&](size_t to, size_t n) { for (size_t i = 0; i < n; i++) c.bytes[to + i] = static_cast<uint8_t>(v >> 8 * (n - 1 - i)); };
    if (s.field == kEthDst || s.field == kEthSrc) {
      if (!c.type && c.bytes.size() >= 14) bytes(s.field == kEthSrc ? 6 : 0, 6);
    } else if (s.field == kMplsLabel && f.is_mpls()) {
      uint32_t lse = f.mpls_lse[0].host() & 0xfff;
      v = v << 12 | lse;
      bytes(at, 4);
    } else if (s.field == kNshSpi && nsh) {
      bytes(at + 4, 3);
    } else if (s.field == kNshSi && nsh) {
      bytes(at + 7, 1);
    } else if (s.field == kNshTtl && nsh) {
      set_ttl(c, at, static_cast<uint8_t>(v));
    } else if (s.field == kNshC1 && nsh && f.nsh_mdtype == 1) {
      bytes(at + 8, 4);
    }
  }
  void set_ttl(Copy& c, size_t at, uint8_t ttl) {
    c.bytes[at] = static_cast<uint8_t>((c.bytes[at] & 0xf0) | ttl >> 2);
    c.bytes[at + 1] = static_cast<uint8_t>((c.bytes[at + 1] & 0x3f) | ttl << 6);
  }
  void dec_nsh_ttl(Copy& c, const Flow& f) {
    if (f.eth_type != be16(0x894f)) return;
    if (f.nsh_ttl <= 1) c.ended = true;   // to the controller, and no further
    else set_ttl(c, network(c, f), static_cast<uint8_t>(f.nsh_ttl - 1));
  }
  void strip_vlan(Copy& c, const Flow& f) {
    if (!c.type && f.vlan_tci) c.bytes.erase(c.bytes.begin() + 12, c.bytes.begin() + 16);
  }
  void push_mpls(const ofp::PushMpls& p, Copy& c, const Flow& f) {
    uint32_t lse = f.is_mpls() ? f.mpls_lse[0].host() & ~0x100u
                               : (f.eth_type == be16(0x86dd) ? 2u : 0u) << 12 | (f.is_ip() ? f.nw_tos >> 2 & 7u : 0u) << 9 | 0x100 | (f.is_ip() && f.nw_ttl ? f.nw_ttl : 64u);
    size_t at = network(c, f);
    c.bytes.insert(c.bytes.begin() + static_cast<ptrdiff_t>(at), {static_cast<uint8_t>(lse >> 24), static_cast<uint8_t>(lse >> 16), static_cast<uint8_t>(lse >> 8), static_cast<uint8_t>(lse)});
    set_type(c, at, p.ethertype);
  }
  void pop_mpls(const ofp::PopMpls& p, Copy& c, const Flow& f) {
    if (!f.is_mpls()) return;
    size_t at = network(c, f);
    bool bottom = c.bytes[at + 2] & 1;
    c.bytes.erase(c.bytes.begin() + static_cast<ptrdiff_t>(at), c.bytes.begin() + static_cast<ptrdiff_t>(at) + 4);
    if (bottom) set_type(c, at, p.ethertype);
  }
  static void set_type(Copy& c, size_t network, uint16_t type) {
    if (c.type) c.type = 0x10000 | type;
    else put16(c, network - 2, type);
  }

  std::vector<FrameOut> out_;
  std::optional<std::vector<FrameOut>> kept_;
  uint32_t in_port_ = 0;
};

}  // namespace sluice

// SPDX-License-Identifier: Apache-2.0
// Hashes over packet fields, and what chooses by them: multipath, bundle.
#include <xxhash.h>

#include <algorithm>

#include "ofproto/translator.h"

namespace sluice {
namespace {

uint32_t hash64(uint64_t a, uint64_t b) {
  uint64_t in[2] = {a, b};
  return static_cast<uint32_t>(XXH3_64bits(in, sizeof in));
}

}  // namespace

/// The same for both directions of a connection: fields of source and destination are xored before they are hashed.
uint32_t Translator::symmetric_hash(uint32_t basis, bool l2, bool l4, bool udp) {
  struct Fields {
    uint64_t mac = 0, ip[2] = {0, 0};
    uint32_t basis = 0;
    uint16_t ports = 0, eth_type = 0, vid = 0;
    uint8_t proto = 0, pad = 0;
    uint32_t pad2 = 0;
  } f;
  static_assert(std::has_unique_object_representations_v<Fields>);
  f.basis = basis;
  if (l2) {
    f.mac = p_.get<&Flow::eth_src>().to_u64() ^ p_.get<&Flow::eth_dst>().to_u64();
    f.eth_type = p_.eth_type().raw();
    f.vid = (p_.has_vlan() ? p_.get_bits<&Flow::vlan_tci>(be16(0x0fff)) : be16()).raw();
  }
  if (p_.is_ipv4()) {
    f.ip[0] = (p_.get<&Flow::nw_src>() ^ p_.get<&Flow::nw_dst>()).raw();
  } else if (p_.is_ipv6()) {
    Ipv6Addr a = p_.get<&Flow::ipv6_src>(), b = p_.get<&Flow::ipv6_dst>();
    for (size_t i = 0; i < 16; i++) reinterpret_cast<uint8_t*>(f.ip)[i] = static_cast<uint8_t>(a.b[i] ^ b.b[i]);
  }
  if (l4 && p_.is_ip()) {
    f.proto = p_.get<&Flow::nw_proto>();
    if (p_.is_l4(6) || p_.is_l4(132) || (udp && p_.is_l4(17))) f.ports = (p_.get<&Flow::tp_src>() ^ p_.get<&Flow::tp_dst>()).raw();
  }
  return static_cast<uint32_t>(XXH3_64bits(&f, sizeof f));
}

uint32_t Translator::hash_fields(ofp::HashFields fields, uint32_t basis) {
  switch (fields) {
    case ofp::HashFields::kEthSrc: return hash64(p_.get<&Flow::eth_src>().to_u64(), basis);
    case ofp::HashFields::kSymmetricL4: return symmetric_hash(basis, true, true, false);
    case ofp::HashFields::kSymmetricL3L4: return symmetric_hash(basis, false, true, false);
    case ofp::HashFields::kSymmetricL3L4Udp: return symmetric_hash(basis, false, true, true);
    case ofp::HashFields::kSymmetricL3: return symmetric_hash(basis, false, false, false);
    case ofp::HashFields::kNwSrc:
    case ofp::HashFields::kNwDst: {
      bool src = fields == ofp::HashFields::kNwSrc;
      if (p_.is_ipv4()) return hash64((src ? p_.get<&Flow::nw_src>() : p_.get<&Flow::nw_dst>()).raw(), basis);
      if (!p_.is_ipv6()) return hash64(0, basis);
      Ipv6Addr a = src ? p_.get<&Flow::ipv6_src>() : p_.get<&Flow::ipv6_dst>();
      return static_cast<uint32_t>(XXH3_64bits_withSeed(a.b.data(), a.b.size(), basis));
    }
  }
  return 0;
}

unsigned Translator::multipath_link(const ofp::Multipath& m) {
  uint32_t hash = hash_fields(m.fields, m.basis);
  unsigned n = std::max<unsigned>(m.n_links, 1);
  switch (m.algorithm) {
    case ofp::MultipathAlgorithm::kModuloN: return hash % n;
    case ofp::MultipathAlgorithm::kHashThreshold: return static_cast<unsigned>(static_cast<uint64_t>(hash) * n >> 32);
    case ofp::MultipathAlgorithm::kHrw: {
      unsigned best = 0;
      uint32_t best_weight = 0;
      for (unsigned i = 0; i < n; i++)
        if (uint32_t w = hash64(i, hash); i == 0 || w > best_weight) best = i, best_weight = w;
      return best;
    }
    case ofp::MultipathAlgorithm::kIterHash: {
      uint64_t range = 1;   // the power of two from n
      while (range < n) range *= 2;
      uint32_t h = hash;
      for (int i = 0; i < 64; i++, h = hash64(h, m.arg))
        if (unsigned link = static_cast<unsigned>(h & (range - 1)); link < n) return link;
      return hash % n;
    }
  }
  return 0;
}

OfpPort Translator::bundle_member(const ofp::Bundle& b) {
  if (b.algorithm == ofp::BundleAlgorithm::kActiveBackup) {
    auto it = std::ranges::find_if(b.members, [&](OfpPort p) { return is_live(p); });
    return it == b.members.end() ? OFPP_NONE : *it;
  }
  uint32_t hash = hash_fields(b.fields, b.basis), best_weight = 0;
  OfpPort best = OFPP_NONE;
  for (size_t i = 0; i < b.members.size(); i++) {
    if (!is_live(b.members[i])) continue;
    if (uint32_t w = hash64(i, hash); best == OFPP_NONE || w > best_weight) best = b.members[i], best_weight = w;
  }
  return best;
}

}  // namespace sluice

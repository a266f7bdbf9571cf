// SPDX-License-Identifier: Apache-2.0
// See probe.h.
#include "datapath/kernel/probe.h"

#include <cerrno>

#include <linux/openvswitch.h>

#include "datapath/dpif.h"
#include "datapath/ethertype.h"
#include "datapath/l4.h"

namespace sluice {
namespace {

constexpr uint32_t kNoSuchPort = 0xffff - 1;   // flows of probes match packets from a port that is not there
constexpr uint16_t kActionDrop = 24;           // OVS_ACTION_ATTR_DROP of Linux 6.7
constexpr unsigned kMaxSampleNesting = 10;
constexpr unsigned kMaxMplsDepth = 3, kMaxVlanDepth = 2;

using Write = void (*)(AttrWriter&);

void put_ethernet(AttrWriter& w, be16 eth_type) {
  w.value(OVS_KEY_ATTR_ETHERNET, ovs_key_ethernet{});
  w.value(OVS_KEY_ATTR_ETHERTYPE, eth_type);
}

void put_tcp(AttrWriter& w) {
  w.value(OVS_KEY_ATTR_TCP, ovs_key_tcp{});
  w.value(OVS_KEY_ATTR_TCP_FLAGS, be16());
}

void put_tcp4(AttrWriter& w) {
  put_ethernet(w, kEthIpv4);
  w.value(OVS_KEY_ATTR_IPV4, ovs_key_ipv4{.ipv4_proto = kProtoTcp});
  put_tcp(w);
}

void put_tcp6(AttrWriter& w) {
  put_ethernet(w, kEthIpv6);
  w.value(OVS_KEY_ATTR_IPV6, ovs_key_ipv6{.ipv6_proto = kProtoTcp});
  put_tcp(w);
}

void put_other(AttrWriter& w) { put_ethernet(w, be16(0x1234)); }
void put_ct_state(AttrWriter& w) { w.value(OVS_KEY_ATTR_CT_STATE, uint32_t{OVS_CS_F_NEW | OVS_CS_F_TRACKED}); }

template <typename Tuple>
void put_ct_tuple(uint16_t type, uint8_t Tuple::*proto, AttrWriter& w) {
  Tuple t;
  std::memset(&t, 0, sizeof t);   // it has padding
  t.*proto = kProtoTcp;
  w.put(type, &t, sizeof t);
}

void put_ct(AttrWriter& w, Write inside) { w.nest(OVS_ACTION_ATTR_CT, [&] { inside(w); }); }

class Prober;
unsigned sample_nesting(Prober&, KernelFeatures&);
unsigned vlan_tags(Prober&, KernelFeatures&);
unsigned mpls_labels(Prober&, KernelFeatures&);
unsigned hash_algorithm(Prober&, KernelFeatures&) { return OVS_HASH_ALG_L4; }   // what later kernels have besides, we do not use

/// In Open vSwitch's order.  Yes if a flow of that key and those actions is taken; no key: never, it is the userspace datapath's.  Or a number.
struct Row {
  const char* name;
  Write key = nullptr, actions = nullptr;
  bool KernelFeatures::*feature = nullptr;
  unsigned (*count)(Prober&, KernelFeatures&) = nullptr;
};
constexpr Row kRows[] = {
    {"Masked set action", put_other, [](AttrWriter& w) {
       ovs_key_ethernet both[2]{};
       w.nest(OVS_ACTION_ATTR_SET_MASKED, [&] { w.value(OVS_KEY_ATTR_ETHERNET, both); });
     }},
    {.name = "Tunnel push pop"},
    {"Ufid", put_other, [](AttrWriter&) {}},
    {"Truncate action", put_other, [](AttrWriter& w) { w.value(OVS_ACTION_ATTR_TRUNC, ovs_action_trunc{.max_len = 64}); }},
    {"Clone action", put_other, [](AttrWriter& w) { w.flag(OVS_ACTION_ATTR_CLONE); }},
    {.name = "Sample nesting", .count = sample_nesting},
    {"Conntrack eventmask", put_tcp4, [](AttrWriter& w) { put_ct(w, [](AttrWriter& c) { c.flag(OVS_CT_ATTR_COMMIT), c.value(OVS_CT_ATTR_EVENTMASK, UINT32_MAX); }); }, &KernelFeatures::ct_eventmask},
    {"Conntrack clear", put_other, [](AttrWriter& w) { w.flag(OVS_ACTION_ATTR_CT_CLEAR); }},
    {.name = "Max dp_hash algorithm", .count = hash_algorithm},
    {"Check pkt length action", put_other, [](AttrWriter& w) {
       w.nest(OVS_ACTION_ATTR_CHECK_PKT_LEN, [&] {
         w.value(OVS_CHECK_PKT_LEN_ATTR_PKT_LEN, uint16_t{100});
         w.flag(OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_GREATER), w.flag(OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_LESS_EQUAL);
       });
     }},
    {"Conntrack timeout policy", put_tcp4, [](AttrWriter& w) { put_ct(w, [](AttrWriter& c) { c.flag(OVS_CT_ATTR_COMMIT), c.put(OVS_CT_ATTR_TIMEOUT, std::string("none")); }); }},
    {"Explicit Drop action", put_other, [](AttrWriter& w) { w.value(kActionDrop, uint32_t{0}); }, &KernelFeatures::drop_action},
    {.name = "Optimized Balance TCP mode"},
    {"Conntrack all-zero IP SNAT", put_tcp4, [](AttrWriter& w) {
       put_ct(w, [](AttrWriter& c) {
         c.flag(OVS_CT_ATTR_COMMIT);
         c.nest(OVS_CT_ATTR_NAT, [&] { c.flag(OVS_NAT_ATTR_SRC), c.value(OVS_NAT_ATTR_IP_MIN, uint32_t{0}); });
       });
     }},
    {"MPLS Label add", put_other, [](AttrWriter& w) {
       w.value(OVS_ACTION_ATTR_ADD_MPLS, ovs_action_add_mpls{.mpls_lse = 0, .mpls_ethertype = kEthMpls.raw(), .tun_flags = 0});
     }, &KernelFeatures::add_mpls},
    {.name = "Max VLAN headers", .count = vlan_tags},
    {.name = "Max MPLS depth", .count = mpls_labels},
    {"Recirc", [](AttrWriter& w) { w.value(OVS_KEY_ATTR_RECIRC_ID, uint32_t{1}), put_other(w); }, [](AttrWriter&) {}},
    {"CT state", [](AttrWriter& w) { put_ct_state(w), put_other(w); }, [](AttrWriter&) {}, &KernelFeatures::ct_state},
    {"CT zone", [](AttrWriter& w) { w.value(OVS_KEY_ATTR_CT_ZONE, uint16_t{1}), put_other(w); }, [](AttrWriter&) {}, &KernelFeatures::ct_zone},
    {"CT mark", [](AttrWriter& w) { w.value(OVS_KEY_ATTR_CT_MARK, uint32_t{1}), put_other(w); }, [](AttrWriter&) {}, &KernelFeatures::ct_mark},
    {"CT label", [](AttrWriter& w) { w.value(OVS_KEY_ATTR_CT_LABELS, ovs_key_ct_labels{}), put_other(w); }, [](AttrWriter&) {}, &KernelFeatures::ct_label},
    {"CT state NAT", [](AttrWriter& w) { w.value(OVS_KEY_ATTR_CT_STATE, uint32_t{OVS_CS_F_TRACKED | OVS_CS_F_SRC_NAT}), put_other(w); }, [](AttrWriter&) {}},
    {"CT orig tuple", [](AttrWriter& w) {
       put_ct_state(w), put_tcp4(w);
       put_ct_tuple<ovs_key_ct_tuple_ipv4>(OVS_KEY_ATTR_CT_ORIG_TUPLE_IPV4, &ovs_key_ct_tuple_ipv4::ipv4_proto, w);
     }, [](AttrWriter&) {}},
    {"CT orig tuple for IPv6", [](AttrWriter& w) {
       put_ct_state(w), put_tcp6(w);
       put_ct_tuple<ovs_key_ct_tuple_ipv6>(OVS_KEY_ATTR_CT_ORIG_TUPLE_IPV6, &ovs_key_ct_tuple_ipv6::ipv6_proto, w);
     }, [](AttrWriter&) {}},
    {.name = "IPv6 ND Extension"},
    {"IPv6 extension headers", [](AttrWriter& w) { put_tcp6(w), w.value(OVS_KEY_ATTR_IPV6_EXTHDRS, ovs_key_ipv6_exthdrs{}); }, [](AttrWriter&) {}, &KernelFeatures::ipv6_exthdrs},
};

class Prober {
 public:
  Prober(GenlSocket& socket, const GenlFamilies& families, int dp_ifindex) : socket_(socket), families_(families), dp_ifindex_(dp_ifindex) {}

  template <typename Key, typename Actions>
  bool has(Key key, Actions actions) {
    Ufid ufid{};
    ufid[15] = 1;
    auto made = socket_.transact(command(OVS_FLOW_CMD_NEW), dp_ifindex_, NLM_F_CREATE, [&](AttrWriter& w) {
      w.value(OVS_FLOW_ATTR_UFID, ufid);
      w.flag(OVS_FLOW_ATTR_PROBE);
      w.nest(OVS_FLOW_ATTR_KEY, [&] { w.value(OVS_KEY_ATTR_IN_PORT, kNoSuchPort), key(w); });
      w.nest(OVS_FLOW_ATTR_ACTIONS, [&] { actions(w); });
    });
    if (!made) return made.error() == EEXIST;
    (void)socket_.transact(command(OVS_FLOW_CMD_DEL), dp_ifindex_, 0, [&](AttrWriter& w) { w.value(OVS_FLOW_ATTR_UFID, ufid); });
    return true;
  }
  /// The largest number up to `most` that works.
  template <typename Fn>
  unsigned depth(unsigned most, Fn works) {
    unsigned n = 0;
    while (n < most && works(n + 1)) n++;
    return n;
  }
  unsigned sample_nesting() {
    return depth(kMaxSampleNesting, [&](unsigned n) { return has(put_other, [&](AttrWriter& w) { samples(w, n); }); });
  }
  unsigned vlan_tags() {
    return depth(kMaxVlanDepth, [&](unsigned n) { return has([&](AttrWriter& w) { w.value(OVS_KEY_ATTR_ETHERNET, ovs_key_ethernet{}), tags(w, n); }, [](AttrWriter&) {}); });
  }
  unsigned mpls_labels() {
    return depth(kMaxMplsDepth, [&](unsigned n) {
      return has([&](AttrWriter& w) {
        be32 labels[kMaxMplsDepth]{};
        labels[n - 1] = be32(kMplsBottom);
        put_ethernet(w, kEthMpls), w.put(OVS_KEY_ATTR_MPLS, labels, n * sizeof(be32));
      }, [](AttrWriter&) {});
    });
  }

 private:
  GenlCommand command(uint8_t c) const { return {families_.flow, c, OVS_FLOW_VERSION}; }
  static void samples(AttrWriter& w, unsigned n) {
    if (n == 0) return;
    w.nest(OVS_ACTION_ATTR_SAMPLE, [&] {
      w.value(OVS_SAMPLE_ATTR_PROBABILITY, UINT32_MAX);
      w.nest(OVS_SAMPLE_ATTR_ACTIONS, [&] { samples(w, n - 1); });
    });
  }
  static void tags(AttrWriter& w, unsigned n) {
    if (n == 0) return w.value(OVS_KEY_ATTR_ETHERTYPE, be16(0x1234));
    w.value(OVS_KEY_ATTR_ETHERTYPE, kEthVlan);
    w.value(OVS_KEY_ATTR_VLAN, be16(kVlanPresent));
    w.nest(OVS_KEY_ATTR_ENCAP, [&] { tags(w, n - 1); });
  }
  GenlSocket& socket_;
  const GenlFamilies& families_;
  int dp_ifindex_;
};

unsigned sample_nesting(Prober& p, KernelFeatures&) { return p.sample_nesting(); }
unsigned vlan_tags(Prober& p, KernelFeatures& features) { return features.vlan_tags = p.vlan_tags(); }
unsigned mpls_labels(Prober& p, KernelFeatures& features) { return features.mpls_labels = p.mpls_labels(); }

}  // namespace

ProbeResult probe_kernel(GenlSocket& socket, const GenlFamilies& families, int dp_ifindex) {
  Prober prober(socket, families, dp_ifindex);
  ProbeResult result;
  for (const Row& row : kRows) {
    bool yes = row.key && prober.has(row.key, row.actions);
    if (row.feature) result.features.*row.feature = yes;
    result.text.emplace_back(row.name, row.count ? std::to_string(row.count(prober, result.features)) : yes ? "Yes" : "No");
  }
  return result;
}

}  // namespace sluice

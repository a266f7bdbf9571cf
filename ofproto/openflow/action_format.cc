// SPDX-License-Identifier: Apache-2.0
// Actions as text (spec/flow-syntax.md section 4).  The visitor has one line for most actions; learn, ct and other long ones follow.
#include <fmt/core.h>

#include "lib/text.h"
#include "ofproto/openflow/action.h"
#include "ofproto/openflow/action_words.h"
#include "ofproto/openflow/port.h"

namespace sluice::ofp {
namespace {

class Formatter {
 public:
  Formatter(std::string& out, const TextNames& names) : out_(out), names_(names) {}

  void list(const Actions& actions) {
    if (actions.empty()) {
      out_ += "drop";
      return;
    }
    bool first = true;
    for (const Action& a : actions) {
      if (!first) out_ += ',';
      first = false;
      std::visit(*this, a.v);
    }
  }

  // --- Output ---
  void operator()(const Output& o) {
    if (o.port == OFPP_CONTROLLER) return put("CONTROLLER:{}", o.max_len);
    if (o.port.value >= OFPP_MAX) return port(o.port);
    out_ += "output:";
    port(o.port);
  }
  void operator()(const OutputReg& o) { put("output:{}", format_subfield(o.src)); }
  void operator()(const OutputTrunc& o) {
    out_ += "output(port=";
    port(o.port);
    put(",max_len={})", o.max_len);
  }
  void operator()(const Enqueue& e) {
    out_ += "enqueue:";
    port(e.port);
    put(":{}", e.queue);
  }
  void operator()(const SetQueue& s) { put("set_queue:{}", s.queue); }
  void operator()(const PopQueue&) { out_ += "pop_queue"; }
  void operator()(const Group& g) { put("group:{}", g.group); }
  void operator()(const Controller& c) {
    bool only_len = c.reason == PacketInReason::kAction && c.controller_id == 0 && c.userdata.empty() && !c.pause && c.meter_id == 0;
    if (only_len) return put("CONTROLLER:{}", c.max_len);
    Items items(out_, "controller(");
    if (c.reason != PacketInReason::kAction) items.put("reason={}", kReasonNames[static_cast<size_t>(c.reason)]);
    if (c.max_len != kNoBufferLen) items.put("max_len={}", c.max_len);
    if (c.controller_id) items.put("id={}", c.controller_id);
    if (!c.userdata.empty()) items.put("userdata={}", sluice::hex(c.userdata, "."));
    if (c.pause) items.put("pause");
    if (c.meter_id) items.put("meter_id={}", c.meter_id);
    out_ += ')';
  }
  void operator()(const Bundle& b) {
    bool load = b.dst.field != FieldId::kNone;
    put("{}({},{},{},ofport", load ? "bundle_load" : "bundle", kHashFieldNames[static_cast<size_t>(b.fields)], b.basis,
        kBundleAlgorithmNames[static_cast<size_t>(b.algorithm)]);
    if (load) put(",{}", format_subfield(b.dst));
    out_ += ",members:";
    for (size_t i = 0; i < b.members.size(); i++) {
      if (i) out_ += ',';
      port(b.members[i]);
    }
    out_ += ')';
  }

  // --- Headers ---
  void operator()(const SetVlanVid& s) { put("{}:{}", s.push_if_needed ? "mod_vlan_vid" : "set_vlan_vid", s.vid); }
  void operator()(const SetVlanPcp& s) { put("{}:{}", s.push_if_needed ? "mod_vlan_pcp" : "set_vlan_pcp", s.pcp); }
  void operator()(const StripVlan& s) { out_ += s.as_pop ? "pop_vlan" : "strip_vlan"; }
  void operator()(const PushVlan& p) { put("push_vlan:0x{:04x}", p.ethertype); }
  void operator()(const SetMplsLabel& s) { put("set_mpls_label({})", s.label); }
  void operator()(const SetMplsTc& s) { put("set_mpls_tc({})", s.tc); }
  void operator()(const SetMplsTtl& s) { put("set_mpls_ttl({})", s.ttl); }
  void operator()(const DecMplsTtl&) { out_ += "dec_mpls_ttl"; }
  void operator()(const PushMpls& p) { put("push_mpls:0x{:04x}", p.ethertype); }
  void operator()(const PopMpls& p) { put("pop_mpls:0x{:04x}", p.ethertype); }
  void operator()(const PushPbb& p) { put("push_pbb:0x{:04x}", p.ethertype); }
  void operator()(const PopPbb&) { out_ += "pop_pbb"; }
  void operator()(const CopyTtlOut&) { out_ += "copy_ttl_out"; }
  void operator()(const CopyTtlIn&) { out_ += "copy_ttl_in"; }
  void operator()(const DecTtl& d) {
    out_ += "dec_ttl";
    if (d.controller_ids.empty()) return;
    Items items(out_, "(");
    for (uint16_t id : d.controller_ids) items.put("{}", id);
    out_ += ')';
  }
  void operator()(const DecNshTtl&) { out_ += "dec_nsh_ttl"; }
  void operator()(const SetEthSrc& s) { put("mod_dl_src:{}", format(s.mac)); }
  void operator()(const SetEthDst& s) { put("mod_dl_dst:{}", format(s.mac)); }
  void operator()(const SetIpSrc& s) { put("mod_nw_src:{}", format_ipv4(s.ip)); }
  void operator()(const SetIpDst& s) { put("mod_nw_dst:{}", format_ipv4(s.ip)); }
  void operator()(const SetIpTos& s) { put("mod_nw_tos:{}", s.tos); }
  void operator()(const SetIpEcn& s) { put("mod_nw_ecn:{}", s.ecn); }
  void operator()(const SetIpTtl& s) { put("mod_nw_ttl:{}", s.ttl); }
  void operator()(const SetL4Src& s) { put("mod_tp_src:{}", s.port); }
  void operator()(const SetL4Dst& s) { put("mod_tp_dst:{}", s.port); }
  void operator()(const SetTunnel& s) { put("{}:{}", s.is_64 || s.id > UINT32_MAX ? "set_tunnel64" : "set_tunnel", hex(s.id)); }

  // --- Fields ---
  void operator()(const SetField& s) {
    if (s.form == SetField::Form::kLoad) {
      if (auto dst = set_field_run(s)) {
        FieldValue v((dst->n_bits + 7u) / 8);
        copy_bits(s.value.bytes(), dst->ofs, v.bytes(), 0, dst->n_bits);
        return put("load:{}->{}", hex(v), format_subfield(*dst));
      }
    }
    out_ += "set_field:";
    FieldValue ones = FieldValue::ones(field(s.field), s.mask.size());
    format_value(s.field, s.value, s.mask == ones ? nullptr : &s.mask, out_, names_.ports);
    put("->{}", field(s.field).name);
  }
  void operator()(const Move& m) { put("move:{}->{}", format_subfield(m.src), format_subfield(m.dst)); }
  void operator()(const StackPush& s) { put("push:{}", format_subfield(s.src)); }
  void operator()(const StackPop& s) { put("pop:{}", format_subfield(s.dst)); }
  void operator()(const DeleteField& d) { put("delete_field:{}", field(d.field).name); }

  // --- Control ---
  void operator()(const Resubmit& r) {
    if (r.in_port != OFPP_IN_PORT && r.table == kTableAll && !r.ct) {
      out_ += "resubmit:";
      return port(r.in_port);
    }
    out_ += "resubmit(";
    if (r.in_port != OFPP_IN_PORT) port(r.in_port);
    out_ += ',';
    if (r.table != kTableAll) table(r.table);
    if (r.ct) out_ += ",ct";
    out_ += ')';
  }
  void operator()(const Clone& c) {
    out_ += "clone(";
    list(c.actions);
    out_ += ')';
  }
  void operator()(const Exit&) { out_ += "exit"; }
  void operator()(const Note& n) { put("note:{}", sluice::hex(n.data, ".")); }
  void operator()(const Conjunction& c) { put("conjunction({},{}/{})", c.id, c.clause + 1, c.n_clauses); }
  void operator()(const Multipath& m) {
    put("multipath({},{},{},{},{},{})", kHashFieldNames[static_cast<size_t>(m.fields)], m.basis,
        kMultipathAlgorithmNames[static_cast<size_t>(m.algorithm)], m.n_links, m.arg, format_subfield(m.dst));
  }
  void operator()(const FinTimeout& f) {
    Items items(out_, "fin_timeout(");
    if (f.idle) items.put("idle_timeout={}", f.idle);
    if (f.hard) items.put("hard_timeout={}", f.hard);
    out_ += ')';
  }
  void operator()(const Sample& s) {
    put("sample(probability={},collector_set_id={},obs_domain_id={},obs_point_id={}", s.probability, s.collector_set_id,
        s.obs_domain_src.field == FieldId::kNone ? fmt::format("{}", s.obs_domain_id) : format_subfield(s.obs_domain_src),
        s.obs_point_src.field == FieldId::kNone ? fmt::format("{}", s.obs_point_id) : format_subfield(s.obs_point_src));
    if (s.sampling_port != OFPP_NONE) {
      out_ += ",sampling_port=";
      port(s.sampling_port);
    }
    if (s.direction == Sample::Direction::kIngress) out_ += ",ingress";
    if (s.direction == Sample::Direction::kEgress) out_ += ",egress";
    out_ += ')';
  }
  void operator()(const CheckPktLarger& c) { put("check_pkt_larger({})->{}", c.length, format_subfield(c.dst)); }
  void operator()(const Learn& l);
  void operator()(const Ct& c);
  void operator()(const Nat& n);
  void operator()(const CtClear&) { out_ += "ct_clear"; }
  void operator()(const Encap& e);
  void operator()(const Decap& d) {
    if (d.packet_type == kPacketTypeNext) out_ += "decap()";
    else put("decap(packet_type(ns={},type={}))", d.packet_type >> 16, hex(d.packet_type & 0xffff));
  }
  void operator()(const DebugRecirc&) { out_ += "debug_recirc"; }
  void operator()(const DebugSlow&) { out_ += "debug_slow"; }

  // --- Instructions ---
  void operator()(const Meter& m) { put("meter:{}", m.meter_id); }
  void operator()(const ClearActions&) { out_ += "clear_actions"; }
  void operator()(const WriteActions& w) {
    out_ += "write_actions(";
    list(w.actions);
    out_ += ')';
  }
  void operator()(const WriteMetadata& w) {
    put("write_metadata:{}", hex(w.value));
    if (w.mask != UINT64_MAX) put("/{}", hex(w.mask));
  }
  void operator()(const GotoTable& g) {
    out_ += "goto_table:";
    table(g.table);
  }

 private:
  std::string& out_;
  const TextNames& names_;

  template <typename... Args>
  void put(fmt::format_string<Args...> f, Args&&... args) {
    append(out_, f, std::forward<Args>(args)...);
  }
  void port(OfpPort p) { format_port(p, out_, names_.ports); }
  void table(uint8_t t) {
    std::string_view name = names_.tables ? names_.tables->name(t) : std::string_view();
    if (name.empty()) put("{}", t);
    else append_name(name, out_);
  }

  /// Comma-separated items after an opening.
  struct Items {
    std::string& out;
    bool first = true;
    Items(std::string& o, std::string_view open) : out(o) { out += open; }
    template <typename... Args>
    void put(fmt::format_string<Args...> f, Args&&... args) {
      if (!first) out += ',';
      first = false;
      append(out, f, std::forward<Args>(args)...);
    }
  };

  /// "0" or 0x...
  static std::string hex(uint64_t v) { return v ? fmt::format("0x{:x}", v) : "0"; }
  static std::string hex(const FieldValue& v) {
    std::string s;
    format_value(FieldId::kReg0, v, nullptr, s);
    return s;
  }

  /// The subfield that a load of this mask writes.
  static std::optional<Subfield> set_field_run(const SetField& s) {
    unsigned bits = static_cast<unsigned>(s.mask.size() * 8), first = 0, n = 0;
    while (first < bits && !s.mask.bit(first)) first++;
    while (first + n < bits && s.mask.bit(first + n)) n++;
    for (unsigned i = first + n; i < bits; i++)
      if (s.mask.bit(i)) return std::nullopt;
    if (n == 0) return std::nullopt;
    n = std::min<unsigned>(n, std::max<int>(1, field(s.field).bits - static_cast<int>(first)));
    return Subfield{s.field, static_cast<uint16_t>(first), static_cast<uint16_t>(n)};
  }

  void learn_spec(const LearnSpec& s);
};

void Formatter::operator()(const Learn& l) {
  Items items(out_, "learn(");
  items.put("table=");
  table(l.table);
  if (l.idle_timeout) items.put("idle_timeout={}", l.idle_timeout);
  if (l.hard_timeout) items.put("hard_timeout={}", l.hard_timeout);
  if (l.fin_idle_timeout) items.put("fin_idle_timeout={}", l.fin_idle_timeout);
  if (l.fin_hard_timeout) items.put("fin_hard_timeout={}", l.fin_hard_timeout);
  if (l.priority != 32768) items.put("priority={}", l.priority);
  if (l.send_flow_rem) items.put("send_flow_rem");
  if (l.delete_learned) items.put("delete_learned");
  if (l.cookie) items.put("cookie={}", hex(l.cookie));
  if (l.limit) items.put("limit={}", l.limit);
  if (l.result_dst.field != FieldId::kNone) items.put("result_dst={}", format_subfield(l.result_dst));
  for (const LearnSpec& s : l.specs) {
    out_ += ',';
    learn_spec(s);
  }
  out_ += ')';
}

void Formatter::learn_spec(const LearnSpec& s) {
  bool immediate = s.src.field == FieldId::kNone;
  switch (s.kind) {
    case LearnSpec::Kind::kMatch:
      if (immediate) {
        bool whole_field = s.dst.is_whole();
        put("{}=", whole_field ? std::string(field(s.dst.field).name) : format_subfield(s.dst));
        if (!whole_field) {
          out_ += hex(s.immediate);
          return;
        }
        if (s.dst.field == FieldId::kCtZone) return put("{}", hex(s.immediate));   // otherwise than in matches, as Open vSwitch
        if (s.dst.field == FieldId::kRecircId) return put("{}", s.immediate.u64());
        FieldValue v(field(s.dst.field).wire_bytes);
        copy_bits(s.immediate.bytes(), 0, v.bytes(), 0, s.n_bits);
        format_value(s.dst.field, v, nullptr, out_, names_.ports);
        return;
      }
      put("{}", format_subfield(s.dst));
      if (s.src != s.dst) put("={}", format_subfield(s.src));
      return;
    case LearnSpec::Kind::kLoad:
      put("load:{}->{}", immediate ? hex(s.immediate) : format_subfield(s.src), format_subfield(s.dst));
      return;
    case LearnSpec::Kind::kOutput: put("output:{}", format_subfield(s.src)); return;
  }
}

void Formatter::operator()(const Ct& c) {
  Items items(out_, "ct(");
  if (c.commit) items.put("commit");
  if (c.force) items.put("force");
  if (c.recirc_table != kTableAll) {
    items.put("table=");
    table(c.recirc_table);
  }
  if (c.zone_src.field != FieldId::kNone) items.put("zone={}", format_subfield(c.zone_src));
  else if (c.zone) items.put("zone={}", c.zone);
  Actions exec;
  for (const Action& a : c.actions) {
    if (auto* n = a.as<Nat>()) {
      items.put("");
      (*this)(*n);
    } else {
      exec.push_back(a);
    }
  }
  if (!exec.empty()) {
    items.put("exec(");
    list(exec);
    out_ += ')';
  }
  if (c.alg == 21) items.put("alg=ftp");
  else if (c.alg == 69) items.put("alg=tftp");
  else if (c.alg) items.put("alg={}", c.alg);
  out_ += ')';
}

void Formatter::operator()(const Nat& n) {
  out_ += "nat";
  if (!n.src && !n.dst) return;
  out_ += n.src ? "(src" : "(dst";
  if (n.ipv4_min || n.ipv6_min || n.port_min) out_ += '=';
  if (n.ipv4_min) {
    out_ += format_ipv4(*n.ipv4_min);
    if (n.ipv4_max) put("-{}", format_ipv4(*n.ipv4_max));
  } else if (n.ipv6_min) {
    bool brackets = n.port_min.has_value();
    std::string_view open = brackets ? "[" : "", close = brackets ? "]" : "";
    put("{}{}{}", open, format(*n.ipv6_min), close);
    if (n.ipv6_max) put("-{}{}{}", open, format(*n.ipv6_max), close);
  }
  if (n.port_min) {
    put(":{}", *n.port_min);
    if (n.port_max) put("-{}", *n.port_max);
  }
  if (n.persistent) out_ += ",persistent";
  if (n.hash) out_ += ",hash";
  if (n.random) out_ += ",random";
  out_ += ')';
}

void Formatter::operator()(const Encap& e) {
  out_ += "encap(";
  for (const EncapName& n : kEncapNames)
    if (n.packet_type == e.packet_type) out_ += n.name;
  if (e.nsh_md_type || !e.nsh_tlvs.empty()) {
    Items items(out_, "(");
    if (e.nsh_md_type) items.put("md_type={}", *e.nsh_md_type);
    for (const EncapNshTlv& t : e.nsh_tlvs)
      items.put("tlv(0x{:04x},{},{}{})", t.tlv_class, t.type, t.data.empty() ? "0" : "0x", sluice::hex(t.data));
    out_ += ')';
  }
  out_ += ')';
}

}  // namespace

void format_actions(const Actions& actions, std::string& out, const TextNames& names) { Formatter(out, names).list(actions); }

std::string format_actions(const Actions& actions) {
  std::string out;
  format_actions(actions, out);
  return out;
}

}  // namespace sluice::ofp

// SPDX-License-Identifier: Apache-2.0
// Actions and instructions: one struct each, one list of both.
//
// A rule's Actions are in execution order: Meter, plain actions (= apply_actions), ClearActions, WriteActions, WriteMetadata,
// GotoTable; instructions may occur once and in that order only (check_actions).  Nested lists (clone, ct exec, write_actions)
// are Actions too.  Multi-byte members are host order; addresses and field values are bytes as on the wire.
//
// Differences of form that are kept, since what is accepted reads back equal: SetField::form, SetTunnel::is_64, DecTtl ids, Move::as_onf,
// Learn::as_learn2, Resubmit::old_form.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "datapath/port_no.h"
#include "lib/address.h"
#include "lib/alternative.h"
#include "lib/bytes.h"
#include "ofproto/openflow/error.h"
#include "ofproto/openflow/field.h"
#include "ofproto/openflow/match.h"

namespace sluice::ofp {

struct Action;
using Actions = std::vector<Action>;

// Limits
inline constexpr unsigned kMaxActionDepth = 16;           // clone(clone(...)), ct(exec(...)), write_actions
inline constexpr size_t kMaxActionsBytes = 65535 - 128;   // wire length of one list with everything nested in it
inline constexpr unsigned kMaxConjunctionClauses = 64;
inline constexpr unsigned kMaxBundleMembers = 2048;
inline constexpr unsigned kMaxMultipathLinks = 65536;

inline constexpr uint8_t kTableAll = 255;                 // OFPTT_ALL
inline constexpr uint8_t kTableMax = 254;                 // OFPTT_MAX
inline constexpr uint32_t OFPG_MAX = 0xffffff00, OFPG_ALL = 0xfffffffc, OFPG_ANY = 0xffffffff;
inline constexpr uint16_t kNoBufferLen = 0xffff;          // OFPCML_NO_BUFFER

#define SLUICE_OF_EQ(T) friend bool operator==(const T&, const T&) = default

// --- Output ---
struct Output { OfpPort port; uint16_t max_len = 0; SLUICE_OF_EQ(Output); };   // max_len: for CONTROLLER only
struct OutputReg { Subfield src; uint16_t max_len = 0; SLUICE_OF_EQ(OutputReg); };
struct OutputTrunc { OfpPort port; uint32_t max_len = 0; SLUICE_OF_EQ(OutputTrunc); };
struct Enqueue { OfpPort port; uint32_t queue = 0; SLUICE_OF_EQ(Enqueue); };
struct SetQueue { uint32_t queue = 0; SLUICE_OF_EQ(SetQueue); };
struct PopQueue { SLUICE_OF_EQ(PopQueue); };
struct Group { uint32_t group = 0; SLUICE_OF_EQ(Group); };
enum class PacketInReason : uint8_t { kNoMatch, kAction, kInvalidTtl, kActionSet, kGroup, kPacketOut };
struct Controller {
  uint16_t max_len = kNoBufferLen;
  uint16_t controller_id = 0;
  PacketInReason reason = PacketInReason::kAction;
  bool pause = false;
  Bytes userdata;
  uint32_t meter_id = 0;         // 0: none of its own
  SLUICE_OF_EQ(Controller);
};
enum class HashFields : uint8_t { kEthSrc, kSymmetricL4, kSymmetricL3L4, kSymmetricL3L4Udp, kNwSrc, kNwDst, kSymmetricL3 };
enum class BundleAlgorithm : uint8_t { kActiveBackup, kHrw };
struct Bundle {
  HashFields fields{};
  uint16_t basis = 0;
  BundleAlgorithm algorithm{};
  Subfield dst;                  // bundle_load; field kNone: bundle
  std::vector<OfpPort> members;
  SLUICE_OF_EQ(Bundle);
};

// --- VLAN, MPLS, PBB, TTL ---
struct SetVlanVid {
  uint16_t vid = 0;
  bool push_if_needed = false;   // 1.0 semantics: tags an untagged packet
  bool flow_has_vlan = false;    // set by check_actions: the match or an earlier action makes sure of a tag
  SLUICE_OF_EQ(SetVlanVid);
};
struct SetVlanPcp { uint8_t pcp = 0; bool push_if_needed = false; bool flow_has_vlan = false; SLUICE_OF_EQ(SetVlanPcp); };
struct StripVlan { bool as_pop = false; SLUICE_OF_EQ(StripVlan); };  // as_pop: it came from 1.1+, where it is called pop_vlan
struct PushVlan { uint16_t ethertype = 0x8100; SLUICE_OF_EQ(PushVlan); };
struct SetMplsLabel { uint32_t label = 0; SLUICE_OF_EQ(SetMplsLabel); };
struct SetMplsTc { uint8_t tc = 0; SLUICE_OF_EQ(SetMplsTc); };
struct SetMplsTtl { uint8_t ttl = 0; SLUICE_OF_EQ(SetMplsTtl); };
struct DecMplsTtl { SLUICE_OF_EQ(DecMplsTtl); };
struct PushMpls { uint16_t ethertype = 0x8847; SLUICE_OF_EQ(PushMpls); };
struct PopMpls { uint16_t ethertype = 0; SLUICE_OF_EQ(PopMpls); };
struct PushPbb { uint16_t ethertype = 0x88e7; SLUICE_OF_EQ(PushPbb); };
struct PopPbb { SLUICE_OF_EQ(PopPbb); };
struct CopyTtlOut { SLUICE_OF_EQ(CopyTtlOut); };
struct CopyTtlIn { SLUICE_OF_EQ(CopyTtlIn); };
struct DecTtl { std::vector<uint16_t> controller_ids; SLUICE_OF_EQ(DecTtl); };   // empty: plain dec_ttl, controller 0
struct DecNshTtl { SLUICE_OF_EQ(DecNshTtl); };

// --- Fields ---
struct SetEthSrc { MacAddr mac; SLUICE_OF_EQ(SetEthSrc); };
struct SetEthDst { MacAddr mac; SLUICE_OF_EQ(SetEthDst); };
struct SetIpSrc { be32 ip; SLUICE_OF_EQ(SetIpSrc); };
struct SetIpDst { be32 ip; SLUICE_OF_EQ(SetIpDst); };
struct SetIpTos { uint8_t tos = 0; SLUICE_OF_EQ(SetIpTos); };                   // DSCP << 2
struct SetIpEcn { uint8_t ecn = 0; SLUICE_OF_EQ(SetIpEcn); };
struct SetIpTtl { uint8_t ttl = 0; SLUICE_OF_EQ(SetIpTtl); };
/// flow_ip_proto: set by check_actions; decides which set_field it becomes in 1.2+.
struct SetL4Src { uint16_t port = 0; uint8_t flow_ip_proto = 0; SLUICE_OF_EQ(SetL4Src); };
struct SetL4Dst { uint16_t port = 0; uint8_t flow_ip_proto = 0; SLUICE_OF_EQ(SetL4Dst); };
struct SetTunnel { uint64_t id = 0; bool is_64 = false; SLUICE_OF_EQ(SetTunnel); };
/// set_field and load.  The bits of mask are set to those of value.
struct SetField {
  FieldId field = FieldId::kNone;
  FieldValue value, mask;        // of the field's wire bytes
  enum class Form : uint8_t { kSetField, kLoad } form = Form::kSetField;
  bool flow_has_vlan = false;    // as SetVlanVid, for vlan_vid and vlan_pcp
  SLUICE_OF_EQ(SetField);
};
struct Move { Subfield src, dst; bool as_onf = false; SLUICE_OF_EQ(Move); };  // as_onf: came as ONF's copy_field of 1.3, and goes so again
struct StackPush { Subfield src; SLUICE_OF_EQ(StackPush); };
struct StackPop { Subfield dst; SLUICE_OF_EQ(StackPop); };
struct DeleteField { FieldId field = FieldId::kNone; SLUICE_OF_EQ(DeleteField); };

// --- Control flow, learning ---
struct Resubmit {
  OfpPort in_port = OFPP_IN_PORT;  // IN_PORT: unchanged
  uint8_t table = kTableAll;       // 255: the current one
  bool ct = false;                 // look up with the connection's original direction
  bool old_form = false;           // came as NXAST_RESUBMIT, which has no table, and goes so again
  SLUICE_OF_EQ(Resubmit);
};
struct Clone { Actions actions; friend bool operator==(const Clone&, const Clone&); };
struct Exit { SLUICE_OF_EQ(Exit); };
struct Note { Bytes data; SLUICE_OF_EQ(Note); };
struct Conjunction { uint32_t id = 0; uint8_t clause = 0, n_clauses = 0; SLUICE_OF_EQ(Conjunction); };  // clause from 0
enum class MultipathAlgorithm : uint8_t { kModuloN, kHashThreshold, kHrw, kIterHash };
struct Multipath {
  HashFields fields{};
  uint16_t basis = 0;
  MultipathAlgorithm algorithm{};
  uint32_t n_links = 1;            // 1..65536
  uint32_t arg = 0;
  Subfield dst;
  SLUICE_OF_EQ(Multipath);
};
struct FinTimeout { uint16_t idle = 0, hard = 0; SLUICE_OF_EQ(FinTimeout); };
struct LearnSpec {
  enum class Kind : uint8_t { kMatch, kLoad, kOutput } kind = Kind::kMatch;
  uint16_t n_bits = 0;
  Subfield src;                    // field kNone: immediate
  FieldValue immediate;            // ceil(n_bits / 8) bytes
  Subfield dst;                    // not for kOutput
  SLUICE_OF_EQ(LearnSpec);
};
struct Learn {
  uint16_t idle_timeout = 0, hard_timeout = 0, priority = 32768, fin_idle_timeout = 0, fin_hard_timeout = 0;
  uint64_t cookie = 0;
  uint8_t table = 1;
  bool send_flow_rem = false, delete_learned = false;
  uint32_t limit = 0;              // 0: none
  Subfield result_dst;             // 1 bit; field kNone: none
  bool as_learn2 = false;          // came as NXAST_LEARN2, though NXAST_LEARN would do, and goes so again
  std::vector<LearnSpec> specs;
  SLUICE_OF_EQ(Learn);
};
struct Sample {
  uint16_t probability = 0;        // of 65535
  uint32_t collector_set_id = 0;
  Subfield obs_domain_src, obs_point_src;      // field kNone: the ids below
  uint32_t obs_domain_id = 0, obs_point_id = 0;
  OfpPort sampling_port = OFPP_NONE;
  enum class Direction : uint8_t { kDefault, kIngress, kEgress } direction{};
  SLUICE_OF_EQ(Sample);
};
struct CheckPktLarger { uint16_t length = 0; Subfield dst; SLUICE_OF_EQ(CheckPktLarger); };

// --- Connection tracking ---
struct Nat {
  bool src = false, dst = false, persistent = false, hash = false, random = false;
  std::optional<be32> ipv4_min, ipv4_max;
  std::optional<Ipv6Addr> ipv6_min, ipv6_max;
  std::optional<uint16_t> port_min, port_max;
  SLUICE_OF_EQ(Nat);
};
struct Ct {
  bool commit = false, force = false;
  Subfield zone_src;               // field kNone: zone
  uint16_t zone = 0;
  uint8_t recirc_table = kTableAll;  // 255: none
  uint16_t alg = 0;                // well-known port of the helper: 21 ftp, 69 tftp
  Actions actions;                 // Nat first (at most one), then exec: SetField, Move of ct_mark and ct_label
  friend bool operator==(const Ct&, const Ct&);
};
struct CtClear { SLUICE_OF_EQ(CtClear); };

// --- Generic encapsulation ---
struct EncapNshTlv { uint16_t tlv_class = 0; uint8_t type = 0; Bytes data; SLUICE_OF_EQ(EncapNshTlv); };
struct Encap {
  uint32_t packet_type = 0;
  std::optional<uint8_t> nsh_md_type;
  std::vector<EncapNshTlv> nsh_tlvs;
  SLUICE_OF_EQ(Encap);
};
inline constexpr uint32_t kPacketTypeNext = 0x0000fffe;      // decap: what follows decides
struct Decap { uint32_t packet_type = kPacketTypeNext; SLUICE_OF_EQ(Decap); };

struct DebugRecirc { SLUICE_OF_EQ(DebugRecirc); };
struct DebugSlow { SLUICE_OF_EQ(DebugSlow); };

// --- Instructions ---
struct Meter { uint32_t meter_id = 0; SLUICE_OF_EQ(Meter); };
struct ClearActions { SLUICE_OF_EQ(ClearActions); };
struct WriteActions { Actions actions; friend bool operator==(const WriteActions&, const WriteActions&); };
struct WriteMetadata { uint64_t value = 0, mask = UINT64_MAX; SLUICE_OF_EQ(WriteMetadata); };
struct GotoTable { uint8_t table = 0; SLUICE_OF_EQ(GotoTable); };

#undef SLUICE_OF_EQ

struct Action {
  using Variant = std::variant<
      Output, Controller, Group, SetField, Resubmit, GotoTable, OutputReg, OutputTrunc, Enqueue, SetQueue, PopQueue, Bundle,  //
      SetVlanVid, SetVlanPcp, StripVlan, PushVlan, SetMplsLabel, SetMplsTc, SetMplsTtl, DecMplsTtl, PushMpls, PopMpls, PushPbb, PopPbb,
      CopyTtlOut, CopyTtlIn, DecTtl, DecNshTtl,                                                                              //
      SetEthSrc, SetEthDst, SetIpSrc, SetIpDst, SetIpTos, SetIpEcn, SetIpTtl, SetL4Src, SetL4Dst, SetTunnel, Move, StackPush, StackPop,
      DeleteField,                                                                                                           //
      Clone, Exit, Note, Conjunction, Multipath, FinTimeout, Learn, Sample, CheckPktLarger, Ct, Nat, CtClear, Encap, Decap,   //
      DebugRecirc, DebugSlow,                                                                                                //
      Meter, ClearActions, WriteActions, WriteMetadata>;
  Variant v;
  Action() noexcept;
  Action(const Action&);
  Action(Action&&) noexcept;
  Action& operator=(const Action&);
  Action& operator=(Action&&) noexcept;
  ~Action();
  template <typename T>
    requires is_alternative<T, Variant>
  Action(T t) : v(std::in_place_type<T>, std::move(t)) {}  // NOLINT: an action is an Action
  template <typename T>
  const T* as() const { return std::get_if<T>(&v); }
  template <typename T>
  T* as() { return std::get_if<T>(&v); }
  friend bool operator==(const Action& a, const Action& b);
};
bool operator==(const Clone& a, const Clone& b);
bool operator==(const WriteActions& a, const WriteActions& b);
bool operator==(const Ct& a, const Ct& b);

/// True for Meter, ClearActions, WriteActions, WriteMetadata, GotoTable.
bool is_instruction(const Action& a);
std::string_view action_name(const Action& a);   // "set_field", "output"
/// The wire instruction (OFPIT_*) that an element of a rule's list belongs to; 4 (apply_actions) for plain actions.
uint16_t instruction_type(const Action& a);

/// True if some action, nested ones included, outputs to the port, or to the group (for out_port and out_group filters).
bool outputs_to_port(const Actions& actions, OfpPort port);
bool outputs_to_group(const Actions& actions, uint32_t group);

// --- Wire ---

/// `r` holds exactly an action list (1.0, packet-out, bucket, apply_actions).
Result<Actions> decode_actions(ByteReader r, Version version, const TlvTable* tlv = nullptr);
/// 1.1+: `r` holds exactly the instructions.  1.0: the actions.  The result is in execution order.
Result<Actions> decode_instructions(ByteReader r, Version version, const TlvTable* tlv = nullptr);
/// The same into a list that is empty yet.
Status read_instructions(ByteReader r, Version version, const TlvTable* tlv, Actions& out);
/// Encodes as an action list (instructions in it only where the version has an action form of them, as 1.0 has).
/// An action that the version cannot express is an error, nothing is dropped: OFPBAC_BAD_TYPE, OFPBIC_UNSUP_INST.
Status encode_actions(const Actions& actions, ByteWriter& w, Version version, const TlvTable* tlv = nullptr);
/// Encodes as instructions in 1.1+, as encode_actions in 1.0.
Status encode_instructions(const Actions& actions, ByteWriter& w, Version version, const TlvTable* tlv = nullptr);
/// Flow formats that can express the list.
ProtocolSet usable_protocols(const Actions& actions);

// --- Check ---

struct ActionCheck {
  Version version = Version::k10;
  uint8_t table_id = 0;            // of the flow; kTableAll: not in a table (packet-out, group bucket)
  uint8_t n_tables = 255;
  uint32_t max_ports = 0xff00;     // OpenFlow ports are below
  const TlvTable* tlv = nullptr;
  // Most actions without their prerequisite (dec_ttl without ip) pass in 1.0 and are MATCH_INCONSISTENT in 1.1+.  If `usable` is
  // given, they pass and leave only the formats of 1.0 in it.
  ProtocolSet* usable = nullptr;
  bool any_packet = false;         // of a bucket: what the packet will be is not known, prerequisites pass
  unsigned max_depth = kMaxActionDepth;
};
/// Checks arguments, prerequisites against the match (as changed by earlier actions), order and number of instructions, and
/// fills in flow_has_vlan and flow_ip_proto.
Status check_actions(Actions& actions, const MiniMatch& match, const ActionCheck& check);

// --- Text ---

/// What texts are read and written with.
struct TextNames {
  const NameMap* ports = nullptr;
  const NameMap* tables = nullptr;
  const TlvTable* tlv = nullptr;
  bool compat = false;             // read as leniently as Open vSwitch does: values are cut, what is said twice is what was said last
};

/// The text after "actions=": "drop" if empty.
void format_actions(const Actions& actions, std::string& out, const TextNames& names = {});
std::string format_actions(const Actions& actions);
struct ActionsText {
  Actions actions;
  ProtocolSet usable = kAllProtocols;   // formats that every action's text allows
};
/// allow_instructions: false for packet-out, buckets, nested lists.
std::expected<ActionsText, std::string> parse_actions(std::string_view text, const TextNames& names = {}, bool allow_instructions = true);

}  // namespace sluice::ofp

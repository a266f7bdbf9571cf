// SPDX-License-Identifier: Apache-2.0
// Commands about the switch as a whole, its ports, queues and tables.
#include <algorithm>

#include "lib/clock.h"
#include "lib/program.h"
#include "lib/random.h"
#include "ofproto/openflow/port.h"
#include "ofproto/openflow/text.h"
#include "utilities/ofctl/ofctl.h"

namespace sluice::ofctl {
namespace {

using namespace ofp;  // NOLINT: a .cc file full of its names

void need_version(const Client& c, Version v, std::string_view what) {
  if (c.version() >= v) return;
  fatal("{} needs OpenFlow 1.{} or later ('-O OpenFlow1{}')", what, static_cast<int>(v) - 1, static_cast<int>(v) - 1);
}

void show(const Settings& s, Words w) {
  auto c = open_bridge(s, w[0]);
  Names names(s);
  TextNames print_names = names.for_printing(*c);
  Bytes reply = c->transact(encode_or_die(c->make(MessageType::OFPT_FEATURES_REQUEST, Empty{})));
  print(format_wire(reply, {.names = print_names, .verbosity = s.verbosity + 1}));
  auto features = decode(reply);
  const auto* body = features ? std::get_if<FeaturesReply>(&features->body) : nullptr;
  // A 1.0-1.2 features reply holds at most 64 kB of ports.
  bool all_ports = body && c->version() < Version::k13 && body->ports.size() < (kMaxMessage - 32) / (c->version() == Version::k10 ? 48 : 64);
  if (body && !all_ports) dump(s, *c, c->make(MessageType::OFPST_PORT_DESC_REQUEST, PortRequest{}), print_names);
  dump(s, *c, c->make(MessageType::OFPT_GET_CONFIG_REQUEST, Empty{}), print_names);
}

void dump_desc(const Settings& s, Words w) {
  auto c = open_bridge(s, w[0]);
  dump(s, *c, c->make(MessageType::OFPST_DESC_REQUEST, Empty{}));
}

void dump_tables(const Settings& s, Words w) {
  auto c = open_bridge(s, w[0]);
  dump(s, *c, c->make(MessageType::OFPST_TABLE_REQUEST, Empty{}));
}

void dump_table_features(const Settings& s, Words w) {
  auto c = open_bridge(s, w[0]);
  need_version(*c, Version::k13, "dump-table-features");
  auto parts = transact_multipart(s, *c, encode_or_die(c->make(MessageType::OFPST_TABLE_FEATURES_REQUEST, TableFeaturesMessage{})));
  if (!parts) return;
  std::string out;
  TableFeaturesText text{TextNames{}};
  for (const Bytes& part : *parts) {
    auto m = decode(part);
    const auto* reply = m ? std::get_if<TableFeaturesMessage>(&m->body) : nullptr;
    if (!reply) fatal("decode error: {}", m ? "unexpected reply" : error_name(m.error()));
    for (const TableFeatures& f : reply->tables) text.add(f, nullptr, c->version(), out);
  }
  text.finish(out);
  print(out + "\n");
}

void dump_table_desc(const Settings& s, Words w) {
  auto c = open_bridge(s, w[0]);
  need_version(*c, Version::k14, "dump-table-desc");
  Names names(s);
  dump(s, *c, c->make(MessageType::OFPST_TABLE_DESC_REQUEST, Empty{}), names.for_printing(*c));
}

void dump_ports(const Settings& s, Words w) {
  auto c = open_bridge(s, w[0]);
  Names names(s);
  OfpPort port = w.size() > 1 ? parse_port_or_die(s, *c, w[0], w[1]) : OFPP_NONE;
  dump(s, *c, c->make(MessageType::OFPST_PORT_REQUEST, PortRequest{port}), names.for_printing(*c));
}

void dump_ports_desc(const Settings& s, Words w) {
  auto c = open_bridge(s, w[0]);
  OfpPort port = w.size() > 1 ? parse_port_or_die(s, *c, w[0], w[1]) : OFPP_NONE;
  dump(s, *c, c->make(MessageType::OFPST_PORT_DESC_REQUEST, PortRequest{port}));
}

uint32_t parse_queue(const std::string& text) {
  if (equal_ignoring_case(text, "ALL") || equal_ignoring_case(text, "ANY")) return OFPQ_ALL;
  auto n = parse_number(text);
  if (!n || *n > UINT32_MAX) fatal("{}: invalid queue", text);
  return static_cast<uint32_t>(*n);
}

OfpPort parse_queue_port(const Settings& s, Client& c, Words w) {
  if (w.size() < 2 || equal_ignoring_case(w[1], "ALL")) return OFPP_NONE;
  return parse_port_or_die(s, c, w[0], w[1]);
}

void queue_stats(const Settings& s, Words w) {
  auto c = open_bridge(s, w[0]);
  OfpPort port = parse_queue_port(s, *c, w);
  uint32_t queue = w.size() > 2 ? parse_queue(w[2]) : OFPQ_ALL;
  Names names(s);
  dump(s, *c, c->make(MessageType::OFPST_QUEUE_REQUEST, QueueRequest{port, queue}), names.for_printing(*c));
}

void queue_get_config(const Settings& s, Words w) {
  auto c = open_bridge(s, w[0]);
  OfpPort port = parse_queue_port(s, *c, w);
  uint32_t queue = w.size() > 2 ? parse_queue(w[2]) : OFPQ_ALL;
  if (c->version() >= Version::k14) return dump(s, *c, c->make(MessageType::OFPST_QUEUE_DESC_REQUEST, QueueRequest{port, queue}));
  if (c->version() > Version::k10 || port != OFPP_NONE)
    return dump(s, *c, c->make(MessageType::OFPT_QUEUE_GET_CONFIG_REQUEST, QueueRequest{port, queue}));
  for (const PortDesc& p : fetch_ports(s, *c))  // 1.0 has no "any port"
    if (p.port_no.value < OFPP_MAX) dump(s, *c, c->make(MessageType::OFPT_QUEUE_GET_CONFIG_REQUEST, QueueRequest{p.port_no, queue}));
}

// --- Changes ---

struct PortWord { std::string_view word; uint32_t bit; bool set; };
constexpr PortWord kPortWords[] = {
    {"up", OFPPC_PORT_DOWN, false}, {"down", OFPPC_PORT_DOWN, true}, {"stp", OFPPC_NO_STP, false}, {"no-stp", OFPPC_NO_STP, true},
    {"receive", OFPPC_NO_RECV, false}, {"no-receive", OFPPC_NO_RECV, true}, {"receive-stp", OFPPC_NO_RECV_STP, false},
    {"no-receive-stp", OFPPC_NO_RECV_STP, true}, {"flood", OFPPC_NO_FLOOD, false}, {"no-flood", OFPPC_NO_FLOOD, true},
    {"noflood", OFPPC_NO_FLOOD, true},
    {"forward", OFPPC_NO_FWD, false}, {"no-forward", OFPPC_NO_FWD, true}, {"noforward", OFPPC_NO_FWD, true}, {"packet-in", OFPPC_NO_PACKET_IN, false},
    {"no-packet-in", OFPPC_NO_PACKET_IN, true},
};

void mod_port(const Settings& s, Words w) {
  auto c = open_bridge(s, w[0]);
  PortDesc port = find_port(s, *c, w[0], w[1]);
  PortMod m{.port_no = port.port_no, .hw_addr = port.hw_addr};
  const PortWord* word = std::ranges::find(kPortWords, w[2], &PortWord::word);
  if (word == std::end(kPortWords)) fatal("unknown mod-port command '{}'", w[2]);
  m.mask = word->bit;
  m.config = word->set ? word->bit : 0;
  transact_noreply(s, *c, encode_or_die(c->make(MessageType::OFPT_PORT_MOD, m)));
}

struct TableSetting {
  TableMod mod;
  std::optional<std::string> name;
  VersionSet versions = kAllVersions;
};

constexpr VersionSet kOf11And12 = version_bit(Version::k11) | version_bit(Version::k12), kOf14Up = version_bit(Version::k14) | version_bit(Version::k15),
                     kOf13Up = kOf14Up | version_bit(Version::k13);

void parse_vacancy(std::string_view text, TableMod& m) {
  size_t comma = text.find(',');
  if (comma == std::string_view::npos) fatal("Vacancy up value missing");
  auto down = parse_number(text.substr(0, comma)), up = parse_number(text.substr(comma + 1));
  if (!down || *down > 100) fatal("Invalid vacancy down value \"{}\"", text.substr(0, comma));
  if (!up || *up > 100) fatal("Invalid vacancy up value \"{}\"", text.substr(comma + 1));
  if (*up < *down) fatal("Invalid vacancy range, vacancy up should be greater than vacancy down (OFPBPC_BAD_VALUE)");
  m.vacancy_events = true;
  m.vacancy_down = static_cast<uint8_t>(*down);
  m.vacancy_up = static_cast<uint8_t>(*up);
}

TableSetting parse_table_setting(const std::string& table, const std::string& setting) {
  TableSetting t;
  auto id = parse_number(table);
  if (equal_ignoring_case(table, "all")) id = kTableAll;
  if (!id || *id > kTableAll) fatal("unknown table \"{}\"", table);
  t.mod.table_id = static_cast<uint8_t>(*id);
  constexpr std::string_view kVacancy = "vacancy:", kName = "name:";
  if (setting == "controller" || setting == "continue" || setting == "drop") {
    t.mod.miss_config = setting == "controller" ? TableMiss::kController : setting == "continue" ? TableMiss::kContinue : TableMiss::kDrop;
    t.versions = kOf11And12;
  } else if (setting == "evict" || setting == "noevict") {
    t.mod.eviction = setting == "evict";
    t.versions = kOf14Up;
  } else if (setting.starts_with(kVacancy)) {
    parse_vacancy(std::string_view(setting).substr(kVacancy.size()), t.mod);
    t.versions = kOf14Up;
  } else if (setting == "novacancy") {
    t.mod.vacancy_events = false;
    t.versions = kOf14Up;
  } else if (setting.starts_with(kName)) {
    t.name = setting.substr(kName.size());
    t.versions = kOf13Up;
  } else {
    fatal("invalid table_mod setting {}", setting);
  }
  return t;
}

/// What the setting leaves alone stays as the switch has it.
void merge_table_desc(const Settings& s, Client& c, TableMod& m) {
  auto parts = transact_multipart(s, c, encode_or_die(c.make(MessageType::OFPST_TABLE_DESC_REQUEST, Empty{})));
  if (!parts) return;
  for (const Bytes& part : *parts) {
    auto message = decode(part);
    const auto* reply = message ? std::get_if<TableDescReply>(&message->body) : nullptr;
    for (const TableDesc& d : reply ? reply->tables : std::vector<TableDesc>{}) {
      if (d.table_id != m.table_id) continue;
      if (!m.eviction) {
        m.eviction = d.eviction;
        m.eviction_flags = d.eviction_flags;
      }
      if (!m.vacancy_events) {
        m.vacancy_events = d.vacancy_events;
        m.vacancy_down = d.vacancy_down;
        m.vacancy_up = d.vacancy_up;
      }
    }
  }
}

/// A table's name is set by its features of 1.3+, all the rest of which stays.  What a request does not name is to be taken away
/// (OF1.3.5 7.3.5.5): it names all tables.
void set_table_name(const Settings& s, Client& c, const TableSetting& t) {
  auto parts = transact_multipart(s, c, encode_or_die(c.make(MessageType::OFPST_TABLE_FEATURES_REQUEST, TableFeaturesMessage{})));
  TableFeaturesMessage all;
  bool found = false;
  for (const Bytes& part : parts.value_or(std::vector<Bytes>{})) {
    auto m = decode(part);
    auto* reply = m ? std::get_if<TableFeaturesMessage>(&m->body) : nullptr;
    if (reply) std::ranges::move(reply->tables, std::back_inserter(all.tables));
  }
  for (TableFeatures& f : all.tables) {
    if (f.table_id != t.mod.table_id) continue;
    f.name = *t.name;
    found = true;
  }
  if (!found) fatal("table {} not found", t.mod.table_id);
  if (!transact_multipart(s, c, encode_or_die(c.make(MessageType::OFPST_TABLE_FEATURES_REQUEST, all)), stderr)) std::exit(1);
}

void mod_table(const Settings& s, Words w) {
  TableSetting t = parse_table_setting(w[1], w[2]);
  if (!(t.versions & s.versions)) fatal("table_mod '{}' requires one of the OpenFlow versions {}", w[2], format_versions(t.versions));
  auto c = open_bridge_with(s, w[0], t.versions & s.versions);
  if (t.name) return set_table_name(s, *c, t);
  if (c->version() >= Version::k14) merge_table_desc(s, *c, t.mod);
  transact_noreply(s, *c, encode_or_die(c->make(MessageType::OFPT_TABLE_MOD, t.mod)));
}

SwitchConfig fetch_config(Client& c) {
  auto m = decode(c.transact(encode_or_die(c.make(MessageType::OFPT_GET_CONFIG_REQUEST, Empty{}))));
  const auto* config = m ? std::get_if<SwitchConfig>(&m->body) : nullptr;
  if (!config) fatal("{}: bad reply to config request", c.name());
  return *config;
}

void get_frags(const Settings& s, Words w) {
  auto c = open_bridge(s, w[0]);
  print(std::string(fragments_name(fetch_config(*c).fragments)) + "\n");
}

void set_frags(const Settings& s, Words w) {
  std::optional<Fragments> mode;
  for (Fragments f : {Fragments::kNormal, Fragments::kDrop, Fragments::kReassemble, Fragments::kNxMatch})
    if (fragments_name(f) == w[1]) mode = f;
  if (!mode) fatal("{}: unknown fragment handling mode", w[1]);
  auto c = open_bridge(s, w[0]);
  SwitchConfig config = fetch_config(*c);
  if (config.fragments == *mode) return;
  config.fragments = *mode;
  transact_noreply(s, *c, encode_or_die(c->make(MessageType::OFPT_SET_CONFIG, config)));
  SwitchConfig now = fetch_config(*c);
  if (now.fragments != *mode) fatal("{}: setting fragment handling mode failed (this switch probably doesn't support mode \"{}\")", w[0], w[1]);
}

// --- Is it there, and how fast ---

void probe(const Settings& s, Words w) {
  auto c = open_bridge(s, w[0]);
  Message m{.type = MessageType::OFPT_ECHO_REQUEST, .version = c->version(), .xid = 0, .body = Echo{}};
  Bytes reply = c->transact(encode_or_die(m));
  if (reply.size() != kHeaderSize) fatal("reply does not match request");
}

double milliseconds_since(Time start) { return std::chrono::duration<double, std::milli>(Clock().now() - start).count(); }

Message make_echo(Client& c, size_t size) {
  static Random random = Random::from_system();
  Echo echo{Bytes(size)};
  for (uint8_t& b : echo.data) b = static_cast<uint8_t>(random.next_u32());
  return c.make(MessageType::OFPT_ECHO_REQUEST, std::move(echo));
}

constexpr size_t kMaxPayload = kMaxMessage - kHeaderSize;

void ping(const Settings& s, Words w) {
  auto size = w.size() > 1 ? parse_number(w[1]) : std::optional<uint64_t>(64);
  if (!size || *size > kMaxPayload) fatal("payload must be between 0 and {} bytes", kMaxPayload);
  auto c = open_bridge(s, w[0]);
  for (int i = 0; i < 10; i++) {
    Message request = make_echo(*c, *size);
    Time start = Clock().now();
    Bytes bytes = c->transact(encode_or_die(request));
    double took = milliseconds_since(start);
    auto reply = decode(bytes);
    const auto* echo = reply && reply->type == MessageType::OFPT_ECHO_REPLY ? std::get_if<Echo>(&reply->body) : nullptr;
    if (!echo || echo->data != std::get<Echo>(request.body).data) {
      print(format(request) + format_wire(bytes));
      continue;
    }
    print(fmt::format("{} bytes from {}: xid={:08x} time={:.1f} ms\n", echo->data.size(), w[0], reply->xid, took));
    std::fflush(stdout);
  }
}

void benchmark(const Settings& s, Words w) {
  auto size = parse_number(w[1]), count = parse_number(w[2]);
  if (!size || *size > kMaxPayload) fatal("payload must be between 0 and {} bytes", kMaxPayload);
  if (!count || *count == 0) fatal("invalid count \"{}\"", w[2]);
  uint64_t packet = *size + kHeaderSize;
  auto c = open_bridge(s, w[0]);
  print(fmt::format("Sending {} packets * {} bytes (with header) = {} bytes total\n", *count, packet, *count * packet));
  Time start = Clock().now();
  for (uint64_t i = 0; i < *count; i++) c->transact(encode_or_die(make_echo(*c, *size)));
  double took = milliseconds_since(start);
  print(fmt::format("Finished in {:.1f} ms ({:.0f} packets/s) ({:.0f} bytes/s)\n", took, *count / (took / 1000), *count * packet / (took / 1000)));
}

constexpr Command kCommands[] = {
    {"show", "switch", 1, 1, kReads, show, "show OpenFlow information"},
    {"dump-desc", "switch", 1, 1, kReads, dump_desc, "print switch description"},
    {"dump-tables", "switch", 1, 1, kReads, dump_tables, "print table stats"},
    {"dump-table-features", "switch", 1, 1, kReads, dump_table_features, "print table features"},
    {"dump-table-desc", "switch", 1, 1, kReads, dump_table_desc, "print table description (OF1.4+)"},
    {"mod-port", "switch iface act", 3, 3, kWrites, mod_port, "modify port behavior"},
    {"mod-table", "switch mod", 3, 3, kWrites, mod_table, "modify flow table behavior (controller, continue, drop; evict, noevict, vacancy:low,high, novacancy; name:NAME)"},
    {"get-frags", "switch", 1, 1, kReads, get_frags, "print fragment handling behavior"},
    {"set-frags", "switch frag_mode", 2, 2, kWrites, set_frags, "set fragment handling behavior (normal, drop, reassemble, nx-match)"},
    {"dump-ports", "switch [port]", 1, 2, kReads, dump_ports, "print port statistics"},
    {"dump-ports-desc", "switch [port]", 1, 2, kReads, dump_ports_desc, "print port descriptions"},
    {"queue-stats", "switch [port [queue]]", 1, 3, kReads, queue_stats, "dump queue stats"},
    {"queue-get-config", "switch [port [queue]]", 1, 3, kReads, queue_get_config, "print queue config for PORT"},
    {"probe", "target", 1, 1, kReads, probe, "probe whether TARGET is up"},
    {"ping", "target [n]", 1, 2, kReads, ping, "latency of N-byte echos"},
    {"benchmark", "target n count", 3, 3, kReads, benchmark, "bandwidth of COUNT N-byte echos"},
};

}  // namespace

std::span<const Command> switch_commands() { return kCommands; }

}  // namespace sluice::ofctl

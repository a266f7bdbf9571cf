// SPDX-License-Identifier: Apache-2.0
// Connections to bridges: names to sockets, flow formats, transactions, names of ports and tables.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iostream>

#include "lib/decimal.h"
#include "lib/program.h"
#include "lib/target.h"
#include "ofproto/openflow/port.h"
#include "ofproto/openflow/text.h"
#include "utilities/ofctl/color.h"
#include "utilities/ofctl/ofctl.h"

namespace sluice::ofctl {

using ofp::MessageType;
using ofp::Version;

namespace {

bool is_socket(const std::string& path) {
  struct stat st{};
  return ::stat(path.c_str(), &st) == 0 && S_ISSOCK(st.st_mode);
}

/// "br0", "unix:/x.mgmt", "tcp:10.0.0.1:6653", "/path/to/socket".
Target resolve_target(const Settings& s, const std::string& name, std::string_view socket) {
  if (name.find(':') != std::string::npos) {
    auto t = parse_active_target(name, kOpenFlowPort, s.directories.run);
    if (!t) fatal("connecting to {} ({})", name, t.error().text());
    return *t;
  }
  Target t{.kind = TransportKind::unix_socket, .text = name};
  t.path = resolve_path(s.directories.run, fmt::format("{}.{}", name, socket));
  if (is_socket(t.path)) return t;
  t.path = resolve_path(s.directories.run, name);
  if (is_socket(t.path)) return t;
  fatal("{} is not a bridge or a socket", name);
}

/// How errors call a connection: a bridge by its socket.
std::string connection_name(const std::string& name, const Target& target) {
  return name.find(':') == std::string::npos ? "unix:" + target.path : name;
}

/// A message that switches from one format to another one step nearer to `want`, or nothing if it cannot be reached.
std::optional<ofp::Message> step(Client& c, ofp::Protocol now, ofp::Protocol want, ofp::Protocol& next) {
  bool nxm_now = now & ofp::kNxmAny, nxm_want = want & ofp::kNxmAny, tid_now = now & (ofp::kOf10Tid | ofp::kNxmTid),
       tid_want = want & (ofp::kOf10Tid | ofp::kNxmTid);
  if (ofp::protocol_version(now) != ofp::protocol_version(want)) return std::nullopt;
  auto protocol = [](bool nxm, bool tid) { return nxm ? (tid ? ofp::kNxmTid : ofp::kNxm) : (tid ? ofp::kOf10Tid : ofp::kOf10); };
  if (nxm_now != nxm_want) {
    next = protocol(nxm_want, tid_now);
    return c.make(MessageType::NXT_SET_FLOW_FORMAT, ofp::Setting{nxm_want ? ofp::NXFF_NXM : ofp::NXFF_OPENFLOW10});
  }
  if (tid_now != tid_want) {
    next = protocol(nxm_want, tid_want);
    return c.make(MessageType::NXT_FLOW_MOD_TABLE_ID, ofp::Setting{tid_want});
  }
  return std::nullopt;
}

bool try_protocol(FlowSession& session, ofp::Protocol want) {
  while (session.protocol != want) {
    ofp::Protocol next = session.protocol;
    auto m = step(*session.client, session.protocol, want, next);
    if (!m || !session.client->transact_noreply(encode_or_die(*m)).empty()) return false;
    session.protocol = next;
  }
  session.codec.flow_mod_table_id = session.protocol & (ofp::kOf10Tid | ofp::kNxmTid);
  return true;
}

ofp::Protocol first_protocol(Version v) {
  ofp::ProtocolSet all = ofp::version_protocols(v);
  return static_cast<ofp::Protocol>(all & ~(all - 1));
}

FlowSession open_session(const Settings& s, const std::string& name, ofp::ProtocolSet usable, std::unique_ptr<Client> open) {
  check_usable(s, usable);
  usable &= s.protocols;
  FlowSession session;
  session.client = std::move(open);
  if (!session.client || !(ofp::version_protocols(session.client->version()) & usable))
    session.client = open_bridge_with(s, name, s.versions & ofp::protocols_versions(usable));
  session.protocol = first_protocol(session.client->version());
  return session;
}

std::optional<Version> preferred_version(const Settings& s) {
  if (s.versions_given) return std::nullopt;
  return s.bundle ? Version::k14 : Version::k10;
}

/// Only a name makes the tables' names worth asking for.
bool names_a_table(std::string_view text) {
  auto is_name = [&](size_t at) {
    std::string_view word = text.substr(at, text.find_first_of(",) \t", at) - at);
    return !word.empty() && !parse_number(word);
  };
  for (std::string_view key : {"table=", "table:", "resubmit("})
    for (size_t at = text.find(key); at != std::string_view::npos; at = text.find(key, at + 1)) {
      size_t value = at + key.size();
      if (key == "resubmit(") value = text.find(',', value);  // the second argument
      if (value == std::string_view::npos) break;
      if (is_name(text[value] == ',' ? value + 1 : value)) return true;
    }
  return false;
}

}  // namespace

std::unique_ptr<Client> open_bridge_with(const Settings& s, const std::string& name, ofp::VersionSet versions) {
  if (!versions) fatal("no OpenFlow version is allowed for this");
  static std::unique_ptr<TlsContext> tls;  // outlives the connections of this process
  Target target = resolve_target(s, name, "mgmt");
  if (target.kind == TransportKind::tls && (s.tls.private_key.empty() || s.tls.certificate.empty() || s.tls.ca_cert.empty()))
    fatal("connecting to {} (TLS needs --private-key, --certificate and --ca-cert)", connection_name(name, target));
  if (target.kind == TransportKind::tls && !tls) tls = std::make_unique<TlsContext>(s.tls);
  auto c = Client::connect(connection_name(name, target), target, versions, tls.get(), preferred_version(s));
  if (!c) fatal("{}", c.error());
  return std::move(*c);
}

std::unique_ptr<Client> open_bridge(const Settings& s, const std::string& name, std::string_view socket) {
  if (socket == "mgmt") return open_bridge_with(s, name, s.versions);
  Target target = resolve_target(s, name, socket);
  auto c = Client::connect(connection_name(name, target), target, s.versions, nullptr, preferred_version(s));
  if (!c) fatal("{}", c.error());
  return std::move(*c);
}

void check_usable(const Settings& s, ofp::ProtocolSet usable) {
  if (usable & s.protocols) return;
  fatal("none of the usable flow formats ({}) is among the allowed flow formats ({})", ofp::format_protocols(usable), ofp::format_protocols(s.protocols));
}

void set_protocol(FlowSession& session, ofp::Protocol want) {
  if (!try_protocol(session, want)) fatal("{}: failed to switch to flow format {}", session.client->name(), ofp::format_protocols(want));
}

FlowSession open_for_flow_mods(const Settings& s, const std::string& name, ofp::ProtocolSet usable, std::unique_ptr<Client> open) {
  FlowSession session = open_session(s, name, usable, std::move(open));
  usable &= s.protocols;
  if (usable & session.protocol) return session;
  for (uint32_t bit = 1; bit <= usable; bit <<= 1)
    if ((usable & bit) && try_protocol(session, static_cast<ofp::Protocol>(bit))) return session;
  fatal("switch does not support any of the usable flow formats ({})", ofp::format_protocols(usable));
}

FlowSession open_for_dump(const Settings& s, const std::string& name, ofp::ProtocolSet usable, std::unique_ptr<Client> open) {
  FlowSession session = open_session(s, name, usable, std::move(open));
  usable &= s.protocols;
  for (ofp::Protocol p : {ofp::kOxm15, ofp::kOxm14, ofp::kOxm13, ofp::kOxm12, ofp::kOf11, ofp::kNxm, ofp::kOf10})
    if ((usable & p) && try_protocol(session, p)) return session;
  fatal("switch does not support any of the usable flow formats ({})", ofp::format_protocols(usable));
}

Bytes encode_or_die(const ofp::Message& m, const ofp::CodecOptions& options) {
  Bytes out;
  if (auto ok = ofp::encode(m, out, options); !ok)
    fatal("{} cannot be expressed in {} ({})", ofp::info(m.type).name, ofp::version_name(m.version), ofp::error_name(ok.error()));
  return out;
}

void print_error(const Settings& s, ByteView message, const ofp::TextNames& names) {
  std::string text = ofp::format_wire(message, {.names = names, .verbosity = s.verbosity + 1});
  std::fwrite(text.data(), 1, text.size(), stderr);
}

void transact_noreply(const Settings& s, Client& c, ByteView request) { transact_many(s, c, {Bytes(request.begin(), request.end())}); }

void transact_many(const Settings& s, Client& c, const std::vector<Bytes>& requests) {
  Bytes error = c.transact_many(requests);
  if (error.empty()) return;
  print_error(s, error);
  std::exit(1);
}

std::optional<std::vector<Bytes>> transact_multipart(const Settings& s, Client& c, ByteView request, std::FILE* errors) {
  std::vector<Bytes> parts;
  uint32_t xid = ofp::peek_header(request)->xid;
  c.send(request);
  for (;;) {
    Bytes reply = c.receive();
    if (ofp::peek_header(reply)->xid != xid) continue;
    auto type = ofp::decode_type(reply);
    if (type && *type == MessageType::OFPT_ERROR) {
      std::string text = ofp::format_wire(reply, {.verbosity = s.verbosity + 1});
      std::fwrite(text.data(), 1, text.size(), errors);
      return std::nullopt;
    }
    constexpr size_t kFlagsAt = 10;
    bool more = type && ofp::info(*type).multipart && (load_be<uint16_t>(reply.data() + kFlagsAt) & 1);
    parts.push_back(std::move(reply));
    if (!more) return parts;
  }
}

void dump(const Settings& s, Client& c, const ofp::Message& request, const ofp::TextNames& names) {
  auto parts = transact_multipart(s, c, encode_or_die(request));
  if (!parts) return;
  for (const Bytes& part : *parts) {
    std::string text = ofp::format_wire(part, {.names = names, .verbosity = s.verbosity + 1, .show_stats = s.stats}, {.tlv = names.tlv});
    print(s.color ? color_flows(text) : text);
  }
}

std::vector<ofp::PortDesc> fetch_ports(const Settings&, Client& c) {
  std::vector<ofp::PortDesc> ports;
  if (c.version() < Version::k13) {
    auto m = ofp::decode(c.transact(encode_or_die(c.make(MessageType::OFPT_FEATURES_REQUEST, ofp::Empty{}))));
    if (!m || !std::get_if<ofp::FeaturesReply>(&m->body)) fatal("{}: received bad features reply", c.name());
    return std::get<ofp::FeaturesReply>(m->body).ports;
  }
  Settings none;
  auto parts = transact_multipart(none, c, encode_or_die(c.make(MessageType::OFPST_PORT_DESC_REQUEST, ofp::PortRequest{})));
  if (!parts) fatal("{}: received bad port description", c.name());
  for (const Bytes& part : *parts) {
    auto m = ofp::decode(part);
    const auto* reply = m ? std::get_if<ofp::PortDescReply>(&m->body) : nullptr;
    if (!reply) fatal("{}: received bad port description", c.name());
    ports.insert(ports.end(), reply->ports.begin(), reply->ports.end());
  }
  return ports;
}

ofp::NameMap port_names(const std::vector<ofp::PortDesc>& ports) {
  ofp::NameMap names;
  for (const ofp::PortDesc& p : ports) names.add(p.port_no.value, p.name);
  return names;
}

ofp::NameMap table_names(const Settings& s, Client& c) {
  ofp::NameMap names;
  bool features = c.version() >= Version::k13;
  auto request = features ? c.make(MessageType::OFPST_TABLE_FEATURES_REQUEST, ofp::TableFeaturesMessage{}) : c.make(MessageType::OFPST_TABLE_REQUEST, ofp::Empty{});
  auto parts = transact_multipart(s, c, encode_or_die(request), stderr);
  if (!parts) return names;
  for (const Bytes& part : *parts) {
    auto m = ofp::decode(part);
    if (!m) continue;
    if (const auto* reply = std::get_if<ofp::TableFeaturesMessage>(&m->body))
      for (const auto& t : reply->tables)
        if (!t.name.empty()) names.add(t.table_id, t.name);
    if (const auto* reply = std::get_if<ofp::TableStatsReply>(&m->body))
      for (const auto& t : reply->tables)
        if (!t.features.name.empty()) names.add(t.table_id, t.features.name);
  }
  return names;
}

bool wants_names(const Settings& s) { return s.names.value_or(::isatty(STDOUT_FILENO) != 0); }

ofp::TextNames Names::view() const { return {ports_ ? &*ports_ : nullptr, tables_ ? &*tables_ : nullptr, &tlv_, settings_.compat}; }

ofp::TextNames Names::for_reading(Client& c, std::string_view text) {
  if (settings_.names == false) return view();
  if (!ports_) ports_ = port_names(fetch_ports(settings_, c));
  if (!tables_ && names_a_table(text)) tables_ = table_names(settings_, c);
  return view();
}

ofp::TextNames Names::for_reading(Client& c, std::span<const Line> lines) {
  auto named = std::ranges::find_if(lines, [](const Line& line) { return names_a_table(line.text); });
  return for_reading(c, named == lines.end() ? std::string_view{} : std::string_view(named->text));
}

ofp::TextNames Names::for_printing(Client& c) {
  if (!wants_names(settings_)) return {nullptr, nullptr, &tlv_};
  for_reading(c);
  if (!tables_) tables_ = table_names(settings_, c);
  return view();
}

OfpPort parse_port_or_die(const Settings& s, Client& c, std::string_view bridge, std::string_view text) {
  if (auto p = ofp::parse_port(text)) return *p;
  ofp::NameMap names = port_names(fetch_ports(s, c));
  if (auto p = ofp::parse_port(text, &names)) return *p;
  fatal("{}: unknown port `{}'", bridge, text);
}

ofp::PortDesc find_port(const Settings& s, Client& c, std::string_view bridge, std::string_view text) {
  auto number = ofp::parse_port(text);
  for (const ofp::PortDesc& p : fetch_ports(s, c))
    if (number ? p.port_no == *number : p.name == text) return p;
  fatal("{}: couldn't find port `{}'", bridge, text);
}

std::vector<Line> read_lines(const std::string& path, std::string_view failed) {
  std::ifstream file;
  if (path != "-") {
    file.open(path);
    if (!file) fatal("{}: {} ({})", path, failed, errno_text(errno));
  }
  std::istream& in = path == "-" ? std::cin : file;
  std::vector<Line> lines;
  std::string text;
  for (int number = 1; std::getline(in, text); number++) {
    if (size_t hash = text.find('#'); hash != std::string::npos) text.resize(hash);
    std::string_view t = ofp::trim(text);
    if (!t.empty()) lines.push_back({number, std::string(t)});
  }
  return lines;
}

}  // namespace sluice::ofctl

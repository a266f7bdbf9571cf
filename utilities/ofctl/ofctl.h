// SPDX-License-Identifier: Apache-2.0
// What the commands of ofctl share: options, the table of commands, connections to bridges with negotiated flow formats.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/daemon.h"
#include "lib/directories.h"
#include "lib/tls.h"
#include "ofproto/openflow/codec.h"
#include "ofproto/openflow/flow_text.h"
#include "ofproto/openflow/message_text.h"
#include "ofproto/openflow/name_map.h"
#include "utilities/ofctl/client.h"

namespace sluice::ofctl {

struct SortKey {
  std::optional<ofp::FieldId> field;  // nothing: priority
  bool descending = false;
};

struct Settings {
  ofp::VersionSet versions = ofp::kAllVersions;
  bool versions_given = false;                      // by -O; else 1.0 (of bundles: 1.4) is taken where the switch speaks it, as scripts expect
  ofp::ProtocolSet protocols = ofp::kAllProtocols;  // allowed flow formats; those of `versions`
  bool strict = false, read_only = false, readd = false, timestamps = false, may_create = false, bundle = false, stats = true, compat = false;
  int verbosity = 0;
  std::optional<bool> names;     // nothing: names if the output goes to a terminal
  bool color = false;
  bool raw = false, pcap = false;  // compose-packet: the bytes, or a capture file, instead of a hex dump
  std::vector<SortKey> sort;
  std::optional<ofp::PacketInFormat> packet_in_format;
  TlsConfig tls;
  DaemonOptions daemon;
  Directories directories;
};

using Words = std::span<const std::string>;  // arguments without the command's name

enum Access { kReads, kWrites };
inline constexpr int kAnyNumber = INT32_MAX;

struct Command {
  std::string_view name, usage;
  int min_args, max_args;
  Access access;
  void (*run)(const Settings&, Words);
  std::string_view help;         // empty: not in --help (commands for tests)
};
/// Tables of the files, in the order of --help.
std::span<const Command> switch_commands();
std::span<const Command> flow_commands();
std::span<const Command> group_commands();
std::span<const Command> extension_commands();
std::span<const Command> monitor_commands();
std::span<const Command> test_commands();
std::string help_text();
/// Finds, checks the number of arguments and runs; ends the program if it is none.
void run_command(const Settings& settings, Words words);

// --- Connections ---

std::unique_ptr<Client> open_bridge(const Settings& s, const std::string& name, std::string_view socket = "mgmt");
std::unique_ptr<Client> open_bridge_with(const Settings& s, const std::string& name, ofp::VersionSet versions);

/// A connection with a flow format.
struct FlowSession {
  std::unique_ptr<Client> client;
  ofp::Protocol protocol = ofp::kOf10;
  ofp::CodecOptions codec;       // of flow mods in this format
  bool is_nxm() const { return protocol == ofp::kNxm || protocol == ofp::kNxmTid; }
  ofp::MessageType flow_mod_type() const { return is_nxm() ? ofp::MessageType::NXT_FLOW_MOD : ofp::MessageType::OFPT_FLOW_MOD; }
};
/// Ends the program if `usable` and the allowed formats have nothing in common.  `open`: a connection to go on with if its version fits.
FlowSession open_for_flow_mods(const Settings& s, const std::string& name, ofp::ProtocolSet usable, std::unique_ptr<Client> open = nullptr);
/// The same for dumps, which prefer the formats that say most.
FlowSession open_for_dump(const Settings& s, const std::string& name, ofp::ProtocolSet usable, std::unique_ptr<Client> open = nullptr);
void check_usable(const Settings& s, ofp::ProtocolSet usable);
void set_protocol(FlowSession& session, ofp::Protocol want);

/// Prints error replies to stderr and ends the program.
void transact_noreply(const Settings& s, Client& c, ByteView request);
void transact_many(const Settings& s, Client& c, const std::vector<Bytes>& requests);
/// All parts of a reply; an error reply is printed and gives nothing.
std::optional<std::vector<Bytes>> transact_multipart(const Settings& s, Client& c, ByteView request, std::FILE* errors = stdout);
/// Sends, prints every part of the reply.
void dump(const Settings& s, Client& c, const ofp::Message& request, const ofp::TextNames& names = {});
/// Encodes a request; ends the program if the version cannot express it.
Bytes encode_or_die(const ofp::Message& m, const ofp::CodecOptions& options = {});
void print_error(const Settings& s, ByteView message, const ofp::TextNames& names = {});

/// Ports of the bridge.
std::vector<ofp::PortDesc> fetch_ports(const Settings& s, Client& c);
ofp::NameMap port_names(const std::vector<ofp::PortDesc>& ports);
/// Names of tables; empty if there are none or the version has none.
ofp::NameMap table_names(const Settings& s, Client& c);

struct Line { int number; std::string text; };

/// Names for reading texts, and, if they are wanted, for printing.  Owns the maps that its TextNames point to.
class Names {
 public:
  explicit Names(const Settings& s) : settings_(s) {}
  /// For reading flows: ports, and tables if one of the texts names a table ("table=NAME").  Asks the bridge, unless --no-names says that there are none.
  ofp::TextNames for_reading(Client& c, std::string_view text = {});
  ofp::TextNames for_reading(Client& c, std::span<const Line> lines);
  /// Names only if --names is in force.
  ofp::TextNames for_printing(Client& c);

 private:
  ofp::TextNames view() const;
  const Settings& settings_;
  std::optional<ofp::NameMap> ports_, tables_;
  ofp::TlvTable tlv_{true};
};

/// A number or a name of a port; ends the program if it is none.
OfpPort parse_port_or_die(const Settings& s, Client& c, std::string_view bridge, std::string_view text);
ofp::PortDesc find_port(const Settings& s, Client& c, std::string_view bridge, std::string_view text);
bool wants_names(const Settings& s);
/// Those of the allowed versions that have bundles; 1.4 if none has.
ofp::VersionSet bundle_versions(ofp::VersionSet allowed);
/// Lines of a file ("-": stdin) without comments and blank ones.
std::vector<Line> read_lines(const std::string& path, std::string_view failed = "open failed");

}  // namespace sluice::ofctl

// SPDX-License-Identifier: Apache-2.0
// sluice-ofctl (ovs-ofctl): options, then one command of the table.
#include <unistd.h>

#include "lib/directories.h"
#include "lib/log.h"
#include "lib/options.h"
#include "lib/program.h"
#include "ofproto/openflow/text.h"
#include "utilities/ofctl/ofctl.h"

using namespace sluice;

namespace {

void add_sort_key(ofctl::Settings& s, const char* arg, bool descending) {
  ofctl::SortKey key{.descending = descending};
  if (arg && !ofp::equal_ignoring_case(arg, "priority")) {
    const ofp::Field* f = ofp::field_by_name(arg);
    if (!f) fatal("{}: unknown field name", arg);
    key.field = f->id;
  }
  s.sort.push_back(key);
}

void set_color(ofctl::Settings& s, const char* arg) {
  std::string_view when = arg ? arg : "auto";
  if (when == "always") s.color = true;
  else if (when == "never") s.color = false;
  else if (when == "auto") s.color = ::isatty(STDOUT_FILENO) != 0;
  else fatal("incorrect value `{}' for --color", when);
}

void set_packet_in_format(ofctl::Settings& s, std::string_view name) {
  if (name == "standard" || name == "openflow10") s.packet_in_format = ofp::PacketInFormat::kStandard;
  else if (name == "nxt_packet_in" || name == "nxm") s.packet_in_format = ofp::PacketInFormat::kNxm;
  else if (name == "nxt_packet_in2") s.packet_in_format = ofp::PacketInFormat::kNxm2;
  else fatal("unknown packet-in format `{}'", name);
}

void set_versions(ofctl::Settings& s, std::string_view list) {
  std::string names(list);
  for (std::string_view rest = names; !rest.empty();) {
    size_t end = rest.find_first_of(", ");
    std::string_view name = rest.substr(0, end);
    if (!name.empty() && !ofp::parse_versions(name)) fatal("Unknown OpenFlow version: \"{}\"", name);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  }
  auto versions = ofp::parse_versions(list);
  if (!versions || !*versions) fatal("Unknown OpenFlow version: \"{}\"", list);
  s.versions = *versions;
  s.versions_given = true;
}

/// In the order of Open vSwitch's, which messages about ambiguous names show.
void add_own_options(Options& options, ofctl::Settings& s) {
  auto flag = [&](const char* name, char letter, bool& value) { options.add(name, letter, Options::kNone, [&value](const char*) { value = true; }); };
  options.add("timeout", 't', Options::kRequired, [](const char* arg) { limit_run_time(arg, "-t or --timeout"); });
  flag("strict", 0, s.strict);
  flag("readd", 0, s.readd);
  options.add("flow-format", 'F', Options::kRequired, [&](const char* arg) {
    for (std::string_view rest = arg; !rest.empty();) {
      size_t end = rest.find_first_of(", ");
      std::string_view word = rest.substr(0, end);
      if (!word.empty() && !ofp::parse_protocol(word)) fatal("{}: unknown flow protocol", word);
      rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    }
    s.protocols = ofp::parse_protocols(arg).value_or(0);
    if (!s.protocols) fatal("{}: unknown flow protocol", arg);
  });
  options.add("packet-in-format", 'P', Options::kRequired, [&](const char* arg) { set_packet_in_format(s, arg); });
  options.add("more", 'm', Options::kNone, [&](const char*) { s.verbosity++; });
  flag("timestamp", 0, s.timestamps);
  options.add("sort", 0, Options::kOptional, [&](const char* arg) { add_sort_key(s, arg, false); });
  options.add("rsort", 0, Options::kOptional, [&](const char* arg) { add_sort_key(s, arg, true); });
  options.add("names", 0, Options::kNone, [&](const char*) { s.names = true; });
  options.add("no-names", 0, Options::kNone, [&](const char*) { s.names = false; });
  options.add("stats", 0, Options::kNone, [&](const char*) { s.stats = true; });
  options.add("no-stats", 0, Options::kNone, [&](const char*) { s.stats = false; });
  flag("bundle", 0, s.bundle);
  options.add("color", 0, Options::kOptional, [&](const char* arg) { set_color(s, arg); });
  flag("may-create", 0, s.may_create);
  flag("pcap", 0, s.pcap);
  flag("raw", 0, s.raw);
  flag("read-only", 0, s.read_only);
  options.add("compat", 0, Options::kRequired, [&](const char* arg) {
    if (std::string_view(arg) != "ovs") fatal("unknown --compat `{}'", arg);
    s.compat = true;
  });
  options.add("protocols", 'O', Options::kRequired, [&](const char* arg) { set_versions(s, arg); });
}

/// Formats and versions restrict each other.
void reconcile(ofctl::Settings& s) {
  if (s.bundle) s.versions = ofctl::bundle_versions(s.versions);
  ofp::ProtocolSet protocols = s.protocols & ofp::versions_protocols(s.versions);
  if (!protocols)
    fatal("None of the enabled OpenFlow versions ({}) supports any of the enabled flow formats ({}).  (Use -O to enable additional OpenFlow versions "
          "or -F to enable additional flow formats.)",
          ofp::format_versions(s.versions), ofp::format_protocols(s.protocols));
  s.protocols = protocols;
  s.versions = ofp::protocols_versions(protocols);
}

}  // namespace

int main(int argc, char** argv) {
  ofctl::Settings settings;
  settings.directories = Directories::from_environment();
  log_set("console:warn").value();
  log_set("ofp_match:console:info").value();  // fields of a match that are dropped
  Options options;
  add_own_options(options, settings);
  add_daemon_options(options, settings.daemon);
  options.add_standard(ofctl::help_text, "OpenFlow versions 0x1:0x6\n");
  add_log_options(options, settings.directories.log);
  add_tls_options(options, settings.tls);
  say_which_signal_ends();
  std::vector<std::string> words = options.parse(argc, argv);
  reconcile(settings);
  ofctl::run_command(settings, words);
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Command line options, declared where they are used and merged by main(): a thin layer over getopt_long, which also words the errors.
//
//   Options options;
//   options.add("timeout", 't', Options::kRequired, [&](const char* arg) { ... });
//   add_log_options(options); add_tls_options(options, tls); add_daemon_options(options, daemon);
//   std::vector<std::string> words = options.parse(argc, argv);
// A function may call fatal().  Wrong options end the program with status 1, as the peer does.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "lib/tls.h"

struct option;

namespace sluice {

class Options {
 public:
  enum Argument { kNone = 0, kRequired = 1, kOptional = 2 };
  using Fn = std::function<void(const char* arg)>;  // arg is nullptr if there is none

  /// long_name "" or short_name 0: only the other one.  A later add of the same name wins.
  void add(std::string long_name, char short_name, Argument argument, Fn fn);
  /// Options end at the first other word (vsctl, ofctl and dpctl do so).
  void stop_at_first_word() { stop_ = true; }
  /// Handles --help, -h (prints help()), --version, -V (prints version_text(extra)), and --option-names.
  void add_standard(std::function<std::string()> help, std::string version_extra = {});
  /// Returns the words that are no options.
  std::vector<std::string> parse(int argc, char** argv);
  /// All long options, one a line, as --options prints them ("--timeout=ARG").
  std::string list() const;

 private:
  struct Entry {
    std::string long_name;
    char short_name;
    Argument argument;
    Fn fn;
  };
  std::vector<Entry> entries_;
  bool stop_ = false;
};

/// -v, --verbose, --log-file, --syslog-method, --syslog-target.  log_dir: where a --log-file without name goes (PROGRAM.log).
void add_log_options(Options& options, std::string log_dir);
/// -p --private-key, -c --certificate, -C --ca-cert, --bootstrap-ca-cert, --peer-ca-cert, --ssl-protocols, --ssl-ciphers,
/// --ssl-ciphersuites, --ssl-server-name.
void add_tls_options(Options& options, TlsConfig& config);

}  // namespace sluice

// SPDX-License-Identifier: Apache-2.0
// See options.h.
#include "lib/options.h"

#include <fmt/core.h>
#include <getopt.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "lib/log.h"
#include "lib/program.h"
#include "lib/tls.h"

namespace sluice {

void Options::add(std::string long_name, char short_name, Argument argument, Fn fn) {
  std::erase_if(entries_, [&](const Entry& e) { return !long_name.empty() && e.long_name == long_name; });
  entries_.push_back({std::move(long_name), short_name, argument, std::move(fn)});
}

void Options::add_standard(std::function<std::string()> help, std::string version_extra) {
  add("help", 'h', kNone, [help = std::move(help)](const char*) {
    print(help());
    exit(0);
  });
  add("version", 'V', kNone, [extra = std::move(version_extra)](const char*) {
    print(version_text(extra));
    exit(0);
  });
  add("options", 0, kNone, [this](const char*) {
    print(list());
    exit(0);
  });
}

std::vector<std::string> Options::parse(int argc, char** argv) {
  constexpr int kFirst = 1000;  // values of long options: their index from here on
  std::string shorts = stop_ ? "+" : "";
  std::vector<option> longs;
  std::map<int, size_t> by_value;
  for (size_t i = 0; i < entries_.size(); i++) {
    const Entry& e = entries_[i];
    if (!e.long_name.empty()) {
      longs.push_back({e.long_name.c_str(), e.argument, nullptr, kFirst + static_cast<int>(i)});
      by_value[kFirst + static_cast<int>(i)] = i;
    }
    if (e.short_name) {
      shorts += e.short_name;
      shorts.append(e.argument, ':');
      by_value[static_cast<unsigned char>(e.short_name)] = i;
    }
  }
  longs.push_back({});
  if (argc > 0) argv[0] = program_invocation_short_name;  // what getopt begins its messages with
  for (int c; (c = getopt_long(argc, argv, shorts.c_str(), longs.data(), nullptr)) != -1;) {
    auto it = by_value.find(c);
    if (it == by_value.end()) exit(1);  // getopt has said why
    entries_[it->second].fn(optarg);
  }
  return {argv + optind, argv + argc};
}

std::string Options::list() const {
  std::string out;
  for (const Entry& e : entries_) {
    if (e.long_name.empty()) continue;
    out += fmt::format("--{}{}\n", e.long_name, e.argument == kRequired ? "=ARG" : e.argument == kOptional ? "[=ARG]" : "");
  }
  return out;
}

void add_log_options(Options& options, std::string log_dir) {
  auto set = [](const char* arg) {
    if (auto done = log_set(arg ? arg : ""); !done) fatal("processing \"{}\": {}", arg ? arg : "", done.error());
  };
  options.add("verbose", 'v', Options::kOptional, set);
  options.add("log-file", 0, Options::kOptional, [dir = std::move(log_dir)](const char* arg) {
    std::string path = arg ? arg : fmt::format("{}/{}.log", dir, program_name());
    if (auto done = log_set_file(path); !done) fatal("{}", done.error());
  });
  options.add("syslog-method", 0, Options::kRequired, [](const char* arg) {
    std::string_view method = arg;
    if (method != "libc" && method != "null" && !method.starts_with("unix:") && !method.starts_with("udp:")) fatal("unsupported syslog method '{}'", method);
    log_set_syslog_method(method);
  });
  options.add("syslog-target", 0, Options::kRequired, [](const char* arg) { log_set_syslog_target(arg); });
}

void add_tls_options(Options& options, TlsConfig& config) {
  options.add("private-key", 'p', Options::kRequired, [&](const char* arg) { config.private_key = arg; });
  options.add("certificate", 'c', Options::kRequired, [&](const char* arg) { config.certificate = arg; });
  options.add("ca-cert", 'C', Options::kRequired, [&](const char* arg) { config.ca_cert = arg; });
  options.add("bootstrap-ca-cert", 0, Options::kRequired, [&](const char* arg) {
    config.ca_cert = arg;
    config.bootstrap_ca_cert = true;
  });
  options.add("peer-ca-cert", 0, Options::kRequired, [&](const char* arg) { config.peer_ca_cert = arg; });
  options.add("ssl-protocols", 0, Options::kRequired, [&](const char* arg) { config.protocols = arg; });
  options.add("ssl-ciphers", 0, Options::kRequired, [&](const char* arg) { config.ciphers = arg; });
  options.add("ssl-ciphersuites", 0, Options::kRequired, [&](const char* arg) { config.ciphersuites = arg; });
  options.add("ssl-server-name", 0, Options::kRequired, [&](const char* arg) { config.server_name = arg; });
}

}  // namespace sluice

// SPDX-License-Identifier: Apache-2.0
// sluice-vswitchd: the switch daemon.  main() builds the graph: clock, loop, devices, datapaths, the database's replica, the bridges, the control socket.
#include <signal.h>

#include <cstdlib>

#include "datapath/kernel/kernel_datapath.h"
#include "datapath/netdev/dummy_device.h"
#include "datapath/netdev/gen_device.h"
#include "datapath/netdev/pcap_device.h"
#include "datapath/netdev/system_device.h"
#include "datapath/user/tunnel_device.h"
#include "datapath/user/user_datapath.h"
#include "dbserver/ovsdb/replica.h"
#include "lib/counters.h"
#include "lib/daemon.h"
#include "lib/directories.h"
#include "lib/log.h"
#include "lib/options.h"
#include "lib/program.h"
#include "lib/random.h"
#include "lib/target.h"
#include "lib/unixctl.h"
#include "vswitchd/commands.h"
#include "vswitchd/datapaths.h"
#include "vswitchd/dpctl.h"
#include "vswitchd/link_monitor.h"
#include "vswitchd/schema_rows.h"
#include "vswitchd/vswitchd.h"

namespace sluice {
namespace {

Log log("vswitchd"), log_reconnect("reconnect"), log_timeval("timeval");

struct Settings {
  DaemonOptions daemon;
  TlsConfig tls;
  std::string remote;
  bool dummy = false, dummy_override = false, dummy_system = false, disable_system = false;
};

std::string usage(const Directories& dirs) {
  return fmt::format(
      "{0}: the Sluice switch daemon\nusage: {0} [OPTIONS] [DATABASE]\nwhere DATABASE is a socket on which ovsdb-server is listening\n      (default: \"{1}\").\n\n"
      "Daemon options:\n  --detach                run in background as daemon\n  --monitor               creates a process to monitor this daemon\n"
      "  --user=username[:group] changes the effective daemon user:group\n  --no-chdir              do not chdir to '/'\n"
      "  --pidfile[=FILE]        create pidfile (default: {2}/ovs-vswitchd.pid)\n  --overwrite-pidfile     with --pidfile, start even if already running\n\n"
      "Logging options:\n  -vSPEC, --verbose=SPEC  set logging levels\n  -v, --verbose           set maximum verbosity level\n"
      "  --log-file[=FILE]       enable logging to specified FILE\n\n"
      "TLS options:\n  -p, --private-key=FILE  file with private key\n  -c, --certificate=FILE  file with certificate for private key\n"
      "  -C, --ca-cert=FILE      file with peer CA certificate\n  --bootstrap-ca-cert=FILE  file with peer CA certificate to read or create\n\n"
      "Other options:\n  --unixctl=SOCKET        override default control socket name\n  --enable-dummy[=override|system]  devices and time for tests\n"
      "  -h, --help              display this help message\n  -V, --version           display version information\n",
      program_name(), dirs.db_socket(), dirs.run);
}

Settings parse_options(int argc, char** argv, const Directories& dirs) {
  Settings s;
  Options options;
  add_daemon_options(options, s.daemon);
  add_log_options(options, dirs.log);
  add_tls_options(options, s.tls);
  options.add("enable-dummy", 0, Options::kOptional, [&](const char* arg) {
    std::string_view how = arg ? arg : "";
    s.dummy = true;
    s.dummy_override = how == "override";
    s.dummy_system = how == "system" || how == "override";
  });
  options.add("disable-system", 0, Options::kNone, [&](const char*) { s.disable_system = true; });
  for (const char* accepted : {"mlockall", "no-mlockall", "disable-system-route"}) options.add(accepted, 0, Options::kNone, [](const char*) {});
  options.add("dpdk", 0, Options::kOptional, [](const char*) {});
  options.add("dummy-numa", 0, Options::kRequired, [](const char*) {});   // where CPUs are, for tests with threads that poll
  options.add_standard([&] { return usage(dirs); }, "DB Schema " + std::string(schema::kVersion) + "\n");
  auto words = options.parse(argc, argv);
  if (words.size() > 1) fatal("at most one non-option argument accepted; use --help for usage");
  s.remote = words.empty() ? dirs.db_socket() : words[0];
  return s;
}

/// The devices and datapaths that this process offers.
struct Backends {
  NetdevFactory factory;
  DummyDevices dummies;
  GenDevices gens;

  void add_devices(const Settings& s) {
    add_system_devices(factory);
    add_tap_devices(factory);
    add_pcap_devices(factory);
    add_gen_devices(factory, gens);
    add_tunnel_devices(factory);
    if (s.dummy) add_dummy_devices(factory, dummies);
    if (s.dummy_system) override_with_dummies(factory, dummies, !s.dummy_override);
  }
  void add_datapath(Datapaths& datapaths, const std::string& type, const std::string& name, uint64_t seed, bool dummy) {
    auto make = [=, this](const std::string& named) {
      return std::make_unique<UserDatapath>(UserDatapathSettings{.type = type, .name = named, .seed = seed, .dummy_numbers = dummy}, factory);
    };
    datapaths.add_type(type, [=]() -> std::expected<Datapaths::Opened, std::string> {
      auto dpif = make(name);
      int fd = dpif->wait_fd();
      return Datapaths::Opened{std::move(dpif), fd};
    }, make);
  }
  static void add_kernel_datapath(Datapaths& datapaths, bool disabled) {
    datapaths.add_type("system", [=]() -> std::expected<Datapaths::Opened, std::string> {
      if (disabled) return std::unexpected("the kernel datapath is disabled (--disable-system)");
      auto dpif = KernelDatapath::open();
      if (!dpif) return std::unexpected(dpif.error());
      int fd = (*dpif)->wait_fd();
      return Datapaths::Opened{std::move(*dpif), fd};
    });
    if (disabled) datapaths.hide_type("system");
    datapaths.add_fallback("system", "netdev");
  }
  void add_datapaths(Datapaths& datapaths, const Settings& s, uint64_t seed) {
    add_datapath(datapaths, "netdev", "ovs-netdev", seed, s.dummy_override);
    if (s.dummy) add_datapath(datapaths, "dummy", "ovs-dummy", seed, true);
    if (s.dummy_override)
      add_datapath(datapaths, "system", "ovs-system", seed, true);
    else
      add_kernel_datapath(datapaths, s.disable_system);
    datapaths.add_alias("", "system");
  }
  std::vector<std::string> interface_types() const {
    auto types = factory.types();
    types.push_back("patch");
    return types;
  }
};

ovsdb::Replica::Options replica_options() {
  ovsdb::Replica::Options o;
  o.database = schema::kDatabase;
  o.schema = schema::make_vswitch_schema();
  o.lock = "ovs_vswitchd";
  o.select = schema::select_everything;
  return o;
}

int run(int argc, char** argv) {
  Directories dirs = Directories::from_environment();
  Settings s = parse_options(argc, argv, dirs);
  auto remotes = parse_remotes(s.remote, kOvsdbPort, dirs.run);
  if (!remotes) fatal("{}: {}", s.remote, remotes.error().text());
  Daemon daemon(s.daemon, dirs);
  daemon.start();

  Clock clock;
  log_set_clock(&clock);
  Loop loop(clock);
  loop.set_stall_reporter([](std::string_view name, Duration took) { log_timeval.warn("Unreasonably long {}ms poll interval in {}", to_ms(took), name); });
  Random random = Random::from_system();
  uint64_t seed = getenv("SLUICE_HASH_SEED") ? strtoull(getenv("SLUICE_HASH_SEED"), nullptr, 0) : random.next();

  UnixctlServer control(loop);
  Backends backends;
  backends.add_devices(s);
  Datapaths datapaths(loop, seed);
  backends.add_datapaths(datapaths, s, seed);

  UuidSource uuids(Random::from_system());
  TlsContext db_tls(s.tls);
  auto options = replica_options();
  options.connector.tls = &db_tls;
  ovsdb::Replica replica(loop, *remotes, std::move(options), {.on_change = {}, .on_lock = {}, .log = [](std::string_view text) { log_reconnect.info("{}", text); }}, uuids);
  Vswitchd vswitchd(loop, datapaths, replica,
                    {.run_dir = dirs.run, .tls = s.tls, .interface_types = backends.interface_types(), .dummy_type = s.dummy && !s.dummy_override ? "dummy" : ""});

  Counters counters;
  log_add_commands(control);
  counters.add_commands(control);
  CommandContext context{loop, datapaths, vswitchd, backends.gens};
  add_switch_commands(control, context);
  DaemonDpctlSource dpctl(datapaths, backends.factory);
  add_dpctl_commands(control, loop, dpctl);
  if (s.dummy) add_dummy_commands(control, context, backends.dummies);
  if (auto path = daemon.unixctl_path())
    if (auto listening = control.listen(*path); !listening) fatal("{}", listening.error());

  LinkMonitor links(loop, [&] { vswitchd.devices_changed(); });
  bool more = false;
  Runner runner = loop.add_runner("bridges", [&](Time now) { more = vswitchd.run(now); counters.run(now); }, [&] { return more ? loop.now() : vswitchd.deadline(loop.now()); });
  Daemon::take_signals(loop);
  log.info("{} (Open vSwitch) {}", program_name(), kCompatVersion);
  daemon.ready();
  loop.run();
  log_set_clock(nullptr);
  return 0;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) { return sluice::run(argc, argv); }

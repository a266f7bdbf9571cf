// SPDX-License-Identifier: Apache-2.0
// --help of vsctl.
#include "utilities/vsctl/help.h"

#include <fmt/core.h>

#include "dbserver/ovsdb/table_text.h"
#include "lib/program.h"

namespace sluice::vsctl {
namespace {

constexpr std::string_view kCommands = R"(
Switch commands:
  init                           create the Open_vSwitch record, if there is none
  show                           overview of the configuration
  emer-reset                     remove controllers, managers, SSL, mirrors, exports, other_config

Bridge commands:
  add-br BRIDGE                  create a bridge
  add-br BRIDGE PARENT VLAN      create a fake bridge: VLAN of bridge PARENT
  del-br BRIDGE                  delete a bridge with its ports
  list-br                        names of the bridges (--real, --fake: only those)
  br-exists BRIDGE               exit status 0 if it exists, 2 if not
  br-to-vlan BRIDGE              VLAN of a fake bridge, 0 of another
  br-to-parent BRIDGE            bridge that a fake bridge is in
  br-set-external-id BRIDGE KEY [VALUE]   set or remove an external ID
  br-get-external-id BRIDGE [KEY]         print one or all external IDs

Port and interface commands (a bond is one port of several interfaces):
  list-ports BRIDGE              names of the ports
  add-port BRIDGE PORT [COLUMN=VALUE]...  add a device as a port
  add-bond BRIDGE PORT IFACE...  add a bond
  del-port [BRIDGE] PORT         delete a port
  port-to-br PORT                bridge that has the port
  list-ifaces BRIDGE             names of the interfaces
  iface-to-br IFACE              bridge that has the interface
  add-bond-iface BOND IFACE      add an interface to a bond
  del-bond-iface [BOND] IFACE    delete an interface from a bond

Controller, manager and SSL commands:
  get-controller BRIDGE, del-controller BRIDGE
  [--inactivity-probe=MS] set-controller BRIDGE TARGET...
  get-fail-mode BRIDGE, del-fail-mode BRIDGE, set-fail-mode BRIDGE standalone|secure
  get-manager, del-manager
  [--inactivity-probe=MS] set-manager TARGET...
  get-ssl, del-ssl
  [--bootstrap] set-ssl PRIVATE-KEY CERTIFICATE CA-CERT

Connection tracking, datapath and Auto Attach commands:
  add-zone-tp DATAPATH zone=ID KEY=SECONDS..., del-zone-tp DATAPATH zone=ID, list-zone-tp DATAPATH
  list-dp-cap DATAPATH
  add-aa-mapping BRIDGE I-SID VLAN, del-aa-mapping BRIDGE I-SID VLAN, get-aa-mapping BRIDGE

Database commands:
  list TABLE [RECORD]...         print records
  find TABLE [CONDITION]...      print records that satisfy all conditions
  get TABLE RECORD [COLUMN[:KEY]]...
  set TABLE RECORD COLUMN[:KEY]=VALUE...
  add TABLE RECORD COLUMN [KEY=]VALUE...
  remove TABLE RECORD COLUMN KEY|VALUE|KEY=VALUE...
  clear TABLE RECORD COLUMN...
  [--id=@NAME] create TABLE COLUMN[:KEY]=VALUE...
  destroy TABLE RECORD...        (--all: all records)
  wait-until TABLE RECORD [CONDITION]...
  comment TEXT...                a line for the database's log
Several commands, separated by "--", are one transaction.  --may-exist and --if-exists before a command make it forgiving.
)";

}  // namespace

std::string help_text(const std::string& default_db) {
  std::string out = fmt::format("{0}: configures the switch through its database\nusage: {0} [OPTIONS] COMMAND [ARG...] [-- [OPTIONS] COMMAND [ARG...]]...\n{1}",
                                program_name(), kCommands);
  out += fmt::format(R"(
Options:
  --db=DATABASE               connect to DATABASE (default: {})
  --no-wait                   do not wait for the switch to carry out the change
  --retry                     keep trying to connect to the database
  -t, --timeout=SECS          give up after SECS seconds
  --dry-run                   change nothing
  --oneline                   one line of output for each command
  --no-syslog                 do not log to syslog
)", default_db);
  out += ovsdb::table_options_help();
  out += R"(
Connection methods: tcp:HOST[:PORT], ssl:HOST[:PORT], unix:FILE
  -p, --private-key=FILE  -c, --certificate=FILE  -C, --ca-cert=FILE  --bootstrap-ca-cert=FILE
Logging: -v, --verbose=[SPEC]  --log-file[=FILE]  --syslog-method=METHOD  --syslog-target=HOST:PORT
Other: -h, --help  -V, --version  --commands  --options
)";
  return out;
}

}  // namespace sluice::vsctl

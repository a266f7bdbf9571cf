# SPDX-License-Identifier: Apache-2.0
"""OVN's tools and northd on Open vSwitch's database server and on ours: the same commands, and what they print must be equal.
Made equal before: uuids, dates, and the order of lines.  Skipped without OVN and Open vSwitch's server."""

import os
import re
import shlex
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(__file__))
from harness import COMPAT, need_program, skip, wait_until  # noqa: E402

SCHEMAS, PEER = "/usr/share/ovn", "/usr/sbin/ovsdb-server"

# nb or sb, then the words of a command; wrong ones too.
COMMANDS = """
nb ls-add sw0
nb ls-add sw0
nb --may-exist ls-add sw0
nb --add-duplicate ls-add sw0
nb ls-list
nb ls-add sw1 -- lsp-add sw1 p1 -- lsp-set-addresses p1 "00:00:00:00:00:01 10.0.0.1"
nb lsp-add sw1 p1
nb lsp-add sw1 p2 p1 5
nb lsp-add sw1 p3 p1 5000
nb lsp-list sw1
nb lsp-get-parent p2
nb lsp-get-tag p2
nb lsp-set-addresses p1 dynamic
nb lsp-set-addresses p1 bad
nb lsp-get-addresses p1
nb lsp-set-port-security p1 "00:00:00:00:00:01 10.0.0.1"
nb lsp-get-port-security p1
nb lsp-set-enabled p1 disabled
nb lsp-get-enabled p1
nb lsp-set-type p2 localnet
nb lsp-set-options p2 network_name=phys mtu=1400
nb lsp-get-options p2
nb lsp-set-dhcpv4-options p1 00000000-0000-0000-0000-000000000000
nb acl-add sw1 from-lport 1000 "ip4" allow-related
nb acl-add sw1 from-lport 1000 "ip4" allow-related
nb --log --severity=info --name=x acl-add sw1 to-lport 900 "tcp.dst == 80" drop
nb acl-list sw1
nb acl-del sw1 from-lport
nb --type=port-group acl-add pg0 to-lport 1 ip drop
nb pg-add pg0 p1 p2
nb --type=port-group acl-add pg0 to-lport 1 "outport == @pg0 && ip" drop
nb pg-set-ports pg0 p1
nb acl-list pg0
nb lr-add r0
nb lrp-add r0 r0-sw1 00:00:00:00:ff:01 10.0.0.254/24 fd00::1/64
nb lrp-add r0 r0-bad nonsense 10/24
nb lsp-add sw1 sw1-r0 -- lsp-set-type sw1-r0 router -- lsp-set-options sw1-r0 router-port=r0-sw1 -- lsp-set-addresses sw1-r0 router
nb lr-route-add r0 0.0.0.0/0 10.0.0.253
nb lr-route-add r0 0.0.0.0/0 10.0.0.253
nb --ecmp lr-route-add r0 0.0.0.0/0 10.0.0.252
nb --policy=src-ip lr-route-add r0 10.1.0.0/16 10.0.0.251 r0-sw1
nb lr-route-list r0
nb lr-route-del r0 0.0.0.0/0 10.0.0.252
nb lr-policy-add r0 10 "ip4.src == 10.0.0.5" drop
nb lr-policy-add r0 11 "ip4.src == 10.0.0.6" reroute 10.0.0.9
nb lr-policy-list r0
nb lr-nat-add r0 snat 172.16.0.1 10.0.0.0/24
nb lr-nat-add r0 dnat_and_snat 172.16.0.2 10.0.0.1 p1 00:00:00:00:00:ee
nb --portrange lr-nat-add r0 snat 172.16.0.3 10.0.1.0/24 1000-2000
nb lr-nat-list r0
nb lr-nat-del r0 snat 10.0.0.0/24
nb lb-add lb0 10.0.0.100:80 10.0.0.1:80,10.0.0.2:80 tcp
nb lb-add lb0 10.0.0.100:80 10.0.0.1:80
nb lb-add lb0 10.0.0.101:53 10.0.0.1:53 udp
nb lb-add lb1 10.0.0.102 10.0.0.3,10.0.0.4
nb lb-list
nb ls-lb-add sw1 lb0
nb lr-lb-add r0 lb1
nb ls-lb-list sw1
nb lr-lb-list r0
nb qos-add sw1 from-lport 100 "ip4" dscp=10 rate=1000 burst=100
nb qos-list sw1
nb meter-add m0 drop 100 kbps 10
nb meter-list
nb mirror-add mir0 gre 5 from-lport 10.9.9.9
nb lsp-attach-mirror p1 mir0
nb mirror-list
nb dhcp-options-create 10.0.0.0/24
nb dhcp-options-list
nb --columns=cidr list dhcp_options
nb set dhcp_options 10.0.0.0/24 options:router=10.0.0.254
nb create Address_Set name=as0 addresses='"10.0.0.1","10.0.0.2"'
nb create Address_Set name=as0
nb add Address_Set as0 addresses 10.0.0.3
nb remove Address_Set as0 addresses 10.0.0.1
nb get Address_Set as0 addresses
nb find logical_switch_port type=router
nb --bare --columns=name find logical_switch_port name=p1
nb --format=json --columns=name,type list logical_switch_port p1
nb --format=csv --columns=name,type list logical_switch_port
nb --format=html --columns=name list logical_switch
nb --format=table --data=json --columns=name,options list logical_switch_port p2
nb set logical_switch sw1 other_config:subnet=10.0.0.0/24 other_config:exclude_ips="10.0.0.1..10.0.0.9"
nb get logical_switch sw1 other_config:subnet
nb get logical_switch sw1 other_config:none
nb --if-exists get logical_switch sw1 other_config:none
nb clear logical_switch_port p1 addresses
nb set logical_switch_port p1 nonsense=1
nb set logical_switch_port p1 tag=5000
nb set logical_switch_port none tag=5
nb set nb_global . options:northd_probe_interval=5000
nb --wait=sb sync
nb lrp-set-gateway-chassis r0-sw1 ch1 10
nb lrp-get-gateway-chassis r0-sw1
nb lrp-set-enabled r0-sw1 disabled
nb lrp-get-enabled r0-sw1
nb lrp-list r0
nb ha-chassis-group-add g0
nb ha-chassis-group-add-chassis g0 ch1 30
nb ha-chassis-group-list
nb bfd-list
nb destroy logical_switch_port p1
nb --all destroy meter
nb --if-exists ls-del none
nb ls-del none
nb show
nb --dry-run ls-add dry
nb set-connection ptcp:0:127.0.0.1
nb get-connection
nb get connection . target
nb del-connection
nb set-ssl a b c
nb get-ssl
nb del-ssl
nb comment hello -- ls-add com
nb wait-until logical_switch com name=com
nb --timeout=1 wait-until logical_switch com name=x
nb --wait=sb sync
sb chassis-add ch1 geneve 192.0.2.1
sb chassis-add ch1 geneve 192.0.2.1
sb --may-exist chassis-add ch1 geneve 192.0.2.1
sb lsp-bind p2 ch1
sb lsp-bind p2 ch1
sb show
nb --wait=sb sync
sb --columns=logical_port,type find port_binding type=localnet
sb --columns=name,hostname list chassis
sb lsp-unbind p2
sb chassis-del ch1
sb count-flows
sb set-connection role=ovn-controller ptcp:0:127.0.0.1
sb get-connection
sb --columns=role,target list connection
sb --columns=name list rbac_role
sb --columns=table,insert_delete,update list rbac_permission
sb list encap
sb lflow-list sw1
sb lflow-list r0
sb dump-flows
nb lr-del r0
nb --wait=sb ls-del sw1
sb lflow-list
sb --columns=logical_port list port_binding
""".strip().splitlines()


class Central:
    def __init__(self, server):
        self.server, self.processes = server, []
        self.directory = tempfile.mkdtemp(prefix="sluice-ovn-peer-")
        d = self.directory
        self.environment = dict(os.environ, OVN_RUNDIR=d, OVS_RUNDIR=d, OVN_LOGDIR=d, OVN_NB_DB=f"unix:{d}/nb.sock", OVN_SB_DB=f"unix:{d}/sb.sock")

    def __enter__(self):
        d = self.directory
        for name in "nb", "sb":
            subprocess.run([f"{COMPAT}/ovsdb-tool", "create", f"{d}/{name}.db", f"{SCHEMAS}/ovn-{name}.ovsschema"], check=True)
            self.start(self.server, f"--unixctl={d}/{name}.ctl", f"--remote=punix:{d}/{name}.sock", f"{d}/{name}.db", ready=f"{d}/{name}.sock")
            wait_until("it answers", lambda: self.run(name, "init")[0] == 0)
        self.start("ovn-northd", f"--unixctl={d}/northd.ctl", ready=f"{d}/northd.ctl")
        return self

    def __exit__(self, *_):
        for p in reversed(self.processes):
            p.terminate()
        for p in self.processes:
            p.wait(20)
        subprocess.run(["rm", "-r", self.directory], check=True)

    def start(self, *words, ready):
        self.processes.append(subprocess.Popen([*words, "-vconsole:off"], env=self.environment))
        wait_until(f"{words[0]} is ready", lambda: os.path.exists(ready), timeout=30)

    def run(self, which, words):
        words = shlex.split(words)
        limit = [] if any(w.startswith("--timeout") for w in words) else ["--timeout=60"]
        r = subprocess.run([f"ovn-{which}ctl", *limit, *words], env=self.environment, capture_output=True, text=True, timeout=90)
        return [r.returncode, self.normal(r.stdout), self.normal(r.stderr)]

    def normal(self, text):
        text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID", text.replace(self.directory, "DIR"))
        text = re.sub(r"\b(0x)?[0-9a-f]{8}\b", "UUID8", text)  # the beginning of one
        text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z\|\d+", "DATE", text)
        # Which of two rows an error names first is the order of a hash table.
        text = re.sub(r"First row, (.*?)\.  Second row, (.*?)\.\"", lambda m: " / ".join(sorted(m.groups())), text)
        return sorted(text.splitlines())


def main():
    for program in "ovn-nbctl", "ovn-sbctl", "ovn-northd":
        need_program(program)
    if not os.path.exists(PEER) or not os.path.exists(f"{SCHEMAS}/ovn-nb.ovsschema"):
        skip("needs OVN's schemas and Open vSwitch's ovsdb-server")
    different = 0
    with Central(PEER) as peer, Central(f"{COMPAT}/ovsdb-server") as ours:
        for command in COMMANDS:
            which, words = command.split(" ", 1)
            theirs, mine = peer.run(which, words), ours.run(which, words)
            if theirs == mine:
                continue
            different += 1
            print(command)
            for name, a, b in zip(("status", "stdout", "stderr"), theirs, mine):
                if a != b:
                    print(f"  {name}\n    Open vSwitch: {a}\n    ours:         {b}"[:3000])
    print(f"{len(COMMANDS)} commands, {different} different")
    sys.exit(1 if different else 0)


main()

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Our ofctl and the peer's against the peer's switch: the same commands, in every version, print the same and end with the same status."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

BUILD = os.environ.get("SLUICE_BUILD", "build/debug")
VERSIONS = ["OpenFlow10", "OpenFlow11", "OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15"]

SETUP = [
    "add-flow br0 priority=5,in_port=1,actions=output:2",
    "add-flow br0 table=0,cookie=7,idle_timeout=600,tcp,nw_src=10.0.0.0/8,tp_dst=80,actions=mod_nw_tos:32,output:2",
    "add-flow br0 dl_vlan=5,actions=strip_vlan,NORMAL",
]
COMMANDS = [
    "show br0", "dump-desc br0", "dump-tables br0", "dump-table-features br0", "dump-table-desc br0", "dump-ports br0", "dump-ports br0 1", "dump-ports br0 p1",
    "dump-ports-desc br0", "dump-ports-desc br0 nosuch", "queue-stats br0", "queue-stats br0 1", "queue-get-config br0 1", "dump-flows br0",
    "dump-flows br0 tcp", "dump-flows br0 in_port=p1", "dump-flows br0 out_port=2", "--no-stats dump-flows br0", "--names dump-flows br0", "--sort dump-flows br0",
    "--rsort=in_port dump-flows br0", "--color=always --no-stats dump-flows br0", "encode-hello 0x7e", "dump-aggregate br0", "dump-aggregate br0 tcp", "dump-groups br0", "dump-group-stats br0", "dump-group-features br0",
    "dump-meters br0", "meter-stats br0", "meter-features br0", "get-frags br0", "set-frags br0 bad", "mod-port br0 p1 bad", "mod-port br0 9 up",
    "mod-table br0 1 bad", "add-flow br0 priority=70000,actions=drop", "add-flow br0 in_port=1", "add-flow br0 foo=1,actions=drop",
    "add-flow br0 tcp,tp_dst=70000,actions=drop", "del-flows br0 actions=drop", "add-group br0 group_id=1", "add-meter br0 meter=1", "dump-tlv-map br0",
    "packet-out br0 in_port=1,packet=5054,actions=drop", "packet-out br0 in_port=1 ", "ct-flush br0 zone=x", "nosuch br0", "show", "show a b", "probe br0",
    "show nosuch", "--nosuch show br0", "-O nosuch show br0", "-F nosuch dump-flows br0", "--sort=nosuch dump-flows br0", "--read-only del-flows br0",
    "ofp-print 0402000800000001", "ofp-print 040200080000", "ofp-print 0463000800000001", "encode-hello 0x12", "print-error OFPBRC_BAD_PORT",
    "parse-flow priority=5,ip,actions=output:1", "parse-group group_id=1,type=select,bucket=weight:3,output:1",
]

# The peer's comparison of actions takes in bytes that were never set.
LEFT_OUT = [("OpenFlow11", "dump-tables br0")]


def normal(text):
    text = re.sub(r"^(\S*/)?(ovs|sluice)-ofctl: ", "ofctl: ", text, flags=re.M)
    text = re.sub(r"xid=0x[0-9a-f]+", "xid=X", text)
    text = re.sub(r"duration=[0-9.]+s", "duration=T", text)
    text = re.sub(r"(idle|hard)_age=\d+", r"\1_age=T", text)
    return re.sub(r"^\S+Z\|.*\n", "", text, flags=re.M)


class Peer:
    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="ofctl-peer")
        self.env = dict(os.environ, OVS_RUNDIR=self.dir, OVS_LOGDIR=self.dir, OVS_DBDIR=self.dir, OVS_SYSCONFDIR=self.dir)
        db, sock = self.dir + "/conf.db", "unix:" + self.dir + "/db.sock"
        self.run("ovsdb-tool", "create", db, "/usr/share/openvswitch/vswitch.ovsschema")
        self.run("ovsdb-server", db, "--remote=p" + sock, "--detach", "--pidfile", "--log-file", "-vconsole:off")
        self.run("ovs-vsctl", "--db=" + sock, "--no-wait", "init")
        self.run("ovs-vswitchd", sock, "--enable-dummy=override", "--detach", "--pidfile", "--log-file", "-vconsole:off")
        self.run("ovs-vsctl", "--db=" + sock, "add-br", "br0", "--", "set", "bridge", "br0", "datapath-type=dummy", "fail-mode=secure",
                 "protocols=" + ",".join(VERSIONS), "other-config:datapath-id=0000000000000001", "--", "add-port", "br0", "p1", "--", "set", "interface", "p1",
                 "type=dummy", "ofport_request=1", "--", "add-port", "br0", "p2", "--", "set", "interface", "p2", "type=dummy", "ofport_request=2")
        return self

    def run(self, *words):
        subprocess.run(words, env=self.env, check=True, timeout=30, stdout=subprocess.DEVNULL)

    def __exit__(self, *_):
        for name in ("ovs-vswitchd", "ovsdb-server"):
            try:
                os.kill(int(open(f"{self.dir}/{name}.pid").read()), 15)
            except (OSError, ValueError):
                pass
        time.sleep(0.5)
        shutil.rmtree(self.dir, ignore_errors=True)

    def ofctl(self, program, version, command):
        options = [] if command.startswith("-O") else ["-O", version]
        r = subprocess.run([program, "-t", "20"] + options + command.split(), env=self.env, capture_output=True, text=True, timeout=40)
        return r.returncode, normal(r.stdout), normal(r.stderr)


def main():
    ours, peers = os.path.join(BUILD, "bin/sluice-ofctl"), shutil.which("ovs-ofctl")
    if not peers or not shutil.which("ovs-vswitchd") or not os.path.exists(ours):
        print("the peer or ours is not there")
        return 77
    bad = n = 0
    with Peer() as peer:
        for command in SETUP:
            peer.ofctl(peers, "OpenFlow13", command)
        for version in VERSIONS:
            for command in COMMANDS:
                if (version, command) in LEFT_OUT:
                    continue
                want, got = peer.ofctl(peers, version, command), peer.ofctl(ours, version, command)
                n += 1
                if got != want:
                    bad += 1
                    print("DIFF", version, command, "\n  peer", want, "\n  ours", got)
    print(n, "commands,", bad, "differ")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

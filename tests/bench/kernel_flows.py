#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Kernel datapath side by side with Debian's Open vSwitch in one guest: new microflows a second, revalidation, and the CPU time of the daemon for them.

    kernel_flows.py BUILD [RATE...]

Runs as root in a guest with openvswitch.ko (tests/guest/run.sh, or QEMU with one CPU and -icount, where results don't depend on the machine).  BUILD: where
bench/new_flows and compat/ are.  Each packet is a flow of its own: the rule reads address and port, so that megaflows are exact."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

BUILD = os.path.abspath(sys.argv[1])
RATES = [int(r) for r in sys.argv[2:]] or [4000, 25000]
SECONDS = 4
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
RULE = "udp,actions=move:NXM_OF_IP_SRC[]->NXM_NX_REG0[],move:NXM_OF_UDP_SRC[]->NXM_NX_REG1[0..15],output:2"


def ip(*words):
    subprocess.run(["ip", *words], check=True)


class Switch:
    def __init__(self, tools):
        self.dir = tempfile.mkdtemp(prefix="bench-", dir="/run")
        self.env = dict(os.environ, PATH=f"{tools}:{SYSTEM_PATH}" if tools else SYSTEM_PATH)
        self.env.update({name: self.dir for name in ("OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR", "OVS_SYSCONFDIR")})
        schema = os.path.join(tools, "vswitch.ovsschema") if tools else "/usr/share/openvswitch/vswitch.ovsschema"
        self.run("ovsdb-tool", "create", "conf.db", schema)
        self.db = self.start("ovsdb-server", "conf.db", f"--remote=punix:{self.dir}/db.sock", f"--unixctl={self.dir}/db.ctl")
        while not os.path.exists(os.path.join(self.dir, "db.sock")):
            time.sleep(0.05)
        self.run("ovs-vsctl", "--no-wait", "init", "--", "set", "open", ".", "other_config:max-idle=600000", "other_config:flow-limit=200000")
        self.daemon = self.start("ovs-vswitchd", f"unix:{self.dir}/db.sock", f"--unixctl={self.dir}/v.ctl", f"--log-file={self.dir}/v.log")
        self.run("ovs-vsctl", "--timeout=60", "add-br", "br0", "--", "set", "bridge", "br0", "fail_mode=secure",
                 *[w for n in "12" for w in ("--", "add-port", "br0", f"p{n}", "--", "set", "interface", f"p{n}", f"ofport_request={n}")])
        self.run("ovs-ofctl", "add-flow", "br0", RULE)

    def start(self, program, *argv):
        return subprocess.Popen([shutil.which(program, path=self.env["PATH"]), *argv, "-vconsole:off"], env=self.env, cwd=self.dir)

    def run(self, *argv):
        r = subprocess.run(argv, env=self.env, cwd=self.dir, capture_output=True, text=True, timeout=120)
        if r.returncode:
            raise RuntimeError(f"{' '.join(argv)}: {r.stdout}{r.stderr}")
        return r.stdout

    def cpu(self):
        """Seconds that the daemon has used so far."""
        with open(f"/proc/{self.daemon.pid}/schedstat", encoding="ascii") as f:
            total = int(f.read().split()[0])
        for task in os.listdir(f"/proc/{self.daemon.pid}/task"):
            if int(task) != self.daemon.pid:
                with open(f"/proc/{self.daemon.pid}/task/{task}/schedstat", encoding="ascii") as f:
                    total += int(f.read().split()[0])
        return total / 1e9

    def lookups(self):
        return re.search(r"lookups: (.*)", self.run("ovs-appctl", "-t", f"{self.dir}/v.ctl", "dpctl/show")).group(1)

    def stop(self):
        self.run("ovs-appctl", "-t", f"{self.dir}/v.ctl", "exit", "--cleanup")
        self.daemon.wait(20)
        self.db.kill()


def measure(name, tools):
    s = Switch(tools)
    time.sleep(10)  # Open vSwitch forwards nothing before
    for rate in RATES:
        s.run("ovs-appctl", "-t", f"{s.dir}/v.ctl", "revalidator/purge")
        before = s.cpu()
        out = subprocess.run([f"{BUILD}/bench/new_flows", "h1", "h2", str(rate), str(SECONDS)], capture_output=True, text=True, check=True).stdout
        sent, received, seconds = (float(x) for x in re.findall(r"[\d.]+", out))
        print(f"{name}: offered {rate}/s: sent {sent:.0f}, received {received:.0f}, {received / seconds:.0f}/s, daemon {(s.cpu() - before) / max(received, 1) * 1e6:.1f} us each; {s.lookups()}",
              flush=True)
    flows = int(re.search(r"flows: (\d+)", s.run("ovs-appctl", "-t", f"{s.dir}/v.ctl", "dpctl/show")).group(1))
    time.sleep(2)
    before = s.cpu()
    time.sleep(5)
    print(f"{name}: idle with {flows} flows: {(s.cpu() - before) / 5 * 1e3:.1f} ms a second")
    before = s.cpu()
    for i in range(4):
        s.run("ovs-ofctl", "add-flow", "br0", f"priority=2,arp,arp_op={i},actions=drop")
        s.run("ovs-appctl", "-t", f"{s.dir}/v.ctl", "revalidator/wait")
    print(f"{name}: revalidation of {flows} flows: {(s.cpu() - before) / 4 * 1e3:.1f} ms", flush=True)
    s.stop()


for n in "12":
    ip("link", "add", f"p{n}", "type", "veth", "peer", "name", f"h{n}")
    for side in "ph":
        with open(f"/proc/sys/net/ipv6/conf/{side}{n}/disable_ipv6", "w", encoding="ascii") as quiet:
            quiet.write("1")
        ip("link", "set", f"{side}{n}", "up")
measure("Open vSwitch", None)
measure("Sluice", os.path.join(BUILD, "compat"))

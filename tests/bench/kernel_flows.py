#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Kernel datapath side by side with Debian's Open vSwitch in one guest: forwarding, new flows, revalidation, restart; and the CPU time of the daemon for them.

    kernel_flows.py BUILD [-s sluice|peer] [-n NICE] [-p PROFILE] [PART...]      PART: flood new overload many restart (all)

Runs as root in a guest with openvswitch.ko: QEMU with one CPU and -icount, where results don't depend on the machine.  BUILD: where bench/new_flows and
compat/ are.  -n: the priority that both are started with (ovs-ctl: -10).  -p: where time goes while flows are new or revalidated, as Linux' perf tells it, in files PROFILE.PART.  Each packet is a flow of its own: the rule reads
address and port, so that megaflows are exact."""

import argparse
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

PARTS = ("flood", "new", "overload", "many", "restart")
OFFERED, OVERLOAD, SECONDS, MANY = 4000, 25000, 4, 100000
FLOOD_PACKETS = 200000
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
RULE = "udp,actions=move:NXM_OF_IP_SRC[]->NXM_NX_REG0[],move:NXM_OF_UDP_SRC[]->NXM_NX_REG1[0..15],output:2"


def write(path, text):
    with open(path, "w", encoding="ascii") as f:
        f.write(text)


class Switch:
    def __init__(self, name, tools):
        self.name = name
        self.dir = tempfile.mkdtemp(prefix="bench-", dir="/run")
        self.env = dict(os.environ, PATH=f"{tools}:{SYSTEM_PATH}" if tools else SYSTEM_PATH)
        self.env.update({variable: self.dir for variable in ("OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR", "OVS_SYSCONFDIR")})
        schema = os.path.join(tools, "vswitch.ovsschema") if tools else "/usr/share/openvswitch/vswitch.ovsschema"
        self.run("ovsdb-tool", "create", "conf.db", schema)
        self.db = self.start("ovsdb-server", "conf.db", f"--remote=punix:{self.dir}/db.sock", f"--unixctl={self.dir}/db.ctl")
        while not os.path.exists(os.path.join(self.dir, "db.sock")):
            time.sleep(0.05)
        self.run("ovs-vsctl", "--no-wait", "init", "--", "set", "open", ".", "other_config:max-idle=600000", "other_config:flow-limit=200000")
        self.start_daemon()
        self.run("ovs-vsctl", "--timeout=60", "add-br", "br0", "--", "set", "bridge", "br0", "fail_mode=secure",
                 *[w for n in "12" for w in ("--", "add-port", "br0", f"p{n}", "--", "set", "interface", f"p{n}", f"ofport_request={n}")])
        self.run("ovs-ofctl", "add-flow", "br0", RULE)

    def start(self, program, *argv):
        return subprocess.Popen([shutil.which(program, path=self.env["PATH"]), *argv, "-vconsole:off"], env=self.env, cwd=self.dir)

    def start_daemon(self):
        self.daemon = self.start("ovs-vswitchd", f"unix:{self.dir}/db.sock", f"--unixctl={self.dir}/v.ctl", f"--log-file={self.dir}/v.log")
        if OPTIONS.nice is not None:
            os.setpriority(os.PRIO_PROCESS, self.daemon.pid, OPTIONS.nice)

    def run(self, *argv):
        r = subprocess.run(argv, env=self.env, cwd=self.dir, capture_output=True, text=True, timeout=120)
        if r.returncode:
            raise RuntimeError(f"{' '.join(argv)}: {r.stdout}{r.stderr}")
        return r.stdout

    def appctl(self, *argv):
        return self.run("ovs-appctl", "-t", f"{self.dir}/v.ctl", *argv)

    def cpu(self):
        """Seconds that the daemon has used so far, and how many of them in the kernel (to a tick)."""
        total = 0
        for task in os.listdir(f"/proc/{self.daemon.pid}/task"):
            with open(f"/proc/{self.daemon.pid}/task/{task}/schedstat", encoding="ascii") as f:
                total += int(f.read().split()[0])
        with open(f"/proc/{self.daemon.pid}/stat", encoding="ascii") as f:
            user, system = (int(x) for x in f.read().rsplit(")", 1)[1].split()[11:13])
        return total / 1e9, system / max(user + system, 1) * total / 1e9

    def lookups(self):
        return re.search(r"lookups: (.*)", self.appctl("dpctl/show")).group(1)

    def flows(self):
        return int(re.search(r"flows: (\d+)", self.appctl("dpctl/show")).group(1))

    def say(self, text):
        print(f"{self.name}: {text}", flush=True)

    def stop(self):
        self.appctl("exit", "--cleanup")
        self.daemon.wait(20)
        self.db.kill()


class Used:
    """CPU time of the daemon within a `with`, in milliseconds."""

    def __init__(self, switch, part=None):
        self.switch, self.profile = switch, f"{OPTIONS.profile}.{part}" if part and OPTIONS.profile else None

    def __enter__(self):
        if self.profile:
            self.perf = subprocess.Popen(["perf", "record", "-q", "-e", "cpu-clock", "-F", "999", "-o", f"{self.switch.dir}/perf", "-a"])
            time.sleep(20)   # it reads a lot before it begins
        self.before = self.switch.cpu()
        return self

    def __exit__(self, *_):
        self.total, self.kernel = ((now - before) * 1e3 for now, before in zip(self.switch.cpu(), self.before))
        if self.profile:
            self.perf.send_signal(signal.SIGINT)
            self.perf.wait()
            with open(self.profile, "w", encoding="utf-8") as f:   # the kernel's names are known here
                subprocess.run(["perf", "report", "--stdio", "--no-children", "-g", "none", "--sort", "comm,dso,sym", "-i", f"{self.switch.dir}/perf"], stdout=f, check=True)


def load(rate, seconds, **kw):
    return subprocess.Popen([f"{OPTIONS.build}/bench/new_flows", "h1", "h2", str(rate), str(seconds)], stdout=subprocess.PIPE, text=True, **kw)


def result(process):
    return [float(x) for x in re.findall(r"[\d.]+", process.communicate()[0])]


def flood(s):
    """The kernel's packet generator: one megaflow; what is measured is the kernel's work, which the daemon's flow decides."""
    subprocess.run(["modprobe", "pktgen"], check=True)
    write("/proc/net/pktgen/kpktgend_0", "rem_device_all\n")
    write("/proc/net/pktgen/kpktgend_0", "add_device h1\n")
    for setting in (f"count {FLOOD_PACKETS}", "pkt_size 60", "delay 0", "dst 11.0.0.2", "src_min 10.0.0.1", "src_max 10.0.0.1", "dst_mac 02:00:00:00:00:02", "udp_src_min 7",
                    "udp_src_max 7"):
        write("/proc/net/pktgen/h1", setting + "\n")
    rates = []
    for _ in range(3):
        write("/proc/net/pktgen/pgctrl", "start\n")
        with open("/proc/net/pktgen/h1", encoding="ascii") as f:
            rates.append(int(re.search(r"(\d+)pps", f.read()).group(1)))
    s.say(f"flood of 60 bytes: {max(rates)} packets/s; {s.lookups()}")


def new(s, rate=OFFERED, part="new"):
    s.appctl("revalidator/purge")
    with Used(s, part) as used:
        sent, received, seconds, *_ = result(load(rate, SECONDS))
    each = 1e3 / max(received, 1)
    s.say(f"new flows, offered {rate}/s: sent {sent:.0f}, received {received:.0f}, {received / seconds:.0f}/s; daemon {used.total * each:.1f} us each, {used.kernel * each:.1f} of them in the kernel; "
          + s.lookups())


def overload(s):
    new(s, OVERLOAD, "overload")


def many(s):
    """All megaflows are dumped, and translated again after a rule has changed."""
    s.appctl("revalidator/purge")
    result(load(4000, MANY // 4000))
    flows = s.flows()
    time.sleep(3)
    with Used(s) as used:
        time.sleep(5)
    s.say(f"idle with {flows} flows: {used.total / 5:.1f} ms a second")
    with Used(s, "many") as used:
        for i in range(3):
            s.run("ovs-ofctl", "add-flow", "br0", f"priority=2,arp,arp_op={i},actions=drop")
            s.appctl("revalidator/wait")
    s.say(f"dump and revalidation of {flows} flows: {used.total / 3:.1f} ms, {used.kernel / 3:.1f} of them in the kernel")


def restart(s):
    """kill -9 and start under new flows, rules restored as by a service manager: how long none is forwarded."""
    s.appctl("revalidator/purge")
    s.run("ovs-vsctl", "set", "open", ".", "other_config:flow-restore-wait=true")
    generator = load(1000, 8)
    time.sleep(3)
    s.daemon.kill()
    s.daemon.wait()
    marks = [time.monotonic()]
    s.start_daemon()
    while subprocess.run(["ovs-ofctl", "add-flow", "br0", RULE], env=s.env, capture_output=True, check=False).returncode:
        time.sleep(0.01)
    marks.append(time.monotonic())
    s.run("ovs-vsctl", "--no-wait", "remove", "open", ".", "other_config", "flow-restore-wait")
    marks.append(time.monotonic())
    sent, received, _, outage, delay, gap = result(generator)
    s.say(f"kill -9 and start: {sent - received:.0f} of {sent:.0f} new flows lost, those of {outage * 1e3:.0f} ms one after another, others came up to {delay * 1e3:.0f} ms late, none for {gap * 1e3:.0f} ms; "
          f"rules were back {(marks[1] - marks[0]) * 1e3:.0f} ms after the start, and said to be complete {(marks[2] - marks[1]) * 1e3:.0f} ms later")


def measure(name, tools):
    s = Switch(name, tools)
    time.sleep(2)
    for part in OPTIONS.parts or PARTS:
        globals()[part](s)
    s.stop()


def main():
    with open("/proc/uptime", encoding="ascii") as f:
        time.sleep(max(0, 15 - float(f.read().split()[0])))   # Open vSwitch forwards nothing if it is started in the first ten seconds
    for n in "12":
        subprocess.run(["ip", "link", "add", f"p{n}", "type", "veth", "peer", "name", f"h{n}"], check=True)
        for side in "ph":
            write(f"/proc/sys/net/ipv6/conf/{side}{n}/disable_ipv6", "1")
            subprocess.run(["ip", "link", "set", f"{side}{n}", "up"], check=True)
    if OPTIONS.switch != "sluice":
        measure("Open vSwitch", None)
    if OPTIONS.switch != "peer":
        measure("Sluice", os.path.join(OPTIONS.build, "compat"))


parser = argparse.ArgumentParser()
parser.add_argument("build", type=os.path.abspath)
parser.add_argument("-s", "--switch", choices=("sluice", "peer"))
parser.add_argument("-n", "--nice", type=int)
parser.add_argument("-p", "--profile")
parser.add_argument("parts", nargs="*", metavar="PART")
OPTIONS = parser.parse_intermixed_args()
main()

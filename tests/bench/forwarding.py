#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""CPU time per packet of the userspace datapaths, side by side, on packets held in memory.

    forwarding.py [--build DIR] [--seconds N] [FLOWS...]

Ours reads ports of type gen; Open vSwitch's DPDK build (openvswitch-switch-dpdk with librte-net-pcap23, -net-null23 and -mempool-ring23) reads a
pcap with infinite_rx and sends to a null device.  Both forward FLOWS microflows (UDP, 60 bytes) under one OpenFlow rule.  What is counted is the
CPU time of the thread that polls, so that other load on the machine disturbs less.  Needs root and 1 GB of huge pages for the peer; without them
only ours is printed."""

import argparse
import glob
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
DPDK = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"
HUGE_PAGES = "/proc/sys/vm/nr_hugepages"
TICK_NS = 1e9 / os.sysconf("SC_CLK_TCK")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def write_pcap(path, flows):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for i in range(max(flows, 32)):
            n = i % flows
            ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 46, 0, 0, 64, 17, 0, bytes([10, 1, n >> 16 & 255, n >> 8 & 255]), bytes([10, 2, 0, n & 255]))
            total = sum(struct.unpack(">10H", ip))
            checksum = ~(total % 0xFFFF) & 0xFFFF
            frame = bytes.fromhex("000000000002 000000000001 0800") + ip[:10] + struct.pack(">H", checksum) + ip[12:] + struct.pack(">HHHH", 1000, 2000, 26, 0) + bytes(18)
            f.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)


class Switch:
    """A database and a switch daemon of one of the two, with p1 -> p2."""

    def __init__(self, daemon, tools, settings, ports):
        self.dir = tempfile.mkdtemp(prefix="sluice-bench-")
        self.env = dict(os.environ, PATH=f"{tools}:{SYSTEM_PATH}" if tools else SYSTEM_PATH)
        self.env.update({name: self.dir for name in ("OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR", "OVS_SYSCONFDIR")})
        schema = os.path.join(tools, "vswitch.ovsschema") if tools else "/usr/share/openvswitch/vswitch.ovsschema"
        self.run("ovsdb-tool", "create", "conf.db", schema)
        self.children = [self.start("ovsdb-server", "conf.db", "--remote=punix:db.sock", "--unixctl=none")]
        while not os.path.exists(os.path.join(self.dir, "db.sock")):
            time.sleep(0.01)
        self.run("ovs-vsctl", "--timeout=20", "--no-wait", "init", "--", "set", "open", ".", *settings, "other_config:pmd-cpu-mask=2")
        self.children.append(self.start(daemon, f"unix:{self.dir}/db.sock", f"--unixctl={self.dir}/v.ctl", f"--log-file={self.dir}/v.log"))
        self.run("ovs-vsctl", "--timeout=60", "add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", "fail_mode=secure",
                 *[w for n, p in enumerate(ports, 1) for w in ("--", "add-port", "br0", f"p{n}", "--", "set", "interface", f"p{n}", f"ofport_request={n}", *p)])
        self.run("ovs-ofctl", "add-flow", "br0", "in_port=1,udp,actions=output:2")

    def start(self, program, *argv):
        path = program if program.startswith("/") else shutil.which(program, path=self.env["PATH"])
        return subprocess.Popen([path, *argv], env=self.env, cwd=self.dir, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def run(self, *argv):
        r = subprocess.run(argv, env=self.env, cwd=self.dir, capture_output=True, text=True, timeout=90)
        if r.returncode:
            raise RuntimeError(f"{' '.join(argv)}: {r.stdout}{r.stderr}")
        return r.stdout

    def ns_per_packet(self, thread, packets, seconds):
        """thread: the beginning of the polling thread's name, "" for the first."""
        def cpu():
            for path in sorted(glob.glob(f"/proc/{self.children[1].pid}/task/*/stat")):
                with open(path) as f:
                    name, fields = re.match(r"\d+ \((.*)\) (.*)", f.read()).groups()
                if name.startswith(thread):
                    return sum(map(int, fields.split()[11:13])) * TICK_NS
            raise RuntimeError(f"no thread {thread}")

        time.sleep(2)  # the flows are set up
        cpu_0, packets_0 = cpu(), packets()
        time.sleep(seconds)
        return (cpu() - cpu_0) / (packets() - packets_0)

    def close(self):
        for child in reversed(self.children):
            child.kill()
            child.wait()
        shutil.rmtree(self.dir)


def ours(build, pcap, seconds):
    switch = Switch("ovs-vswitchd", os.path.join(build, "compat"), [], [["type=gen", f"options:pcap={pcap}"], ["type=gen"]])
    try:
        return switch.ns_per_packet("", lambda: int(switch.run("ovs-appctl", "-t", f"{switch.dir}/v.ctl", "gen/stats", "p2").split()[4]), seconds)
    finally:
        switch.close()


def peer(pcap, seconds):
    settings = ["other_config:dpdk-init=true", 'other_config:dpdk-extra="-m 1024 --no-pci"', "other_config:dpdk-lcore-mask=1"]
    ports = [["type=dpdk", f'options:dpdk-devargs="net_pcap0,rx_pcap={pcap},infinite_rx=1"'], ["type=dpdk", 'options:dpdk-devargs="net_null0,no-rx=1"']]
    switch = Switch(DPDK, None, settings, ports)
    received = lambda: int(re.search(r"packets received: (\d+)", switch.run("ovs-appctl", "-t", f"{switch.dir}/v.ctl", "dpif-netdev/pmd-stats-show")).group(1))
    try:
        return switch.ns_per_packet("pmd", received, seconds)
    finally:
        switch.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default=os.path.join(HERE, "..", "..", "build", "release"))
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("flows", nargs="*", type=int, default=[1, 1000, 100000])
    a = parser.parse_args()
    with_peer = os.path.exists(DPDK) and os.access(HUGE_PAGES, os.W_OK)
    if with_peer:
        with open(HUGE_PAGES) as f:
            before = f.read()
        with open(HUGE_PAGES, "w") as f:
            f.write("1000")
    try:
        for flows in a.flows:
            pcap = os.path.join(tempfile.mkdtemp(prefix="sluice-bench-"), "in.pcap")
            write_pcap(pcap, flows)
            mine = ours(os.path.abspath(a.build), pcap, a.seconds)
            text = f"forwarding, {flows:,} microflows{mine:>40,.0f}"
            if with_peer:
                his = peer(pcap, a.seconds)
                text += f"{his:>13,.0f} ns/packet {his / mine:10.1f} x"
            print(text, flush=True)
            shutil.rmtree(os.path.dirname(pcap))
    finally:
        if with_peer:
            with open(HUGE_PAGES, "w") as f:
                f.write(before)
    return 0


if __name__ == "__main__":
    sys.exit(main())

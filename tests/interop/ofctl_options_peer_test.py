#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Our ofctl and the peer's against the peer's switch, option by option: every command with too few and too many words, every option with commands that
it means something for and others, and what commands read from standard input.  Output, errors and exit status are the same, but for what is in
DELIBERATE."""

import os
import re
import shlex
import shutil
import subprocess
import sys

from harness import skip
from ofctl_peer_test import BUILD, SETUP, Peer, normal

LASTING = {"monitor", "snoop", "ping", "benchmark", "help", "list-commands"}   # compared by others, or of our own words
OPTIONS = """
--strict|--readd|--may-create|--raw|--pcap|--stats|--no-stats|--names --no-names|--no-names --names|-m|-mmm|-mmmm|--more|--timestamp|--sort|--rsort|--sort=priority,in_port
--sort=PRIORITY|--sort=priority --rsort=in_port|--color|--color=sometimes|--colour|--no-self-confinement|-O OpenFlow13,OpenFlow14|-O OpenFlow13,|-O 13|-O openflow13|-O ""|-O|-F NXM
-F NXM,OXM|-F foo|-F|-P foo|-P nxt_packet_in|-t x|-t 0|-t -5|-t 1.5|-t|--timeout|--unixctl=x|--pidfile=/nonexistent/x|--log-file=/nonexistent/x|-vx|-vofp_msgs:console:bar
--syslog-method=foo|--syslog-method=null|--syslog-target=foo|-V|--ver|--t|-Z|--private-key|--ssl-protocols=TLSv1.2|--statss|--na|--s|--bundle -O OpenFlow10|--bundle -O OpenFlow13
""".strip().replace("\n", "|").split("|")
INPUTS = ["", "\n", "garbage\n", "# comment\n\n", "priority=3,actions=drop\n", "add priority=3,actions=drop", "priority=3\n", "0000000800000001\n"]
READERS = ["add-flows br0 -", "replace-flows br0 -", "bundle br0 -", "add-groups br0 -", "parse-flows -", "add-flow br0 -", "mod-flows br0 -", "del-flows br0 -", "add-group br0 -",
           "mod-group br0 -", "del-groups br0 -", "insert-buckets br0 -", "remove-buckets br0 -", "ofp-parse -", "parse-actions OpenFlow13", "parse-instructions OpenFlow13",
           "parse-nx-match", "parse-oxm OpenFlow13", "parse-ofp10-match", "parse-ofp11-match", "dump-flows br0 -", "packet-out br0 -", "ofp-print -"]
ON_BUNDLES = ["show br0", "dump-tables br0", "dump-table-desc br0", "dump-meters br0", "mod-table br0 1 drop", "insert-buckets br0 group_id=7,command_bucket_id=last,bucket=bucket_id=8,output:p1",
              "remove-buckets br0 group_id=7,command_bucket_id=8", "del-flows br0 in_port=p1", "add-flow br0 in_port=p1,actions=output:p2"]
# Ours differs on purpose: what, and why.
DELIBERATE = [
    (r"(del|dump)-meters? br0$|meter-(stats|features) br0$|dump-table-desc br0$", "without -O it negotiates what the bridge speaks; the peer begins with 1.0"),
    (r"(add|mod)-meter br0 x$", "what is no field is named first"),
    (r"dump-groups br0 x$|dump-group-stats br0 x$|check-vlan br0 x$", "misspelt numbers, which the peer takes for 0, are refused by name"),
    (r"encode-hello br0$", "the peer aborts"),
    (r"packet-out br0 x y$", "says what is wanted, not only how many there are"),
    (r"parse-oxm br0$|print-error br0$", "the texts of test commands"),
    (r"parse-pcap|ofp-parse-pcap", "standard input is a file, and ports are checked before files"),
    (r'^-O "" ', "no version is no choice of versions"),
    (r"--log-file=/nonexistent", "says why"),
    (r"^-V ", "a program says who it is"),
    (r"^--s ", "there are more options that begin so"),
    (r"parse-flows - <add", "lines have commands, as in other files"),
    (r"-mmmm show br0$", "the transaction id is in the hex dump"),
    (r"del-flows br0 - <(priority|add)", "actions are found wrong first"),
]


def words(program, env):
    listed = subprocess.run([program, "list-commands"], env=env, capture_output=True, text=True, check=True).stdout
    return [line.split()[0] for line in listed.split("\n")[1:] if line.strip()]


def cases(commands):
    """(command line, standard input)"""
    for name in commands:
        for n in range(6):
            yield " ".join([name, "br0", "x", "y", "z", "w"][: n + 1]), ""
    for command in ("show br0", "dump-flows br0"):
        for option in OPTIONS:
            yield f"{option} {command}", ""
    for command in ("dump-groups br0", "dump-desc br0", "dump-ports br0"):
        for option in ("--names", "--no-stats", "--sort", "-mmmm", "--color=always", "--strict", "--raw"):
            yield f"{option} {command}", ""
    for command in READERS:
        for text in INPUTS:
            yield command, text
    for command in ON_BUNDLES:
        for version in ("OpenFlow10", "OpenFlow13", "OpenFlow15"):
            yield f"--bundle -O {version} {command}", ""


class Run:
    def __init__(self, peer):
        self.peer = peer

    def __call__(self, program, line, text):
        argv = [program, "-t", "20", *shlex.split(line)]
        r = subprocess.run(argv, env=self.peer.env, cwd=self.peer.dir, input=text, capture_output=True, text=True, errors="replace", timeout=40)
        return r.returncode, normal(r.stdout), normal(r.stderr)

    def reset(self, program):
        """Groups that are there already, or no more, make a second run differ from the first."""
        self(program, "-O OpenFlow13 del-groups br0", "")
        self(program, "-O OpenFlow13 del-meters br0", "")


def main():
    ours, peers = os.path.join(BUILD, "bin/sluice-ofctl"), shutil.which("ovs-ofctl")
    if not peers or not shutil.which("ovs-vswitchd") or not os.path.exists(ours):
        skip("the peer or ours is not there")
    bad = n = 0
    with Peer() as peer:
        run = Run(peer)
        for command in SETUP:
            run(peers, "-O OpenFlow13 " + command, "")
        commands = [w for w in words(peers, peer.env) if w not in LASTING]
        missing = set(commands) - set(words(os.path.abspath(ours), peer.env))
        if missing:
            print("commands that ours does not have:", missing)
            bad += 1
        for line, text in cases(commands):
            n += 1
            changes = re.search(r"group|bucket|meter", line)
            if changes:
                run.reset(peers)
            want = run(peers, line, text)
            if changes:
                run.reset(peers)
            got = run(os.path.abspath(ours), line, text)
            if got != want and not any(re.search(pattern, f"{line} <{text}" if text else line) for pattern, _ in DELIBERATE):
                bad += 1
                print("DIFF", line, repr(text), "\n  peer", want, "\n  ours", got)
    print(n, "command lines,", bad, "differ")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

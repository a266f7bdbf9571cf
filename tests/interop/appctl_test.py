#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ovs-appctl and ovs-dpctl against both daemons: targets, texts, exit statuses, output formats, time limits.  Needs no root."""

import json
import os
import signal
import socket
import sys

from harness import Sluice


def check(result, status, out=None, err=None):
    got = (result.returncode, result.stdout, result.stderr)
    assert result.returncode == status and (out is None or result.stdout == out) and (err is None or result.stderr.endswith(err)), got


with Sluice(vswitchd_options=["--enable-dummy=override"]) as s:
    appctl = lambda *args: s.run(["ovs-appctl", *args], check=False)
    dpctl = lambda *args: s.run(["ovs-dpctl", *args], check=False)

    # Targets: the default, a daemon's name, a path.
    for target, program in (([], "ovs-vswitchd"), (["-t", "ovsdb-server"], "ovsdb-server"), (["--target=ovs-vswitchd"], "ovs-vswitchd"),
                            (["-t", s.path(f"ovs-vswitchd.{s.switch.pid}.ctl")], "ovs-vswitchd")):
        r = appctl(*target, "version")
        check(r, 0)
        assert r.stdout.startswith(f"{program} (Open vSwitch) 3."), r.stdout

    # No daemon.
    check(appctl("-t", "nobody", "version"), 1, "", f'ovs-appctl: cannot read pidfile "{s.path("nobody.pid")}" (No such file or directory)\n')
    check(appctl("-t", "/nowhere", "version"), 1, "", 'ovs-appctl: cannot connect to "/nowhere" (No such file or directory)\n')
    with open(s.path("stale.pid"), "w") as f:
        f.write(f"{os.getpid()}\n")
    check(appctl("-t", "stale", "version"), 1, "", f'ovs-appctl: cannot read pidfile "{s.path("stale.pid")}" (No such process)\n')

    # Wrong usage, here and there.
    check(appctl(), 1, "", "ovs-appctl: at least one non-option argument is required (use --help for help)\n")
    check(appctl("-T", "0", "version"), 1, "", "ovs-appctl: value 0 on -T or --timeout is invalid\n")
    check(appctl("-t", "a", "-t", "b", "version"), 1, "", "ovs-appctl: -t or --target may be specified only once\n")
    failed = "ovs-appctl: ovs-vswitchd: server returned an error\n"
    check(appctl("foo"), 2, "", '"foo" is not a valid command (use "list-commands" to see a list of valid commands)\n' + failed)
    check(appctl("coverage/read-counter"), 2, "", '"coverage/read-counter" command requires at least 1 arguments\n' + failed)
    check(appctl("vlog/list", "x"), 2, "", '"vlog/list" command takes at most 0 arguments\n' + failed)
    check(appctl("vlog/set", "foo"), 2, "", 'no destination, level, or module "foo"\n' + failed)
    check(appctl("fdb/show", "nope"), 2, "", "no such bridge\n" + failed)

    # Formats.
    assert json.loads(appctl("--format=json", "version").stdout)["reply"].startswith("ovs-vswitchd")
    check(appctl("vlog/set", "ANY:file:dbg"), 0, "", "")
    assert all(line.split()[3] == "DBG" for line in appctl("vlog/list").stdout.splitlines()[2:])
    check(appctl("vlog/set", "file:info"), 0, "", "")

    # A server that doesn't answer.
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(s.path("dead.ctl"))
    dead.listen()
    r = appctl("-T", "1", "-t", s.path("dead.ctl"), "version")
    check(r, -signal.SIGALRM, "", "|fatal_signal|WARN|terminating with signal 14 (Alarm clock)\n")
    dead.accept()[0].close()  # the one that gave up
    # One that talks nonsense.
    for nonsense in (b"hello\n", b"", b"{}", b"[1]"):
        liar = s.popen(["ovs-appctl", "-T", "5", "-t", s.path("dead.ctl"), "version"], stdout=-1, stderr=-1)
        peer, _ = dead.accept()
        peer.recv(1000)
        peer.sendall(nonsense)
        peer.close()
        out, err = liar.communicate()
        assert liar.returncode == 1 and b"transaction error" in err, (nonsense, liar.returncode, out, err)

    # Datapaths are asked through the same socket; those of the kernel without it.
    s.vsctl("add-br", "br0")
    assert "br0" in appctl("dpctl/show").stdout
    check(dpctl(), 1, "", "ovs-dpctl: missing command name; use --help for help\n")
    check(dpctl("foo"), 1, "", "ovs-dpctl: unknown command 'foo'; use --help for help\n")
    check(dpctl("del-dp"), 1, "", "ovs-dpctl: 'del-dp' command requires at least 1 arguments\n")
    check(dpctl("--read-only", "del-dp", "x"), 1, "", "ovs-dpctl: 'del-dp' command does not work in read only mode\n")
    check(dpctl("parse-actions", "1,2"), 0, "1,2\n")

    # The end.
    check(appctl("exit"), 0)
    s.switch.wait(10)
    assert s.switch.returncode == 0, s.switch.returncode
    assert not os.path.exists(s.path("ovs-vswitchd.pid"))
print("ok")
sys.exit(0)

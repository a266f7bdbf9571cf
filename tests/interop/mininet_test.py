#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Mininet with our tools first on PATH and the userspace datapath: pingall in single, linear and tree topologies drops nothing, with the
reference controller (OpenFlow 1.0, 1.3) and as standalone bridges; TCP has a rate."""

import os
import re
import sys

from harness import Sluice, need_program, need_root

need_root()
HERE = os.path.dirname(os.path.abspath(__file__))
need_program("mn")
need_program("ovs-testcontroller")
need_program("iperf3")


def mn(s, *args):
    r = s.run(["mn", *args], check=False, timeout=180)
    out = r.stdout + r.stderr
    assert r.returncode == 0, out
    return out


with Sluice() as s:
    for topo in ("single,4", "linear,4", "tree,depth=2,fanout=2"):
        for how, options in (("controller, OpenFlow 1.0", ["--controller=ovsc", "--switch=ovsk,datapath=user,protocols=OpenFlow10"]),
                             ("controller, OpenFlow 1.3", ["--controller=ovsc", "--switch=ovsk,datapath=user,protocols=OpenFlow13"]),
                             ("standalone", ["--controller=none", "--switch=ovsbr,datapath=user"])):
            out = mn(s, f"--topo={topo}", *options, "--test=pingall")
            assert re.search(r"Results: 0% dropped", out), out
            print(f"ok: {topo}, {how}")
    out = mn(s, f"--custom={HERE}/mininet_rate.py", "--topo=single,2", "--controller=none", "--switch=ovsbr,datapath=user", "--test=rate")
    assert re.search(r"Results: [1-9]\d* Mbits/sec", out), out
    print("ok: TCP,", re.search(r"Results: .*", out).group(0))
sys.exit(0)

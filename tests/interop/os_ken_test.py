#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""os-ken as the controller, OpenFlow 1.0 and 1.3, over TCP and over TLS with client certificates: two hosts ping, the controller's
flows are there, and once they are no packet comes up to it any more."""

import os
import socket
import subprocess
import sys
import time

from harness import Sluice, need_module, need_root, wait_until

need_root()
need_module("os_ken")
HERE = os.path.dirname(os.path.abspath(__file__))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def make_pki(directory):
    """A certificate authority and two certificates signed by it."""
    def openssl(*args):
        subprocess.run(["openssl", *args], cwd=directory, check=True, capture_output=True)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test ca")
    for who in ("switch", "controller"):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{who}.key", "-out", f"{who}.csr", "-subj", f"/CN={who}")
        openssl("x509", "-req", "-in", f"{who}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-out", f"{who}.pem")


def one(version, tls):
    with Sluice() as s:
        port, count = free_port(), s.path("packet-ins")
        options = ["--ofp-tcp-listen-port", str(port)]
        if tls:
            make_pki(s.dir)
            options = ["--ofp-ssl-listen-port", str(port), "--ctl-privkey", s.path("controller.key"), "--ctl-cert", s.path("controller.pem"),
                       "--ca-certs", s.path("ca.pem")]
            s.vsctl("set-ssl", s.path("switch.key"), s.path("switch.pem"), s.path("ca.pem"))
        env = dict(s.env, LEARNING_SWITCH_COUNT=count, LEARNING_SWITCH_VERSION=version)
        log = open(s.path("os-ken.log"), "w")
        s.popen(["/usr/bin/python3", "-m", "os_ken.cmd.manager", *options, os.path.join(HERE, "learning_switch.py")], env=env, stdout=log, stderr=log)
        name = {"10": "OpenFlow10", "13": "OpenFlow13"}[version]
        s.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", f"protocols={name}", "fail_mode=secure",
                "--", "set-controller", "br0", f"{'ssl' if tls else 'tcp'}:127.0.0.1:{port}")
        try:
            wait_until("the controller is connected", lambda: s.vsctl("get", "controller", "br0", "is_connected").strip() == "true", 30)
            a, b = s.host("a", "br0", "10.9.0.1/24"), s.host("b", "br0", "10.9.0.2/24")
            wait_until("a ping gets through", lambda: a.ping("10.9.0.2"), 20)
            assert a.ping("10.9.0.2", count=3)
            flows = [l for l in s.ofctl("-O", name, "dump-flows", "br0").splitlines() if "cookie=0x7" in l and "priority=10" in l]
            assert len(flows) == 2, flows
            before = int(open(count).read())
            assert a.ping("10.9.0.2", count=5)
            time.sleep(0.3)
            after = int(open(count).read())
            assert after == before, f"{after - before} packet-ins although the flows are there"
            packets = [int(l.split("n_packets=")[1].split(",")[0]) for l in s.ofctl("-O", name, "dump-flows", "br0").splitlines() if "priority=10" in l]
            assert min(packets) >= 8, packets
        except BaseException:
            print(open(s.path("os-ken.log")).read()[-3000:])
            raise
    print(f"ok: OpenFlow {version} over {'TLS' if tls else 'TCP'}")


for v in ("10", "13"):
    for t in (False, True):
        one(v, t)
sys.exit(0)

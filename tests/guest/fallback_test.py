#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Without the module, and without the permission to use it: bridges come up on the userspace datapath and forward, and status and log say why; or, where that is not allowed,
the error says what to do.  REQUIRES: root in a guest (run.sh)."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "interop"))
from harness import Sluice, wait_until  # noqa: E402


def sh(*argv):
    subprocess.run(argv, check=True)


def log_of(s):
    with open(s.path("ovs-vswitchd.log"), encoding="utf-8") as f:
        return f.read()


class Weak(Sluice):
    """Its switch daemon may not change network devices."""

    def popen(self, argv, **kw):
        if argv[0] == "ovs-vswitchd":
            argv = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin", *argv]
        return super().popen(argv, **kw)


def falls_back(s, reason):
    s.vsctl("add-br", "br0")
    status = s.vsctl("get", "bridge", "br0", "status")
    assert "datapath_fallback" in status and reason in status, status
    assert reason in log_of(s) and "bridges of it are on the userspace datapath" in log_of(s), log_of(s)
    assert s.appctl("dpctl/show").startswith("netdev@ovs-netdev:")
    assert s.vsctl("get", "bridge", "br0", "datapath_type").strip() in ('""', "system")


def is_refused(s, reason):
    s.run(["ovs-vsctl", "--no-wait", "set", "open", ".", "other_config:datapath-fallback=false"])
    refused = s.run(["ovs-vsctl", "--timeout=20", "add-br", "br0"], check=False)
    assert refused.returncode == 65 and reason in refused.stderr + log_of(s), refused.stderr + log_of(s)
    assert "failed to create bridge br0" in log_of(s) and "other_config:datapath-fallback=true" in log_of(s)
    assert s.appctl("dpctl/show") == ""


def without_module():
    modules = f"/lib/modules/{os.uname().release}"
    sh("modprobe", "-r", "openvswitch")
    sh("mount", "-t", "tmpfs", "none", modules)
    reason = "the kernel module openvswitch is not there (try: modprobe openvswitch)"
    with Sluice() as s:
        falls_back(s, reason)
        a = s.host("a", "br0", "10.1.0.1/24")
        s.host("b", "br0", "10.1.0.2/24")
        wait_until("ping over the userspace datapath", lambda: a.ping("10.1.0.2"))
        tool = s.run(["ovs-dpctl", "show"], check=False)
        assert tool.returncode in (0, 1) and "Traceback" not in tool.stderr, tool.stderr
    with Sluice() as s:
        is_refused(s, reason)
    print("ok: no module")
    sh("umount", modules)
    # It comes while a bridge that may not fall back waits for it.
    with Sluice() as s:
        s.run(["ovs-vsctl", "--no-wait", "set", "open", ".", "other_config:datapath-fallback=false"])
        sh("modprobe", "openvswitch")
        s.vsctl("add-br", "br0")
        assert s.appctl("dpctl/show").startswith("system@ovs-system:")
        s.appctl("exit", "--cleanup")
        s.switch.wait(10)
    print("ok: the module comes later")


def without_permission():
    reason = "no permission to use the kernel module openvswitch (it takes CAP_NET_ADMIN)"
    with Weak() as s:
        s.vsctl("--no-wait", "add-br", "br0")
        wait_until("the bridge says why", lambda: reason in s.vsctl("get", "bridge", "br0", "status"))
        assert reason in log_of(s)
        # A device that is made for the bridge takes the same permission; its error says so.
        assert "Operation not permitted" in s.vsctl("get", "interface", "br0", "error"), s.vsctl("list", "interface")
    with Weak() as s:
        is_refused(s, reason)
    print("ok: no permission")


without_module()
without_permission()

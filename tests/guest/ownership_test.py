# SPDX-License-Identifier: Apache-2.0
"""A kernel datapath belongs to the daemon that is alive on it.  While Open vSwitch's is, ours leaves it alone and says so; when that one has died, ours takes it over."""

import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))
from harness import Sluice, skip, wait_until  # noqa: E402

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
if not shutil.which("ovs-vswitchd", path=SYSTEM_PATH) or not os.path.exists("/usr/share/openvswitch/vswitch.ovsschema"):
    skip("needs Open vSwitch (Debian's package openvswitch-switch)")


class Peer:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="peer-")
        self.env = dict(os.environ, PATH=SYSTEM_PATH)
        self.env.update({name: self.dir for name in ("OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR", "OVS_SYSCONFDIR")})
        self.run("ovsdb-tool", "create", "conf.db", "/usr/share/openvswitch/vswitch.ovsschema")
        self.db = self.start("ovsdb-server", "conf.db", f"--remote=punix:{self.dir}/db.sock", f"--unixctl={self.dir}/db.ctl")
        wait_until("the peer's database", lambda: os.path.exists(f"{self.dir}/db.sock"))
        self.run("ovs-vsctl", "--no-wait", "init")
        self.daemon = self.start("ovs-vswitchd", f"unix:{self.dir}/db.sock", f"--unixctl={self.dir}/v.ctl", f"--log-file={self.dir}/v.log")
        self.run("ovs-vsctl", "--timeout=30", "add-br", "peer0")

    def start(self, program, *argv):
        return subprocess.Popen([shutil.which(program, path=SYSTEM_PATH), *argv, "-vconsole:off"], env=self.env, cwd=self.dir)

    def run(self, *argv):
        return subprocess.run(argv, env=self.env, cwd=self.dir, check=True, capture_output=True, text=True, timeout=60).stdout


def ports():
    return subprocess.run(["/usr/bin/ovs-dpctl", "show"], check=True, capture_output=True, text=True).stdout


peer = Peer()
before = ports()
assert "peer0 (internal)" in before, before
with Sluice() as s:
    s.vsctl("add-br", "br0")
    status = s.vsctl("get", "bridge", "br0", "status")
    assert "another daemon" in status, status
    assert s.appctl("dpctl/show").startswith("netdev@ovs-netdev:")
    time.sleep(1)
    assert ports().splitlines()[2:] == before.splitlines()[2:], ports()
    print("ok: the datapath of a daemon that is alive is left alone")
peer.daemon.kill()
peer.daemon.wait(10)
with Sluice() as s:
    s.vsctl("add-br", "br0")
    assert s.appctl("dpctl/show").startswith("system@ovs-system:")
    wait_until("the port that nobody wants is gone", lambda: not os.path.exists("/sys/class/net/peer0"))
    s.appctl("exit", "--cleanup")
    s.switch.wait(10)
    print("ok: that of one that died is taken over")
peer.db.kill()
peer.db.wait(10)
sys.exit(0)

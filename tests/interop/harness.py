# SPDX-License-Identifier: Apache-2.0
"""A running Sluice for one test: database daemon and switch daemon in a directory of their own, the tools under their Open vSwitch
names first on PATH, and hosts in network namespaces.  Everything that a test made is gone when it ends.

    with Sluice() as s:
        s.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev")
        a, b = s.host("a", "br0", "10.0.0.1/24"), s.host("b", "br0", "10.0.0.2/24")
        a.run("ping", "-c1", "10.0.0.2")

The build is that of the environment variable SLUICE_BUILD (build/PRESET)."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

BUILD = os.environ.get("SLUICE_BUILD") or os.path.join(os.path.dirname(__file__), "..", "..", "build", "release")
COMPAT = os.path.abspath(os.path.join(BUILD, "compat"))
SKIP = 77  # exit status of a test that can't run here (ctest SKIP_RETURN_CODE)


def skip(why):
    print("skipped:", why)
    sys.exit(SKIP)


def need_root():
    if os.geteuid() != 0:
        skip("needs root for network namespaces")


def need_module(name):
    try:
        __import__(name)
    except ImportError:
        skip(f"needs the Python module {name}")


def need_program(name):
    if not shutil.which(name):
        skip(f"needs the program {name}")


def wait_until(what, condition, timeout=10.0, step=0.05):
    """Polls until condition() is true; fails with `what` after `timeout` seconds."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(step)


class Failed(AssertionError):
    pass


class Host:
    """A network namespace with one interface eth0 that is attached to a bridge."""

    _count = 0

    def __init__(self, switch, name, bridge, *addresses, mac=None):
        Host._count += 1
        self.switch, self.name = switch, name
        self.ns = f"slt{os.getpid()}-{name}"
        self.port = f"sl{os.getpid() % 100000}p{Host._count}"
        self.mac = mac or f"02:00:00:00:00:{Host._count:02x}"
        ip = lambda *a: subprocess.run(["ip", *a], check=True)
        ip("netns", "add", self.ns)
        ip("link", "add", self.port, "type", "veth", "peer", "name", "eth0", "netns", self.ns)
        ip("link", "set", self.port, "up")
        self.run("ip", "link", "set", "lo", "up")
        # Without an IPv6 address of the test's the host says nothing by itself: no router solicitations, no multicast reports.
        quiet = "disable_ipv6=1" if not any(":" in a for a in addresses) else "accept_dad=0"
        self.run("sysctl", "-qw", f"net.ipv6.conf.eth0.{quiet}")
        self.run("ip", "link", "set", "eth0", "address", self.mac, "up")
        for a in addresses:
            self.run("ip", "addr", "add", a, "dev", "eth0")
        switch.vsctl("add-port", bridge, self.port)

    def argv(self, *args):
        return ["ip", "netns", "exec", self.ns, *args]

    def run(self, *args, check=True, timeout=60):
        return self.switch.run(self.argv(*args), check=check, timeout=timeout)

    def popen(self, *args, **kw):
        return self.switch.popen(self.argv(*args), **kw)

    def ping(self, address, count=1, wait=2):
        return self.run("ping", "-c", str(count), "-i", "0.2", "-W", str(wait), address, check=False).returncode == 0

    def close(self):
        subprocess.run(["ip", "link", "del", self.port], stderr=subprocess.DEVNULL)
        subprocess.run(["ip", "netns", "del", self.ns], stderr=subprocess.DEVNULL)


class Sluice:
    def __init__(self, vswitchd_options=(), db_options=(), schema=None):
        self.dir = tempfile.mkdtemp(prefix="sluice-test-")
        self.hosts, self.children = [], []
        self.vswitchd_options, self.db_options = list(vswitchd_options), list(db_options)
        self.env = dict(os.environ, PATH=COMPAT + ":" + os.environ["PATH"], OVS_RUNDIR=self.dir, OVS_LOGDIR=self.dir, OVS_DBDIR=self.dir,
                        OVS_SYSCONFDIR=self.dir, OVS_PKGDATADIR=COMPAT)
        self.schema = schema or os.path.join(COMPAT, "vswitch.ovsschema")

    # --- life ---
    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind, value, trace):
        if kind and not issubclass(kind, SystemExit):
            self.show_logs()
        self.close()

    def start(self):
        self.run(["ovsdb-tool", "create", self.path("conf.db"), self.schema])
        self.start_db()
        self.start_vswitchd()

    def start_db(self):
        self.db = self.popen(["ovsdb-server", self.path("conf.db"), f"--remote=punix:{self.path('db.sock')}",
                              "--remote=db:Open_vSwitch,Open_vSwitch,manager_options", "--private-key=db:Open_vSwitch,SSL,private_key",
                              "--certificate=db:Open_vSwitch,SSL,certificate", "--bootstrap-ca-cert=db:Open_vSwitch,SSL,ca_cert",
                              f"--pidfile={self.path('ovsdb-server.pid')}", f"--log-file={self.path('ovsdb-server.log')}", *self.db_options])
        self._await(self.db, self.path("db.sock"))
        self.run(["ovs-vsctl", "--no-wait", "init"])

    def start_vswitchd(self):
        self.switch = self.popen(["ovs-vswitchd", f"unix:{self.path('db.sock')}", f"--pidfile={self.path('ovs-vswitchd.pid')}",
                                  f"--log-file={self.path('ovs-vswitchd.log')}", *self.vswitchd_options])
        self._await(self.switch, self.path("ovs-vswitchd.pid"))
        wait_until("ovs-vswitchd answers", lambda: self.appctl("version", check=False).returncode == 0)

    def _await(self, child, path):
        def there():
            if child.poll() is not None:
                raise Failed(f"{child.args[0]} ended with status {child.returncode} at start")
            return os.path.exists(path)
        wait_until(f"{child.args[0]} makes {os.path.basename(path)}", there)

    def close(self):
        for h in self.hosts:
            h.close()
        for c in reversed(self.children):
            if c.poll() is None:
                c.send_signal(signal.SIGTERM)
        for c in self.children:
            try:
                c.wait(10)
            except subprocess.TimeoutExpired:
                c.kill()
                c.wait()
        bad = [c.args[0] for c in self.children if c.returncode in (-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS)]
        if not os.environ.get("SLUICE_KEEP"):
            shutil.rmtree(self.dir, ignore_errors=True)
        if bad:
            raise Failed(f"crashed: {' '.join(bad)}")

    def show_logs(self):
        for f in ("ovsdb-server.log", "ovs-vswitchd.log"):
            if os.path.exists(self.path(f)):
                with open(self.path(f), errors="replace") as log:
                    print(f"--- {f}\n" + "".join(log.readlines()[-60:]))

    # --- tools ---
    def path(self, name):
        return os.path.join(self.dir, name)

    def run(self, argv, check=True, timeout=60, **kw):
        r = subprocess.run(argv, env=self.env, cwd=self.dir, text=True, capture_output=True, timeout=timeout, **kw)
        if check and r.returncode != 0:
            raise Failed(f"{' '.join(argv)}: status {r.returncode}\n{r.stdout}{r.stderr}")
        return r

    def popen(self, argv, **kw):
        child = subprocess.Popen(argv, env=kw.pop("env", self.env), cwd=self.dir, **kw)
        self.children.append(child)
        return child

    def vsctl(self, *args, **kw):
        return self.run(["ovs-vsctl", "--timeout=20", *args], **kw).stdout

    def ofctl(self, *args, **kw):
        return self.run(["ovs-ofctl", *args], **kw).stdout

    def appctl(self, *args, check=True, **kw):
        r = self.run(["ovs-appctl", "--timeout=20", *args], check=check, **kw)
        return r.stdout if check else r

    def host(self, name, bridge, *addresses, **kw):
        h = Host(self, name, bridge, *addresses, **kw)
        self.hosts.append(h)
        return h

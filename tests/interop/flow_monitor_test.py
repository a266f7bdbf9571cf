#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What sessions hear without having asked at that moment: flow monitors in all versions (who changed what, in full or abbreviated, in order with
barriers; pause and resume for one who does not read), role status, forwarded group-mods.  Our switch, once with our ofctl and once with Open
vSwitch's."""

import re
import sys

from harness import Failed, Sluice, wait_until

REPLY = {"OpenFlow10": "NXST", "OpenFlow11": "NXST", "OpenFlow12": "NXST", "OpenFlow13": "ONFST", "OpenFlow14": "OFPST", "OpenFlow15": "OFPST"}


class Monitor:
    """An `ovs-ofctl monitor` in the background."""

    count = 0

    def __init__(self, switch, version, *words, ofctl="ovs-ofctl"):
        Monitor.count += 1
        self.switch, self.version, self.control = switch, version, switch.path(f"m{Monitor.count}.ctl")
        self.log = switch.path(f"m{Monitor.count}.log")
        with open(self.log, "w") as log:
            self.process = switch.popen([ofctl, "-O", version, "monitor", "br0", *words, f"--unixctl={self.control}"], stderr=log, stdout=log)
        wait_until("the monitor runs", lambda: switch.appctl("-t", self.control, "version", check=False).returncode == 0)
        self.barrier()

    def command(self, *words):
        return self.switch.appctl("-t", self.control, *words)

    def barrier(self):
        self.command("ofctl/barrier")

    def send(self, hexadecimal):
        self.command("ofctl/send", hexadecimal.replace(" ", ""))
        self.barrier()

    def text(self):
        """Without transaction ids, versions, barriers and what was sent."""
        with open(self.log) as f:
            text = re.sub(r" \(OF1\.\d\)| \(xid=0x[0-9a-f]+\)", "", f.read())
        return [line for line in text.splitlines() if line and not line.startswith(("OFPT_BARRIER", "send:", "OFPT_ROLE_REPLY"))]

    def restart_log(self):
        self.log += "+"
        self.command("ofctl/set-output-file", self.log)

    def close(self):
        self.process.terminate()
        self.process.wait()


def expect(monitor, *lines):
    came = monitor.text()
    if came != list(lines):
        raise Failed(f"{monitor.version}: expected\n  " + "\n  ".join(lines) + "\ncame\n  " + "\n  ".join(came))


def changes(switch, version, ofctl):
    reply = REPLY[version] + "_FLOW_MONITOR reply:"
    first = "INITIAL" if REPLY[version] == "OFPST" else "ADDED"
    switch.ofctl("del-flows", "br0")
    switch.ofctl("add-flow", "br0", "in_port=1,actions=2")
    m = Monitor(switch, version, "watch:", ofctl=ofctl)
    expect(m, reply, f" event={first} table=0 cookie=0 in_port=1 actions=output:2")
    m.restart_log()
    switch.ofctl("add-flow", "br0", "cookie=7,in_port=1,actions=3")
    switch.ofctl("-O", "OpenFlow13", "mod-flows", "br0", "in_port=1,actions=3")          # changes nothing
    switch.ofctl("-O", "OpenFlow13", "mod-flows", "br0", "in_port=1,actions=4")
    switch.ofctl("del-flows", "br0", "in_port=1")
    m.barrier()
    expect(m, reply, " event=ADDED table=0 cookie=0x7 in_port=1 actions=output:3", reply, " event=MODIFIED table=0 cookie=0x7 in_port=1 actions=output:4",
           reply, " event=DELETED reason=delete table=0 cookie=0x7 in_port=1 actions=output:4")
    m.close()


def own_changes(switch):
    """A session's own delete (OpenFlow 1.3): in full, or its xid alone."""
    delete_all = "040e0038 12345678 0000000000000000 0000000000000000 00 03 0000 0000 8000 ffffffff ffffffff ffffffff 0000 0000 0001 0004 00000000"
    for words, told in (("watch:", " event=DELETED reason=delete table=0 cookie=0 in_port=1 actions=output:2"), ("watch:!own", " event=ABBREV xid=0x12345678")):
        switch.ofctl("add-flow", "br0", "in_port=1,actions=2")
        m = Monitor(switch, "OpenFlow13", words)
        m.restart_log()
        m.send(delete_all)
        expect(m, "ONFST_FLOW_MONITOR reply:", told)
        m.close()


def filters(switch):
    switch.ofctl("del-flows", "br0")
    m = Monitor(switch, "OpenFlow10", "watch:out_port=2,tcp")
    m.restart_log()
    for flow in ("udp,actions=2", "tcp,actions=3", "tcp,tp_dst=80,actions=2", "actions=2"):
        switch.ofctl("add-flow", "br0", flow)
    switch.ofctl("mod-flows", "br0", "tcp,actions=drop")              # it was watched until now
    m.barrier()
    expect(m, "NXST_FLOW_MONITOR reply:", " event=ADDED table=0 cookie=0 tcp,tp_dst=80 actions=output:2",
           "NXST_FLOW_MONITOR reply:", " event=MODIFIED table=0 cookie=0 tcp,tp_dst=80")
    m.close()


def pause(switch):
    """Who does not read is paused; afterwards he knows what there is, and has heard of each flow's end once."""
    count = 60000
    switch.ofctl("del-flows", "br0")
    m = Monitor(switch, "OpenFlow10", "watch:")
    m.restart_log()
    m.command("ofctl/block")
    with open(switch.path("flows"), "w") as f:
        f.writelines(f"reg1={i},actions=drop\n" for i in range(count))
    switch.ofctl("add-flows", "br0", switch.path("flows"))
    switch.ofctl("add-flow", "br0", "cookie=9,in_port=1,actions=drop")
    switch.ofctl("del-flows", "br0", "cookie=0/-1")
    m.command("ofctl/unblock")
    wait_until("the pause ends", lambda: any("RESUMED" in line for line in m.text()), timeout=60)
    text = m.text()
    added = {line.split("reg1=")[1].split()[0] for line in text if "ADDED" in line and "reg1=" in line}
    deleted = [line.split("reg1=")[1].split()[0] for line in text if "DELETED" in line and "reg1=" in line]
    assert 100 < len(added) < count, len(added)
    assert len(deleted) == len(added) and set(deleted) == added, (len(deleted), len(added))
    at = [i for i, line in enumerate(text) if "PAUSED" in line or "cookie=0x9" in line or "RESUMED" in line]
    assert [("PAUSED" in text[i], "cookie=0x9" in text[i], "RESUMED" in text[i]) for i in at] == [(True, False, False), (False, True, False), (False, False, True)]
    m.close()


def roles_and_requests(switch):
    first, second = Monitor(switch, "OpenFlow14"), Monitor(switch, "OpenFlow14")
    first.send("05180018 00000002 00000002 00000000 0000000000000001")                # primary
    first.send("051c0010 00000003 000b0008 00000001")                                # forwarded requests to a primary: group-mods
    first.restart_log()
    second.send("050f0020 00000004 0000 00 00 00000001 00100000 ffffffff ffffffff 00000000")  # add group 1
    expect(first, "OFPT_REQUESTFORWARD: reason=group_mod", " ADD group_id=1,type=all,bucket=actions=drop")
    first.restart_log()
    second.send("05180018 00000005 00000002 00000000 0000000000000002")
    expect(first, "OFPT_ROLE_STATUS: role=secondary generation_id=2 reason=primary_request")
    first.close()
    second.close()


def main():
    with Sluice(vswitchd_options=["--enable-dummy=override"]) as switch:
        switch.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "protocols=OpenFlow10,OpenFlow11,OpenFlow12,OpenFlow13,OpenFlow14,OpenFlow15")
        for version in REPLY:
            changes(switch, version, "ovs-ofctl")
            changes(switch, version, "/usr/bin/ovs-ofctl")
        own_changes(switch)
        filters(switch)
        pause(switch)
        roles_and_requests(switch)
    return 0


if __name__ == "__main__":
    sys.exit(main())

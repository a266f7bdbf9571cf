#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Open vSwitch's own Python client: its IDL monitors and writes our database; ovsdbapp adds a bridge and a port and lists them."""

import sys

from harness import COMPAT, Sluice, need_module

need_module("ovs")
need_module("ovsdbapp")
import ovs.db.idl
import ovs.poller
from ovsdbapp.backend.ovs_idl import connection
from ovsdbapp.schema.open_vswitch import impl_idl


def idl_session(s, remote):
    helper = ovs.db.idl.SchemaHelper(location=s.schema)
    helper.register_table("Open_vSwitch")
    helper.register_table("Bridge")
    idl = ovs.db.idl.Idl(remote, helper)

    def wait_for(condition):
        for _ in range(500):
            idl.run()
            if condition():
                return
            poller = ovs.poller.Poller()
            idl.wait(poller)
            poller.timer_wait(100)
            poller.block()
        raise AssertionError("the IDL saw nothing")

    root = lambda: next(iter(idl.tables["Open_vSwitch"].rows.values()))
    wait_for(lambda: len(idl.tables["Open_vSwitch"].rows) == 1)
    for i in range(3):
        txn = ovs.db.idl.Transaction(idl)
        root().setkey("external_ids", f"key{i}", f"value {i}")
        txn.increment = None
        status = txn.commit_block()
        assert status in (ovs.db.idl.Transaction.SUCCESS, ovs.db.idl.Transaction.UNCHANGED), status
    wait_for(lambda: root().external_ids.get("key2") == "value 2")
    assert s.vsctl("get", "open", ".", "external_ids:key1").strip() == '"value 1"'
    s.vsctl("set", "open", ".", "external_ids:from=vsctl")
    wait_for(lambda: root().external_ids.get("from") == "vsctl")
    idl.close()


def ovsdbapp_session(remote):
    idl = connection.OvsdbIdl.from_server(remote, "Open_vSwitch")
    api = impl_idl.OvsdbIdl(connection.Connection(idl=idl, timeout=10))
    api.add_br("br-app", datapath_type="netdev").execute(check_error=True)
    with api.transaction(check_error=True) as txn:
        txn.add(api.add_port("br-app", "p-app"))
        txn.add(api.db_set("Interface", "p-app", ("type", "internal")))
        txn.add(api.db_set("Interface", "p-app", ("external_ids", {"iface-id": "x"})))
    assert "br-app" in api.list_br().execute(check_error=True)
    assert api.list_ports("br-app").execute(check_error=True) == ["p-app"]
    assert api.db_get("Interface", "p-app", "external_ids").execute(check_error=True) == {"iface-id": "x"}
    api.del_port("p-app", "br-app").execute(check_error=True)
    api.del_br("br-app").execute(check_error=True)
    assert api.list_br().execute(check_error=True) == []


with Sluice(["--enable-dummy=override"]) as s:
    remote = f"unix:{s.path('db.sock')}"
    idl_session(s, remote)
    ovsdbapp_session(remote)
    print("ok: IDL and ovsdbapp")
sys.exit(0)

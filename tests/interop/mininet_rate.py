# SPDX-License-Identifier: Apache-2.0
"""A Mininet test `rate`: TCP between the first and the last host by iperf3.  (Mininet 2.3's own iperf test waits for ever with the iperf
2.1.8 of Debian 12, whatever the switch is: it expects a report of its telnet probe, which that iperf does not print.)"""

import json


def rate(net):
    server, client = net.hosts[0], net.hosts[-1]
    server.cmd("iperf3 -s -1 -D")
    net.waitConnected(timeout=1) if hasattr(net, "waitConnected") else None
    for _ in range(20):
        out = client.cmd(f"iperf3 -J -t 1 -c {server.IP()}")
        try:
            end = json.loads(out[out.index("{"):])["end"]
            print(f"*** Results: {end['sum_received']['bits_per_second'] / 1e6:.0f} Mbits/sec")
            return
        except (ValueError, KeyError):
            client.cmd("sleep 0.2")
    print("*** Results: no rate:", out)


tests = {"rate": rate}

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The running switch against broken lengths: every message that we can encode, in every version, with each 16-bit word of its header and of the
first bytes of its body set to 0, 1, 3, 7, 8, 65535 and 65528, over a connection of that version.  After each the switch has answered with an
error or closed the connection, and still answers others; it adds no flow that was not whole."""

import os
import select
import socket
import struct
import subprocess
import sys

from harness import Sluice

BUILD = os.environ.get("SLUICE_BUILD", "build/debug")
UNIT = os.path.join(BUILD, "tests/unit/unit_openflow")
LENGTHS = [0, 1, 3, 7, 8, 0xFFFF, 0xFFF8]
HEADER, BODY = 8, 48      # in the words after the header are the lengths of all types; what follows repeats
HELLO, ECHO_REQUEST, ECHO_REPLY = 0, 2, 3
PROBE_XID = 0x7E57
NAMES = ["OpenFlow10", "OpenFlow11", "OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15"]


def samples(directory):
    out = os.path.join(directory, "samples")
    subprocess.run([UNIT, "--gtest_filter=Message.WritesSamples"], env=dict(os.environ, SLUICE_MESSAGES_OUT=out), check=True, capture_output=True)
    with open(out, "rb") as f:
        data = f.read()
    while data:
        length = struct.unpack(">H", data[2:4])[0]
        yield data[:length]
        data = data[length:]


class Client:
    def __init__(self, path, version):
        self.path, self.version, self.socket, self.reconnects, self.waiting = path, version, None, -1, b""

    def connect(self):
        self.reconnects += 1
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(self.path)
        self.socket.setblocking(False)
        self.received = b""
        # Packet-outs and flow monitors of the samples may make the switch talk: what counts is the answer to the probe.
        self.socket.send(struct.pack(">BBHI", self.version, HELLO, 8, 1))

    def send(self, data):
        """True: the connection lives, and everything that was sent is answered."""
        if not self.socket:
            self.connect()
        self.waiting = data + self.probe()
        try:
            while not self.probe_answered():
                self.exchange()
            return True
        except (EOFError, BrokenPipeError, ConnectionResetError):
            self.close()
            return False

    def exchange(self):
        """Reads while it writes: a switch whose answers nobody takes need not read on."""
        can_read, can_write, _ = select.select([self.socket], [self.socket] if self.waiting else [], [], 30)
        assert can_read or can_write, f"version {self.version}: the switch hangs"
        if can_read:
            more = self.socket.recv(1 << 16)
            if not more:
                raise EOFError
            self.received += more
        if can_write:
            self.waiting = self.waiting[self.socket.send(self.waiting):]

    def probe(self):
        return struct.pack(">BBHI", self.version, ECHO_REQUEST, 8, PROBE_XID)

    def probe_answered(self):
        while len(self.received) >= 8:
            kind, length, xid = struct.unpack(">xBHI", self.received[:8])
            assert length >= 8, "the switch sends a broken header"
            if len(self.received) < length:
                return False
            self.received = self.received[length:]
            if kind == ECHO_REPLY and xid == PROBE_XID:
                return True
        return False

    def close(self):
        self.socket.close()
        self.socket = None


def broken(message):
    """Bodies of other lengths than they say; the header's own length stays true, so that the stream goes on."""
    for at in range(HEADER, min(len(message) - 1, HEADER + BODY), 2):
        for length in LENGTHS:
            yield message[:at] + struct.pack(">H", length) + message[at + 2:]
    for length in LENGTHS:  # and whole messages that are shorter or longer
        if HEADER <= length < len(message):
            yield message[:2] + struct.pack(">H", length) + message[4:length]
        elif length > len(message):
            yield message[:2] + struct.pack(">H", length) + message[4:] + bytes(length - len(message))


def main():
    if not os.path.exists(UNIT):
        print("unit_openflow is missing")
        return 77
    with Sluice(vswitchd_options=["--enable-dummy=override", "--disable-system"]) as s:
        s.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail_mode=secure", "protocols=" + ",".join(NAMES))
        path = s.path("br0.mgmt")
        clients = {v: Client(path, v) for v in range(1, 7)}
        types = sent = 0
        for message in samples(s.dir):
            client = clients[message[0]]
            types += 1
            batch = list(broken(message))
            sent += len(batch)
            # All at once; if that closes the connection, one by one, each of which may close it, none may hang it.
            if not client.send(b"".join(batch)):
                for one in batch:
                    client.send(one)
            # Lengths below a header: nothing can follow, the connection is closed.
            for length in (0, 1, 3, 7):
                closing = Client(path, message[0])
                assert not closing.send(message[:2] + struct.pack(">H", length) + message[4:]), f"{message.hex()} with length {length}: not closed"
            s.ofctl("-O", "OpenFlow13", "del-flows", "br0") if types % 40 == 0 else None
        for client in clients.values():
            assert client.send(b""), f"version {client.version}: no answer"
        print(types, "messages,", sent, "broken ones,", sum(c.reconnects for c in clients.values()), "connections closed")
        s.vsctl("set", "bridge", "br0", "other_config:still=there")
    return 0


if __name__ == "__main__":
    sys.exit(main())

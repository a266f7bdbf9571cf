#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A second opinion on our encoder: every message of 1.0 and 1.3 that we can send (each type; and those of the recordings, as we write them)
goes through tshark, which must find nothing malformed and nothing unknown in it, but for what its own dissectors do not do."""

import os
import re
import struct
import subprocess
import sys
import tempfile

from harness import need_program, skip
from openflow_messages import UNIT, is_vendor, number_of, ours

COMPLAINT = re.compile(r"Malformed Packet: (\S+?)\]|\b[A-Z]\w+: Unknown \(\w+\)|Message data not dissected yet|Expert Info \((?!Warning/Checksum)[^)]*\): (?!Malformed|Message data)[^]]*")
# What of it is tshark's, or the recording's, and why: the kind of message (none: all) and the complaint.
EXPECTED = [
    (None, r"^Type: Unknown \(0x0000\)$", "the frame within is of zeros"),
    (None, r"^Malformed Packet: IPv4\]$", "the recorded frame within is cut"),
    ((1,), r"^Message data not dissected yet$", "its dissector of 1.0 knows the heads of many messages only"),
    ((1, 16, 13), r"^Type: Unknown \(13\)$", "1.0 has no port descriptions; ours are Open vSwitch's"),
    ((1, 17, 13), r"^Type: Unknown \(13\)$", "the same"),
    ((1, 14), r"^Malformed Packet: openflow_v1\]$", "it wants an action in each flow-mod of 1.0, and deletions have none"),
    ((4, 15), r"^Command: Unknown \(32768\)$", "add-or-modify of groups is Open vSwitch's"),
]


def pcap(path, payloads):
    """One TCP connection, a message a segment."""
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        sequence = 1
        for i, p in enumerate(payloads):
            tcp = struct.pack(">HHIIBBHHH", 6653, 40000, sequence, 1, 0x50, 0x18, 65535, 0, 0)
            ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + len(p), i & 0xFFFF, 0, 64, 6, 0, bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]))
            frame = bytes(12) + b"\x08\x00" + ip + tcp + p
            f.write(struct.pack("<IIII", i, 0, len(frame), len(frame)) + frame)
            sequence += len(p)


def is_expected(message, complaint):
    number = number_of(message)
    return any((kind is None or number[:len(kind)] == kind) and re.match(what, complaint) for kind, what, _ in EXPECTED)


def dissected(payloads, directory):
    """The text of each message's OpenFlow layer."""
    path = os.path.join(directory, "m.pcap")
    pcap(path, payloads)
    run = subprocess.run(["tshark", "-r", path, "-d", "tcp.port==6653,openflow", "-V"], capture_output=True, text=True, timeout=300, check=True)
    frames = run.stdout.split("\nFrame ")
    assert len(frames) == len(payloads), (len(frames), len(payloads))
    return [f[f.index("\nOpenFlow") if "\nOpenFlow" in f else 0:] for f in frames]


def main():
    need_program("tshark")
    if not os.path.exists(UNIT):
        skip("needs unit_openflow")
    bad = 0
    with tempfile.TemporaryDirectory() as directory:
        # tshark's dissectors take the Nicira forms for malformed standard ones; those are none of its business.
        payloads = [m for m in ours(directory) if m[0] in (1, 4) and not is_vendor(m)]
        for m, text in zip(payloads, dissected(payloads, directory)):
            complaints = {c.group() for c in COMPLAINT.finditer(text)}
            if not text.startswith("\nOpenFlow"):
                complaints.add("no OpenFlow at all")
            for c in complaints:
                if not is_expected(m, c):
                    bad += 1
                    print(f"tshark: {number_of(m)}: {c}: {m.hex()[:200]}")
    print(len(payloads), "messages,", bad, "complaints")
    return 1 if bad or not payloads else 0


if __name__ == "__main__":
    sys.exit(main())

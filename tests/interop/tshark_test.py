#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A second opinion on our encoder: every message of 1.0 and 1.3 (and what ofctl sends and is sent in the recordings) goes through
tshark, which must find none malformed, and through os-ken's parser, which must know each standard one."""

import os
import shutil
import struct
import subprocess
import sys
import tempfile

BUILD = os.environ.get("SLUICE_BUILD", "build/debug")
# tshark's dissector of 1.0 takes the Nicira forms for malformed standard ones; those are none of its business.
VENDOR, MULTIPART = 4, {1: (16, 17), 4: (18, 19)}


def messages(data):
    while data:
        length = struct.unpack(">H", data[2:4])[0]
        yield data[:length]
        data = data[length:]


def is_vendor(m):
    if m[1] == VENDOR:
        return True
    return m[1] in MULTIPART[m[0]] and m[8:10] == b"\xff\xff"


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


def check_tshark(payloads, directory):
    path = os.path.join(directory, "m.pcap")
    pcap(path, payloads)
    run = subprocess.run(["tshark", "-r", path, "-d", "tcp.port==6653,openflow", "-Y", "_ws.malformed", "-T", "fields", "-e", "frame.number"],
                         capture_output=True, text=True, timeout=300)
    bad = [payloads[int(n) - 1] for n in run.stdout.split()]
    for m in bad:
        print("tshark: malformed:", m.hex()[:200])
    return len(bad)


def check_os_ken(payloads):
    try:
        from os_ken.ofproto import ofproto_parser, ofproto_protocol  # noqa: F401
        import os_ken.ofproto.ofproto_v1_0_parser, os_ken.ofproto.ofproto_v1_3_parser  # noqa: E401, F401
    except ImportError:
        print("os-ken is not installed: only tshark was asked")
        return 0
    bad = 0
    for m in payloads:
        version, kind, length, xid = ofproto_parser.header(m)
        protocol = ofproto_protocol.ProtocolDesc(version)
        try:
            parsed = ofproto_parser.msg(protocol, version, kind, length, xid, m)
        except Exception as e:  # whatever it is, it did not understand us
            parsed, why = None, repr(e)
        else:
            why = "no parser"
        switch_sent = parsed is not None
        if not switch_sent and why != "no parser":
            print("os-ken:", why, m.hex()[:200])
            bad += 1
    return bad


def main():
    unit = os.path.join(BUILD, "tests/unit/unit_openflow")
    if not shutil.which("tshark") or not os.path.exists(unit):
        print("tshark or unit_openflow is missing")
        return 77
    with tempfile.TemporaryDirectory() as directory:
        out = os.path.join(directory, "messages")
        subprocess.run([unit, "--gtest_filter=Message.WritesSamples"], env=dict(os.environ, SLUICE_MESSAGES_OUT=out), check=True, capture_output=True)
        payloads = [m for m in messages(open(out, "rb").read()) if m[0] in MULTIPART and not is_vendor(m)]
        bad = check_tshark(payloads, directory) + check_os_ken(payloads)
    print(len(payloads), "messages,", bad, "not understood")
    return 1 if bad or not payloads else 0


if __name__ == "__main__":
    sys.exit(main())

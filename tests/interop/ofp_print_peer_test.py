#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every number that a header can carry, in every version, with bodies that are too short, too long or all zeros: our ofp-print and the
peer's say the same on both outputs, the lengths that the messages should have included.  Bodies that are whole are left out: what
differs in them on purpose is written down elsewhere."""

import concurrent.futures
import itertools
import os
import re
import shutil
import struct
import subprocess
import sys

BUILD = os.environ.get("SLUICE_BUILD", "build/debug")
NICIRA, ONF, NOBODY = 0x2320, 0x4F4E4600, 0x123456
BODIES = [0, 1, 7, 131]
MAY_BE_EMPTY = ["OFPST_TABLE_FEATURES reply", "OFPST_TABLE_DESC reply", "NXST_IPFIX_BRIDGE reply"]  # as the last part of a reply; the peer wants an entry


def headers():
    """(version, type, what follows the header before the body)"""
    for version in range(1, 7):
        for kind in range(0, 38):
            multipart = kind - (16 if version == 1 else 18)
            if kind != 4 and multipart not in (0, 1):
                yield version, kind, b""
        subtypes = [(NICIRA, n) for n in list(range(8, 34)) + [132]] + [(ONF, n) for n in (1870, 1871, 1872, 1911, 2300, 2301, 2350, 9)] + [(NOBODY, 1)]
        for vendor, number in subtypes:
            yield version, 4, struct.pack(">II", vendor, number)
        pad = b"" if version == 1 else bytes(4)
        for reply in (0, 1):
            kind = (16 if version == 1 else 18) + reply
            for number in range(0, 19):
                yield version, kind, struct.pack(">HH", number, 0) + pad
            for vendor, number in [(NICIRA, n) for n in range(0, 11)] + [(ONF, 1870), (NOBODY, 1)]:
                yield version, kind, struct.pack(">HH", 0xFFFF, 0) + pad + struct.pack(">II", vendor, number) + (bytes(4) if version == 1 else b"")


def messages():
    for (version, kind, more), body in itertools.product(headers(), BODIES):
        yield struct.pack(">BBHI", version, kind, 8 + len(more) + body, 1) + more + bytes(body)


def shown(program, message):
    r = subprocess.run([program, "ofp-print", message.hex()], capture_output=True, text=True, timeout=60)
    return r.returncode, r.stdout, re.sub(r"^\S+Z\|\d+\|", "", r.stderr, flags=re.M)


def main():
    ours, peers = os.path.join(BUILD, "bin/sluice-ofctl"), shutil.which("ovs-ofctl")
    if not peers or not os.path.exists(ours):
        print("the peer or ours is not there")
        return 77
    n = bad = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for message, want, got in pool.map(lambda m: (m, shown(peers, m), shown(ours, m)), messages()):
            if "incorrect length" not in want[2] and "unknown" not in want[2]:
                continue
            if any(name in want[2] for name in MAY_BE_EMPTY):
                continue
            n += 1
            if got != want:
                bad += 1
                print("DIFF", message.hex()[:80], "\n  peer", want, "\n  ours", got)
    print(n, "messages,", bad, "differ")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

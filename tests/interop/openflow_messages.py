# SPDX-License-Identifier: Apache-2.0
"""OpenFlow messages as bytes, for tests that ask others about them: all types that our encoder can send, those of the recordings, and what becomes of
others' messages when we read them and write them again."""

import collections
import json
import os
import struct
import subprocess

BUILD = os.environ.get("SLUICE_BUILD", "build/debug")
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
UNIT = os.path.join(BUILD, "tests/unit/unit_openflow")
RECORDINGS = os.path.join(ROOT, "tests/unit/openflow/data/openflow-transcripts.jsonl")
LIKE = 3  # so many recorded ones of one type and length, in a version, are enough
ERROR, EXPERIMENTER, MULTIPART, EXPERIMENTER_STATS = 1, 4, {1: (16, 17)}, 0xFFFF


def cut(data):
    while data:
        length = struct.unpack(">H", data[2:4])[0]
        yield data[:length]
        data = data[length:]


def number_of(m):
    """What tells messages of one version apart."""
    if m[1] in MULTIPART.get(m[0], (18, 19)) and len(m) >= 10:
        return m[0], m[1], struct.unpack(">H", m[8:10])[0]
    return m[0], m[1]


def is_vendor(m):
    return m[1] == EXPERIMENTER or number_of(m)[2:] == (EXPERIMENTER_STATS,)


def unit(test, out, **env):
    subprocess.run([UNIT, "--gtest_filter=" + test], env=dict(os.environ, SLUICE_MESSAGES_OUT=out, **env), check=True, capture_output=True)
    with open(out, "rb") as f:
        return list(cut(f.read()))


def rewrite(messages, directory):
    """Each read and written again by us."""
    path = os.path.join(directory, "in")
    with open(path, "wb") as f:
        f.write(b"".join(messages))
    return unit("Message.Rewrites", os.path.join(directory, "out"), SLUICE_MESSAGES_IN=path)


def recorded():
    seen = collections.Counter()
    with open(RECORDINGS) as f:
        for line in f:
            for m in json.loads(line)["msgs"]:
                if len(m) != 2 or len(m[0]) != 1 or not all(c in "0123456789abcdef" for c in m[1]):
                    continue  # of long ones the end is left out
                data = bytes.fromhex(m[1])
                if len(data) < 8 or struct.unpack(">H", data[2:4])[0] != len(data):
                    continue
                like = number_of(data) + (len(data),)
                seen[like] += 1
                if seen[like] <= LIKE:
                    yield data


def recorded_and_ours(directory):
    """Recorded messages, and each as we write it."""
    theirs = list(recorded())
    return [(m, again) for m, again in zip(theirs, rewrite(theirs, directory), strict=True) if again[1] != ERROR]


def ours(directory):
    """What we send: every type, and the recorded ones as we write them."""
    return unit("Message.WritesSamples", os.path.join(directory, "samples")) + [m for _, m in recorded_and_ours(directory)]

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Messages between us and other implementations of OpenFlow: os-ken's parsers (1.0, 1.2 to 1.5) and scapy's layers (1.0 and 1.3).

The messages are all types that we can send, in all versions, and those of the recordings.  Each is written by our encoder and read by
the other one; the other one's content is written by itself, read by us and written again; what the other one reads from that must equal
what it read first.  And what os-ken makes (os_ken_messages.py), of each of its classes that can write more than a header, is read by us and written again, to the
same bytes or at least to the same content."""

import collections
import contextlib
import io
import json
import logging
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import warnings

from harness import need_module, skip
from openflow_messages import ERROR, EXPERIMENTER_STATS, MULTIPART, UNIT, is_vendor, number_of, ours, recorded_and_ours, rewrite

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)
need_module("os_ken")
need_module("scapy")
from os_ken.ofproto import ofproto_parser, ofproto_protocol  # noqa: E402
from os_ken_messages import Datapath, os_ken_actions, os_ken_classes, os_ken_matches, os_ken_requests, writes  # noqa: E402
import scapy.contrib.openflow as scapy10  # noqa: E402
import scapy.contrib.openflow3  # noqa: E402, F401
from scapy.packet import NoPayload, Padding, Raw  # noqa: E402

# Replies whose faults are os-ken's own, and why.
OS_KEN_FAULTS = {
    (1, 17, 13): "1.0 has no port descriptions; ours are Open vSwitch's, and os-ken does not know them",
    (3, 19, 13): "the same in 1.2",
    (6, 19, 11): "meter features of 1.5, which we send with the body of 1.3 as Open vSwitch does (OF1.5 has 4 bytes more)",
    (6, 19, 7): "it takes the bytes behind a bucket for properties of it, and never ends",
}
OS_KEN_UNREAD = {
    (1, 4): "experimenters' messages are compared elsewhere", (3, 4): "", (4, 4): "", (5, 4): "", (6, 4): "",
    (6, 35): "CONTROLLER_STATUS of 1.5, which we, as Open vSwitch, do not send",
}
SCAPY = {1, 4}
SCAPY_FAULTS = {(4, 19, 1): "its layer of flow statistics of 1.3 fails in itself once a flow has actions"}
SCAPY_BYTES = {  # what it has no layer for, and leaves as bytes
    (1, 0): "elements of hellos, in 1.0", (1, 2): "what an echo carries", (1, 3): "", (4, 2): "", (4, 3): "",
    (1, 10): "frames that are no Ethernet", (1, 13): "", (4, 10): "", (4, 13): "",
    (1, 16, 13): "1.0 has no port descriptions; ours are Open vSwitch's", (1, 17, 13): "",
}
# Requests of 1.5 that we, as Open vSwitch, do not know (BAD_MULTIPART), and what we do not keep.
UNKNOWN_TO_US = {(6, "Flow"): "flow statistics apart from flow descriptions", (6, "bundle_features"): "", (6, "controller_status"): "", (6, "role"): "a controller's short id",
                 (4, "onf_flow_monitor"): "its match has no header; Open vSwitch's has one, and refuses this"}


# Classes that it has code to write for, but can't, and why.
OS_KEN_UNWRITTEN = {
    "NXTRoleReply": "it asserts that only its parser makes one", "NXTFlowRemoved": "the same", "NXTPacketIn": "the same",
    "NXTPacketIn2": "its properties give no bytes",
}


class Report:
    def __init__(self, who):
        self.who, self.bad, self.types = who, 0, collections.defaultdict(set)
        self.cannot = {}

    def fault(self, why, m):
        self.bad += 1
        print(f"{self.who}: {why}: {m.hex()[:400]}")

    def summary(self):
        read = len(self.types["read"])
        print(f"{self.who}: {read} types of message read, {len(self.types['written'])} written and read by us, {self.bad} faults")
        if os.environ.get("V"):
            print("  only read:", sorted((n, self.cannot.get(n)) for n in self.types["read"] - self.types["written"]))


# --- os-ken ---

def os_ken_knows(m):
    """It reads what a switch sends."""
    return m[0] != 2 and m[1] in ofproto_protocol.ProtocolDesc(m[0]).ofproto_parser._MSG_PARSERS and not is_vendor(m)


def os_ken_read(m):
    version, kind, length, xid = ofproto_parser.header(m)
    return ofproto_parser.msg(ofproto_protocol.ProtocolDesc(version), version, kind, length, xid, m)


def os_ken_content(msg):
    text = json.dumps(msg.to_jsondict(), sort_keys=True)
    return text


def os_ken_write(msg):
    """The same content in a message that os-ken has made, or none if it can't make one (most replies in old versions)."""
    (name, content), = msg.to_jsondict().items()
    with contextlib.redirect_stdout(io.StringIO()):  # it prints for its own authors
        again = getattr(sys.modules[type(msg).__module__], name).from_jsondict(content, datapath=Datapath(msg.version))
    again.xid = msg.xid
    again.serialize()
    return bytes(again.buf)


def check_recorded(directory):
    """What Open vSwitch sent has the same content for both libraries when we have read it and written it again."""
    report = Report("recorded")
    for theirs, again in recorded_and_ours(directory):
        for knows, content, faults in ((os_ken_knows, lambda m: os_ken_content(os_ken_read(m)), OS_KEN_FAULTS),
                                       (lambda m: m[0] in SCAPY and not is_vendor(m), lambda m: scapy_content(scapy_read(m)), SCAPY_FAULTS)):
            if not knows(theirs) or number_of(theirs) in faults:
                continue
            report.types["read"].add(number_of(theirs))
            if content(theirs) != content(again):
                report.fault(f"not the same as {again.hex()}", theirs)
                continue
            report.types["written"].add(number_of(theirs))
    return report


def check_rewritten(report, pairs, directory, content_of):
    """Of each pair (our message, its content, theirs): what we make of theirs has the same content for them."""
    for (m, content, theirs), ours in zip(pairs, rewrite([p[2] for p in pairs], directory)):
        if ours[1] == ERROR and theirs[1] != ERROR:
            report.fault("we refuse " + ours[8:12].hex(), theirs)
            continue
        got = content_of(ours)
        if got != content:
            report.fault(f"not the same: {theirs.hex()[:200]} became {ours.hex()[:200]}\n  {content}\n  {got}\n", m)
            continue
        report.types["written"].add(number_of(m))


def check_os_ken(messages, directory):
    report = Report("os-ken")
    pairs = []
    for m in messages:
        if not os_ken_knows(m) or number_of(m) in OS_KEN_FAULTS:
            continue
        try:
            msg = os_ken_read(m)
            content = os_ken_content(msg)
        except Exception as e:
            report.fault(repr(e), m)
            continue
        report.types["read"].add(number_of(m))
        try:
            theirs = os_ken_write(msg)
            if os_ken_content(os_ken_read(theirs)) != content:
                raise ValueError("it does not read what it wrote itself")
        except Exception as e:
            report.cannot[number_of(m)] = repr(e) if writes(type(msg)) else f"it writes only the header of {type(msg).__name__}"
            continue
        pairs.append((m, content, theirs))
    check_rewritten(report, pairs, directory, lambda ours: os_ken_content(os_ken_read(ours)))
    for number in sorted(report.types["read"] - report.types["written"]):
        why = report.cannot.get(number, "")
        if not why.startswith("it writes only the header"):
            report.fault(f"can't be written by it: {number}: {why}", b"")
    return report


def read_the_same(a, b):
    try:
        return os_ken_content(os_ken_read(a)) == os_ken_content(os_ken_read(b))
    except Exception:  # it reads no requests, and not the copy_field that it writes
        return False


def mean_the_same(a, b):
    """Some fields have several names on the wire, of which we choose one: Open vSwitch's own ofctl is asked whether both say the same."""
    def shown(m):
        return subprocess.run(["ovs-ofctl", "ofp-print", m.hex()], capture_output=True, text=True, timeout=60, check=True).stdout
    return shutil.which("ovs-ofctl") and shown(a) == shown(b)


def known_to_os_ken():
    """All types that its parsers read from a switch: of 1.0 and 1.2 to 1.5."""
    for version in (1, 3, 4, 5, 6):
        parser = ofproto_protocol.ProtocolDesc(version).ofproto_parser
        for kind in parser._MSG_PARSERS:
            if kind not in MULTIPART.get(version, (18, 19)):
                yield version, kind
                continue
            replies = parser.OFPStatsReply if version < 4 else parser.OFPMultipartReply
            yield from ((version, kind, part) for part in replies._STATS_MSG_TYPES if part != EXPERIMENTER_STATS)


def check_made_by_os_ken(directory):
    report = Report("made by os-ken")
    made, classes = [], set()
    for name, msg in [*os_ken_matches(), *os_ken_actions(), *os_ken_requests()]:
        msg.xid = 5
        try:
            msg.serialize()
        except Exception as e:
            print("os-ken can't write", name, repr(e))
            continue
        made.append((name, bytes(msg.buf)))
        classes.add((msg.version, type(msg).__name__))
    for version, kind in os_ken_classes():
        if writes(kind) and (version, kind.__name__) not in classes and kind.__name__ not in OS_KEN_UNWRITTEN:
            report.fault(f"no message is made of 1.{version - 1} {kind.__name__}", b"")
    print(len(classes), "classes of messages of os-ken's;", sum(not writes(kind) for _, kind in os_ken_classes()), "have no more than a header to write")
    for (name, theirs), ours in zip(made, rewrite([m for _, m in made], directory)):
        report.types["read"].add((theirs[0], name, theirs[48:].hex()))
        if (theirs[0], name) in UNKNOWN_TO_US:
            continue
        if ours[1] == ERROR and theirs[1] != ERROR:
            report.fault(f"{name}: we refuse it with {ours[8:].hex()[:40]}", theirs)
            continue
        if ours != theirs and not read_the_same(ours, theirs) and not mean_the_same(ours, theirs):
            report.fault(f"{name}: not the same as {ours.hex()}", theirs)
            continue
        report.types["written"].add((theirs[0], name, theirs[48:].hex()))
    return report


# --- scapy ---

def scapy_read(m):
    return scapy10.OpenFlow(m)


def scapy_understood(packet):
    """No part of it is unknown bytes."""
    layer = packet
    while not isinstance(layer, NoPayload):
        if isinstance(layer, (Raw, Padding)):
            return False
        layer = layer.payload
    return True


def scapy_content(packet):
    return packet.show2(dump=True)


def scapy_write(packet):
    """The same content, its lengths computed by scapy."""
    again = packet.copy()
    again.raw_packet_cache = None
    del again.len
    return bytes(again)


def check_scapy(messages, directory):
    report = Report("scapy")
    pairs = []
    for m in messages:
        if m[0] not in SCAPY or is_vendor(m) or number_of(m) in SCAPY_FAULTS:
            continue
        try:
            packet = scapy_read(m)
            understood, content = scapy_understood(packet), scapy_content(packet)
        except Exception as e:
            report.fault(repr(e), m)
            continue
        if not understood:
            report.types["not"].add(number_of(m))
            continue
        report.types["read"].add(number_of(m))
        try:
            theirs = scapy_write(packet)
            if struct.unpack(">H", theirs[2:4])[0] != len(theirs) or scapy_content(scapy_read(theirs)) != content:
                continue
        except Exception:
            continue
        pairs.append((m, content, theirs))
    check_rewritten(report, pairs, directory, lambda ours: scapy_content(scapy_read(ours)))
    for left in report.types["not"] - SCAPY_BYTES.keys():
        report.fault(f"bytes that it does not understand: {left}", b"")
    return report


def main():
    if not os.path.exists(UNIT):
        skip("needs unit_openflow")
    with tempfile.TemporaryDirectory() as directory:
        messages = ours(directory)
        print(len(messages), "messages")
        reports = []
        for check in (lambda: check_recorded(directory), lambda: check_os_ken(messages, directory), lambda: check_made_by_os_ken(directory), lambda: check_scapy(messages, directory)):
            reports.append(check())
            reports[-1].summary()
    return 1 if any(r.bad or not r.types["written"] for r in reports) else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The database over WebSocket (ws:, wss:), as a browser would use it: a client written here from RFC 6455, against nothing but the wire.  Handshake and its
refusals, a JSON value for each text frame, masked and fragmented messages, ping and pong, close codes, limits, updates that wait for nobody's request."""

import base64
import hashlib
import json
import os
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time

BUILD = os.path.abspath(os.environ.get("SLUICE_BUILD", "build/release"))
SCHEMA = {"name": "W", "tables": {"t": {"isRoot": True, "columns": {"n": {"type": "integer"}, "s": {"type": "string"}}}}}
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
ORIGIN = "https://example.org"


class Http(Exception):
    pass


class WebSocket:
    def __init__(self, port, tls=None, origin=None, version=13):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        if tls:
            self.socket = tls.wrap_socket(self.socket)
        key = base64.b64encode(os.urandom(16)).decode()
        request = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: %s\r\nSec-WebSocket-Version: %d\r\n"
        self.socket.sendall((request % (key, version) + ("Origin: %s\r\n" % origin if origin else "") + "\r\n").encode())
        self.buffer = b""
        head = self.until(b"\r\n\r\n").decode()
        if not head.startswith("HTTP/1.1 101 "):
            raise Http(head.split(" ")[1])
        accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
        assert accept in head, head

    def more(self):
        data = self.socket.recv(1 << 16)
        if not data:
            raise ConnectionError("closed")
        self.buffer += data

    def until(self, end):
        while end not in self.buffer:
            self.more()
        head, _, self.buffer = self.buffer.partition(end)
        return head

    def take(self, n):
        while len(self.buffer) < n:
            self.more()
        taken, self.buffer = self.buffer[:n], self.buffer[n:]
        return taken

    def send(self, payload, opcode=TEXT, final=True):
        length = len(payload)
        head = bytes([opcode | (0x80 if final else 0)])
        head += bytes([0x80 | length]) if length < 126 else struct.pack(">BH", 0x80 | 126, length) if length < 65536 else struct.pack(">BQ", 0x80 | 127, length)
        mask = os.urandom(4)
        stream = int.from_bytes(payload, "big") ^ int.from_bytes((mask * (length // 4 + 1))[:length], "big") if length else 0
        self.socket.sendall(head + mask + stream.to_bytes(length, "big"))

    def frame(self):
        first, second = self.take(2)
        assert not second & 0x80, "servers don't mask"
        length = second & 0x7f
        if length == 126:
            length = struct.unpack(">H", self.take(2))[0]
        elif length == 127:
            length = struct.unpack(">Q", self.take(8))[0]
        return first & 0x80, first & 0x0f, self.take(length)

    def message(self):
        """Opcode and payload of a whole message that is no probe; those are answered."""
        while True:
            opcode, payload = self.any_message()
            if opcode != TEXT or b'"method":"echo"' not in payload:
                return opcode, payload
            self.send(b'{"result":[],"error":null,"id":"echo"}')

    def any_message(self):
        final, opcode, payload = self.frame()
        while not final:
            final, more, rest = self.frame()
            assert more == 0, more
            payload += rest
        return opcode, payload

    def receive(self):
        opcode, payload = self.message()
        assert opcode == TEXT, (opcode, payload)
        return json.loads(payload)  # exactly one value

    def ask(self, method, params, id=1):
        self.send(json.dumps({"method": method, "params": params, "id": id}).encode())

    def call(self, method, params):
        self.ask(method, params)
        reply = self.receive()
        assert reply["error"] is None, reply
        return reply["result"]

    def close_code(self):
        opcode, payload = self.message()
        assert opcode == CLOSE, (opcode, payload)
        return struct.unpack(">H", payload[:2])[0]


def refused(port, status, **how):
    try:
        WebSocket(port, **how)
        raise AssertionError("not refused")
    except Http as e:
        assert str(e) == status, e


def test_messages(port):
    a, b = WebSocket(port), WebSocket(port)
    assert a.call("echo", ["\u00e9\u4e2d"]) == ["\u00e9\u4e2d"]
    assert b.call("monitor", ["W", "m", {"t": {"columns": ["n"]}}]) == {}
    uuid = a.call("transact", ["W", {"op": "insert", "table": "t", "row": {"n": 5, "s": "]}\\\"{[" * 500}}])[0]["uuid"][1]
    assert b.receive() == {"id": None, "method": "update", "params": ["m", {"t": {uuid: {"new": {"n": 5}}}}]}
    # Big values, both ways: several frames or one, but one message.
    text = "x" * 3000000
    assert a.call("echo", [text]) == [text]
    rows = a.call("transact", ["W", {"op": "select", "table": "t", "where": [], "columns": ["s"]}])[0]["rows"]
    assert rows == [{"s": "]}\\\"{[" * 500}]
    # A message in fragments with a ping between, two values in a message, a value in two messages, bytes one by one, a binary message.
    request = json.dumps({"method": "echo", "params": ["split"], "id": 9}).encode()
    a.send(request[:10], final=False)
    a.send(b"still there?", PING)
    a.send(request[10:], opcode=0)
    assert a.message() == (PONG, b"still there?")
    assert a.receive()["result"] == ["split"]
    a.send(request + request)
    assert a.receive() == a.receive()
    a.send(request[:10])
    a.send(request[10:])
    assert a.receive()["id"] == 9
    a.send(request, BINARY)
    assert a.receive()["id"] == 9
    # An orderly end, answered with the same code.
    a.send(struct.pack(">H", 1000) + b"bye", CLOSE)
    assert a.close_code() == 1000
    assert b.call("list_dbs", []) == ["W", "_Server"]


def test_wrong(port):
    a = WebSocket(port)
    a.send(b"{nonsense}")
    assert a.close_code() == 1002
    a = WebSocket(port)
    a.send(b'["\xff"]')
    assert a.close_code() == 1007  # not UTF-8
    a = WebSocket(port)
    a.socket.sendall(b"\x81\x02{}")  # not masked
    assert a.close_code() == 1002
    a = WebSocket(port)
    a.send(b"", PONG)  # nobody asked: no harm
    try:  # a message beyond the limit is refused before it has come whole
        for _ in range(80):
            a.send(b'{"method":"echo","id":1,"params":["' + b"x" * (1 << 20), opcode=TEXT if not _ else 0, final=False)
    except OSError:
        pass
    else:
        error = json.loads(a.message()[1])
        assert error["error"]["error"] == "resources exhausted", error
        assert a.close_code() == 1009
    for text, status in ((b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"426"), (b"\x16\x03\x01garbage\r\n\r\n", b"400"), (b"x" * 20000, b"400")):
        s = socket.create_connection(("127.0.0.1", port), timeout=20)
        s.sendall(text)
        assert s.recv(4096).split(b" ")[1] == status
        s.close()


def main():
    directory = tempfile.mkdtemp(prefix="sluice-websocket-")
    path = lambda name: os.path.join(directory, name)
    with open(path("schema"), "w") as f:
        json.dump(SCHEMA, f)
    subprocess.run([BUILD + "/bin/sluice-dbtool", "create", path("db"), path("schema")], check=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", path("key"), "-out", path("cert"), "-days", "2", "-subj", "/CN=localhost"],
                   check=True, stderr=subprocess.DEVNULL)
    ports = []
    for _ in range(3):
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        ports.append((s, s.getsockname()[1]))
    for s, _ in ports:
        s.close()
    plain, tls, guarded = (p for _, p in ports)
    env = dict(os.environ, OVS_RUNDIR=directory, OVS_LOGDIR=directory)
    start = lambda *args: subprocess.Popen([BUILD + "/bin/sluice-dbserver", "-vconsole:off", *args], env=env)
    servers = [start("--log-file=" + path("log"), "--unixctl=" + path("ctl"), "--remote=ws:%d:127.0.0.1" % plain, "--remote=wss:%d:127.0.0.1" % tls, "--private-key=" + path("key"),
                     "--certificate=" + path("cert"), "--ca-cert=none", path("db")),
               start("--unixctl=" + path("ctl2"), "--no-dbs", "--remote=ws:%d:127.0.0.1" % guarded, "--websocket-origin=" + ORIGIN)]
    try:
        end = time.monotonic() + 20
        for port in (plain, tls, guarded):
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except OSError:
                    assert time.monotonic() < end
                    time.sleep(0.05)
        test_messages(plain)
        test_wrong(plain)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        secure = WebSocket(tls, tls=context, origin="https://anywhere")
        assert secure.call("echo", ["x" * 100000]) == ["x" * 100000]
        WebSocket(guarded)
        WebSocket(guarded, origin=ORIGIN)
        refused(guarded, "403", origin="https://evil.example")
        refused(guarded, "426", version=99)
        for s in servers:
            assert s.poll() is None, "a server ended"
    finally:
        for s in servers:
            s.terminate()
            s.wait()
        shutil.rmtree(directory)
    print("all went well")


main()

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A small JSON-RPC client of the database daemon, for tests that count on nothing but the wire."""

import json
import socket


class Client:
    def __init__(self, path, timeout):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(path)
        self.buffer = b""

    def send(self, method, params, id=1):
        self.socket.sendall(json.dumps({"method": method, "params": params, "id": id}).encode())

    def receive(self):
        while True:
            text = self.buffer.lstrip()
            if text.endswith((b"}", b"]")) or b"}{" in text:
                try:
                    text = text.decode()
                    value, end = json.JSONDecoder().raw_decode(text)
                    self.buffer = text[end:].encode()
                    return value
                except ValueError:
                    pass
            data = self.socket.recv(1 << 20)
            if not data:
                raise ConnectionError("closed")
            self.buffer += data

    def call(self, method, params):
        self.send(method, params)
        return self.receive()

# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Responders that log anybody in and say the version of a server too old to be had.

No supported Debian carries PostgreSQL 11 or Redis 5, and the refusal has to come right after the login that tells the
version: a few messages of each protocol are all that a server of that age would ever be asked.
"""

from __future__ import annotations

import contextlib
import socketserver
import struct
import threading
import typing as t


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


class PostgreSQL11(socketserver.StreamRequestHandler):
    """No TLS, no password, and the version among the parameters that follow."""

    def handle(self) -> None:
        while True:
            length, code = struct.unpack("!ii", self.rfile.read(8))
            self.rfile.read(length - 8)
            if code != 80877103:
                break
            self.wfile.write(b"N")
        self.wfile.write(_message(b"R", struct.pack("!i", 0)))
        self.wfile.write(_message(b"S", b"server_version\x0011.22 (Debian 11.22-0+deb10u2)\0"))
        self.wfile.write(_message(b"Z", b"I"))
        self.rfile.read(1)


class Redis5(socketserver.StreamRequestHandler):
    """Knows no users: AUTH takes a password alone."""

    INFO = b"# Server\r\nredis_version:5.0.14\r\nredis_mode:standalone\r\n"

    def handle(self) -> None:
        while words := self._command():
            if words[0] == b"AUTH" and len(words) != 2:
                self.wfile.write(b"-ERR wrong number of arguments for 'auth' command\r\n")
            elif words[0] == b"AUTH":
                self.wfile.write(b"+OK\r\n")
            elif words[0] == b"INFO":
                self.wfile.write(b"$%d\r\n%s\r\n" % (len(self.INFO), self.INFO))
            else:
                self.wfile.write(b"-ERR unknown command\r\n")

    def _command(self) -> list[bytes]:
        count = int(self.rfile.readline().strip(b"*\r\n") or b"0")
        return [self.rfile.read(int(self.rfile.readline()[1:]) + 2)[:-2] for _ in range(count)]


HANDLERS: dict[str, type[socketserver.StreamRequestHandler]] = {"postgresql": PostgreSQL11, "redis": Redis5}


@contextlib.contextmanager
def old_server(name: str, address: str) -> t.Iterator[int]:
    """Run a responder on a free port of an address and give the port."""
    with socketserver.ThreadingTCPServer((address, 0), HANDLERS[name]) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()

# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A local HTTP server that answers what a test wants, well-formed or not."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import typing as t
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Reply = t.Callable[[BaseHTTPRequestHandler], None]


def json_reply(status: int, body: t.Any, content_type: str = "application/json") -> Reply:
    """Answer with JSON, or with the bytes given."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", content_type)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return reply


def raw_reply(content: bytes) -> Reply:
    """Write bytes as they are and close the connection."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        handler.wfile.write(content)

    return reply


@dataclass
class HttpStub:
    """The server; replies are by path, the last of a list stays."""

    replies: dict[str, list[Reply]]
    tls: ssl.SSLContext | None = None
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    # Method, path and decoded JSON of every request.
    calls: list[tuple[str, str, t.Any]] = field(default_factory=list)

    def __enter__(self) -> t.Self:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                stub.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                stub.calls.append((self.command, self.path, json.loads(body) if body else None))
                replies = stub.replies.get(self.path) or [json_reply(404, {"detail": "Not Found"})]
                reply = replies.pop(0) if len(replies) > 1 else replies[0]
                try:
                    reply(self)
                except OSError:
                    # The client has left, as it should with a reply that takes too long.
                    self.close_connection = True

            def log_message(self, *_arguments: object) -> None:
                pass

        for method in ("POST", "PUT", "PATCH", "DELETE"):
            setattr(Handler, f"do_{method}", Handler.do_GET)
        self.ended = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        scheme = "http"
        if self.tls:
            scheme = "https"
            self.server.socket = self.tls.wrap_socket(self.server.socket, server_side=True)
        self.url = f"{scheme}://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()

    def hang(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer nothing until the test is over."""
        handler.close_connection = True
        self.ended.wait(30)

    def drip(self, handler: BaseHTTPRequestHandler) -> None:
        """Send one byte of an endless body after the other, so that no single read takes long."""
        handler.close_connection = True
        handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{"status": "')
        while not self.ended.wait(0.1):
            handler.wfile.write(b"a")


def closed_port() -> int:
    """Find a port nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

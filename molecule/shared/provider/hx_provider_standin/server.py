"""The HTTP side: routes, orders carried out, and the record of what was received."""

from __future__ import annotations

import json
import select
import socket
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hx_provider_standin import ollama_api, openai_api, orders
from hx_provider_standin.record import Record
from hx_provider_standin.replies import Call, Reply
from hx_provider_standin.text import content_text, last_user_message

if TYPE_CHECKING:
    from collections.abc import Callable

ROUTES: dict[tuple[str, str], Callable[[Call], Reply]] = {
    ("GET", "/v1/models"): openai_api.models,
    ("POST", "/v1/chat/completions"): openai_api.chat,
    ("POST", "/v1/embeddings"): openai_api.embeddings,
    ("GET", "/api/tags"): ollama_api.tags,
    ("POST", "/api/show"): ollama_api.show,
    ("POST", "/api/embed"): ollama_api.embed,
    ("POST", "/api/embeddings"): ollama_api.embeddings,
    ("POST", "/api/chat"): ollama_api.chat,
    ("POST", "/api/generate"): ollama_api.generate,
}


class EndedError(Exception):
    """The connection ends before the answer does: the client hung up, or a cut was ordered."""


class Server(ThreadingHTTPServer):
    """The stand-in's server: a thread for each connection."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address: str, port: int, keep: int = 1000) -> None:
        super().__init__((address, port), Handler)
        self.record = Record(keep)

    @property
    def port(self) -> int:
        """The port in use, which matters where port 0 was asked for."""
        return int(self.server_address[1])


class Handler(BaseHTTPRequestHandler):
    """One connection; HTTP/1.1 with keep-alive."""

    protocol_version = "HTTP/1.1"
    # Pieces of a stream leave at once.
    disable_nagle_algorithm = True
    server: Server
    _orders = orders.Orders()

    def do_GET(self) -> None:
        """Answer a GET."""
        if urlsplit(self.path).path == "/_record":
            self._send(Reply(self.server.record.entries()))
        else:
            self._answer()

    def do_DELETE(self) -> None:
        """Clear the record."""
        if urlsplit(self.path).path == "/_record":
            self.server.record.clear()
            self._send(Reply({"cleared": True}))
        else:
            self._answer()

    def do_POST(self) -> None:
        """Answer a POST."""
        self._answer()

    def log_message(self, *_words: Any) -> None:
        """Say nothing: the record has it all."""

    def _answer(self) -> None:
        raw = self._read_body()
        try:
            parsed: Any = json.loads(raw) if raw else {}
        except ValueError:
            parsed = None
        body = raw.decode(errors="replace") if parsed is None else parsed
        entry = self.server.record.add(self.command, self.path, dict(self.headers.items()), body, len(raw))
        try:
            reply = self._reply(parsed)
            entry["status"] = reply.status
            self._send(reply)
            entry["finished"] = True
        except (EndedError, ConnectionError):
            entry["aborted"] = True
            self.close_connection = True

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)

    def _reply(self, body: Any) -> Reply:
        path = urlsplit(self.path).path
        route = ROUTES.get((self.command, path))
        if route is None:
            return openai_api.error(404, f"The stand-in has no {self.command} {path}.")
        if not isinstance(body, dict):
            return openai_api.error(400, "The body is not a JSON object.")
        text = last_user_message(body.get("messages")) or content_text(body.get("input") or body.get("prompt"))
        asked = orders.read(self.headers.get(orders.HEADER), str(body.get("model", "")), text)
        self._wait(asked.sleep)
        if asked.error is not None:
            fail = ollama_api.error if path.startswith("/api/") else openai_api.error
            return fail(asked.error, f"The stand-in was asked for status {asked.error}.")
        self._orders = asked
        return route(Call(path, body, asked))

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        if not reply.pieces:
            content = reply.encoded()
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for index, piece in enumerate(reply.pieces):
            if index == self._orders.cut_after:
                raise EndedError
            if index:
                self._wait(self._orders.between)
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def _wait(self, seconds: float) -> None:
        """Wait, but not for a client that has hung up."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            readable, _, _ = select.select([self.connection], [], [], left)
            if not readable:
                return
            if not self.connection.recv(1, socket.MSG_PEEK):
                raise EndedError
            # A pipelined request waits its turn.
            time.sleep(min(left, 0.05))

"""Log in to a PostgreSQL server once, with nothing but the standard library, and tell its major version.

The parameters come as a JSON object on standard input, so that no password is in an argument or a variable. The answer
is one JSON object, {"version": 15, "error": "", "code": ""}. A failed login is an answer, too, with the reason and the
server's SQLSTATE.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import socket
import ssl
import struct
import sys

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
PROTOCOL = 196608


class LoginError(Exception):
    """The server cannot be used, for the reason given."""

    def __init__(self, reason: str, code: str = "") -> None:
        super().__init__(reason)
        self.code = code


def encrypt(sock: socket.socket, login: dict[str, str]) -> socket.socket:
    """Ask for TLS as libpq does for this sslmode."""
    mode = login["sslmode"]
    if mode == "disable":
        return sock
    sock.sendall(SSL_REQUEST)
    if sock.recv(1) != b"S":
        if mode == "prefer":
            return sock
        raise LoginError("the server does not offer TLS")
    context = ssl.create_default_context(cafile=login["sslrootcert"] or None)
    context.check_hostname = mode == "verify-full"
    if not mode.startswith("verify"):
        context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(sock, server_hostname=login["host"])


class Connection:
    """Messages of the frontend/backend protocol on one socket."""

    def __init__(self, sock: socket.socket) -> None:
        self.stream = sock.makefile("rwb")

    def send(self, kind: bytes, body: bytes) -> None:
        """Send one message."""
        self.stream.write(kind + struct.pack("!i", len(body) + 4) + body)
        self.stream.flush()

    def receive(self) -> tuple[bytes, bytes]:
        """Read one message; a refusal is raised with the server's own words."""
        head = self.stream.read(5)
        if len(head) < 5:
            raise LoginError("the server closed the connection")
        body = self.stream.read(struct.unpack("!i", head[1:])[0] - 4)
        if head[:1] == b"E":
            fields = {part[:1]: part[1:].decode(errors="replace") for part in body.split(b"\0") if part}
            raise LoginError("the server says: " + fields.get(b"M", "no reason"), fields.get(b"C", ""))
        return head[:1], body


def scram(connection: Connection, password: str) -> None:
    """Authenticate by SCRAM-SHA-256 (RFC 5802), and check that the server knows the password as well."""
    nonce = base64.b64encode(os.urandom(18)).decode()
    first = "n=,r=" + nonce
    initial = ("n,," + first).encode()
    connection.send(b"p", b"SCRAM-SHA-256\0" + struct.pack("!i", len(initial)) + initial)
    challenge = connection.receive()[1][4:].decode()
    fields = dict(part.split("=", 1) for part in challenge.split(","))
    if not fields["r"].startswith(nonce):
        raise LoginError("the server answered with a nonce of its own")
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
    final = "c=biws,r=" + fields["r"]
    signed = ",".join((first, challenge, final)).encode()
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    signature = hmac.digest(hashlib.sha256(client_key).digest(), signed, "sha256")
    proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
    connection.send(b"p", (final + ",p=" + base64.b64encode(proof).decode()).encode())
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    expected = "v=" + base64.b64encode(hmac.digest(server_key, signed, "sha256")).decode()
    if not hmac.compare_digest(connection.receive()[1][4:].decode(), expected):
        raise LoginError("the server does not know the password")


def _md5(text: bytes) -> bytes:
    # What an external server of before version 14 asks for by default.
    return hashlib.md5(text, usedforsecurity=False).hexdigest().encode()


def authenticate(connection: Connection, login: dict[str, str]) -> None:
    """Answer whatever kind of authentication the server asks for."""
    while True:
        kind, body = connection.receive()
        if kind != b"R":
            raise LoginError("the server does not speak PostgreSQL's protocol")
        method = struct.unpack("!i", body[:4])[0]
        if method == 0:
            return
        if method == 3:
            connection.send(b"p", login["password"].encode() + b"\0")
        elif method == 5:
            inner = _md5((login["password"] + login["user"]).encode())
            connection.send(b"p", b"md5" + _md5(inner + body[4:8]) + b"\0")
        elif method == 10 and b"SCRAM-SHA-256" in body[4:].split(b"\0"):
            scram(connection, login["password"])
        else:
            raise LoginError(f"the server asks for an authentication of kind {method}")


def server_version(login: dict[str, str]) -> int:
    """Log in and return the major version."""
    with socket.create_connection((login["host"], int(login["port"])), timeout=10) as plain:
        sock = encrypt(plain, login)
        connection = Connection(sock)
        pairs = ("user", login["user"], "database", login["database"], "application_name", "hx-gateway")
        parameters = b"".join(text.encode() + b"\0" for text in pairs) + b"\0"
        connection.stream.write(struct.pack("!ii", len(parameters) + 8, PROTOCOL) + parameters)
        connection.stream.flush()
        authenticate(connection, login)
        version = ""
        while (message := connection.receive())[0] != b"Z":
            if message[0] == b"S" and message[1].startswith(b"server_version\0"):
                version = message[1].split(b"\0")[1].decode()
        connection.send(b"X", b"")
    found = re.match(r"\d+", version)
    if not found:
        raise LoginError("the server does not tell its version")
    return int(found.group())


def main() -> None:
    """Read the parameters, print the answer."""
    try:
        answer = {"version": server_version(json.load(sys.stdin)), "error": "", "code": ""}
    except (LoginError, OSError, ValueError, KeyError, struct.error) as problem:
        code = getattr(problem, "code", "")
        answer = {"version": 0, "error": str(problem) or type(problem).__name__, "code": code}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()

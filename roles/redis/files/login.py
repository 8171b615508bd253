"""Log in to a Redis server once, with nothing but the standard library, and tell its major version.

The parameters come as a JSON object on standard input, so that no password is in an argument or a variable. The answer
is one JSON object, {"version": 7, "error": ""}; a failed login is an answer, too.
"""

from __future__ import annotations

import json
import re
import socket
import sys
import time
from typing import BinaryIO

STARTING_SECONDS = 15


class LoginError(Exception):
    """The server cannot be used, for the reason given."""


class Starting(LoginError):
    """The server is not ready yet, but may be soon."""


def ask(stream: BinaryIO, *words: str) -> bytes:
    """Send one command and read a status or a bulk string."""
    encoded = [word.encode() for word in words]
    stream.write(b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded))
    stream.flush()
    line = stream.readline().rstrip(b"\r\n")
    kind, value = line[:1], line[1:]
    if kind == b"-":
        reason = "the server says: " + value.decode(errors="replace")
        raise Starting(reason) if value.startswith(b"LOADING") else LoginError(reason)
    if kind == b"$" and value != b"-1":
        return stream.read(int(value) + 2)[:-2]
    if kind == b"+":
        return value
    raise LoginError("the server does not speak Redis's protocol" if line else "the server closed the connection")


def server_version(login: dict[str, str]) -> int:
    """Log in and return the major version."""
    try:
        sock = socket.create_connection((login["host"], int(login["port"])), timeout=10)
    except ConnectionRefusedError as problem:
        raise Starting(str(problem)) from problem
    with sock, sock.makefile("rwb") as stream:
        ask(stream, "AUTH", login["user"], login["password"])
        ask(stream, "PING")
        info = ask(stream, "INFO", "server").decode(errors="replace")
    found = re.search(r"^redis_version:(\d+)", info, re.MULTILINE)
    if not found:
        raise LoginError("the server does not tell its version")
    return int(found.group(1))


def patient_version(login: dict[str, str]) -> int:
    """Give a server that is just starting, or loading its data, some time."""
    deadline = time.monotonic() + STARTING_SECONDS
    while True:
        try:
            return server_version(login)
        except Starting:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def main() -> None:
    """Read the parameters, print the answer."""
    try:
        answer = {"version": patient_version(json.load(sys.stdin)), "error": ""}
    except (LoginError, OSError, ValueError, KeyError) as problem:
        answer = {"version": 0, "error": str(problem) or type(problem).__name__}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()

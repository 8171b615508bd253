"""Log in to a Redis server once, with nothing but the standard library, and tell its major version.

The parameters come as a JSON object on standard input, so that no password is in an argument or a variable. The answer
is one JSON object, {"version": 7, "error": ""}; a failed login is an answer, too.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import sys
from io import BufferedRWPair


class LoginError(Exception):
    """The server cannot be used, for the reason given."""


def ask(stream: BufferedRWPair, *words: str) -> bytes:
    """Send one command and read a status or a bulk string."""
    encoded = [word.encode() for word in words]
    stream.write(b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded))
    stream.flush()
    line = stream.readline().rstrip(b"\r\n")
    kind, value = line[:1], line[1:]
    if kind == b"-":
        raise LoginError("the server says: " + value.decode(errors="replace"))
    if kind == b"$" and value != b"-1":
        return stream.read(int(value) + 2)[:-2]
    if kind == b"+":
        return value
    raise LoginError("the server does not speak Redis's protocol" if line else "the server closed the connection")


def authenticate(stream: BufferedRWPair, login: dict[str, str]) -> None:
    """Log in as the user; a server from before users is let by, since its version says it all."""
    try:
        ask(stream, "AUTH", login["user"], login["password"])
    except LoginError as problem:
        if "wrong number of arguments" not in str(problem):
            raise
        with contextlib.suppress(LoginError):
            ask(stream, "AUTH", login["password"])


def server_version(login: dict[str, str]) -> int:
    """Log in and return the major version."""
    address = (login["host"], int(login["port"]))
    with socket.create_connection(address, timeout=10) as sock, sock.makefile("rwb") as stream:
        authenticate(stream, login)
        info = ask(stream, "INFO", "server").decode(errors="replace")
    found = re.search(r"^redis_version:(\d+)", info, re.MULTILINE)
    if not found:
        raise LoginError("the server does not tell its version")
    return int(found.group(1))


def main() -> None:
    """Read the parameters, print the answer."""
    try:
        answer = {"version": server_version(json.load(sys.stdin)), "error": ""}
    except (LoginError, OSError, ValueError, KeyError) as problem:
        answer = {"version": 0, "error": str(problem) or type(problem).__name__}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()

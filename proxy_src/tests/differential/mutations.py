"""Requests that are nearly right: the bytes on which two parsers may differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    Mutation = Callable[[random.Random, bytes], bytes]

SEEDS = [
    b"GET /v1/models HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer sk-1\r\n\r\n",
    b"GET /v1/models/a%20b?x=%2e%2e/&y=1 HTTP/1.1\r\nHost: gateway:4010\r\nAccept: */*\r\nX-A: 1\r\nX-A: 2\r\n\r\n",
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n"
    b'Content-Length: 24\r\n\r\n{"model":"m","stream":1}',
    b"POST /v1/embeddings HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'5;a=b\r\n{"mod\r\n9\r\nel":"m1"}\r\n0\r\n\r\n',
    b"POST /v1/files HTTP/1.1\r\nHost: gateway\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    b"Content-Length: 10\r\n\r\n--b\r\n\r\n--b",
    b"POST /v1/files HTTP/1.1\r\nHost: gateway\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    b"Transfer-Encoding: chunked\r\n\r\na\r\n--b\r\n\r\n--b\r\n0\r\nX-Trailer: 1\r\n\r\n",
    b"DELETE /v1/files/file-1 HTTP/1.1\r\nHost: gateway\r\nConnection: keep-alive, X-Gone\r\nX-Gone: 1\r\n\r\n",
    b"GET http://gateway/v1/models HTTP/1.1\r\nHost: gateway\r\n\r\n",
    b"POST /v1/x HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc",
    b"GET /v1/models HTTP/1.1\r\nHost: gateway\r\n\r\nGET /key/list HTTP/1.1\r\nHost: gateway\r\n\r\n",
]

_BYTES = [
    b"\r",
    b"\n",
    b"\r\n",
    b"\0",
    b" ",
    b"\t",
    b":",
    b"\x0b",
    b"\x7f",
    b"\xff",
    b"\xc3\xa9",
    b",",
    b";",
    b"/",
    b".",
]

_PATHS = rb".. . %2e %2E%2e %2f %5c \ // %00 %0d%0a ;x %25 # ? %c3%a9 a % %4 key/list ../key/list".split(b" ")

_HEADERS = [
    b"Content-Length: 0",
    b"Content-Length: 3",
    b"Content-Length: +3",
    b"Content-Length: 3, 3",
    b"Content-Length : 3",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: identity",
    b"Transfer-Encoding:\x0bchunked",
    b"Transfer-Encoding: chunked, chunked",
    b"X-Forwarded-For: 10.0.0.1",
    b"Forwarded: for=10.0.0.1",
    b"Host: other",
    b"Host:",
    b"Connection: close",
    b"Connection: content-length, transfer-encoding, host",
    b"Upgrade: h2c",
    b"Expect: 100-continue",
    b"TE: trailers",
    b"Content-Encoding: gzip",
    b"Authorization: Bearer sk-2",
    b"X-Long: " + b"a" * 9000,
    b" X-Folded: 1",
    b"X_Under: 1",
    b": empty",
    b"No-Colon",
    b"X-Utf8: \xc3\xa9",
    b"X-Latin: \xe9",
]

_WORDS = [b"GET", b"POST", b"HEAD", b"PUT", b"OPTIONS", b"TRACE", b"CONNECT", b"PRI", b"get", b"G\x00T"]

_VERSIONS = [
    b"HTTP/1.1",
    b"HTTP/1.0",
    b"HTTP/0.9",
    b"HTTP/2.0",
    b"HTTP/1.2",
    b"http/1.1",
    b"HTTP/1.1 ",
    b"HTTP/11",
    b"",
]


def _insert(rng: random.Random, data: bytes) -> bytes:
    place = rng.randrange(len(data) + 1)
    return data[:place] + rng.choice(_BYTES) + data[place:]


def _delete(rng: random.Random, data: bytes) -> bytes:
    place = rng.randrange(len(data))
    return data[:place] + data[place + rng.randint(1, 3) :]


def _flip(rng: random.Random, data: bytes) -> bytes:
    place = rng.randrange(len(data))
    return data[:place] + bytes([rng.randrange(256)]) + data[place + 1 :]


def _add_header(rng: random.Random, data: bytes) -> bytes:
    lines = data.split(b"\r\n")
    lines.insert(rng.randint(1, max(1, data.partition(b"\r\n\r\n")[0].count(b"\r\n"))), rng.choice(_HEADERS))
    return b"\r\n".join(lines)


def _double_line(rng: random.Random, data: bytes) -> bytes:
    lines = data.split(b"\r\n")
    place = rng.randrange(len(lines))
    return b"\r\n".join([*lines[: place + 1], *lines[place:]])


def _bend_path(rng: random.Random, data: bytes) -> bytes:
    line, rest = data.split(b"\r\n", 1)
    parts = line.split(b"/")
    parts.insert(rng.randint(1, len(parts)), rng.choice(_PATHS))
    return b"/".join(parts) + b"\r\n" + rest


def _other_method(rng: random.Random, data: bytes) -> bytes:
    return rng.choice(_WORDS) + b" " + data.partition(b" ")[2]


def _other_version(rng: random.Random, data: bytes) -> bytes:
    line, rest = data.split(b"\r\n", 1)
    return line.rpartition(b" ")[0] + b" " + rng.choice(_VERSIONS) + b"\r\n" + rest


def _bare_newlines(_: random.Random, data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n", 1)


MUTATIONS: list[Mutation] = [
    _insert,
    _delete,
    _flip,
    _add_header,
    _add_header,
    _double_line,
    _bend_path,
    _bend_path,
    _other_method,
    _other_version,
    _bare_newlines,
]


def mutated(rng: random.Random) -> bytes:
    """Return a request with up to two mutations; every tenth has none."""
    data = rng.choice(SEEDS)
    for _ in range(0 if rng.random() < 0.1 else rng.randint(1, 2)):
        if b"\r\n" in data:
            data = rng.choice(MUTATIONS)(rng, data)
    return data

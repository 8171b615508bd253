"""Fuzzes what decides on a request target and on headers: libFuzzer, by atheris, looks for a broken promise.

python fuzz/target_and_headers.py [-max_total_time=60] [libFuzzer's other options]    (`make fuzz`)
"""

from __future__ import annotations

import posixpath
import sys
from urllib.parse import unquote

import atheris

with atheris.instrument_imports(include=["hx_gateway.target", "hx_gateway.headers", "hx_gateway.sse"]):
    from hx_gateway import headers, sse, target
    from hx_gateway.errors import GatewayError

from yarl import URL


def fuzz_target(text: str) -> None:
    """Check that what passes is under /v1/ for every other reader, decoded once or twice, collapsed or not."""
    try:
        origin = target.origin_form(text, "gateway")
        target.check_target(origin)
    except GatewayError:
        return
    path = origin.partition("?")[0]
    readings = {
        path,
        target.decoded_path(origin),
        unquote(path),
        unquote(unquote(path)),
        posixpath.normpath(unquote(unquote(path))) + "/",
        URL(f"http://gateway{origin}").path,
        URL(f"http://gateway{origin}", encoded=True).path,
    }
    for reading in readings:
        if not reading.startswith("/v1/") or "\0" in reading or "\\" in reading or ".." in reading.split("/"):
            raise AssertionError(f"{origin!r} reads as {reading!r}")


def fuzz_headers(pairs: list[tuple[str, str]]) -> None:
    """Check that what crosses is end-to-end, in its order, and can be written without splitting a message."""
    try:
        kept = headers.end_to_end(pairs)
    except headers.InvalidHeaderError:
        return
    connection = [value for name, value in pairs if name.lower() == "connection"]
    gone = headers.HOP_BY_HOP | {option.strip().lower() for value in connection for option in value.split(",")}
    for value in kept.values():
        if any(character in value for character in "\r\n\0"):
            raise AssertionError(f"{value!r} splits a message")
        value.encode()
    expected = [name for name, _ in pairs if name.lower() not in gone]
    crossed = [name for name, _ in kept.items()]
    if crossed != expected:
        raise AssertionError(f"{expected} became {crossed}")


def fuzz_lines(data: bytes, cut: int) -> None:
    """Check that cuts make no difference."""
    whole, cutting = sse.LineReader(), sse.LineReader()
    if whole.feed(data) != cutting.feed(data[:cut]) + cutting.feed(data[cut:]):
        raise AssertionError(f"{data!r} cut at {cut}")


def one_input(data: bytes) -> None:
    """Spend `data` on one of the three."""
    given = atheris.FuzzedDataProvider(data)
    kind = given.ConsumeIntInRange(0, 3)
    if kind == 0:
        fuzz_target("/v1/" + given.ConsumeUnicodeNoSurrogates(200))
    elif kind == 1:
        fuzz_target(given.ConsumeUnicodeNoSurrogates(200))
    elif kind == 2:
        names = ["Connection", "X-A", "x-a", "TE", "Transfer-Encoding", "Content-Length", "Keep-Alive", "close"]
        pairs = [(given.PickValueInList(names), given.ConsumeUnicode(40)) for _ in range(given.ConsumeIntInRange(0, 8))]
        fuzz_headers(pairs)
    else:
        cut = given.ConsumeIntInRange(0, 200)
        fuzz_lines(given.ConsumeBytes(200), cut)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()

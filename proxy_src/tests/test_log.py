"""JSON lines that cannot be broken, and a sink that never blocks."""

from __future__ import annotations

import json
import logging
import os
import re
import threading
import time

import pytest

from hx_gateway.log import LOGGER, JsonFormatter, LogSink, configure, dumps, event, redact, timestamp


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        "\x00\x1b[31m\r\n\t",
        "\x7f",
        "\u0085\u2028\u2029",
        "é\U0001f600",
        "\udcff",
        'a"b\\c',
        "\x9b31m",
        1,
        None,
    ],
)
def test_a_line_is_visible_ascii_and_holds_the_value(value: object) -> None:
    line = dumps({"a": value})
    assert re.fullmatch(rb"[\x20-\x7e]+\n", line)
    assert json.loads(line) == {"a": value}


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("/v1/keys/sk-abc_D-1", "/v1/keys/sk-***"),
        ("Bearer abc.def", "Bearer ***"),
        ("bearer  x", "bearer  ***"),
        ("a=sk-1&b=sk-2", "a=sk-***&b=sk-***"),
        ("task-1 risk", "task-1 risk"),
    ],
)
def test_redact(text: str, redacted: str) -> None:
    assert redact(text) == redacted


def test_timestamp() -> None:
    assert timestamp(0.0625) == "1970-01-01T00:00:00.062Z"
    assert timestamp(1_700_000_000.999) in {"2023-11-14T22:13:20.999Z", "2023-11-14T22:13:20.998Z"}


def test_records_are_written_in_order() -> None:
    reader, writer = os.pipe()
    sink = LogSink(writer, interval=0.01)
    for number in range(100):
        sink.write({"time": 1.0, "n": number})
    sink.close()
    os.close(writer)
    with os.fdopen(reader) as lines:
        assert [json.loads(line)["n"] for line in lines] == list(range(100))


def test_a_record_is_formatted_when_it_is_queued() -> None:
    """Not by the thread, which would hold the interpreter's lock meanwhile."""
    reader, writer = os.pipe()
    sink = LogSink(writer, interval=60)
    record = {"time": 0.0625, "n": 1}
    sink.write(record)
    record["n"] = 2
    sink.close()
    os.close(writer)
    with os.fdopen(reader) as lines:
        assert json.loads(lines.read()) == {"time": "1970-01-01T00:00:00.062Z", "n": 1}


def test_a_stuck_reader_costs_records_not_time() -> None:
    reader, writer = os.pipe()
    sink = LogSink(writer, capacity=10, interval=0.01)
    for _ in range(3):  # 300 kB do not fit into a pipe
        sink.write({"time": 1.0, "n": -1, "fill": "x" * 100_000})
    while sink._pending:
        time.sleep(0.005)
    start = time.monotonic()
    for number in range(1000):
        sink.write({"time": 1.0, "n": number})
    assert time.monotonic() - start < 1
    sink.close(timeout=0.05)  # returns although nobody reads

    def finish() -> None:
        sink._thread.join()
        os.close(writer)

    threading.Thread(target=finish).start()
    with os.fdopen(reader) as lines:
        *records, last = [json.loads(line) for line in lines]
    assert [record["n"] for record in records] == [-1, -1, -1, *range(990, 1000)]
    assert (last["event"], last["count"]) == ("log_dropped", 990)


def test_a_reader_that_left_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    sink = LogSink(writer, interval=0.01)
    sink.write({"time": 1.0})
    sink.close()
    os.close(writer)


def test_messages_are_json_lines(capfd: pytest.CaptureFixture[str]) -> None:
    before = logging.root.handlers[:], logging.root.level
    try:
        configure("info")
        event("hidden", logging.DEBUG)
        try:
            raise ValueError("Bearer sk-secret")
        except ValueError:
            event("shown", logging.ERROR, exc_info=True, id="r1")
        logging.getLogger("aiohttp.server").error("bytes of a client")
    finally:
        logging.root.handlers[:], logging.root.level = before
        LOGGER.setLevel(logging.NOTSET)
        logging.getLogger("aiohttp").setLevel(logging.NOTSET)
    (line,) = capfd.readouterr().err.splitlines()
    record = json.loads(line)
    assert (record["level"], record["event"], record["id"]) == ("error", "shown", "r1")
    assert "ValueError" in record["traceback"]
    assert "secret" not in line


def test_formatter_without_fields() -> None:
    record = logging.LogRecord("x", logging.WARNING, "", 0, "text %s", ("\n",), None)
    assert json.loads(JsonFormatter().format(record))["event"] == "text \n"

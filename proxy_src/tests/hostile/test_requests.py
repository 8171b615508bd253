"""Every row of the table, over a raw socket, with the proof that the upstream saw nothing."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from hostile.requests import GROUPS, STAYS, Row

from running import gateway
from wire import client, upstream

ALL = [row for rows in GROUPS.values() for row in rows]
ROWS = [pytest.param(row, id=f"{group}: {row.name}") for group, rows in GROUPS.items() for row in rows]


def test_the_table_is_large_and_has_no_row_twice() -> None:
    assert len(ALL) == len({row.sent for row in ALL})
    assert len(ALL) >= 150


@pytest.mark.parametrize("row", ROWS)
async def test_refused(row: Row, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "hx_gateway")
    async with (
        upstream() as up,
        gateway(up.url, limits={"body_max": 1_000_000}) as gw,
        client(gw.port) as connection,
    ):
        await connection.send(row.sent)
        answer = await asyncio.wait_for(connection.answer(), 2)
        assert answer.status == row.status
        error = orjson.loads(answer.body)["error"]
        assert set(error) == {"message", "type", "param", "code", "request_id"}
        assert error["request_id"] == answer.get("x-request-id")
        assert answer.get("Content-Type") == "application/json; charset=utf-8"
        said = f"{answer.first} {answer.headers}".encode() + answer.body
        assert b"secret" not in said
        assert b"evil" not in said
        assert "secret" not in caplog.text
        if row.status == 413:  # what is on its way is still read for some seconds, so that the answer arrives
            assert answer.get("Connection") == "close"
        elif row.status not in STAYS:
            assert await asyncio.wait_for(connection.reader.read(), 2) == b""
        assert up.seen == []
        assert up.connections == 0


@pytest.mark.parametrize(
    "row", [param for param, row in zip(ROWS, ALL, strict=True) if row.status not in {*STAYS, 413}]
)
async def test_nothing_behind_it_is_read(row: Row) -> None:
    """A request smuggled behind a refused one is not answered, whatever was wrong."""
    async with (
        upstream() as up,
        gateway(up.url, limits={"body_max": 1_000_000}) as gw,
        client(gw.port) as connection,
    ):
        await connection.send(row.sent + b"GET /v1/smuggled HTTP/1.1\r\nHost: gateway\r\n\r\n")
        received = await asyncio.wait_for(connection.reader.read(), 2)
        assert received.count(b"Server: hx-gateway") == 1
        assert up.seen == []

"""Questions to a process of the same gateway, over a unix socket in a folder that only its user can enter.

A line of JSON each way, one question to a connection.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import orjson

from hx_gateway.log import event

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Answerer = Callable[[dict[str, Any]], Awaitable[Any]]

_LONGEST = 64 << 20
"""Bytes of an answer: a page of metrics is a few megabytes at most."""


class NotThereError(Exception):
    """Nobody listens: the process is not there, or has not begun."""


class NoAnswerError(Exception):
    """It did not answer, or not in time."""


async def ask(path: str, question: dict[str, Any], timeout: float) -> Any:
    """Return the answer within `timeout` seconds; raise NotThereError or NoAnswerError."""
    try:
        async with asyncio.timeout(timeout):
            try:
                reader, writer = await asyncio.open_unix_connection(path, limit=_LONGEST)
            except (FileNotFoundError, ConnectionRefusedError):
                raise NotThereError from None
            try:
                writer.write(orjson.dumps(question) + b"\n")
                return orjson.loads(await reader.readuntil(b"\n"))
            finally:
                writer.close()
    except (OSError, TimeoutError, EOFError, ValueError, asyncio.LimitOverrunError):
        raise NoAnswerError from None


async def answer(path: str, answerer: Answerer) -> asyncio.Server:
    """Listen on `path`, and answer what is asked there. Raises OSError."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):  # who asked has left
            try:
                said = await answerer(orjson.loads(await reader.readuntil(b"\n")))
                writer.write(orjson.dumps(said) + b"\n")
                await writer.drain()
            except (TypeError, ValueError, LookupError):
                event("channel_failed", logging.ERROR, exc_info=True)
            finally:
                writer.close()

    return await asyncio.start_unix_server(serve, path)

"""uvicorn as LiteLLM is served by it, remembering what it read."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import uvicorn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


@dataclass
class Read:
    """One request as an ASGI application gets it."""

    method: str
    path: str
    target: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes
    whole: bool
    """The body came to its end."""


@dataclass
class Application:
    """Answers everything with 200."""

    seen: list[Read] = field(default_factory=list)
    port: int = 0

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        read = Read(scope["method"], scope["path"], target, list(scope["headers"]), b"", False)
        self.seen.append(read)
        while not read.whole:
            message = await receive()
            if message["type"] != "http.request":
                return
            read.body += message.get("body", b"")
            read.whole = not message.get("more_body", False)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        await send({"type": "http.response.body", "body": b"read"})


@asynccontextmanager
async def served() -> AsyncIterator[Application]:
    """Serve an application on a free port, with the parser that LiteLLM's lock brings."""
    application = Application()
    config = uvicorn.Config(application, http="h11", lifespan="off", log_level="critical")
    listener = socket.create_server(("127.0.0.1", 0))
    application.port = listener.getsockname()[1]
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve([listener]))
    try:
        yield application
    finally:
        server.should_exit = True
        await serving

"""The admin socket: JSON over HTTP, for the gateway's user and root."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
from aiohttp import hdrs, web

from hx_gateway.errors import JSON
from hx_gateway.log import event

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from hx_gateway.admin.routes import Desk


class AdminListenError(Exception):
    """The admin socket cannot be listened on."""


async def open_admin(path: str, desk: Desk, lifespan: AsyncExitStack) -> None:
    """Answer by `desk` on the socket `path`, if there is one, until `lifespan` ends. Raises AdminListenError."""
    if not path:
        return
    bound = _bind(path)
    inode = Path(path).stat().st_ino  # noqa: ASYNC240 - once, before the first request
    server = web.Server(_Site(desk), access_log=None)
    listener = await asyncio.get_running_loop().create_unix_server(server, sock=bound)

    async def close() -> None:
        listener.close()
        await server.shutdown(0.1)
        _remove(Path(path), inode)

    lifespan.push_async_callback(close)
    event("admin_listening", socket=path)


def _bind(path: str) -> socket.socket:
    """Return a socket bound to `path` that was never open to anybody else."""
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        if Path(path).is_socket():  # left by a process that was killed, or about to be given up by one that ends
            Path(path).unlink()
        bound.bind(path)
    except OSError as error:
        bound.close()
        raise AdminListenError(f"{path}: {error.strerror}") from None
    finally:
        os.umask(mask)
    return bound


def _remove(path: Path, inode: int) -> None:
    """Remove the socket, unless another process has put its own there meanwhile."""
    try:
        if path.stat().st_ino == inode:
            path.unlink()
    except OSError:
        event("admin_socket_gone", logging.DEBUG)


class _Site:
    """Answers in JSON."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        status, document, allow = await self._desk(request.method, request.path, request.query)
        headers = {hdrs.CONTENT_TYPE: JSON, hdrs.CACHE_CONTROL: "no-store"}
        if allow:
            headers[hdrs.ALLOW] = allow
        return web.Response(status=status, body=orjson.dumps(document) + b"\n", headers=headers)

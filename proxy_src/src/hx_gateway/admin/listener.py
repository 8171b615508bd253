"""The admin socket: JSON over HTTP, for the gateway's user and root."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import hdrs, web

from hx_gateway.admin.routes import AdminError
from hx_gateway.errors import JSON
from hx_gateway.log import event

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from hx_gateway.admin.routes import AdminRoutes
    from hx_gateway.middleware import Services


class AdminListenError(Exception):
    """The admin socket cannot be listened on."""


async def open_admin(services: Services, lifespan: AsyncExitStack) -> None:
    """Listen on `admin.socket`, if there is one, until `lifespan` ends. Raises AdminListenError."""
    path = services.config.admin.socket
    if not path:
        return
    bound = _bind(path)
    inode = Path(path).stat().st_ino  # noqa: ASYNC240 - once, before the first request
    server = web.Server(_Site(services.admin), access_log=None)
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
    """Answers by the routes."""

    def __init__(self, routes: AdminRoutes) -> None:
        self._routes = routes

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        actions = self._routes.methods(request.path)
        if not actions:
            return _answer(404, {"error": f"unknown address; there are {', '.join(self._routes.paths()) or 'none'}"})
        action = actions.get(request.method)
        if action is None:
            allowed = ", ".join(sorted(actions))
            return _answer(405, {"error": f"only {allowed}"}, {hdrs.ALLOW: allowed})
        try:
            return _answer(200, await action(request.query))
        except AdminError as error:
            return _answer(error.status, {"error": str(error)})


def _answer(status: int, document: dict[str, Any], headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        status=status,
        body=orjson.dumps(document) + b"\n",
        headers={hdrs.CONTENT_TYPE: JSON, hdrs.CACHE_CONTROL: "no-store", **(headers or {})},
    )

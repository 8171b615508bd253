"""The proxy one writes first: aiohttp's application, router and four middlewares, a dict of headers, ClientSession.

naive.py PORT UPSTREAM_PORT
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
import uuid
from typing import TYPE_CHECKING

import aiohttp
import uvloop
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    _Next = Callable[[web.Request], Awaitable[web.StreamResponse]]

LOGGER = logging.getLogger("naive")
HOP_BY_HOP = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "host"}
SESSION = web.AppKey("session", aiohttp.ClientSession)
UPSTREAM = web.AppKey("upstream", str)


@web.middleware
async def request_id(request: web.Request, handler: _Next) -> web.StreamResponse:
    """Give the request an id."""
    request["id"] = request.headers.get("X-Request-Id", str(uuid.uuid4()))
    response = await handler(request)
    if not response.prepared:
        response.headers["X-Request-Id"] = request["id"]
    return response


@web.middleware
async def timing(request: web.Request, handler: _Next) -> web.StreamResponse:
    """Measure how long it takes."""
    begin = time.perf_counter()
    response = await handler(request)
    LOGGER.debug("%s %s %s %.1f ms", request.method, request.path, response.status, time.perf_counter() - begin)
    return response


@web.middleware
async def authorisation(request: web.Request, handler: _Next) -> web.StreamResponse:
    """Ask for a bearer token."""
    if not request.headers.get("Authorization", "").startswith("Bearer "):
        return web.json_response({"error": {"message": "no key"}}, status=401)
    return await handler(request)


@web.middleware
async def errors(request: web.Request, handler: _Next) -> web.StreamResponse:
    """Answer what fails with JSON."""
    try:
        return await handler(request)
    except aiohttp.ClientError:
        return web.json_response({"error": {"message": "upstream failed"}}, status=502)


async def forward(request: web.Request) -> web.StreamResponse:
    """Send the request on and the answer back."""
    headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
    url = request.app[UPSTREAM] + request.path_qs
    async with request.app[SESSION].request(request.method, url, headers=headers, data=await request.read()) as answer:
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
        response = web.StreamResponse(status=answer.status, headers=kept)
        await response.prepare(request)
        async for piece in answer.content.iter_any():
            await response.write(piece)
        await response.write_eof()
        return response


async def _session(application: web.Application) -> None:
    application[SESSION] = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), auto_decompress=False)


def main() -> None:
    """Serve until a signal."""
    application = web.Application(middlewares=[request_id, timing, authorisation, errors], client_max_size=1 << 26)
    application[UPSTREAM] = f"http://127.0.0.1:{sys.argv[2]}"
    application.on_startup.append(_session)
    application.router.add_route("*", "/v1/{rest:.*}", forward)
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    web.run_app(application, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None, loop=loop)


if __name__ == "__main__":
    main()

"""Composition of middlewares."""

from __future__ import annotations

from multidict import CIMultiDict

from hx_gateway.message import BytesBody, Request, Response
from hx_gateway.middleware import compose
from plugins import Mark


async def endpoint(request: Request) -> Response:
    return Response(200, CIMultiDict(), request.headers.get("X-In", "").encode())


async def test_first_is_outermost() -> None:
    handler = compose([Mark("1"), Mark("2"), Mark("3")], endpoint)
    response = await handler(Request("GET", "/", CIMultiDict(), BytesBody(b"")))
    assert response.body == b"123"
    assert response.headers["X-Out"] == "321"


async def test_none_is_the_endpoint() -> None:
    assert compose([], endpoint) is endpoint

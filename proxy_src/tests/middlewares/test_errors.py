"""Errors of the gateway, as clients see them."""

from __future__ import annotations

import orjson
import pytest
from multidict import CIMultiDict

from hx_gateway.errors import GatewayError, MethodNotAllowedError, NotFoundError, UpstreamBrokenError
from hx_gateway.message import BytesBody, Request, Response
from hx_gateway.middlewares.errors import ErrorShape


def made(request_id: str = "r1") -> Request:
    request = Request("GET", "/v1/x", CIMultiDict(), BytesBody(b""))
    request.id = request_id
    return request


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotFoundError(), 404, "unknown_url"),
        (UpstreamBrokenError(), 502, "upstream_broken"),
        (ValueError("secret detail"), 500, "internal_error"),
    ],
)
async def test_shape(error: Exception, status: int, code: str, caplog: pytest.LogCaptureFixture) -> None:
    async def fail(_: Request) -> Response:
        raise error

    response = await ErrorShape()(made(), fail)
    assert response.status == status
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert isinstance(response.body, bytes)
    assert b"secret" not in response.body
    body = orjson.loads(response.body)
    assert list(body) == ["error"]
    assert body["error"]["code"] == code
    assert body["error"]["param"] is None
    assert body["error"]["request_id"] == "r1"
    assert isinstance(body["error"]["message"], str)
    assert (code in caplog.text) == (status == 502)
    assert ("unexpected_error" in caplog.text) == (status == 500)


async def test_headers_of_an_error() -> None:
    async def fail(_: Request) -> Response:
        raise MethodNotAllowedError

    assert (await ErrorShape()(made(), fail)).headers["Allow"] == "GET, HEAD"


async def test_without_an_id_it_is_null() -> None:
    async def fail(_: Request) -> Response:
        raise GatewayError

    response = await ErrorShape()(made(""), fail)
    assert isinstance(response.body, bytes)
    assert orjson.loads(response.body)["error"]["request_id"] is None


async def test_answers_pass() -> None:
    answer = Response(400, CIMultiDict(), b"theirs")

    async def call_next(_: Request) -> Response:
        return answer

    assert await ErrorShape()(made(), call_next) is answer

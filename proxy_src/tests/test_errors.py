"""The table of errors."""

from __future__ import annotations

import orjson
import pytest

from hx_gateway import errors
from hx_gateway.errors import GatewayError, error_body

ALL = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, GatewayError)]


@pytest.mark.parametrize("error", ALL)
def test_every_error_has_openais_shape(error: type[GatewayError]) -> None:
    body = orjson.loads(error_body(error, "r1"))["error"]
    assert set(body) == {"message", "type", "param", "code", "request_id"}
    assert body["type"] in {
        "api_error",
        "authentication_error",
        "invalid_request_error",
        "rate_limit_error",
        "requests",
        "server_error",
        "timeout_error",
        "tokens",
    }
    assert 400 <= error.status < 600
    assert body["message"].endswith(".")


def test_codes_are_unique() -> None:
    # OpenAI has one code for every limit, and tells them apart by the type
    codes = [error.code for error in ALL if error.code != "rate_limit_exceeded"]
    assert len(set(codes)) == len(codes)

"""The document agrees with the code it describes."""

from __future__ import annotations

import orjson
import pytest

from hx_gateway.api_document import api_document, own_errors
from hx_gateway.errors import GatewayError


def every_subclass(of: type[GatewayError]) -> set[type[GatewayError]]:
    return {of}.union(*[every_subclass(one) for one in of.__subclasses__() if one.__module__.startswith("hx_gateway")])


def test_every_error_is_described() -> None:
    described = api_document()["paths"]["/v1/{path}"]["post"]["responses"]["default"]
    assert set(own_errors()) == every_subclass(GatewayError)
    text = orjson.dumps(described).decode()
    assert [error.code for error in own_errors() if error.code not in text] == []


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json", "/v1/{path}"])
def test_every_address_is_described(path: str) -> None:
    assert path in api_document()["paths"]

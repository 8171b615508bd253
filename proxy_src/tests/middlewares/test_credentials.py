"""Whose request it is: every way to send a key, and what is not one."""

from __future__ import annotations

from hashlib import sha256

import orjson
import pytest
from multidict import CIMultiDict

from hx_gateway.errors import GatewayError
from hx_gateway.message import BytesBody, Request, Response
from hx_gateway.middlewares.credentials import HEADERS, Credentials

from running import gateway
from wire import ask, request, upstream


async def key_of(*headers: tuple[str, str]) -> str:
    """Return the key that the middleware leaves in a request with `headers`."""
    message = Request("GET", "/v1/models", CIMultiDict(headers), BytesBody(b""))

    async def call_next(_: Request) -> Response:
        return Response(200, CIMultiDict())

    await Credentials()(message, call_next)
    return message.key


def credential(name: str, token: str) -> tuple[str, str]:
    return name, f"Bearer {token}" if name == "Authorization" else token


@pytest.mark.parametrize("token", ["sk-1", "a", "A.b_c~d+e/f-g==", "x" * 4000])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_a_bearer_token_is_known_by_its_whole(scheme: str, token: str) -> None:
    assert await key_of(("Authorization", f"{scheme} {token}")) == sha256(token.encode()).hexdigest()


@pytest.mark.parametrize("name", HEADERS)
async def test_other_headers_name_the_same_key(name: str) -> None:
    assert await key_of(credential(name, "sk-1")) == sha256(b"sk-1").hexdigest()


async def test_without_a_credential_there_is_no_key() -> None:
    assert await key_of() == ""


async def test_keys_that_differ_only_at_the_end_differ() -> None:
    common = "sk-" + "a" * 60
    assert await key_of(("Authorization", f"Bearer {common}1")) != await key_of(("Authorization", f"Bearer {common}2"))


@pytest.mark.parametrize("first", range(len(HEADERS) - 1))
async def test_of_several_kinds_the_one_counts_that_litellm_takes(first: int) -> None:
    names = HEADERS[first:]
    sent = [credential(name, f"sk-{number}") for number, name in enumerate(names)]
    assert await key_of(*reversed(sent)) == sha256(b"sk-0").hexdigest()


async def test_the_others_are_passed_on() -> None:
    headers = ["x-api-key: b", "Authorization: Bearer a", "Connection: x-api-key"]
    async with upstream() as up, gateway(up.url) as gw:
        assert (await ask(gw.port, request(headers=headers))).status == 200
        assert (up.seen[0].get("Authorization"), up.seen[0].get("x-api-key")) == ("Bearer a", "b")


MALFORMED = [
    "",
    "Bearer",
    "Bearer ",
    "Bearer  sk-1",
    "Bearer\tsk-1",
    "Bearer sk-1 ",
    "Bearer sk-1 sk-2",
    "Bearer sk-1,sk-2",
    "Bearer =",
    "Bearer a=b",
    "Bearer sk-1'--",
    "Bearer sk-1;",
    'Bearer "sk-1"',
    "Bearer sk-\u00e9",
    "Bearer sk-\x7f",
    "Basic dXNlcjpwYXNz",
    "sk-1",
    "Bearer " + "x" * 5000,
]


@pytest.mark.parametrize("value", MALFORMED)
async def test_what_is_not_a_token_is_refused(value: str) -> None:
    with pytest.raises(GatewayError) as refused:
        await key_of(("Authorization", value))
    assert (refused.value.status, refused.value.code) == (401, "invalid_api_key")


@pytest.mark.parametrize("name", HEADERS)
async def test_a_doubled_credential_is_refused(name: str) -> None:
    with pytest.raises(GatewayError) as refused:
        await key_of((name, "Bearer a"), (name, "Bearer a"))
    assert (refused.value.status, refused.value.code) == (400, "doubled_credential")


async def test_a_refusal_repeats_nothing_and_asks_nobody() -> None:
    async with upstream() as up, gateway(up.url) as gw:
        answer = await ask(gw.port, request(headers=["Authorization: Bearer se cret"]))
        assert answer.status == 401
        assert answer.get("WWW-Authenticate") == 'Bearer error="invalid_token"'
        assert orjson.loads(answer.body)["error"]["code"] == "invalid_api_key"
        assert b"cret" not in answer.body
        assert up.seen == []

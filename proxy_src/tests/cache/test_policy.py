"""Which requests the cache is for."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from multidict import CIMultiDict

from hx_gateway.cache.policy import Asked, Policy, asked, is_for_cache
from hx_gateway.config.cache import Cache
from hx_gateway.message import BytesBody, Request

CHAT = "/v1/chat/completions"
RULES = {"ttl_by_model": [{"model": "never-*", "ttl": 0}, {"model": "gpt-*", "ttl": 5}], "shared_models": ["open-?"]}


def request(document: dict[str, Any] | None, target: str = CHAT, method: str = "POST", key: str = "k") -> Request:
    made = Request(method, target, CIMultiDict(), BytesBody(orjson.dumps(document)))
    made.document = document
    made.key = key
    return made


def allows(document: dict[str, Any] | None, target: str = CHAT, key: str = "k", asks: Asked | None = None) -> bool:
    return Policy(Cache.model_validate(RULES)).allows(request(document, target, key=key), asks or Asked())


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        ("POST", CHAT, True),
        ("POST", f"{CHAT}?a=b", True),
        ("POST", "/v1/embeddings", True),
        ("POST", "/v1/completions", True),
        ("POST", "/v1/responses", True),
        ("GET", CHAT, False),
        ("POST", "/v1/messages", False),
        ("POST", "/v1/responses/resp_1/cancel", False),
        ("POST", "/v1/images/generations", False),
    ],
)
def test_addresses(method: str, target: str, expected: bool) -> None:
    assert is_for_cache(request({}, target, method)) is expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"temperature": 0}, True),
        ({"temperature": 0.0}, True),
        ({"seed": 0}, True),
        ({"temperature": 0.7, "seed": 7}, True),
        ({}, False),
        ({"temperature": None}, False),
        ({"temperature": False}, False),
        ({"temperature": "0"}, False),
        ({"temperature": 0.1}, False),
        ({"seed": None}, False),
        ({"temperature": 0, "conversation": "c"}, False),
        ({"temperature": 0, "background": True}, False),
        ({"temperature": 0, "background": False}, True),
        ({"temperature": 0, "cache": {"no-cache": True}}, False),
        ({"temperature": 0, "model": "never-x"}, False),
        ({"temperature": 0, "model": ""}, False),
        ({"temperature": 0, "model": 7}, False),
        ({"temperature": 0, "model": "x" * 256}, True),
        ({"temperature": 0, "model": "x" * 257}, False),
    ],
)
def test_chats(document: dict[str, Any], expected: bool) -> None:
    assert allows({"model": "m", **document}) is expected


def test_what_else_decides() -> None:
    cold = {"model": "m", "temperature": 0}
    assert allows({"model": "m"}, "/v1/embeddings")
    assert not allows(None, "/v1/embeddings")
    assert not allows(cold, key="")
    assert not allows(cold, asks=Asked(no_store=True))
    doubtful = request(cold)
    doubtful.has_more_credentials = True
    assert not Policy(Cache()).allows(doubtful, Asked())
    unwritable = request(cold)
    unwritable.needs_python = True
    assert not Policy(Cache()).allows(unwritable, Asked())
    assert allows({"model": "m"}, asks=Asked(always=True))
    assert not allows({"model": "never-m"}, asks=Asked(always=True))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], Asked()),
        ([("Cache-Control", "No-Store")], Asked(no_store=True)),
        ([("Cache-Control", "no-cache, max-age=5")], Asked(no_cache=True, max_age=5)),
        (
            [("Cache-Control", " only-if-cached "), ("cache-control", 'max-age="7"')],
            Asked(only_if_cached=True, max_age=7),
        ),
        ([("Cache-Control", "max-age=x")], Asked(max_age=0)),
        ([("Cache-Control", "max-age")], Asked(max_age=0)),
        ([("Cache-Control", "max-age=-1")], Asked(max_age=0)),
        ([("Cache-Control", "max-age=\u00b2")], Asked(max_age=0)),
        ([("Cache-Control", ",,=,no-transform")], Asked()),
        ([("X-HX-Cache", "store")], Asked(always=True)),
        ([("X-HX-Cache", "Store"), ("Cache-Control", "max-age=1")], Asked(max_age=1, always=True)),
        ([("X-HX-Cache", "yes")], Asked()),
    ],
)
def test_what_headers_ask(headers: list[tuple[str, str]], expected: Asked) -> None:
    given = CIMultiDict(headers)
    assert asked(given) == expected
    assert "X-HX-Cache" not in given


def test_rules_by_model() -> None:
    policy = Policy(Cache.model_validate(RULES))
    assert [policy.ttl(model) for model in ("gpt-4", "never-x", "other", "GPT-4")] == [5, 0, 3600, 3600]
    assert [policy.shared(model) for model in ("open-1", "open-12", "other")] == [True, False, False]

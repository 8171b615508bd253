"""Translation between `input` and `prompt`: every mode, what passes untouched, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from hx_gateway.middlewares.embeddings import EmbeddingsTranslation, translated

from running import configured, gateway
from wire import ask, chunk, request, upstream

if TYPE_CHECKING:
    from hx_gateway.config.embeddings import EmbeddingsMode

BODIES: dict[str, dict[str, Any]] = {
    "input": {"model": "m", "input": "a"},
    "prompt": {"model": "m", "prompt": "b"},
    "two": {"model": "m", "input": "a", "prompt": "b"},
    "null input": {"model": "m", "input": None, "prompt": "b"},
    "null prompt": {"model": "m", "input": "a", "prompt": None},
    "neither": {"model": "m"},
}

EXPECTED: dict[tuple[str, str], dict[str, Any]] = {
    ("replace", "input"): {"model": "m", "prompt": "a"},
    ("replace", "two"): {"model": "m", "prompt": "a"},
    ("replace", "null prompt"): {"model": "m", "prompt": "a"},
    ("both", "input"): {"model": "m", "input": "a", "prompt": "a"},
    ("both", "prompt"): {"model": "m", "prompt": "b", "input": "b"},
    ("both", "null input"): {"model": "m", "input": "b", "prompt": "b"},
    ("both", "null prompt"): {"model": "m", "input": "a", "prompt": "a"},
    ("reverse", "prompt"): {"model": "m", "input": "b"},
    ("reverse", "null input"): {"model": "m", "input": "b"},
}
"""Every combination of mode and body that is not here passes as it is."""

UNTOUCHED = [
    b"",
    b"{",
    b"[]",
    b'"input"',
    b"null",
    b"123",
    b'{"input": "a"',
    b'{"prompt": "a",}',
    b"{'prompt': 'a'}",
    b'{"prompt": "\\ud800"}',
    b'\xef\xbb\xbf{"prompt": "a"}',
    b'{"prompt": "\xff"}',
    b'{"prompt": "\\ud800"}',
    b'{"prompt": "a"} trailing',
    b"model=m&prompt=a",
    b"\x00\x01\x02",
    b'{ "model" : "m",\n  "input" : [ 1, 2.50, 3e2 ] }',
    b'{"model": 1, "input": null, "prompt": null}',
]


def middleware(default: str = "reverse", rules: list[dict[str, str]] | None = None) -> EmbeddingsTranslation:
    config = configured(embeddings={"default": default, "rules": rules or []})
    return EmbeddingsTranslation(config.embeddings)


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("mode", ["replace", "both", "reverse", "off"])
def test_modes(mode: EmbeddingsMode, body: str) -> None:
    assert translated(BODIES[body], mode) == EXPECTED.get((mode, body))


@pytest.mark.parametrize("value", ["text", ["a", "b"], [1, 2, 3], [[1, 2], [3]], "", 'é\n"\\', ["\U0001f600"]])
def test_values_of_any_kind_are_carried(value: object) -> None:
    changed = translated({"model": "m", "input": value, "user": "u"}, "both")
    assert changed == {"model": "m", "input": value, "prompt": value, "user": "u"}


@pytest.mark.parametrize("body", UNTOUCHED)
async def test_what_passes_byte_for_byte(body: bytes) -> None:
    async with upstream() as up, gateway(up.url) as gw:
        answer = await ask(gw.port, request("/v1/embeddings", "POST", ["Content-Type: application/json"], body))
        assert answer.status == 200
        assert up.seen[0].body == body
        assert int(up.seen[0].get("Content-Length") or 0) == len(body)


@pytest.mark.parametrize(
    ("model", "mode"),
    [
        ("nomic-embed-text", "both"),
        ("nomic-embed-text:latest", "both"),
        ("Nomic-embed-text", "off"),
        ("old", "replace"),
        ("older", "off"),
        ("x1", "reverse"),
        ("x12", "off"),
        ("", "off"),
    ],
)
def test_the_first_rule_that_matches_counts(model: str, mode: str) -> None:
    rules = [
        {"model": "nomic-*", "mode": "both"},
        {"model": "nomic-embed-text", "mode": "replace"},
        {"model": "old", "mode": "replace"},
        {"model": "x[0-9]", "mode": "reverse"},
    ]
    assert middleware("off", rules).mode(model) == mode


@pytest.mark.parametrize(
    ("target", "method", "translated"),
    [
        ("/v1/embeddings", "POST", True),
        ("/v1/embeddings?x=1", "POST", True),
        ("/v1/embeddings/", "POST", True),
        ("/v1/%65mbeddings", "POST", True),
        ("/v1/embeddings", "PUT", False),
        ("/v1/embeddings2", "POST", False),
        ("/v1/chat/completions", "POST", False),
        ("/v1/x/embeddings", "POST", False),
    ],
)
async def test_only_embeddings_requests_are_translated(target: str, method: str, translated: bool) -> None:
    async with upstream() as up, gateway(up.url) as gw:
        await ask(gw.port, request(target, method, body=b'{"prompt":"b"}'))
        seen = up.seen[0]
        assert seen.target == target
        assert orjson.loads(seen.body) == ({"input": "b"} if translated else {"prompt": "b"})
        assert seen.all("Content-Length") == [str(len(seen.body))]


async def test_a_chunked_body_gets_a_length() -> None:
    body = chunk(b'{"pro') + chunk(b'mpt":"b"}') + chunk(b"")
    async with upstream() as up, gateway(up.url) as gw:
        await ask(gw.port, request("/v1/embeddings", "POST", ["Transfer-Encoding: chunked"]) + body)
        seen = up.seen[0]
        assert seen.body == b'{"input":"b"}'
        assert (seen.all("Content-Length"), seen.get("Transfer-Encoding")) == ([str(len(seen.body))], None)


async def test_turned_off_nothing_is_translated() -> None:
    async with upstream() as up, gateway(up.url, middlewares={"disable": ["embeddings"]}) as gw:
        assert (await ask(gw.port, request("/v1/embeddings", "POST", body=b'{"prompt":"b"}'))).status == 200
        assert up.seen[0].body == b'{"prompt":"b"}'

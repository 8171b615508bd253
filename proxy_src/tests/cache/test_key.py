"""Cache keys: the same for what must have the same answer, another for everything else."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict

from hx_gateway.cache.key import cache_key
from hx_gateway.message import BytesBody, Request

CHAT: dict[str, Any] = {"model": "m", "temperature": 0, "messages": [{"role": "user", "content": "hé"}]}
KEY = sha256(b"sk-1").hexdigest()


def request(
    data: bytes | dict[str, Any], *, key: str = KEY, target: str = "/v1/chat/completions", **headers: str
) -> Request:
    raw = data if isinstance(data, bytes) else orjson.dumps(data)
    made = Request(
        "POST",
        target,
        CIMultiDict((name.replace("_", "-"), value) for name, value in headers.items()),
        BytesBody(raw),
    )
    made.document = orjson.loads(raw)
    made.key = key
    return made


def key_of(data: bytes | dict[str, Any], *, shared: bool = False, key: str = KEY, **headers: str) -> str:
    return cache_key(request(data, key=key, **headers), shared=shared)


def test_a_key_is_a_digest() -> None:
    assert re.fullmatch("[0-9a-f]{64}", key_of(CHAT))


@pytest.mark.parametrize(
    "data",
    [
        b'{"messages":[{"content":"h\\u00e9","role":"user"}],"temperature":0,"model":"m"}',
        b' {"model" : "m", "temperature": 0.0, "messages": [{"role":"user","content":"h\xc3\xa9"}]}\n',
        orjson.dumps(CHAT | {"temperature": -0.0}),
        orjson.dumps(CHAT | {"user": "u", "safety_identifier": "s", "prompt_cache_key": "p"}),
        orjson.dumps(CHAT | {"metadata": {"trace": 1}, "litellm_session_id": "s", "timeout": 5}),
        orjson.dumps(CHAT | {"stream": False, "stop": None, "metadata": None}),
        orjson.dumps({"model": "other"})[:-1] + b"," + orjson.dumps(CHAT)[1:],
    ],
)
def test_spellings_of_one_body_share_a_key(data: bytes) -> None:
    assert key_of(data) == key_of(CHAT)


RESPONSE: dict[str, Any] = {"model": "m", "temperature": 0, "input": "hé"}


@pytest.mark.parametrize("target", ["/v1/responses", "/v1/responses?a=b"])
@pytest.mark.parametrize("name", ["user", "safety_identifier", "prompt_cache_key", "prompt_cache_retention"])
def test_what_an_answer_repeats_belongs_to_its_key(target: str, name: str) -> None:
    keys = [cache_key(request(RESPONSE | {name: value}, target=target), shared=True) for value in ("a", "b", None)]
    assert len({*keys, cache_key(request(RESPONSE, target=target), shared=True)}) == 3


def test_an_answer_repeats_all_of_the_metadata() -> None:
    values = [{"a": "1"}, {"a": "2"}, {"a": "1", "tags": ["t"]}, {"a": "2", "tags": ["t"]}, {}]
    target = "/v1/responses"
    keys = [cache_key(request(RESPONSE | {"metadata": value}, target=target), shared=True) for value in values]
    assert len(set(keys)) == len(values)


def test_no_answer_repeats_what_is_for_litellm() -> None:
    more = {"timeout": 5, "num_retries": 1, "litellm_session_id": "s", "litellm_metadata": {"a": 1}}
    target = "/v1/responses"
    assert cache_key(request(RESPONSE | more, target=target), shared=True) == cache_key(
        request(RESPONSE, target=target), shared=True
    )


@pytest.mark.parametrize(
    "change",
    [
        {"model": "M"},
        {"temperature": 0.1},
        {"messages": [{"role": "user", "content": "he\u0301"}]},  # another sequence of code points, other tokens
        {"messages": [{"role": "system", "content": "hé"}]},
        {"stream": True},
        {"seed": 1},
        {"seed": "1"},
        {"logprobs": True},
        {"logprobs": 1},
        {"tools": []},
        {"metadata": {"tags": ["a"]}},
        {"metadata": {"guardrails": ["g"]}},
        {"litellm_metadata": {"tags": ["a"]}},
        {"api_key": "sk-other"},
        {"unknown": 0},
    ],
)
def test_a_meaningful_change_changes_the_key(change: dict[str, Any]) -> None:
    assert key_of(CHAT | change) != key_of(CHAT)


def test_stream_options_differ_in_value_not_in_order() -> None:
    base = CHAT | {"stream": True}
    one = key_of(base | {"stream_options": {"include_usage": True, "x": 1}})
    assert one == key_of(base | {"stream_options": {"x": 1, "include_usage": True}})
    assert one != key_of(base | {"stream_options": {"include_usage": False, "x": 1}})


def test_the_order_of_messages_matters() -> None:
    first, second = {"role": "user", "content": "a"}, {"role": "user", "content": "b"}
    assert key_of(CHAT | {"messages": [first, second]}) != key_of(CHAT | {"messages": [second, first]})


def test_integers_that_no_double_holds_stay_apart() -> None:
    body = '{"model":"m","seed":%d}'
    keys = {key_of((body % seed).encode()) for seed in (2**64 + 1, 2**64 + 2, 2**63, 2**63 + 1)}
    assert len(keys) == 4


def test_a_number_in_a_text_is_no_number() -> None:
    assert key_of(CHAT | {"stop": "1.0]"}) != key_of(CHAT | {"stop": "1]"})


def test_the_last_character_of_a_credential_counts() -> None:
    token = "sk-" + "a" * 60
    keys = {key_of(CHAT, key=sha256((token + last).encode()).hexdigest()) for last in "abc"}
    assert len(keys) == 3
    assert len({key_of(CHAT, key=key, shared=True) for key in keys}) == 1


def test_headers_that_choose_an_answer_count() -> None:
    assert key_of(CHAT, x_litellm_tags="a") != key_of(CHAT)
    assert key_of(CHAT, OpenAI_Organization="a") != key_of(CHAT, OpenAI_Organization="b")
    assert key_of(CHAT, anthropic_beta="a", x_litellm_tags="b") == key_of(CHAT, X_LiteLLM_Tags="b", Anthropic_Beta="a")
    assert key_of(CHAT, x_litellm_session_id="a", User_Agent="x", x_request_id="1", x_litellm_timeout="9") == key_of(
        CHAT
    )


def test_method_and_target_count() -> None:
    made = request(CHAT)
    before = cache_key(made, shared=False)
    made.target = "/v1/chat/completions?api-version=1"
    assert cache_key(made, shared=False) != before
    made.target, made.method = "/v1/chat/completions", "PUT"
    assert cache_key(made, shared=False) != before


NUMBERS = st.integers(1 - 2**53, 2**53 - 1) | st.floats(-1e6, 1e6)
TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(["messages", "input", "stop", "tools", "seed", "n", "response_format", "x"])
BODIES = st.dictionaries(FIELDS, JSON, max_size=3)
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine may be busy


def shuffled(value: Any, draw: Any) -> Any:
    """Return an equal value, its keys in another order and its whole numbers spelled in another way."""
    if isinstance(value, dict):
        return {key: shuffled(value[key], draw) for key in draw(st.permutations(list(value)))}
    if isinstance(value, list):
        return [shuffled(item, draw) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53 and draw(st.booleans()):
        return float(value)
    return value


@UNHURRIED
@given(BODIES, st.data())
def test_equal_bodies_share_a_key(body: dict[str, Any], data: st.DataObject) -> None:
    other = shuffled(body, data.draw)
    spelled = json.dumps(other, ensure_ascii=data.draw(st.booleans()), indent=data.draw(st.none() | st.just(2)))
    assert key_of(spelled.encode()) == key_of(body)


def meaning(value: Any) -> Any:
    """Return what is equal for equal values only: Python takes 1, 1.0 and True for the same."""
    if isinstance(value, dict):
        return ("{", frozenset((key, meaning(item)) for key, item in value.items()))
    if isinstance(value, list):
        return ("[", tuple(map(meaning, value)))
    return (isinstance(value, bool), isinstance(value, str), value)


@UNHURRIED
@given(BODIES, FIELDS, JSON)
def test_any_other_value_of_any_field_has_another_key(body: dict[str, Any], field: str, value: Any) -> None:
    same = meaning(body.get(field)) == meaning(value)
    assert (key_of(body | {field: value}) == key_of(body)) is same


@given(st.text("abcdef0123456789", min_size=64, max_size=64), st.integers(0, 63))
def test_any_character_of_the_credential_changes_the_key(credential: str, index: int) -> None:
    changed = credential[:index] + ("0" if credential[index] != "0" else "1") + credential[index + 1 :]
    assert key_of(CHAT, key=credential) != key_of(CHAT, key=changed)

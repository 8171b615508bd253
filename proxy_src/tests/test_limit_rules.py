"""Which limits apply to whom, and whose counters are whose."""

from __future__ import annotations

import pytest

from hx_gateway import limit_rules
from hx_gateway.stores.limits_base import Bucket

from limits import limit, plan, rules

KEY, OTHER = "a" * 64, "b" * 64


def test_a_bucket_says_all_there_is_to_know() -> None:
    made = plan(limit("n", "tokens", 1000, window=60.0, burst=100, scope=["key", "model"]), key=KEY)
    assert made.buckets == (Bucket("n", "tokens", f"hx:limit:n:{KEY}:m", 1000, 1, 60, 6000),)
    assert made.arguments == ("t", "1", "60", "6000")
    assert (made.requests, made.tokens, made.concurrent) == ((), (0,), ())


def test_places_of_each_kind() -> None:
    made = plan(limit("a", "concurrent", 2), limit("b"), limit("c", "tokens"), limit("d"))
    assert (made.requests, made.tokens, made.concurrent) == ((1, 3), (2,), (0,))
    assert made.arguments[:4] == ("c", "0", "1", "2")


@pytest.mark.parametrize(
    ("scope", "same", "different"),
    [
        (["key"], ("k", "x", "x"), ("x", "m", "c")),
        (["model"], ("x", "m", "x"), ("k", "x", "c")),
        (["client"], ("x", "x", "c"), ("k", "m", "x")),
        (["key", "client"], ("k", "x", "c"), ("k", "m", "x")),
        (["global"], ("x", "x", "x"), None),
    ],
)
def test_scopes(scope: list[str], same: tuple[str, str, str], different: tuple[str, str, str] | None) -> None:
    made = rules(limit(scope=scope))

    def keys(key: str, model: str, client: str) -> tuple[str, ...]:
        found = made.plan(key, model, client)
        assert found is not None
        return found.keys

    assert keys("k", "m", "c") == keys(*same)
    if different is not None:
        assert keys("k", "m", "c") != keys(*different)


def test_without_limits_nothing_is_remembered() -> None:
    made = rules()
    assert made.plan("k", "m", "c") is None
    assert made._plans == {}


def test_only_the_named_keys_and_models() -> None:
    made = rules(
        limit("a", key_hashes=[KEY]), limit("b", models=["gpt-*", "x"]), limit("c", key_hashes=[KEY], models=["gpt-4"])
    )

    def names(key: str, model: str) -> list[str]:
        found = made.plan(key, model, "c")
        return [bucket.name for bucket in found.buckets] if found is not None else []

    assert names(KEY, "gpt-4") == ["a", "b", "c"]
    assert names(KEY, "y") == ["a"]
    assert names(OTHER, "gpt-4") == ["b"]
    assert names(OTHER, "GPT-4") == []
    assert names("", "x") == ["b"]


@pytest.mark.parametrize("model", ["a:b", "x" * 65, "é", "a\nb", "\ud800", "=1", "-", "a\x7f"])
def test_a_model_with_any_name_is_one_part_of_a_key(model: str) -> None:
    (key,) = plan(limit(scope=["model", "client"]), model=model, client="::1").keys
    assert key.isascii()
    assert key.isprintable()
    assert key.count(":") == 4
    assert len(key) < 120
    assert key != plan(limit(scope=["model", "client"]), model="-", client="-").keys[0] or model == "-"


def test_no_model_is_not_the_model_named_so() -> None:
    assert plan(limit(scope=["model"]), model="").keys != plan(limit(scope=["model"]), model="-").keys


def test_plans_are_made_once_and_forgotten_when_there_are_many() -> None:
    made = rules(limit(scope=["model"]))
    first = made.plan("k", "first", "c")
    assert made.plan("k", "first", "c") is first
    for number in range(limit_rules._PLANS_MAX):
        made.plan("k", str(number), "c")
    assert made.plan("k", "first", "c") is not first
    assert len(made._plans) == limit_rules._PLANS_MAX


def test_without_limits_there_is_no_plan() -> None:
    assert rules().plan("k", "m", "c") is None


def test_a_client_with_ipv6_is_its_network() -> None:
    def key(client: str) -> str:
        return plan(limit(scope=["client"]), client=client).keys[0]

    assert key("2001:db8::1") == key("2001:db8::ffff:2") == "hx:limit:a:2001-db8--"
    assert key("2001:db8:0:1::1") != key("2001:db8::1")
    assert key("::ffff:192.0.2.1") == key("192.0.2.1") == "hx:limit:a:192.0.2.1"

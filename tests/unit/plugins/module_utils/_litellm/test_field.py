# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hx.gateway.plugins.module_utils._litellm.field import (
    MASK,
    Field,
    count,
    document,
    duration,
    mapping,
    masked,
    names,
    number,
    switch,
    text,
    unordered,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [("30d", "30D"), ("30d", " 30 days "), ("1mo", "1 month"), ("1h", "1 hour"), ("24h", "24H"), ("007s", "7s")],
)
def test_durations_that_are_the_same(one: str, other: str) -> None:
    assert duration(one) == duration(other)


@pytest.mark.parametrize(("one", "other"), [("1m", "1mo"), ("30d", "1mo"), ("24h", "1d"), ("1d", "d"), ("1d", None)])
def test_durations_that_are_not(one: str, other: str | None) -> None:
    assert duration(one) != duration(other)


def test_the_order_of_names_means_nothing() -> None:
    assert unordered(["b", "a", "b"]) == unordered(["a", "b"])
    assert unordered(None) is None


@pytest.mark.parametrize(("answer", "meant"), [('{"a": 1}', {"a": 1}), ({"a": 1}, {"a": 1}), ("no json", "no json")])
def test_json_is_compared_by_its_content(answer: t.Any, meant: t.Any) -> None:
    assert document(answer) == meant


@pytest.mark.parametrize(
    ("field", "nothing"), [(text(), None), (number(), None), (switch(), False), (names(), []), (mapping(empty={}), {})]
)
def test_what_null_stands_for(field: Field, nothing: t.Any) -> None:
    assert field.compared(None) == nothing
    assert field.read("x", {}) == nothing
    assert field.read("x", {"x": None}) == nothing


def test_what_null_stands_for_is_nobodys_to_change() -> None:
    field = names()
    field.compared(None).append("x")
    assert field.compared(None) == []


def test_a_value_is_read_from_where_litellm_keeps_it() -> None:
    field = count(path="litellm_params.rpm")
    assert field.read("rpm", {"rpm": 1, "litellm_params": {"rpm": 2}}) == 2
    assert field.read("rpm", {"litellm_params": None}) is None
    assert field.read("rpm", {"litellm_params": "text"}) is None


def test_specifications() -> None:
    assert names().spec() == {"type": "list", "elements": "str"}
    assert text(choices=("a", "b")).spec() == {"type": "str", "choices": ["a", "b"]}
    assert mapping(secret=True, hidden=True).spec() == {"type": "dict", "no_log": True}
    assert text(hidden=True).spec() == {"type": "str", "no_log": False}
    assert Field("dict", options={"a": {"type": "int"}}).spec() == {"type": "dict", "options": {"a": {"type": "int"}}}


def test_secrets_are_masked_however_deep_they_are() -> None:
    shown = masked({"a": [{"extra_headers": {"Authorization": "Bearer x", "X-A": "b"}}], "api_key": "x", "Secret": ""})
    assert shown == {"a": [{"extra_headers": {"Authorization": MASK, "X-A": "b"}}], "api_key": MASK, "Secret": ""}


@pytest.mark.parametrize("name", ["input_cost_per_token", "max_tokens_limit", "api_key_env", "tokens_per_day", "rpm"])
def test_names_that_only_sound_secret_are_shown(name: str) -> None:
    assert masked({name: "x", "n": 5}) == {name: "x", "n": 5}


def test_numbers_are_no_secrets() -> None:
    assert masked({"max_tokens": 5, "token": None}) == {"max_tokens": 5, "token": None}

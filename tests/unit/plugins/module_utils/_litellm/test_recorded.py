# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What LiteLLM 1.106.2 answered for resources that were asked for (recorded/), and how it is compared."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.order import KINDS
from ansible_collections.hx.gateway.plugins.module_utils._litellm.resource import Resource

RECORDED = Path(__file__).with_name("recorded")
# Nobody without a licence can make one.
BY_NAME = {resource.name: resource for resource in KINDS if resource.name != "organization"}


def recorded(name: str) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    """Return what was asked for, references resolved, and LiteLLM's answer."""
    data = json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))
    return data["wanted"], data["entry"]


def other(value: t.Any) -> t.Any:
    """Return a value of the same type that is another."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    if isinstance(value, str):
        return "45d" if value[-1:] == "d" and value[:-1].isdigit() else f"{value} other"
    if isinstance(value, list):
        return [*value, "other"]
    return {**value, "other": 1}


OPTIONS = [(name, option) for name in BY_NAME for option in recorded(name)[0]]


def identifying(resource: Resource) -> set[str]:
    """Return the options that tell which one is meant."""
    return {resource.identity, *resource.within}


@pytest.mark.parametrize("name", BY_NAME)
def test_what_was_asked_for_is_no_change(name: str) -> None:
    wanted, entry = recorded(name)
    assert BY_NAME[name].changes(wanted, entry) == {}
    assert BY_NAME[name].key(wanted) in BY_NAME[name].keys_of(entry)


@pytest.mark.parametrize(("name", "option"), OPTIONS)
def test_another_value_is_a_change_of_that_option_alone(name: str, option: str) -> None:
    wanted, entry = recorded(name)
    resource = BY_NAME[name]
    changes = resource.changes({**wanted, option: other(wanted[option])}, entry)
    assert list(changes) == ([] if option in identifying(resource) else [option])


@pytest.mark.parametrize("name", BY_NAME)
def test_what_an_answer_says_is_no_change_either(name: str) -> None:
    resource = BY_NAME[name]
    _wanted, entry = recorded(name)
    assert resource.changes(resource.read(entry), entry) == {}


@pytest.mark.parametrize("name", BY_NAME)
def test_what_is_returned_holds_no_secret(name: str) -> None:
    _wanted, entry = recorded(name)
    text = json.dumps(BY_NAME[name].describe(entry))
    assert "sk-recorded" not in text
    assert "scrypt" not in text


@pytest.mark.parametrize("name", BY_NAME)
def test_a_change_is_sent_without_what_stays(name: str) -> None:
    resource = BY_NAME[name]
    wanted, entry = recorded(name)
    for option in wanted.keys() - identifying(resource):
        body = resource.body({option: wanted[option]}, entry)
        sent = set(body) - {"credential_info", "metadata", "prompt_id", "prompt_info", "litellm_params"}
        assert len(sent) <= 1, (option, body)

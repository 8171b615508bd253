# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hx.gateway.plugins.module_utils._litellm.api import api_argument_spec
from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.order import KINDS
from ansible_collections.hx.gateway.plugins.module_utils._litellm.resource import MARK, Resource, ResourceError
from ansible_collections.hx.gateway.tests.support.ship import Ship

SHIP = {
    "ship_name": "Argo", "tonnage": 30, "crew": ["b", "a"], "code": "x",
    "metadata": {"port": "Iolcus", "flags": ["red"], "internal": 1, MARK: "production"}, "created": {"at": "now"},
}  # fmt: skip


def test_read_gives_each_option_its_own() -> None:
    assert Ship().read(SHIP) == {
        "ship_name": "Argo", "harbour": None, "tonnage": 30, "crew": ["a", "b"], "flags": ["red"],
        "metadata": {"port": "Iolcus"}, "code": "x",
    }  # fmt: skip


def test_what_is_returned_holds_facts_and_no_secret() -> None:
    described = Ship().describe(SHIP)
    assert described["built_at"] == "now"
    assert "code" not in described


@pytest.mark.parametrize(
    ("wanted", "changed"),
    [
        ({"tonnage": 30.0, "crew": ["a", "b", "a"], "metadata": {"port": "Iolcus"}, "flags": ["red"]}, []),
        ({"tonnage": None}, ["tonnage"]),
        ({"tonnage": 0}, ["tonnage"]),
        ({"crew": []}, ["crew"]),
        ({"crew": None}, ["crew"]),
        ({"metadata": {}}, ["metadata"]),
        ({"flags": []}, ["flags"]),
        ({"harbour": None}, []),
        ({MARK: "production"}, []),
        ({MARK: "staging"}, [MARK]),
        ({}, []),
    ],
)
def test_only_stated_options_that_differ_are_changes(wanted: dict[str, t.Any], changed: list[str]) -> None:
    assert sorted(Ship().changes({"ship_name": "Argo", **wanted}, SHIP)) == changed


@pytest.mark.parametrize(
    ("changes", "metadata"),
    [
        ({"metadata": {"new": 1}}, {"new": 1, "flags": ["red"], "internal": 1, MARK: "production"}),
        ({"metadata": None}, {"flags": ["red"], "internal": 1, MARK: "production"}),
        ({"flags": []}, {"port": "Iolcus", "flags": [], "internal": 1, MARK: "production"}),
        ({"flags": ["x"], "metadata": {}}, {"flags": ["x"], "internal": 1, MARK: "production"}),
        ({MARK: "staging"}, {"port": "Iolcus", "flags": ["red"], "internal": 1, MARK: "staging"}),
    ],
)
def test_what_others_keep_in_the_store_stays(changes: dict[str, t.Any], metadata: dict[str, t.Any]) -> None:
    assert Ship().body(changes, SHIP) == {"metadata": metadata}


def test_a_body_holds_only_what_is_stated() -> None:
    assert Ship().body({"ship_name": "Argo", "tonnage": None}) == {"ship_name": "Argo", "tonnage": None}


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        ({"ship_name": " "}, "ship_name must not be empty"),
        ({"ship_name": "Argo", "tonnage": -0.5}, "tonnage must be 0 or more, not -0.5"),
        ({"ship_name": "Argo", "tonnage": float("nan")}, "tonnage must be 0 or more, not nan"),
        ({"ship_name": "Argo", "tonnage": float("inf")}, "tonnage must be 0 or more, not inf"),
    ],
)
def test_bad_values_are_refused(wanted: dict[str, t.Any], problem: str) -> None:
    with pytest.raises(ResourceError) as raised:
        Ship().check(wanted)
    assert str(raised.value) == problem


def test_good_values_are_not() -> None:
    Ship().check({"ship_name": "Argo", "tonnage": 0, "crew": []})
    Ship().check({"ship_name": "Argo", "tonnage": None})


@pytest.mark.parametrize("resource", KINDS, ids=lambda resource: resource.name)
def test_no_option_has_the_name_of_one_of_the_connection(resource: Resource) -> None:
    assert resource.fields.keys() & {*api_argument_spec(), "state", MARK, "diff", "action", "changed"} == set()
    assert {resource.identity, *resource.required} <= resource.fields.keys()

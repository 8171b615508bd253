# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hx.gateway.plugins.module_utils._litellm.api import Api, ApiError
from ansible_collections.hx.gateway.plugins.module_utils._litellm.catalog import Catalog
from ansible_collections.hx.gateway.plugins.module_utils._litellm.field import MASK, MASK_OF_ANOTHER
from ansible_collections.hx.gateway.plugins.module_utils._litellm.reconcile import Outcome, Reconciler
from ansible_collections.hx.gateway.plugins.module_utils._litellm.resource import Entry, Resource, ResourceError, Wanted
from ansible_collections.hx.gateway.tests.support.ship import Ship

# No test here speaks with a server.
API = t.cast(Api, None)
ARGO: Entry = {"ship_name": "Argo", "harbour": "Iolcus", "tonnage": 30, "crew": [], "metadata": {}, "code": "secret"}


def apply(ship: Ship, wanted: Wanted, state: str = "present", *, check_mode: bool = False) -> Outcome:
    return Reconciler(Catalog(API), check_mode=check_mode).apply(ship, {"ship_name": "Argo", **wanted}, state)


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_missing_one_is_made(check_mode: bool) -> None:
    ship = Ship()
    outcome = apply(ship, {"harbour": "Iolcus", "code": "secret"}, check_mode=check_mode)
    assert (outcome.action, outcome.changed, outcome.before) == ("created", True, {})
    assert outcome.after == {"ship_name": "Argo", "harbour": "Iolcus", "code": MASK}
    assert ("create" in ship.calls) is not check_mode
    assert len(ship.fleet) == (0 if check_mode else 1)


def test_what_making_needs_is_asked_for() -> None:
    with pytest.raises(ResourceError, match="ship 'Argo' does not exist; to make it, state harbour"):
        apply(Ship(), {"tonnage": 1})


@pytest.mark.parametrize("check_mode", [True, False])
def test_one_that_is_as_stated_is_left_alone(check_mode: bool) -> None:
    ship = Ship(ARGO)
    outcome = apply(ship, {"tonnage": 30, "crew": None}, check_mode=check_mode)
    assert (outcome.action, outcome.changed) == ("unchanged", False)
    assert outcome.diff()["before"] == outcome.diff()["after"] == {}
    assert ship.calls == ["list"]


@pytest.mark.parametrize("check_mode", [True, False])
def test_one_that_differs_is_changed_and_only_there(check_mode: bool) -> None:
    ship = Ship(ARGO)
    outcome = apply(ship, {"tonnage": 31, "crew": [], "code": "other"}, check_mode=check_mode)
    assert outcome.action == "updated"
    assert (outcome.before, outcome.after) == ({"tonnage": 30, "code": MASK}, {"tonnage": 31, "code": MASK_OF_ANOTHER})
    assert ship.fleet[0]["tonnage"] == (30 if check_mode else 31)
    assert ship.fleet[0]["harbour"] == "Iolcus"


def test_what_litellm_cannot_change_is_refused_before_anything_is_done() -> None:
    ship = Ship(ARGO)
    with pytest.raises(ResourceError, match="LiteLLM cannot change harbour of one that exists"):
        apply(ship, {"tonnage": 31, "harbour": "Colchis"})
    assert ship.fleet == [ARGO]


def test_litellm_is_held_to_its_word() -> None:
    class Forgetful(Ship):
        def update(self, api: Api, entry: Entry, changes: Wanted) -> None:
            super().update(api, entry, {**changes, "tonnage": 7})

    with pytest.raises(ResourceError, match="did not keep tonnage as stated"):
        apply(Forgetful(ARGO), {"tonnage": 31})


@pytest.mark.parametrize("check_mode", [True, False])
def test_one_is_removed(check_mode: bool) -> None:
    ship = Ship(ARGO)
    outcome = apply(ship, {}, "absent", check_mode=check_mode)
    assert outcome.action == "deleted"
    assert outcome.before["code"] == MASK
    assert outcome.after == {}
    assert ship.fleet == ([ARGO] if check_mode else [])


def test_a_missing_one_needs_no_removal() -> None:
    ship = Ship()
    assert apply(ship, {}, "absent").action == "unchanged"
    assert ship.calls == ["list"]


def test_another_run_that_makes_the_same_at_once_is_no_failure() -> None:
    ship = Ship()
    ship.meanwhile = lambda: ship.fleet.append({**ARGO, "tonnage": 5})
    outcome = apply(ship, {"harbour": "Iolcus", "tonnage": 5})
    assert (outcome.action, len(ship.fleet)) == ("unchanged", 1)


def test_another_run_that_makes_it_otherwise_is_corrected() -> None:
    ship = Ship()

    def meanwhile() -> None:
        if not ship.fleet:
            ship.fleet.append({**ARGO, "tonnage": 5})

    ship.meanwhile = meanwhile
    outcome = apply(ship, {"harbour": "Iolcus", "tonnage": 6})
    assert (outcome.action, outcome.before, outcome.after) == ("updated", {"tonnage": 5}, {"tonnage": 6})


def test_another_run_that_removes_it_at_once_is_no_failure() -> None:
    ship = Ship(ARGO)
    ship.meanwhile = ship.fleet.clear
    assert apply(ship, {}, "absent").action == "deleted"


def test_a_refusal_is_passed_on() -> None:
    class Refusing(Ship):
        def create(self, api: Api, wanted: Wanted) -> None:
            raise ApiError("no")

        def delete(self, api: Api, entry: Entry) -> None:
            raise ApiError("no")

    for ship, state in ((Refusing(), "present"), (Refusing(ARGO), "absent")):
        with pytest.raises(ApiError, match="no"):
            apply(ship, {"harbour": "x"}, state)


def test_one_removed_by_somebody_else_during_a_change_is_told() -> None:
    ship = Ship(ARGO)
    ship.meanwhile = ship.fleet.clear
    with pytest.raises(ResourceError, match="removed by somebody else meanwhile"):
        apply(ship, {"tonnage": 1})


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_locked_one_is_not_touched(state: str) -> None:
    class Locked(Ship):
        def locked(self, entry: Entry) -> str:
            return "it is a museum"

    ship = Locked(ARGO)
    with pytest.raises(ResourceError, match="ship 'Argo': it is a museum"):
        apply(ship, {"tonnage": 1}, state)
    assert ship.fleet == [ARGO]


def test_a_name_of_two_is_refused() -> None:
    with pytest.raises(ResourceError, match="LiteLLM has 2 ships with ship_name 'Argo'"):
        apply(Ship(ARGO, ARGO), {}, "absent")


def test_secrets_that_are_made_up_are_kept_before_litellm_hears_of_them() -> None:
    class Coded(Ship):
        def generate(self, wanted: Wanted) -> Wanted:
            return {} if wanted.get("code") else {"code": "made up"}

    ship = Coded()
    kept: list[tuple[str, dict[str, str], int]] = []

    def keep(resource: Resource, wanted: Wanted, secrets: dict[str, str]) -> bool:
        kept.append((resource.key(wanted), secrets, len(ship.fleet)))
        return True

    reconciler = Reconciler(Catalog(API), check_mode=False, keep=keep)
    outcome = reconciler.apply(ship, {"ship_name": "Argo", "harbour": "x"}, "present")
    assert kept == [("Argo", {"code": "made up"}, 0)]
    assert ship.fleet[0]["code"] == "made up"
    assert (outcome.generated, outcome.told) == ({"code": "made up"}, {})
    assert "made up" not in str(outcome.diff())

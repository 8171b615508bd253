# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hx.gateway.plugins.module_utils._litellm.api import Api
from ansible_collections.hx.gateway.plugins.module_utils._litellm.bulk import Bulk, Reading, Task, read_lists
from ansible_collections.hx.gateway.plugins.module_utils._litellm.catalog import Catalog
from ansible_collections.hx.gateway.plugins.module_utils._litellm.reconcile import Outcome
from ansible_collections.hx.gateway.plugins.module_utils._litellm.resource import MARK, Entry, ResourceError, Wanted
from ansible_collections.hx.gateway.tests.support.ship import Ship

# No test here speaks with a server.
API = t.cast(Api, None)


class Captain(Ship):
    """A captain, who needs the ship he is of."""

    name = "captain"
    plural = "captains"

    def resolve(self, catalog: Catalog, wanted: Wanted) -> Wanted:
        catalog.reference(self.ships, "harbour", wanted["harbour"])
        return wanted

    def __init__(self, ships: Ship, *captains: Entry) -> None:
        super().__init__(*captains)
        self.ships = ships


def ship(name: str, **values: t.Any) -> Entry:
    return {"ship_name": name, "harbour": "h", **values}


def marked(name: str, mark: str) -> Entry:
    return ship(name, metadata={MARK: mark})


def run(
    kinds: list[Ship], check_mode: bool = False, mark: str | None = None, purge: bool = False, **lists: list[Wanted]
) -> list[Outcome]:
    reading = read_lists(kinds, dict(lists))
    assert reading.problems == []
    listed = [kind for kind in kinds if kind.plural in lists]
    bulk = Bulk(Catalog(API, bulk=True), listed, mark=mark, purge=purge)
    return bulk.run(reading.tasks, check_mode=check_mode)


def told(outcomes: list[Outcome]) -> list[tuple[str, str, str]]:
    return [(outcome.resource.name, outcome.name, outcome.action) for outcome in outcomes if outcome.changed]


def test_each_kind_is_read_once() -> None:
    ships = Ship(*(ship(f"s{number}") for number in range(50)))
    outcomes = run([ships], ships=[ship(f"s{number}") for number in range(50)])
    assert {outcome.action for outcome in outcomes} == {"unchanged"}
    assert ships.calls == ["list"]


@pytest.mark.parametrize("check_mode", [True, False])
def test_what_refers_to_another_finds_it_though_both_are_new(check_mode: bool) -> None:
    ships = Ship()
    captains = Captain(ships)
    jason = {"ship_name": "Jason", "harbour": "Argo"}
    outcomes = run([ships, captains], check_mode, captains=[jason], ships=[ship("Argo")])
    assert told(outcomes) == [("ship", "Argo", "created"), ("captain", "Jason", "created")]
    assert [len(ships.fleet), len(captains.fleet)] == ([0, 0] if check_mode else [1, 1])


def test_nothing_is_changed_when_something_cannot_be_had() -> None:
    ships = Ship()
    captains = Captain(ships)
    with pytest.raises(ResourceError) as raised:
        run([ships, captains], ships=[ship("Argo")], captains=[{"ship_name": "Jason", "harbour": "Pequod"}])
    assert str(raised.value) == "captains[0] (Jason): harbour: LiteLLM has no ship 'Pequod'"
    assert ships.fleet == []


def test_a_reference_to_what_will_be_removed_is_made_before() -> None:
    ships = Ship(ship("Argo"))
    captains = Captain(ships, ship("Jason", harbour="Argo"))
    outcomes = run(
        [ships, captains],
        ships=[{"ship_name": "Argo", "state": "absent"}],
        captains=[{"ship_name": "Jason", "state": "absent"}],
    )
    assert told(outcomes) == [("captain", "Jason", "deleted"), ("ship", "Argo", "deleted")]


def test_purge_removes_what_carries_the_mark_and_is_not_listed() -> None:
    ours = [marked("Argo", "production"), marked("Old", "production")]
    ships = Ship(*ours, marked("Theirs", "staging"), ship("Foreign"))
    outcomes = run([ships], mark="production", purge=True, ships=[ship("Argo")])
    assert told(outcomes) == [("ship", "Old", "deleted")]
    assert [entry["ship_name"] for entry in ships.fleet] == ["Argo", "Theirs", "Foreign"]


def test_purge_leaves_kinds_alone_that_have_no_list() -> None:
    ships = Ship(marked("Argo", "production"))
    captains = Captain(ships)
    assert told(run([ships, captains], mark="production", purge=True, captains=[])) == []
    assert len(ships.fleet) == 1


def test_an_empty_list_purges_the_kind() -> None:
    ships = Ship(marked("Argo", "production"))
    assert told(run([ships], mark="production", purge=True, ships=[])) == [("ship", "Argo", "deleted")]


def test_the_mark_is_written_and_adopted() -> None:
    ships = Ship(ship("Hand made", metadata={"a": 1}))
    run([ships], mark="production", ships=[ship("Hand made"), ship("Argo", metadata={"b": 2})])
    assert [entry["metadata"] for entry in ships.fleet] == [{"a": 1, MARK: "production"}, {"b": 2, MARK: "production"}]
    assert told(run([ships], mark="production", ships=[ship("Hand made"), ship("Argo", metadata={"b": 2})])) == []


def test_what_no_list_names_is_told() -> None:
    ships = Ship(ship("Argo"), ship("B"), ship("A"))
    reading = read_lists([ships], {"ships": [ship("Argo")]})
    bulk = Bulk(Catalog(API, bulk=True), [ships], mark=None, purge=False)
    assert bulk.unmanaged(reading.tasks) == {"ships": ["A", "B"]}


def test_a_list_keeps_what_is_stated_and_no_more() -> None:
    reading = read_lists([Ship()], {"ships": [{"ship_name": "Argo", "tonnage": None, "crew": "a,b"}]})
    [task] = reading.tasks
    assert isinstance(task, Task)
    assert (task.wanted, task.state) == ({"ship_name": "Argo", "tonnage": None, "crew": ["a", "b"]}, "present")


def problems(*ships: Wanted) -> Reading:
    return read_lists([Ship()], {"ships": list(ships)})


def test_everything_wrong_is_found_at_once() -> None:
    reading = problems(
        {"ship_name": "Argo", "tonage": 1, "code": "top secret"},
        {"ship_name": "Argo", "tonnage": "many"},
        {"harbour": "h"},
        {"ship_name": "B", "tonnage": -1},
        ship("C"),
        ship("C"),
    )
    found = "\n".join(reading.problems)
    for problem in (
        "ships[0]: tonage", "ships[1]: argument 'tonnage'", "ships[2]: missing required arguments: ship_name",
        "ships[3]: tonnage must be 0 or more", "ships: 'C' is listed more than once",
    ):  # fmt: skip
        assert problem in found
    assert reading.secrets == {"top secret"}


def test_secrets_are_found_wherever_they_are() -> None:
    reading = problems(ship("A", code={"deep": ["one", {"deeper": "two"}]}), ship("B", code=7))
    assert reading.secrets == {"one", "two"}

"""What every resource module must do: make, leave alone, change, predict, show, remove."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import Any

import yaml
from conftest import LiteLLM

Options = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One resource's life; together, `create` and `updates` state every option the module has."""

    resource: str
    identity: Options
    create: Options
    updates: list[Options] = field(default_factory=list)
    # Options that cannot be tried here, each with the reason.
    untried: dict[str, str] = field(default_factory=dict)
    # Options that LiteLLM fills in itself, after others.
    derived: set[str] = field(default_factory=set)
    # Where the info module's answer is, when it is not the plural with an s.
    plural: str = ""

    @property
    def module(self) -> str:
        """The module that manages it."""
        return f"litellm_{self.resource}"

    @property
    def stated(self) -> set[str]:
        """Every option the case tries."""
        return {option for options in (self.identity, self.create, *self.updates) for option in options}

    def documented(self) -> set[str]:
        """Every option the module documents of its own."""
        module = importlib.import_module(f"ansible_collections.hx.gateway.plugins.modules.{self.module}")
        return set(yaml.safe_load(module.DOCUMENTATION)["options"]) - {"state"}


def listed(litellm: LiteLLM, case: Case) -> list[Options]:
    """Ask the info module for the resource."""
    answer = litellm.do(f"{case.module}_info", **case.identity)
    return list(answer[case.plural or f"{case.resource}s"])


def change(litellm: LiteLLM, case: Case, options: Options, action: str) -> None:
    """Predict a change, make it, and see that it is made once."""
    arguments = {**case.identity, **options}
    before = listed(litellm, case)
    predicted = litellm.do(case.module, check=True, **arguments)
    assert listed(litellm, case) == before, "check mode changed something"
    done = litellm.do(case.module, **arguments)
    assert (predicted["changed"], predicted["action"]) == (True, action), predicted.text
    assert (done["changed"], done["action"]) == (True, action), done.text
    assert predicted["diff"] == done["diff"]
    assert done["diff"]["before"] != done["diff"]["after"]
    for check in (True, False):
        again = litellm.do(case.module, check=check, **arguments)
        assert (again["changed"], again["action"]) == (False, "unchanged"), again.text
        assert again["diff"]["before"] == again["diff"]["after"]


def prove(litellm: LiteLLM, case: Case) -> None:
    """Lead a resource through its life."""
    assert case.documented() == case.stated | set(case.untried)
    assert listed(litellm, case) == []
    change(litellm, case, case.create, "created")
    for options in case.updates:
        [before] = listed(litellm, case)
        change(litellm, case, options, "updated")
        [after] = listed(litellm, case)
        others = (before.keys() & case.documented()) - options.keys() - case.derived
        assert {option: after[option] for option in others} == {option: before[option] for option in others}
    change(litellm, case, {"state": "absent"}, "deleted")
    assert listed(litellm, case) == []

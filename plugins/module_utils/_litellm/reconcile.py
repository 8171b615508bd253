# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.hx.gateway.plugins.module_utils._litellm.api import ApiError
from ansible_collections.hx.gateway.plugins.module_utils._litellm.catalog import Catalog
from ansible_collections.hx.gateway.plugins.module_utils._litellm.field import MASK, MASK_OF_ANOTHER, masked
from ansible_collections.hx.gateway.plugins.module_utils._litellm.resource import (
    MARK,
    Entry,
    Resource,
    ResourceError,
    Wanted,
)

Keep = t.Callable[[Resource, Wanted, dict[str, str]], bool]
Verify = t.Callable[[Resource, Wanted, Entry], None]
Action = t.Literal["created", "updated", "deleted", "unchanged"]


@dataclass
class Outcome:
    """What became, or in check mode would become, of one resource."""

    resource: Resource
    name: str
    action: Action
    before: dict[str, t.Any] = field(default_factory=dict)
    after: dict[str, t.Any] = field(default_factory=dict)
    entry: Entry | None = None
    # Secrets that were made up for it, by option; LiteLLM does not tell them again.
    generated: dict[str, str] = field(default_factory=dict)
    # Whether they are kept somewhere, and need not be told.
    kept: bool = False

    @property
    def told(self) -> dict[str, str]:
        """Return the secrets that only this run can tell."""
        return {} if self.kept else self.generated

    @property
    def changed(self) -> bool:
        """Tell whether anything changed."""
        return self.action != "unchanged"

    def diff(self) -> dict[str, t.Any]:
        """Return the difference as Ansible shows it."""
        header = f"{self.resource.name} {self.name}"
        return {"before": self.before, "after": self.after, "before_header": header, "after_header": header}


class Reconciler:
    """Brings resources into the state that tasks ask for; in check mode it only tells what it would do."""

    def __init__(
        self, catalog: Catalog, *, check_mode: bool, keep: Keep | None = None, verify: Verify | None = None
    ) -> None:
        self.catalog = catalog
        self.check_mode = check_mode
        # Called with secrets that were made up before LiteLLM hears of them: a run that dies in between loses none.
        self.keep = keep
        # Called with one that exists, before it is changed.
        self.verify = verify

    def apply(self, resource: Resource, wanted: Wanted, state: str) -> Outcome:
        """Bring one resource into its state.

        Raises ResourceError for what cannot be had, ApiError for what LiteLLM refused.
        """
        resource.check(wanted)
        entry = self.catalog.find(resource, wanted)
        if entry is not None and (reason := resource.locked(entry)):
            raise ResourceError(f"{resource.name} {resource.key(wanted)!r}: {reason}")
        if state == "absent":
            return self._remove(resource, wanted, entry)
        resolved = resource.resolve(self.catalog, wanted)
        outcome = self._create(resource, resolved) if entry is None else self._update(resource, resolved, entry)
        # A diff is for people: it has the names of other resources, and not their ids.
        for option in resource.references.keys() & outcome.after.keys():
            outcome.after[option] = wanted[option]
            if option in outcome.before:
                outcome.before[option] = resource.names(self.catalog, option, outcome.before[option])
        return outcome

    def _remove(self, resource: Resource, wanted: Wanted, entry: Entry | None) -> Outcome:
        name = resource.key(wanted)
        if entry is None:
            return Outcome(resource, name, "unchanged")
        if self.check_mode:
            self.catalog.plan(resource, wanted, None)
        else:
            try:
                resource.delete(self.catalog.api, entry)
            except ApiError:
                # Somebody else may have removed it meanwhile, which is what was wanted.
                if self.catalog.fetch(resource, wanted):
                    raise
            self.catalog.forget(resource, wanted)
        return Outcome(resource, name, "deleted", before=shown(resource, resource.read(entry)))

    def _create(self, resource: Resource, wanted: Wanted) -> Outcome:
        missing = [option for option in resource.required if wanted.get(option) is None]
        if missing:
            raise ResourceError(
                f"{resource.name} {resource.key(wanted)!r} does not exist; to make it, state {missing[0]}"
            )
        after = shown(
            resource,
            {
                option: _stated(resource, option, value)
                for option, value in wanted.items()
                if option not in resource.extras
            },
        )
        outcome = Outcome(resource, resource.key(wanted), "created", after=after)
        resource.demand(self.catalog, wanted)
        if self.check_mode:
            self.catalog.plan(resource, wanted, resource.draft(wanted))
            return outcome
        outcome.generated = resource.generate(wanted)
        if outcome.generated and self.keep:
            outcome.kept = self.keep(resource, wanted, outcome.generated)
        sent = {**wanted, **outcome.generated}
        try:
            resource.create(self.catalog.api, sent)
        except ApiError:
            # Another run may have made it between the look and the request.
            found = self.catalog.fetch(resource, wanted)
            if not found:
                raise
            entry = resource.settle(self.catalog.api, sent, found)
            if not (outcome.generated and resource.is_ours(entry, sent)):
                return self._update(resource, wanted, entry)
        found = self.catalog.fetch(resource, wanted)
        if not found:
            raise ResourceError(f"LiteLLM accepted {resource.name} {resource.key(wanted)!r} but does not have it")
        entry = resource.settle(self.catalog.api, sent, found)
        if not resource.is_ours(entry, sent):
            return self._update(resource, wanted, entry)
        outcome.entry = self._confirmed(resource, wanted, entry)
        return outcome

    def _update(self, resource: Resource, wanted: Wanted, entry: Entry) -> Outcome:
        if self.verify:
            self.verify(resource, wanted, entry)
        changes = resource.changes(wanted, entry)
        outcome = Outcome(resource, resource.key(wanted), "updated" if changes else "unchanged", entry=entry)
        if not changes:
            return outcome
        fixed = [option for option in changes if option in resource.fields and resource.fields[option].fixed]
        if fixed:
            raise ResourceError(
                f"{resource.name} {resource.key(wanted)!r}: LiteLLM cannot change {fixed[0]} of one that exists; "
                "remove it and make it again"
            )
        sticky = [option for option, value in changes.items() if _is_stuck(resource, option, value)]
        if sticky:
            raise ResourceError(
                f"{resource.name} {resource.key(wanted)!r}: LiteLLM cannot take {sticky[0]} away once it is set"
            )
        outcome.before, outcome.after = difference(resource, changes, entry)
        resource.demand(self.catalog, changes)
        if self.check_mode:
            return outcome
        resource.update(self.catalog.api, entry, changes)
        found = self.catalog.fetch(resource, wanted)
        if not found:
            raise ResourceError(f"{resource.name} {resource.key(wanted)!r} was removed by somebody else meanwhile")
        outcome.entry = self._confirmed(resource, wanted, found[0])
        return outcome

    @staticmethod
    def _confirmed(resource: Resource, wanted: Wanted, entry: Entry) -> Entry:
        """Hold LiteLLM to its word: it drops some values without a complaint."""
        ignored = sorted(resource.changes(wanted, entry))
        if ignored:
            raise ResourceError(
                f"LiteLLM accepted {resource.name} {resource.key(wanted)!r} "
                f"but did not keep {', '.join(ignored)} as stated"
            )
        return entry


def _is_stuck(resource: Resource, option: str, value: t.Any) -> bool:
    if option == MARK or not resource.fields[option].sticky:
        return False
    if resource.fields[option].partial:
        return any(inner is None for inner in value.values())
    return value in (None, [], {}, "")


def _stated(resource: Resource, option: str, value: t.Any) -> t.Any:
    return value if option == MARK else resource.fields[option].compared(value)


def shown(resource: Resource, values: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return values as a diff may show them."""
    return {
        option: MASK if option != MARK and resource.fields[option].secret and value else masked(value)
        for option, value in values.items()
    }


def difference(resource: Resource, changes: Wanted, entry: Entry) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    """Return the options that change, as they are and as they will be; that a secret changes is told, not to what."""
    before: dict[str, t.Any] = {}
    after: dict[str, t.Any] = {}
    for option, value in changes.items():
        if option == MARK:
            before[option], after[option] = resource.managed(entry) or None, value
        elif resource.fields[option].secret:
            before[option], after[option] = MASK, MASK_OF_ANOTHER if value else None
        else:
            before[option] = None if resource.fields[option].hidden else masked(resource.part(option, value, entry))
            after[option] = masked(_stated(resource, option, value))
    return before, after

# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import typing as t
from collections import Counter
from dataclasses import dataclass, field

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.hx.gateway.plugins.module_utils._litellm.api import ApiError
from ansible_collections.hx.gateway.plugins.module_utils._litellm.catalog import Catalog
from ansible_collections.hx.gateway.plugins.module_utils._litellm.module import resource_argument_spec
from ansible_collections.hx.gateway.plugins.module_utils._litellm.reconcile import Keep, Outcome, Reconciler, Verify
from ansible_collections.hx.gateway.plugins.module_utils._litellm.resource import (
    MARK,
    Entry,
    Resource,
    ResourceError,
    Wanted,
)


@dataclass
class Task:
    """One resource of a list: where it stands, what it states, and whether it is to exist."""

    resource: Resource
    place: str
    wanted: Wanted
    state: str = "present"


@dataclass
class Reading:
    """What lists say, once they were found to be sound; or what is wrong with them, and the secrets in them."""

    tasks: list[Task] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)


def read_lists(kinds: t.Sequence[Resource], lists: dict[str, list[Wanted] | None]) -> Reading:
    """Read every list and find all that is wrong with it, before anything is asked of LiteLLM."""
    reading = Reading()
    for resource in kinds:
        validator = ArgumentSpecValidator(resource_argument_spec(resource))
        names: Counter[str] = Counter()
        for index, stated in enumerate(lists.get(resource.plural) or []):
            task = _read(resource, validator, stated, f"{resource.plural}[{index}]", reading)
            if task:
                names[resource.key(task.wanted)] += 1
                reading.tasks.append(task)
        twice = sorted(name for name, number in names.items() if number > 1)
        reading.problems += [f"{resource.plural}: {name!r} is listed more than once" for name in twice]
    return reading


def _read(
    resource: Resource, validator: ArgumentSpecValidator, stated: Wanted, place: str, reading: Reading
) -> Task | None:
    secret = {option for option, field in resource.fields.items() if field.secret}
    # Collected before validation: what is wrong is reported with the lists themselves, which hold them.
    reading.secrets |= {text for option in secret for text in _texts(stated.get(option))}
    result = validator.validate(stated)
    if result.error_messages:
        reading.problems += [f"{place}: {message}" for message in result.error_messages]
        return None
    values = result.validated_parameters
    wanted = {option: values[option] for option in (*resource.fields, *resource.extras) if option in stated}
    try:
        resource.check(wanted)
    except ResourceError as error:
        reading.problems.append(f"{place}: {error}")
        return None
    return Task(resource, f"{place} ({resource.key(wanted)})", wanted, values["state"])


def _texts(value: t.Any) -> set[str]:
    """Return every text in a value."""
    if isinstance(value, dict):
        return {text for inner in value.values() for text in _texts(inner)}
    if isinstance(value, list):
        return {text for inner in value for text in _texts(inner)}
    return {value} if isinstance(value, str) and value else set()


class Bulk:
    """Applies lists of resources in the order in which they need each other, with one read of each kind."""

    def __init__(self, catalog: Catalog, kinds: t.Sequence[Resource], *, mark: str | None, purge: bool) -> None:
        self.catalog = catalog
        # Those a list is given for, be it an empty one.
        self.kinds = kinds
        self.mark = mark
        self.purge = purge

    def run(
        self, tasks: list[Task], *, check_mode: bool, keep: Keep | None = None, verify: Verify | None = None
    ) -> list[Outcome]:
        """Apply everything, after a prediction that finds what cannot be had before anything is changed."""
        predicted = self._apply(tasks, Reconciler(self.catalog, check_mode=True, verify=verify))
        self.catalog.planned.clear()
        if check_mode or not any(outcome.changed for outcome in predicted):
            return predicted
        return self._apply(tasks, Reconciler(self.catalog, check_mode=False, keep=keep))

    def unmanaged(self, tasks: list[Task]) -> dict[str, list[str]]:
        """Name, for every kind, what LiteLLM has and no list names."""
        return {
            resource.plural: sorted(
                resource.key_of(entry)
                for entry in self._unlisted(resource, tasks)
                if not resource.locked(entry) and not resource.incidental(entry)
            )
            for resource in self.kinds
        }

    def _apply(self, tasks: list[Task], reconciler: Reconciler) -> list[Outcome]:
        present = [task for task in tasks if task.state == "present"]
        absent = [task for task in reversed(tasks) if task.state == "absent"] + self._purged(tasks)
        return [self._one(reconciler, task) for task in (*present, *absent)]

    def _one(self, reconciler: Reconciler, task: Task) -> Outcome:
        wanted = task.wanted
        if self.mark and task.resource.store and task.state == "present":
            wanted = {**wanted, MARK: self.mark}
        try:
            return reconciler.apply(task.resource, wanted, task.state)
        except (ApiError, ResourceError) as error:
            raise ResourceError(f"{task.place}: {error}") from error

    def _purged(self, tasks: list[Task]) -> list[Task]:
        """Return what carries the mark and is in no list any more; what needs others comes first."""
        if not self.purge or not self.mark:
            return []
        return [
            Task(resource, f"{resource.name} {resource.key_of(entry)}", resource.wanted_of(entry), "absent")
            for resource in reversed(self.kinds)
            for entry in self._unlisted(resource, tasks)
            if resource.managed(entry) == self.mark
        ]

    def _unlisted(self, resource: Resource, tasks: list[Task]) -> list[Entry]:
        """Return what LiteLLM has of a kind and no list names."""
        listed = {task.resource.key(task.wanted) for task in tasks if task.resource is resource}
        return [entry for entry in self.catalog.all(resource) if listed.isdisjoint(resource.keys_of(entry))]

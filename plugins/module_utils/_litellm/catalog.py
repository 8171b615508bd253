# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

from collections import defaultdict

from ansible_collections.hx.gateway.plugins.module_utils._litellm.api import Api
from ansible_collections.hx.gateway.plugins.module_utils._litellm.resource import Entry, Resource, ResourceError, Wanted


class Catalog:
    """What LiteLLM has: asked for one by one, or read once for each kind and kept true while it is changed."""

    def __init__(self, api: Api, *, bulk: bool = False) -> None:
        self.api = api
        self.bulk = bulk
        self.tables: dict[str, dict[str, list[Entry]]] = {}
        self.lists: dict[str, list[Entry]] = {}
        # What a run in check mode would have made, so that what refers to it finds it.
        self.planned: dict[tuple[str, str], Entry | None] = {}

    def find(self, resource: Resource, wanted: Wanted) -> Entry | None:
        """Return the one a task means; None when there is none, ResourceError when it can mean several."""
        place = (resource.name, resource.key(wanted))
        if place in self.planned:
            return self.planned[place]
        return self._only(resource, wanted, self._matches(resource, wanted))

    def fetch(self, resource: Resource, wanted: Wanted) -> list[Entry]:
        """Ask LiteLLM again for the ones a task can mean."""
        found = resource.meant(resource.find(self.api, wanted))
        self._replace(resource, wanted, found)
        return found

    def plan(self, resource: Resource, wanted: Wanted, entry: Entry | None) -> None:
        """Note what a run outside of check mode would have made or, with None, removed."""
        self.planned[resource.name, resource.key(wanted)] = entry

    def forget(self, resource: Resource, wanted: Wanted) -> None:
        """Note that one was removed."""
        self._replace(resource, wanted, [])

    def all(self, resource: Resource) -> list[Entry]:
        """Return every one LiteLLM has."""
        if resource.name not in self.lists:
            self.lists[resource.name] = list(resource.entries(self.api))
        return self.lists[resource.name]

    def foreseen(self, resource: Resource) -> list[Entry]:
        """Return what LiteLLM has and what is planned besides."""
        planned = [entry for (kind, _key), entry in self.planned.items() if kind == resource.name and entry is not None]
        return [*self.all(resource), *planned]

    def names(self, resource: Resource) -> set[str]:
        """Return the names of all that LiteLLM has, or would have after what is planned."""
        planned = {key: entry for (kind, key), entry in self.planned.items() if kind == resource.name}
        gone = {key for key, entry in planned.items() if entry is None}
        return ({key for entry in self.all(resource) for key in resource.keys_of(entry)} | planned.keys()) - gone

    def reference(self, resource: Resource, option: str, name: str) -> Entry:
        """Return the one another resource refers to by name; ResourceError when LiteLLM does not have it."""
        entry = self.find(resource, {resource.identity: name})
        if entry is None:
            raise ResourceError(f"{option}: LiteLLM has no {resource.name.replace('_', ' ')} {name!r}")
        return entry

    def _matches(self, resource: Resource, wanted: Wanted) -> list[Entry]:
        if self.bulk:
            return resource.meant(self._table(resource).get(resource.key(wanted), []))
        return resource.meant(resource.find(self.api, wanted))

    def _table(self, resource: Resource) -> dict[str, list[Entry]]:
        """Return what LiteLLM has by everything a task can mean one by."""
        if resource.name not in self.tables:
            table: dict[str, list[Entry]] = defaultdict(list)
            for entry in self.all(resource):
                for key in resource.keys_of(entry):
                    table[key].append(entry)
            self.tables[resource.name] = dict(table)
        return self.tables[resource.name]

    def _replace(self, resource: Resource, wanted: Wanted, found: list[Entry]) -> None:
        """Put what was found in the place of what a task meant before; the rest of what was read stays true."""
        if resource.name not in self.lists:
            return
        key = resource.key(wanted)
        others = [entry for entry in self.lists[resource.name] if key not in resource.keys_of(entry)]
        self.lists[resource.name] = [*others, *found]
        self.tables.pop(resource.name, None)

    @staticmethod
    def _only(resource: Resource, wanted: Wanted, entries: list[Entry]) -> Entry | None:
        if len(entries) > 1:
            raise ResourceError(resource.ambiguous(wanted, len(entries)))
        return entries[0] if entries else None

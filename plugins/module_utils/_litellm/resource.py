# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import typing as t
import uuid

from ansible_collections.hx.gateway.plugins.module_utils._litellm.api import Api
from ansible_collections.hx.gateway.plugins.module_utils._litellm.field import Field, masked

if t.TYPE_CHECKING:
    from ansible_collections.hx.gateway.plugins.module_utils._litellm.catalog import Catalog

# What a task says of a resource: the stated options alone, so that null is a value and an absent option is none.
Wanted = dict[str, t.Any]
# One resource as LiteLLM answers it.
Entry = dict[str, t.Any]

# Where a resource that belongs to an inventory says so.
MARK = "managed_by"


# The namespace of ids that are made from names.
_IDS = uuid.UUID("6f1c1d0e-8f4c-5a52-9f0e-3f3b6f6e0c55")


def stable_id(kind: str, name: str) -> str:
    """Make an id from a name (RFC 9562, 5.5): two that make the same at once choose one id, and LiteLLM keeps one."""
    return str(uuid.uuid5(_IDS, f"{kind}/{name}"))


class ResourceError(Exception):
    """What a task asks for cannot be had; the message names the option."""


class Resource:
    """One kind of resource: how its options are read, compared and sent, and how one is found, made and removed.

    Subclasses say where LiteLLM keeps it. They hold no state; what was read is the catalog's.
    """

    name: t.ClassVar[str]
    plural: t.ClassVar[str]
    # The option a task names one with.
    identity: t.ClassVar[str]
    # Options that name one together with it.
    within: t.ClassVar[tuple[str, ...]] = ()
    fields: t.ClassVar[t.Mapping[str, Field]]
    # Options without which LiteLLM cannot make one.
    required: t.ClassVar[tuple[str, ...]] = ()
    # The JSON object of free use, if there is one: other options and LiteLLM itself may keep things of their own there.
    store: t.ClassVar[str] = ""
    # Names in the store that are no part of what a task manages as the store.
    reserved: t.ClassVar[frozenset[str]] = frozenset()
    # Options that are about this run and not about what LiteLLM keeps, as argument specifications.
    extras: t.ClassVar[t.Mapping[str, dict[str, t.Any]]] = {}
    # Options that name other resources: of which kind, and where those have the id that LiteLLM keeps.
    references: t.ClassVar[t.Mapping[str, tuple[Resource, str]]] = {}
    # What an answer tells besides the options, by the name it is returned under.
    facts: t.ClassVar[t.Mapping[str, str]] = {}

    def entries(self, api: Api) -> t.Iterator[Entry]:
        """Read every one LiteLLM has, page by page."""
        raise NotImplementedError

    def create(self, api: Api, wanted: Wanted) -> None:
        """Make one."""
        raise NotImplementedError

    def generate(self, wanted: Wanted) -> Wanted:  # noqa: ARG002
        """Return the secrets that are made up for a new one because its task gives none."""
        return {}

    def update(self, api: Api, entry: Entry, changes: Wanted) -> None:
        """Change these options of one and no others."""
        raise NotImplementedError

    def delete(self, api: Api, entry: Entry) -> None:
        """Remove one."""
        raise NotImplementedError

    def find(self, api: Api, wanted: Wanted) -> list[Entry]:
        """Read those that a task can mean; a kind that can be asked for by name overrides it."""
        return [entry for entry in self.entries(api) if self.key(wanted) in self.keys_of(entry)]

    def meant(self, entries: list[Entry]) -> list[Entry]:
        """Return those of the found ones that a task can mean."""
        return entries

    def key(self, wanted: Wanted) -> str:
        """Return what tells one from another, of a task."""
        return str(wanted[self.identity])

    def wanted_of(self, entry: Entry) -> Wanted:
        """Return what a task states at least that means this one."""
        return {self.identity: self.key_of(entry)}

    def key_of(self, entry: Entry) -> str:
        """Return what tells one from another, of an answer."""
        return str(self.fields[self.identity].read(self.identity, entry))

    def keys_of(self, entry: Entry) -> tuple[str, ...]:
        """Return everything a task can mean one by, what it is shown as first."""
        return (self.key_of(entry),)

    def demand(self, catalog: Catalog, values: Wanted) -> None:
        """Refuse values that LiteLLM would take although they mean nothing to it."""

    def is_ours(self, entry: Entry, sent: Wanted) -> bool:  # noqa: ARG002
        """Tell whether one is the one this run has made, and not one that another run made at the same time."""
        return True

    def resolve(self, catalog: Catalog, wanted: Wanted) -> Wanted:
        """Put ids in the place of the names a task uses for other resources."""
        resolved = dict(wanted)
        for option, (resource, place) in self.references.items():

            def found(name: str, of: Resource = resource, stated: str = option, at: str = place) -> t.Any:
                return catalog.reference(of, stated, name).get(at)

            if wanted.get(option):
                resolved[option] = _each(wanted[option], found)
        return resolved

    def names(self, catalog: Catalog, option: str, value: t.Any) -> t.Any:
        """Put the names that tasks use in the place of the ids of other resources."""
        if not value or option not in self.references:
            return value
        resource, place = self.references[option]
        known = {entry.get(place): resource.key_of(entry) for entry in catalog.all(resource)}
        return _each(value, lambda one: known.get(one, one))

    def locked(self, entry: Entry) -> str:  # noqa: ARG002
        """Return why one must not be touched; empty when it may."""
        return ""

    def incidental(self, entry: Entry) -> bool:  # noqa: ARG002
        """Tell whether LiteLLM has made one itself, as a part of something else."""
        return False

    def managed(self, entry: Entry) -> str:
        """Return the mark of the inventory one belongs to; empty when it has none or the kind has no place for it."""
        store = entry.get(self.store) if self.store else None
        mark = store.get(MARK) if isinstance(store, dict) else None
        return mark if isinstance(mark, str) else ""

    def settle(self, api: Api, wanted: Wanted, entries: list[Entry]) -> Entry:  # noqa: ARG002
        """Return the one that stays where several creators were at work at once; what was made in vain is removed."""
        if len(entries) > 1:
            raise ResourceError(self.ambiguous(wanted, len(entries)))
        return entries[0]

    def ambiguous(self, wanted: Wanted, number: int) -> str:
        """Say that a name does not tell which one is meant."""
        return f"LiteLLM has {number} {self.plural} with {self.identity} {self.key(wanted)!r}; remove all but one"

    def draft(self, wanted: Wanted) -> Entry:
        """Tell how LiteLLM would answer for one that is only planned, as far as other resources must know."""
        return self.body(wanted)

    def check(self, wanted: Wanted) -> None:
        """Refuse values with which LiteLLM could do nothing good."""
        if not self.key(wanted).strip():
            raise ResourceError(f"{self.identity} must not be empty")
        for option, value in wanted.items():
            field = self.fields.get(option)
            if field and value is not None and (problem := field.problem(value)):
                raise ResourceError(f"{option} must be {problem}")

    def read(self, entry: Entry) -> dict[str, t.Any]:
        """Return the options of one as a task would state them, without what LiteLLM never tells."""
        return {option: self.value(option, entry) for option, field in self.fields.items() if not field.hidden}

    def value(self, option: str, entry: Entry) -> t.Any:
        """Return one option's value; of the store, what is neither another option's nor LiteLLM's own."""
        found = self.fields[option].read(option, entry)
        if self.store and (self.fields[option].path or option) == self.store and isinstance(found, dict):
            return {name: held for name, held in found.items() if name not in self.reserved and name != MARK}
        return found

    def differs(self, option: str, value: t.Any, entry: Entry) -> bool:
        """Tell whether LiteLLM has another value for an option than a task states."""
        held = self.value(option, entry)
        if self.fields[option].partial:
            return any((held or {}).get(name) != inner for name, inner in (value or {}).items())
        return bool(self.fields[option].compared(value) != held)

    def part(self, option: str, value: t.Any, entry: Entry) -> t.Any:
        """Return what LiteLLM has of an option, as far as a task speaks of it."""
        held = self.value(option, entry)
        if self.fields[option].partial:
            return {name: (held or {}).get(name) for name in value or {}}
        return held

    def changes(self, wanted: Wanted, entry: Entry) -> Wanted:
        """Return the stated options that LiteLLM has otherwise."""
        found = {
            option: value
            for option, value in wanted.items()
            if option in self.fields
            and option not in (self.identity, *self.within)
            and self.differs(option, value, entry)
        }
        if MARK in wanted and self.store and self.managed(entry) != wanted[MARK]:
            found[MARK] = wanted[MARK]
        return found

    def body(self, values: Wanted, entry: Entry | None = None) -> dict[str, t.Any]:
        """Write options as LiteLLM's API takes them; what others keep in the same JSON object stays there."""
        body: dict[str, t.Any] = {}
        within: dict[str, dict[str, t.Any]] = {}
        for option, value in values.items():
            if option in self.extras:
                continue
            place, _dot, name = self._place(option).partition(".")
            if name:
                within.setdefault(place, {})[name] = value
            elif place:
                body[place] = value
        if self.store in body:
            held = self._held(self.store, entry)
            kept = {name: value for name, value in held.items() if name in self.reserved or name == MARK}
            body[self.store] = {**(body[self.store] or {}), **kept}
        for place, named in within.items():
            held = {**(body.get(place) or self._held(place, entry)), **named}
            body[place] = {name: value for name, value in held.items() if value is not None}
        return body

    def _place(self, option: str) -> str:
        """Return what a request calls an option (a dot stands before a name within an object), or nothing."""
        if option == MARK:
            return f"{self.store}.{MARK}" if self.store else ""
        return self.fields[option].send or option

    @staticmethod
    def _held(place: str, entry: Entry | None) -> dict[str, t.Any]:
        held = entry.get(place) if entry else None
        return dict(held) if isinstance(held, dict) else {}

    def describe(self, entry: Entry) -> dict[str, t.Any]:
        """Return one as the modules return it: its options, and what else LiteLLM tells of it."""
        told = {name: _path(entry, path) for name, path in self.facts.items()}
        shown = {
            option: masked(value)
            for option, value in self.read(entry).items()
            if not self.fields[option].secret and option not in self.references
        }
        return {**shown, **told}


def _each(value: t.Any, change: t.Callable[[str], t.Any]) -> t.Any:
    """Change a text, or each in a list of them."""
    return [change(one) for one in value] if isinstance(value, list) else change(value)


def _path(entry: Entry, path: str) -> t.Any:
    found: t.Any = entry
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found

# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A kind of resource that lives in a list, for the tests of what all kinds share."""

from __future__ import annotations

import copy
import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.api import Api, ApiError
from ansible_collections.hx.gateway.plugins.module_utils._litellm.field import Field, mapping, names, number, text
from ansible_collections.hx.gateway.plugins.module_utils._litellm.resource import Entry, Resource, Wanted


class Ship(Resource):
    """A ship; what was asked of its server is noted."""

    name = "ship"
    plural = "ships"
    identity = "ship_name"
    store = "metadata"
    reserved = frozenset({"flags", "internal"})
    required = ("harbour",)
    fields: t.ClassVar[t.Mapping[str, Field]] = {
        "ship_name": text(),
        "harbour": text(fixed=True),
        "tonnage": number(),
        "crew": names(),
        "flags": names(path="metadata.flags", send="metadata.flags"),
        "metadata": mapping(empty={}),
        "code": text(secret=True),
    }
    facts: t.ClassVar[t.Mapping[str, str]] = {"built_at": "created.at"}

    def __init__(self, *ships: Entry) -> None:
        self.fleet: list[Entry] = copy.deepcopy(list(ships))
        self.calls: list[str] = []
        # What another run does just before a request of ours arrives.
        self.meanwhile: t.Callable[[], None] = lambda: None

    def entries(self, api: Api) -> t.Iterator[Entry]:
        self.calls.append("list")
        yield from copy.deepcopy(self.fleet)

    def create(self, api: Api, wanted: Wanted) -> None:
        self.calls.append("create")
        self.meanwhile()
        if any(ship["ship_name"] == wanted["ship_name"] for ship in self.fleet):
            raise ApiError("there is one of that name", status=400)
        self.fleet.append(copy.deepcopy(self.body(wanted)))

    def update(self, api: Api, entry: Entry, changes: Wanted) -> None:
        self.calls.append("update")
        self.meanwhile()
        for ship in self.fleet:
            if ship["ship_name"] == entry["ship_name"]:
                ship.update(self.body(changes, entry))

    def delete(self, api: Api, entry: Entry) -> None:
        self.calls.append("delete")
        self.meanwhile()
        before = len(self.fleet)
        self.fleet = [ship for ship in self.fleet if ship["ship_name"] != entry["ship_name"]]
        if len(self.fleet) == before:
            raise ApiError("there is none of that name", status=404)

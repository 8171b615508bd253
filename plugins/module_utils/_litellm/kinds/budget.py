# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import re
import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.api import Api, listed
from ansible_collections.hx.gateway.plugins.module_utils._litellm.field import (
    Field,
    count,
    duration,
    mapping,
    number,
    text,
)
from ansible_collections.hx.gateway.plugins.module_utils._litellm.resource import Entry, Resource, Wanted


class Budget(Resource):
    """A budget that keys, organisations, users and tags can share (https://docs.litellm.ai/docs/proxy/users)."""

    name = "budget"
    plural = "budgets"
    identity = "budget_id"
    fields: t.ClassVar[t.Mapping[str, Field]] = {
        "budget_id": text(),
        "max_budget": number(),
        "soft_budget": number(),
        "budget_duration": text(canonical=duration),
        "max_parallel_requests": count(),
        "rpm_limit": count(),
        "tpm_limit": count(),
        "tpd_limit": count(),
        "model_max_budget": mapping(empty={}),
    }
    facts: t.ClassVar[t.Mapping[str, str]] = {"budget_reset_at": "budget_reset_at", "created_at": "created_at"}

    def entries(self, api: Api) -> t.Iterator[Entry]:
        """Read all budgets; LiteLLM gives them in one answer."""
        yield from listed(api.get("/budget/list"))

    def incidental(self, entry: Entry) -> bool:
        """Tell budgets that LiteLLM makes for organisations, tags and members of teams: their ids are UUIDs."""
        return bool(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", str(entry["budget_id"])))

    def find(self, api: Api, wanted: Wanted) -> list[Entry]:
        """Ask for one budget by its id."""
        return listed(api.post("/budget/info", {"budgets": [wanted["budget_id"]]}))

    def create(self, api: Api, wanted: Wanted) -> None:
        """Make a budget; its id is the table's key, so that two creators cannot make two."""
        api.post("/budget/new", self.body(wanted))

    def update(self, api: Api, entry: Entry, changes: Wanted) -> None:
        """Change a budget; what the request leaves out stays."""
        api.post("/budget/update", {"budget_id": entry["budget_id"], **self.body(changes)})

    def delete(self, api: Api, entry: Entry) -> None:
        """Remove a budget."""
        api.post("/budget/delete", {"id": entry["budget_id"]})


BUDGET = Budget()

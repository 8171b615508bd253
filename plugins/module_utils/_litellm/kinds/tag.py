# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.api import Api, listed
from ansible_collections.hx.gateway.plugins.module_utils._litellm.field import (
    Field,
    count,
    duration,
    names,
    number,
    text,
)
from ansible_collections.hx.gateway.plugins.module_utils._litellm.resource import Entry, Resource, Wanted

_BUDGET = "litellm_budget_table."


class Tag(Resource):
    """A tag of requests, with a budget and the models it allows (https://docs.litellm.ai/docs/proxy/tag_budgets)."""

    name = "tag"
    plural = "tags"
    identity = "name"
    fields: t.ClassVar[t.Mapping[str, Field]] = {
        "name": text(),
        "description": text(),
        "models": names(),
        "max_budget": number(path=f"{_BUDGET}max_budget"),
        "soft_budget": number(path=f"{_BUDGET}soft_budget"),
        "budget_duration": text(path=f"{_BUDGET}budget_duration", canonical=duration),
        "max_parallel_requests": count(path=f"{_BUDGET}max_parallel_requests"),
        "rpm_limit": count(path=f"{_BUDGET}rpm_limit"),
        "tpm_limit": count(path=f"{_BUDGET}tpm_limit"),
    }
    facts: t.ClassVar[t.Mapping[str, str]] = {
        "budget_id": f"{_BUDGET}budget_id",
        "created_at": "created_at",
    }

    def entries(self, api: Api) -> t.Iterator[Entry]:
        """Read all tags that were made; LiteLLM lists with them those that only requests have named, without models."""
        yield from (entry for entry in listed(api.get("/tag/list")) if entry.get("models") is not None)

    def create(self, api: Api, wanted: Wanted) -> None:
        """Make a tag; its name is the table's key, so that two creators cannot make two."""
        api.post("/tag/new", self.body({"models": [], **wanted}))

    def update(self, api: Api, entry: Entry, changes: Wanted) -> None:
        """Change a tag; LiteLLM takes description and models away when the request leaves them out."""
        kept = {option: self.value(option, entry) for option in ("name", "description", "models")}
        api.post("/tag/update", self.body({**kept, **changes}))

    def delete(self, api: Api, entry: Entry) -> None:
        """Remove a tag."""
        api.post("/tag/delete", {"name": entry["name"]})


TAG = Tag()

# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.api import Api
from ansible_collections.hx.gateway.plugins.module_utils._litellm.field import (
    Field,
    count,
    duration,
    mapping,
    names,
    number,
    switch,
    text,
)
from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.organization import ORGANIZATION
from ansible_collections.hx.gateway.plugins.module_utils._litellm.resource import Entry, Resource, Wanted, stable_id


class Team(Resource):
    """A team, whose keys share its models and limits (https://docs.litellm.ai/docs/proxy/team_budgets)."""

    name = "team"
    plural = "teams"
    identity = "team_alias"
    store = "metadata"
    reserved = frozenset(
        {"model_rpm_limit", "model_tpm_limit", "team_member_budget_id", "tags", "guardrails", "logging"}
    )
    fields: t.ClassVar[t.Mapping[str, Field]] = {
        "team_alias": text(),
        "team_id": text(fixed=True),
        "organization": text(path="organization_id", send="organization_id"),
        "models": names(),
        "max_budget": number(),
        "soft_budget": number(),
        "budget_duration": text(canonical=duration),
        "rpm_limit": count(),
        "tpm_limit": count(),
        "tpd_limit": count(),
        "model_rpm_limit": mapping(empty={}, path="metadata.model_rpm_limit", send="metadata.model_rpm_limit"),
        "model_tpm_limit": mapping(empty={}, path="metadata.model_tpm_limit", send="metadata.model_tpm_limit"),
        "blocked": switch(),
        "metadata": mapping(empty={}),
    }
    references: t.ClassVar[t.Mapping[str, tuple[Resource, str]]] = {"organization": (ORGANIZATION, "organization_id")}
    facts: t.ClassVar[t.Mapping[str, str]] = {
        "organization_id": "organization_id",
        "spend": "spend",
        "members": "members_with_roles",
        "budget_reset_at": "budget_reset_at",
        "created_at": "created_at",
    }

    def entries(self, api: Api) -> t.Iterator[Entry]:
        """Read all teams."""
        yield from api.pages("/v2/team/list", "teams", size="page_size")

    def find(self, api: Api, wanted: Wanted) -> list[Entry]:
        """Look for a team by its alias; LiteLLM also finds those of which it is a part."""
        found = api.pages("/v2/team/list", "teams", {"team_alias": self.key(wanted)}, size="page_size")
        return [entry for entry in found if self.key_of(entry) == self.key(wanted)]

    def body(self, values: Wanted, entry: Entry | None = None) -> dict[str, t.Any]:
        """Write a team as LiteLLM takes it; one that is made without an id gets one of its alias."""
        body = super().body(values, entry)
        if entry is None and not body.get("team_id"):
            body["team_id"] = stable_id("team", values["team_alias"])
        return body

    def create(self, api: Api, wanted: Wanted) -> None:
        """Make a team."""
        api.post("/team/new", self.body(wanted))

    def update(self, api: Api, entry: Entry, changes: Wanted) -> None:
        """Change a team; what the request leaves out stays."""
        api.post("/team/update", {"team_id": entry["team_id"], **self.body(changes, entry)})

    def delete(self, api: Api, entry: Entry) -> None:
        """Remove a team; LiteLLM removes its keys with it."""
        api.post("/team/delete", {"team_ids": [entry["team_id"]]})


TEAM = Team()

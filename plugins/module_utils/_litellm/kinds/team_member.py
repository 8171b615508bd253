# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.api import Api
from ansible_collections.hx.gateway.plugins.module_utils._litellm.catalog import Catalog
from ansible_collections.hx.gateway.plugins.module_utils._litellm.field import Field, count, duration, number, text
from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.team import TEAM
from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.user import USER
from ansible_collections.hx.gateway.plugins.module_utils._litellm.resource import Entry, Resource, Wanted

_BUDGET = "litellm_budget_table."


class TeamMember(Resource):
    """A user in a team, and what the user may spend there (https://docs.litellm.ai/docs/proxy/team_budgets)."""

    name = "team_member"
    plural = "team_members"
    identity = "user_id"
    within = ("team",)
    fields: t.ClassVar[t.Mapping[str, Field]] = {
        "team": text(path="team_alias", send=""),
        "user_id": text(),
        "role": text(choices=("user", "admin"), empty="user"),
        "max_budget": number(path=f"{_BUDGET}max_budget", send="max_budget_in_team"),
        "budget_duration": text(path=f"{_BUDGET}budget_duration", canonical=duration),
        "rpm_limit": count(path=f"{_BUDGET}rpm_limit"),
        "tpm_limit": count(path=f"{_BUDGET}tpm_limit"),
    }
    facts: t.ClassVar[t.Mapping[str, str]] = {"team_id": "team_id", "spend": "spend"}

    def entries(self, api: Api) -> t.Iterator[Entry]:
        """Read the members of all teams, with one request for each team: LiteLLM tells their budgets nowhere else."""
        for team in TEAM.entries(api):
            yield from members(api, team)

    def find(self, api: Api, wanted: Wanted) -> list[Entry]:
        """Look for a user in one team."""
        teams = TEAM.find(api, {"team_alias": wanted["team"]})
        return [entry for team in teams for entry in members(api, team) if entry["user_id"] == wanted["user_id"]]

    def key(self, wanted: Wanted) -> str:
        """Tell a user in one team from the same in another."""
        return f"{wanted['user_id']} in {wanted['team']}"

    def key_of(self, entry: Entry) -> str:
        """Tell a user in one team from the same in another."""
        return f"{entry['user_id']} in {entry['team_alias']}"

    def wanted_of(self, entry: Entry) -> Wanted:
        """Return user and team."""
        return {"user_id": entry["user_id"], "team": entry["team_alias"]}

    def demand(self, catalog: Catalog, values: Wanted) -> None:
        """Refuse a team or a user that does not exist: LiteLLM would make up the user."""
        if "team" in values:
            catalog.reference(TEAM, "team", values["team"])
            catalog.reference(USER, "user_id", values["user_id"])

    def body(self, values: Wanted, entry: Entry | None = None) -> dict[str, t.Any]:
        """Write a member as LiteLLM takes it, without the team's name."""
        return super().body({option: value for option, value in values.items() if option != "team"}, entry)

    def create(self, api: Api, wanted: Wanted) -> None:
        """Put a user into a team; what LiteLLM does not take with that is set at once after it."""
        [team] = TEAM.find(api, {"team_alias": wanted["team"]})
        member = {"user_id": wanted["user_id"], "role": wanted.get("role") or "user"}
        api.post("/team/member_add", {"team_id": team["team_id"], "member": member})
        limits = self.body({option: value for option, value in wanted.items() if option not in ("user_id", "role")})
        if limits:
            api.post("/team/member_update", {"team_id": team["team_id"], "user_id": wanted["user_id"], **limits})

    def update(self, api: Api, entry: Entry, changes: Wanted) -> None:
        """Change a member; LiteLLM takes limits away that a request leaves out."""
        kept = {option: self.value(option, entry) for option in self.fields if option not in ("team", "role")}
        body = self.body({**kept, **changes})
        api.post("/team/member_update", {"team_id": entry["team_id"], **body})

    def delete(self, api: Api, entry: Entry) -> None:
        """Take a user out of a team; LiteLLM removes the user's keys of that team."""
        api.post("/team/member_delete", {"team_id": entry["team_id"], "user_id": entry["user_id"]})


def members(api: Api, team: Entry) -> t.Iterator[Entry]:
    """Read the members of one team: who they are is told in one place, what they may spend in another."""
    answer = api.get("/team/info", {"team_id": team["team_id"]})
    memberships = {found["user_id"]: found for found in answer.get("team_memberships") or []}
    for member in answer["team_info"]["members_with_roles"]:
        if member.get("user_id"):
            told = memberships.get(member["user_id"], {})
            yield {**told, **member, "team_id": team["team_id"], "team_alias": team.get("team_alias")}


TEAM_MEMBER = TeamMember()

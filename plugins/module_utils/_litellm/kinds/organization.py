# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.api import Api, listed, segment
from ansible_collections.hx.gateway.plugins.module_utils._litellm.field import (
    Field,
    count,
    duration,
    mapping,
    names,
    number,
    text,
)
from ansible_collections.hx.gateway.plugins.module_utils._litellm.resource import Entry, Resource, Wanted, stable_id

_BUDGET = "litellm_budget_table."


class Organization(Resource):
    """An organisation, which holds teams (https://docs.litellm.ai/docs/proxy/multi_tenant_architecture)."""

    name = "organization"
    plural = "organizations"
    identity = "organization_alias"
    store = "metadata"
    reserved = frozenset({"model_rpm_limit", "model_tpm_limit"})
    fields: t.ClassVar[t.Mapping[str, Field]] = {
        "organization_alias": text(),
        "organization_id": text(fixed=True),
        "models": names(),
        "max_budget": number(path=f"{_BUDGET}max_budget"),
        "soft_budget": number(path=f"{_BUDGET}soft_budget"),
        "budget_duration": text(path=f"{_BUDGET}budget_duration", canonical=duration),
        "max_parallel_requests": count(path=f"{_BUDGET}max_parallel_requests"),
        "rpm_limit": count(path=f"{_BUDGET}rpm_limit"),
        "tpm_limit": count(path=f"{_BUDGET}tpm_limit"),
        "metadata": mapping(empty={}),
    }
    facts: t.ClassVar[t.Mapping[str, str]] = {
        "budget_id": "budget_id",
        "spend": "spend",
        "budget_reset_at": f"{_BUDGET}budget_reset_at",
        "created_at": "created_at",
    }

    def entries(self, api: Api) -> t.Iterator[Entry]:
        """Read all organisations; LiteLLM gives them in one answer."""
        yield from listed(api.get("/organization/list"))

    def find(self, api: Api, wanted: Wanted) -> list[Entry]:
        """Look for an organisation by its alias; LiteLLM also finds those of which it is a part."""
        found = listed(api.get("/organization/list", {"org_alias": self.key(wanted)}))
        return [entry for entry in found if self.key_of(entry) == self.key(wanted)]

    def body(self, values: Wanted, entry: Entry | None = None) -> dict[str, t.Any]:
        """Write an organisation as LiteLLM takes it; one that is made without an id gets one of its alias."""
        body = super().body(values, entry)
        if entry is None and not body.get("organization_id"):
            body["organization_id"] = stable_id("organization", values["organization_alias"])
        return body

    def create(self, api: Api, wanted: Wanted) -> None:
        """Make an organisation."""
        api.post("/organization/new", self.body(wanted))

    def update(self, api: Api, entry: Entry, changes: Wanted) -> None:
        """Change an organisation; what the request leaves out stays, and null takes a limit away."""
        body = self.body(changes, entry)
        if body.get("models", ()) is None:
            body["models"] = []
        api.call("PATCH", f"/v2/organization/{segment(entry['organization_id'])}", body=body)

    def delete(self, api: Api, entry: Entry) -> None:
        """Remove an organisation."""
        api.call("DELETE", "/organization/delete", body={"organization_ids": [entry["organization_id"]]})


ORGANIZATION = Organization()

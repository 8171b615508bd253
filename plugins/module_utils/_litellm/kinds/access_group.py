# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.api import Api, listed, segment
from ansible_collections.hx.gateway.plugins.module_utils._litellm.catalog import Catalog
from ansible_collections.hx.gateway.plugins.module_utils._litellm.field import Field, names, text
from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.key import KEY
from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.model import demand_models
from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.team import TEAM
from ansible_collections.hx.gateway.plugins.module_utils._litellm.resource import Entry, Resource, Wanted


class AccessGroup(Resource):
    """An access group: models, and the teams and keys that may use them (https://docs.litellm.ai/docs/proxy/access_groups)."""

    name = "access_group"
    plural = "access_groups"
    identity = "access_group_name"
    fields: t.ClassVar[t.Mapping[str, Field]] = {
        "access_group_name": text(),
        "description": text(),
        "models": names(path="access_model_names", send="access_model_names"),
        "mcp_server_ids": names(path="access_mcp_server_ids", send="access_mcp_server_ids"),
        "teams": names(path="assigned_team_ids", send="assigned_team_ids"),
        "keys": names(path="assigned_key_ids", send="assigned_key_ids", plain=True),
    }
    references: t.ClassVar[t.Mapping[str, tuple[Resource, str]]] = {
        "teams": (TEAM, "team_id"),
        "keys": (KEY, "token"),
    }
    facts: t.ClassVar[t.Mapping[str, str]] = {
        "access_group_id": "access_group_id",
        "team_ids": "assigned_team_ids",
        "key_tokens": "assigned_key_ids",
        "created_at": "created_at",
    }

    def entries(self, api: Api) -> t.Iterator[Entry]:
        """Read all access groups; LiteLLM gives them in one answer."""
        yield from listed(api.get("/v1/access_group"))

    def demand(self, catalog: Catalog, values: Wanted) -> None:
        """Refuse models that LiteLLM does not have."""
        demand_models(catalog, values.get("models"))

    def body(self, values: Wanted, entry: Entry | None = None) -> dict[str, t.Any]:
        """Write a group as LiteLLM takes it, to which null is no list."""
        body = super().body(values, entry)
        return {name: [] if value is None and name != "description" else value for name, value in body.items()}

    def create(self, api: Api, wanted: Wanted) -> None:
        """Make a group; its name is unique in the database, so that two creators cannot make two."""
        api.post("/v1/access_group", self.body(wanted))

    def update(self, api: Api, entry: Entry, changes: Wanted) -> None:
        """Change a group; what the request leaves out stays."""
        api.call("PUT", f"/v1/access_group/{segment(entry['access_group_id'])}", body=self.body(changes, entry))

    def delete(self, api: Api, entry: Entry) -> None:
        """Remove a group."""
        api.call("DELETE", f"/v1/access_group/{segment(entry['access_group_id'])}")


ACCESS_GROUP = AccessGroup()

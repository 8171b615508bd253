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
    text,
)
from ansible_collections.hx.gateway.plugins.module_utils._litellm.resource import Entry, Resource, Wanted

ROLES = ("proxy_admin", "proxy_admin_viewer", "internal_user", "internal_user_viewer")


def _nothing_if_empty(value: t.Any) -> t.Any:
    """Compare texts that LiteLLM empties where it is to take them away."""
    return value or None


def _address(value: t.Any) -> t.Any:
    """Compare addresses without regard to case: LiteLLM keeps them in small letters."""
    return value.lower() or None if isinstance(value, str) else value


class User(Resource):
    """An internal user (https://docs.litellm.ai/docs/proxy/users)."""

    name = "user"
    plural = "users"
    identity = "user_id"
    store = "metadata"
    reserved = frozenset({"model_rpm_limit", "model_tpm_limit", "scim_metadata"})
    fields: t.ClassVar[t.Mapping[str, Field]] = {
        "user_id": text(),
        "user_email": text(canonical=_address),
        "user_alias": text(canonical=_nothing_if_empty),
        "user_role": text(choices=ROLES, sticky=True),
        "models": names(sticky=True),
        "max_budget": number(),
        "budget_duration": text(canonical=duration),
        "rpm_limit": count(),
        "tpm_limit": count(),
        "metadata": mapping(empty={}, sticky=True),
    }
    facts: t.ClassVar[t.Mapping[str, str]] = {
        "teams": "teams",
        "spend": "spend",
        "budget_reset_at": "budget_reset_at",
        "created_at": "created_at",
    }

    def entries(self, api: Api) -> t.Iterator[Entry]:
        """Read all users."""
        yield from api.pages("/user/list", "users", size="page_size")

    def find(self, api: Api, wanted: Wanted) -> list[Entry]:
        """Look for a user by the id; LiteLLM also finds those of which it is a part."""
        found = api.pages("/user/list", "users", {"search": self.key(wanted)}, size="page_size")
        return [entry for entry in found if self.key_of(entry) == self.key(wanted)]

    def create(self, api: Api, wanted: Wanted) -> None:
        """Make a user, without the key and the mail that LiteLLM would make as well."""
        api.post("/user/new", {**self.body(wanted), "auto_create_key": False, "send_invite_email": False})

    def body(self, values: Wanted, entry: Entry | None = None) -> dict[str, t.Any]:
        """Write a user as LiteLLM takes it, to which null is nothing said."""
        body = super().body(values, entry)
        for option in ("user_email", "user_alias"):
            if body.get(option, "") is None:
                body[option] = ""
        return body

    def update(self, api: Api, entry: Entry, changes: Wanted) -> None:
        """Change a user; what the request leaves out stays."""
        api.post("/user/update", {"user_id": entry["user_id"], **self.body(changes, entry)})

    def delete(self, api: Api, entry: Entry) -> None:
        """Remove a user; LiteLLM removes the user's keys and memberships as well."""
        api.post("/user/delete", {"user_ids": [entry["user_id"]]})


USER = User()

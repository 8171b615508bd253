# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import secrets
import typing as t
from datetime import datetime, timedelta

from ansible_collections.hx.gateway.plugins.module_utils._litellm.api import Api, segment
from ansible_collections.hx.gateway.plugins.module_utils._litellm.catalog import Catalog
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
from ansible_collections.hx.gateway.plugins.module_utils._litellm.key_file import KEY_FILE_OPTIONS, token_of
from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.budget import BUDGET
from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.model import demand_models
from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.team import TEAM
from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.user import USER
from ansible_collections.hx.gateway.plugins.module_utils._litellm.resource import (
    Entry,
    Resource,
    ResourceError,
    Wanted,
)

# LiteLLM keeps when a key ends, not how long it was to live; that is noted beside it.
DURATION = "hx_gateway_duration"


class Key(Resource):
    """A virtual key (https://docs.litellm.ai/docs/proxy/virtual_keys)."""

    name = "virtual_key"
    plural = "keys"
    identity = "key_alias"
    store = "metadata"
    reserved = frozenset({"model_rpm_limit", "model_tpm_limit", "tags", "guardrails", "service_account_id", DURATION})
    fields: t.ClassVar[t.Mapping[str, Field]] = {
        "key_alias": text(plain=True),
        "key": text(secret=True, hidden=True, fixed=True),
        "models": names(),
        "team": text(path="team_id", send="team_id"),
        "user_id": text(sticky=True),
        "budget_id": text(),
        "max_budget": number(),
        "budget_duration": text(canonical=duration),
        "rpm_limit": count(),
        "tpm_limit": count(),
        "tpd_limit": count(),
        "max_parallel_requests": count(),
        "model_rpm_limit": mapping(empty={}, path="metadata.model_rpm_limit", send="metadata.model_rpm_limit"),
        "model_tpm_limit": mapping(empty={}, path="metadata.model_tpm_limit", send="metadata.model_tpm_limit"),
        "duration": text(path=f"metadata.{DURATION}", canonical=duration),
        "allowed_routes": names(),
        "aliases": mapping(empty={}),
        "blocked": switch(),
        "metadata": mapping(empty={}),
    }
    extras: t.ClassVar[t.Mapping[str, dict[str, t.Any]]] = KEY_FILE_OPTIONS
    references: t.ClassVar[t.Mapping[str, tuple[Resource, str]]] = {"team": (TEAM, "team_id")}
    facts: t.ClassVar[t.Mapping[str, str]] = {
        "token": "token",
        "key_name": "key_name",
        "team_id": "team_id",
        "spend": "spend",
        "expires": "expires",
        "budget_reset_at": "budget_reset_at",
        "created_at": "created_at",
    }

    def entries(self, api: Api) -> t.Iterator[Entry]:
        """Read all keys that have an alias."""
        found = api.pages("/key/list", "keys", {"return_full_object": "true", "include_team_keys": "true"})
        yield from (entry for entry in found if entry.get("key_alias"))

    def find(self, api: Api, wanted: Wanted) -> list[Entry]:
        """Ask for the keys of an alias."""
        query = {"return_full_object": "true", "include_team_keys": "true", "key_alias": self.key(wanted)}
        return [entry for entry in api.pages("/key/list", "keys", query) if self.key_of(entry) == self.key(wanted)]

    def check(self, wanted: Wanted) -> None:
        """Refuse a value that LiteLLM would take for the hash of a key."""
        super().check(wanted)
        if wanted.get("key") is not None and not str(wanted["key"]).startswith("sk-"):
            raise ResourceError("key must begin with 'sk-'")

    def demand(self, catalog: Catalog, values: Wanted) -> None:
        """Refuse models, budgets and users that LiteLLM does not have."""
        if values.get("budget_id"):
            catalog.reference(BUDGET, "budget_id", values["budget_id"])
        if values.get("user_id"):
            catalog.reference(USER, "user_id", values["user_id"])
        demand_models(catalog, values.get("models"))

    def differs(self, option: str, value: t.Any, entry: Entry) -> bool:
        """Compare the value of a key by its hash, and how long it lives by what is noted, or by its end."""
        if option == "key":
            return value is not None and token_of(value) != entry["token"]
        if option == "duration" and self.value(option, entry) is None and value is not None:
            return not _ends_after(entry, value)
        if option == "duration" and value is None:
            return entry.get("expires") is not None
        return super().differs(option, value, entry)

    def generate(self, wanted: Wanted) -> Wanted:
        """Make up the value of a key that is given none, in LiteLLM's form."""
        return {} if wanted.get("key") else {"key": f"sk-{secrets.token_urlsafe(24)}"}

    def body(self, values: Wanted, entry: Entry | None = None) -> dict[str, t.Any]:
        """Write a key as LiteLLM takes it, with a note of how long it is to live."""
        body = super().body(values, entry)
        if "duration" in values:
            metadata = {**body.get("metadata", self._held("metadata", entry)), DURATION: values["duration"]}
            body["metadata"] = {name: value for name, value in metadata.items() if value is not None}
        for option in ("models", "aliases", "allowed_routes"):
            if body.get(option, ()) is None:
                body[option] = self.fields[option].compared(None)
        return body

    def create(self, api: Api, wanted: Wanted) -> None:
        """Make a key."""
        api.post("/key/generate", self.body(wanted))

    def draft(self, wanted: Wanted) -> Entry:
        """Tell how LiteLLM would answer for a key whose value is not made up yet."""
        return {**super().draft(wanted), "token": f"token of {wanted['key_alias']}"}

    def is_ours(self, entry: Entry, sent: Wanted) -> bool:
        """Tell whether a key has the value this run has sent."""
        return bool(entry["token"] == token_of(sent["key"]))

    def settle(self, api: Api, wanted: Wanted, entries: list[Entry]) -> Entry:
        """Keep the oldest key of an alias: LiteLLM looks for twins, but not in one step with making a key."""
        oldest = min(entries, key=lambda entry: (str(entry.get("created_at")), entry["token"]))
        ours = [entry for entry in entries if wanted.get("key") and self.is_ours(entry, wanted)]
        for entry in ours:
            if entry is not oldest:
                self.delete(api, entry)
        return oldest

    def update(self, api: Api, entry: Entry, changes: Wanted) -> None:
        """Change a key; what the request leaves out stays."""
        api.post("/key/update", {**self.body(changes, entry), "key": entry["token"]})

    def regenerate(self, api: Api, entry: Entry, key: str) -> None:
        """Give a key another value."""
        api.post(f"/key/{segment(entry['token'])}/regenerate", {"new_key": key})

    def delete(self, api: Api, entry: Entry) -> None:
        """Remove a key."""
        api.post("/key/delete", {"keys": [entry["token"]]})


def _ends_after(entry: Entry, lifetime: str) -> bool:
    """Tell whether a key ends as long after it was made as a duration of seconds, minutes, hours or days says."""
    seconds = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
    canonical = duration(lifetime)
    number, unit = canonical[:-1], canonical[-1:]
    if not (entry.get("expires") and entry.get("created_at") and number.isdigit() and unit in seconds):
        return False
    made, ends = (datetime.fromisoformat(str(entry[name])) for name in ("created_at", "expires"))
    return abs((ends - made) - timedelta(seconds=int(number) * seconds[unit])) < timedelta(minutes=1)


KEY = Key()

# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.api import Api, segment
from ansible_collections.hx.gateway.plugins.module_utils._litellm.catalog import Catalog
from ansible_collections.hx.gateway.plugins.module_utils._litellm.field import Field, text
from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.model import demand_models
from ansible_collections.hx.gateway.plugins.module_utils._litellm.resource import (
    Entry,
    Resource,
    ResourceError,
    Wanted,
)

# What LiteLLM calls the kinds in a request, and in its router's settings.
_KINDS = {
    "general": "fallbacks",
    "context_window": "context_window_fallbacks",
    "content_policy": "content_policy_fallbacks",
}


class Fallback(Resource):
    """What is asked when a model fails (https://docs.litellm.ai/docs/proxy/reliability)."""

    name = "fallback"
    plural = "fallbacks"
    identity = "model"
    required = ("fallback_models",)
    fields: t.ClassVar[t.Mapping[str, Field]] = {
        "model": text(),
        "fallback_type": text(choices=tuple(_KINDS)),
        "fallback_models": Field("list", elements="str", empty=[], sticky=True),
    }

    def entries(self, api: Api) -> t.Iterator[Entry]:
        """Read all fallbacks out of the router's settings."""
        for kind, rules in _rules(api).items():
            for rule in rules:
                for model, models in rule.items():
                    yield {"model": model, "fallback_type": kind, "fallback_models": models}

    def key(self, wanted: Wanted) -> str:
        """Tell a model's fallbacks of one type from those of another."""
        return _key(wanted["model"], wanted.get("fallback_type"))

    def key_of(self, entry: Entry) -> str:
        """Tell a model's fallbacks of one type from those of another."""
        return _key(entry["model"], entry["fallback_type"])

    def wanted_of(self, entry: Entry) -> Wanted:
        """Return model and type."""
        return {"model": entry["model"], "fallback_type": entry["fallback_type"]}

    def changes(self, wanted: Wanted, entry: Entry) -> Wanted:
        """Compare the models only: the type tells which is meant."""
        return super().changes({name: value for name, value in wanted.items() if name != "fallback_type"}, entry)

    def check(self, wanted: Wanted) -> None:
        """Refuse a model that falls back on itself."""
        super().check(wanted)
        if wanted["model"] in (wanted.get("fallback_models") or []):
            raise ResourceError("fallback_models must not hold the model itself")

    def demand(self, catalog: Catalog, values: Wanted) -> None:
        """Refuse models that LiteLLM does not have."""
        demand_models(catalog, values.get("fallback_models"), "fallback_models")

    def create(self, api: Api, wanted: Wanted) -> None:
        """Set the fallbacks of a model."""
        api.post("/fallback", {"fallback_type": "general", **self.body(wanted)})

    def update(self, api: Api, entry: Entry, changes: Wanted) -> None:
        """Set the fallbacks of a model anew."""
        self.create(api, {**self.wanted_of(entry), **changes})

    def delete(self, api: Api, entry: Entry) -> None:
        """Take the fallbacks of a model away."""
        model, kind = entry["model"], entry["fallback_type"]
        if "/" not in model:
            api.call("DELETE", f"/fallback/{segment(model)}", query={"fallback_type": kind})
            return
        # LiteLLM takes a slash for the end of the name, also an encoded one.
        kept = [rule for rule in _rules(api)[kind] if model not in rule]
        api.post("/config/update", {"router_settings": {_KINDS[kind]: kept}})


def _rules(api: Api) -> dict[str, list[dict[str, list[str]]]]:
    """Return the rules of each type."""
    settings = api.get("/get/config/callbacks").get("router_settings") or {}
    return {kind: settings.get(name) or [] for kind, name in _KINDS.items()}


def _key(model: str, kind: str | None) -> str:
    return f"{model} ({kind or 'general'})"


FALLBACK = Fallback()

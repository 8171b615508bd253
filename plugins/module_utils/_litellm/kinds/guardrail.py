# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.api import Api, listed, segment
from ansible_collections.hx.gateway.plugins.module_utils._litellm.field import Field, mapping, switch, text
from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.model import refuse_secrets
from ansible_collections.hx.gateway.plugins.module_utils._litellm.resource import Entry, Resource, Wanted, stable_id

MODES = ("pre_call", "post_call", "during_call", "logging_only", "pre_mcp_call", "during_mcp_call")


class Guardrail(Resource):
    """A guardrail, which looks at requests or answers (https://docs.litellm.ai/docs/proxy/guardrails/quick_start)."""

    name = "guardrail"
    plural = "guardrails"
    identity = "guardrail_name"
    required = ("guardrail", "mode")
    store = "guardrail_info"
    fields: t.ClassVar[t.Mapping[str, Field]] = {
        "guardrail_name": text(),
        "guardrail": text(path="litellm_params.guardrail", send="litellm_params.guardrail", fixed=True),
        "mode": text(path="litellm_params.mode", send="litellm_params.mode", choices=MODES, sticky=True),
        "default_on": switch(path="litellm_params.default_on", send="litellm_params.default_on"),
        "litellm_params": mapping(partial=True, sticky=True),
        "guardrail_info": mapping(empty={}),
    }
    facts: t.ClassVar[t.Mapping[str, str]] = {"guardrail_id": "guardrail_id", "created_at": "created_at"}

    def entries(self, api: Api) -> t.Iterator[Entry]:
        """Read all guardrails, those of config.yaml included."""
        yield from listed(api.get("/v2/guardrails/list"), "guardrails")

    def locked(self, entry: Entry) -> str:
        """Say that a guardrail of config.yaml belongs to the file."""
        if entry.get("guardrail_definition_location") == "config":
            return "it comes from config.yaml and is changed there"
        return ""

    def check(self, wanted: Wanted) -> None:
        """Refuse parameters that have an option of their own, and secrets, which LiteLLM masks."""
        super().check(wanted)
        refuse_secrets(self, "litellm_params", wanted)

    def read(self, entry: Entry) -> dict[str, t.Any]:
        """Return a guardrail without the parameters that LiteLLM lists although nobody set them."""
        values = super().read(entry)
        own = {field.path for field in self.fields.values()}
        values["litellm_params"] = {
            name: value
            for name, value in (values["litellm_params"] or {}).items()
            if value is not None and f"litellm_params.{name}" not in own
        }
        return values

    def body(self, values: Wanted, entry: Entry | None = None) -> dict[str, t.Any]:
        """Write a guardrail as LiteLLM takes it: only what changes, since it merges."""
        values = dict(values)
        params = values.pop("litellm_params", None) or {}
        held: Entry = {"litellm_params": {}, "guardrail_info": (entry or {}).get("guardrail_info")}
        body = super().body(values, held)
        if params or "litellm_params" in body:
            body["litellm_params"] = {**params, **body.get("litellm_params", {})}
        return body

    def create(self, api: Api, wanted: Wanted) -> None:
        """Make a guardrail."""
        body = self.body(wanted)
        body.setdefault("guardrail_id", stable_id("guardrail", wanted["guardrail_name"]))
        api.post("/guardrails", {"guardrail": body})

    def update(self, api: Api, entry: Entry, changes: Wanted) -> None:
        """Change a guardrail; what the request leaves out stays."""
        api.call("PATCH", f"/guardrails/{segment(entry['guardrail_id'])}", body=self.body(changes, entry))

    def delete(self, api: Api, entry: Entry) -> None:
        """Remove a guardrail."""
        api.call("DELETE", f"/guardrails/{segment(entry['guardrail_id'])}")


GUARDRAIL = Guardrail()

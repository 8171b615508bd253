# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.api import Api, listed, segment
from ansible_collections.hx.gateway.plugins.module_utils._litellm.field import Field, text
from ansible_collections.hx.gateway.plugins.module_utils._litellm.resource import Entry, Resource, ResourceError, Wanted


class Prompt(Resource):
    """A prompt that requests name instead of sending it (https://docs.litellm.ai/docs/proxy/prompt_management)."""

    name = "prompt"
    plural = "prompts"
    identity = "prompt_id"
    required = ("content",)
    fields: t.ClassVar[t.Mapping[str, Field]] = {
        "prompt_id": text(),
        "content": text(path="litellm_params.dotprompt_content", send="litellm_params.dotprompt_content", sticky=True),
    }
    facts: t.ClassVar[t.Mapping[str, str]] = {"environment": "environment", "created_at": "created_at"}

    def entries(self, api: Api) -> t.Iterator[Entry]:
        """Read all prompts in their present version."""
        yield from listed(api.get("/prompts/list"), "prompts")

    def locked(self, entry: Entry) -> str:
        """Say that a prompt of config.yaml belongs to the file."""
        kind = (entry.get("prompt_info") or {}).get("prompt_type")
        return "" if kind == "db" else "it comes from config.yaml and is changed there"

    def check(self, wanted: Wanted) -> None:
        """Refuse names that LiteLLM would take for another: a slash is of the path, and "_v" begins a version."""
        super().check(wanted)
        for part in ("/", ".v", "_v"):
            if part in wanted["prompt_id"]:
                raise ResourceError(f"prompt_id must not hold {part!r}, which has a meaning to LiteLLM")

    def body(self, values: Wanted, entry: Entry | None = None) -> dict[str, t.Any]:
        """Write a prompt as LiteLLM takes it, always whole."""
        body = super().body(values, {"litellm_params": {}})
        name = entry["prompt_id"] if entry else values["prompt_id"]
        params = {"prompt_id": name, "prompt_integration": "dotprompt", **body.get("litellm_params", {})}
        return {"prompt_id": name, "litellm_params": params, "prompt_info": {"prompt_type": "db"}}

    def create(self, api: Api, wanted: Wanted) -> None:
        """Make a prompt."""
        api.post("/prompts", self.body(wanted))

    def update(self, api: Api, entry: Entry, changes: Wanted) -> None:
        """Make a further version of a prompt; LiteLLM keeps the earlier ones."""
        api.call("PUT", f"/prompts/{segment(entry['prompt_id'])}", body=self.body(changes, entry))

    def delete(self, api: Api, entry: Entry) -> None:
        """Remove a prompt with all of its versions."""
        api.call("DELETE", f"/prompts/{segment(entry['prompt_id'])}")


PROMPT = Prompt()

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
    mapping,
    names,
    number,
    switch,
    text,
)
from ansible_collections.hx.gateway.plugins.module_utils._litellm.resource import Entry, Resource, Wanted, stable_id

TRANSPORTS = ("http", "sse", "stdio")


class McpServer(Resource):
    """A server of tools (https://docs.litellm.ai/docs/mcp)."""

    name = "mcp_server"
    plural = "mcp_servers"
    identity = "server_name"
    required = ("transport",)
    store = "mcp_info"
    reserved = frozenset({"server_name", "description", "is_public", "is_public_explicit", "logo_url"})
    fields: t.ClassVar[t.Mapping[str, Field]] = {
        "server_name": text(),
        "server_id": text(fixed=True),
        "description": text(),
        "transport": text(choices=TRANSPORTS),
        "server_url": text(path="url", send="url"),
        "command": text(),
        "args": Field("list", elements="str", empty=[]),
        "access_groups": names(path="mcp_access_groups", send="mcp_access_groups"),
        "allowed_tools": names(),
        "allow_all_keys": switch(),
        "request_timeout": number(path="timeout", send="timeout"),
        "max_concurrent_requests": count(),
        "rpm": count(),
        "mcp_info": mapping(empty={}),
    }
    facts: t.ClassVar[t.Mapping[str, str]] = {"status": "status", "created_at": "created_at"}

    def entries(self, api: Api) -> t.Iterator[Entry]:
        """Read all servers; LiteLLM gives them in one answer."""
        yield from listed(api.get("/v1/mcp/server"))

    def locked(self, entry: Entry) -> str:
        """Say that a server of config.yaml belongs to the file."""
        return "it comes from config.yaml and is changed there" if entry.get("is_config") else ""

    def body(self, values: Wanted, entry: Entry | None = None) -> dict[str, t.Any]:
        """Write a server as LiteLLM takes it, to which null is no list."""
        body = super().body(values, entry)
        for name in ("args", "mcp_access_groups", "allowed_tools"):
            if body.get(name, ()) is None:
                body[name] = []
        return body

    def create(self, api: Api, wanted: Wanted) -> None:
        """Make a server; its id is the table's key, so that two creators cannot make two."""
        api.post("/v1/mcp/server", {"server_id": stable_id("mcp_server", wanted["server_name"]), **self.body(wanted)})

    def update(self, api: Api, entry: Entry, changes: Wanted) -> None:
        """Change a server; what the request leaves out stays, except for how it is reached."""
        reached = {name: entry.get(name) for name in ("transport", "url", "command", "args")}
        body = {"server_id": entry["server_id"], **reached, **self.body(changes, entry)}
        api.call("PUT", "/v1/mcp/server", body=body)

    def delete(self, api: Api, entry: Entry) -> None:
        """Remove a server."""
        api.call("DELETE", f"/v1/mcp/server/{segment(entry['server_id'])}")


MCP_SERVER = McpServer()

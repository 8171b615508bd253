# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.api import Api, listed
from ansible_collections.hx.gateway.plugins.module_utils._litellm.catalog import Catalog
from ansible_collections.hx.gateway.plugins.module_utils._litellm.field import Field, mapping, text
from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.credential import CREDENTIAL
from ansible_collections.hx.gateway.plugins.module_utils._litellm.resource import Entry, Resource, Wanted


class VectorStore(Resource):
    """A vector store of a provider, as LiteLLM knows it (https://docs.litellm.ai/docs/providers/azure_ai_vector_stores)."""

    name = "vector_store"
    plural = "vector_stores"
    identity = "vector_store_id"
    required = ("provider",)
    store = "vector_store_metadata"
    fields: t.ClassVar[t.Mapping[str, Field]] = {
        "vector_store_id": text(),
        "provider": text(path="custom_llm_provider", send="custom_llm_provider", sticky=True),
        "vector_store_name": text(sticky=True),
        "description": text(path="vector_store_description", send="vector_store_description", sticky=True),
        "credential": text(path="litellm_credential_name", send="litellm_credential_name", fixed=True),
        "vector_store_metadata": mapping(empty={}),
    }
    facts: t.ClassVar[t.Mapping[str, str]] = {"created_at": "created_at"}

    def entries(self, api: Api) -> t.Iterator[Entry]:
        """Read all vector stores; LiteLLM gives them in one answer, whatever page is asked for."""
        yield from listed(api.get("/vector_store/list"), "data")

    def locked(self, entry: Entry) -> str:
        """Say that a vector store of config.yaml belongs to the file."""
        return "it comes from config.yaml and is changed there" if entry.get("is_config") else ""

    def demand(self, catalog: Catalog, values: Wanted) -> None:
        """Refuse a credential that does not exist."""
        if values.get("credential"):
            catalog.reference(CREDENTIAL, "credential", values["credential"])

    def create(self, api: Api, wanted: Wanted) -> None:
        """Make a vector store known; its id is the table's key, so that two creators cannot make two."""
        api.post("/vector_store/new", self.body(wanted))

    def update(self, api: Api, entry: Entry, changes: Wanted) -> None:
        """Change what LiteLLM knows of a vector store; what the request leaves out stays."""
        body = self.body(changes, entry)
        if body.get("vector_store_metadata", ()) is None:
            body["vector_store_metadata"] = {}
        api.post("/vector_store/update", {"vector_store_id": entry["vector_store_id"], **body})

    def delete(self, api: Api, entry: Entry) -> None:
        """Make LiteLLM forget a vector store; the provider keeps it."""
        api.post("/vector_store/delete", {"vector_store_id": entry["vector_store_id"]})


VECTOR_STORE = VectorStore()

# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.api import Api, segment
from ansible_collections.hx.gateway.plugins.module_utils._litellm.catalog import Catalog
from ansible_collections.hx.gateway.plugins.module_utils._litellm.field import (
    SECRET_NAME,
    Field,
    count,
    mapping,
    names,
    number,
    text,
)
from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.credential import CREDENTIAL
from ansible_collections.hx.gateway.plugins.module_utils._litellm.resource import (
    Entry,
    Resource,
    ResourceError,
    Wanted,
    stable_id,
)

# What stands for models without being the name of one.
_SPECIAL = frozenset({"all-team-models", "all-proxy-models", "no-default-models", "*"})


class Model(Resource):
    """A model of the registry, kept in the database (https://docs.litellm.ai/docs/proxy/model_management)."""

    name = "model"
    plural = "models"
    identity = "model_name"
    required = ("model",)
    store = "model_info"
    reserved = frozenset({"id", "mode", "base_model", "access_groups"})
    fields: t.ClassVar[t.Mapping[str, Field]] = {
        "model_name": text(),
        "model_id": text(path="model_info.id", send="model_info.id", fixed=True),
        "model": text(path="litellm_params.model", send="litellm_params.model", sticky=True),
        "credential": text(
            path="litellm_params.litellm_credential_name", send="litellm_params.litellm_credential_name", sticky=True
        ),
        "api_base": text(path="litellm_params.api_base", send="litellm_params.api_base", sticky=True),
        "api_version": text(path="litellm_params.api_version", send="litellm_params.api_version", sticky=True),
        "rpm": count(path="litellm_params.rpm", send="litellm_params.rpm", sticky=True),
        "tpm": count(path="litellm_params.tpm", send="litellm_params.tpm", sticky=True),
        "request_timeout": number(path="litellm_params.timeout", send="litellm_params.timeout", sticky=True),
        "max_retries": count(path="litellm_params.max_retries", send="litellm_params.max_retries", sticky=True),
        "mode": text(path="model_info.mode", send="model_info.mode", sticky=True),
        "base_model": text(path="model_info.base_model", send="model_info.base_model", sticky=True),
        "access_groups": names(path="model_info.access_groups", send="model_info.access_groups", sticky=True),
        "litellm_params": mapping(partial=True, sticky=True),
        "model_info": mapping(partial=True, sticky=True),
    }
    facts: t.ClassVar[t.Mapping[str, str]] = {"in_database": "model_info.db_model"}

    def entries(self, api: Api) -> t.Iterator[Entry]:
        """Read all models, those of config.yaml included."""
        yield from api.pages("/v2/model/info", "data")

    def find(self, api: Api, wanted: Wanted) -> list[Entry]:
        """Look for a model by its id, or by its name; LiteLLM also finds those of which the name is a part."""
        query = {"modelId": wanted["model_id"]} if wanted.get("model_id") else {"search": wanted["model_name"]}
        return [
            entry for entry in api.pages("/v2/model/info", "data", query) if self.key(wanted) in self.keys_of(entry)
        ]

    def key(self, wanted: Wanted) -> str:
        """Several models may have one name, among which LiteLLM balances; an id tells which is meant."""
        return str(wanted.get("model_id") or wanted["model_name"])

    def keys_of(self, entry: Entry) -> tuple[str, ...]:
        """Return the name and the id of a model."""
        return (self.key_of(entry), str(entry["model_info"]["id"]))

    def meant(self, entries: list[Entry]) -> list[Entry]:
        """Prefer models of the database; one of config.yaml is only meant where there is no other."""
        stored = [entry for entry in entries if not self.locked(entry)]
        return stored or entries[:1]

    def locked(self, entry: Entry) -> str:
        """Say that a model of config.yaml belongs to the file."""
        if entry["model_info"].get("db_model"):
            return ""
        return "it comes from config.yaml and is changed there; to add another of its name, state a model_id"

    def ambiguous(self, wanted: Wanted, number: int) -> str:
        """Ask for an id."""
        return f"LiteLLM has {number} models with the name {self.key(wanted)!r}; state model_id to tell which is meant"

    def check(self, wanted: Wanted) -> None:
        """Refuse secrets among the parameters, and parameters that have an option of their own."""
        super().check(wanted)
        refuse_secrets(self, "litellm_params", wanted)
        refuse_owned(self, "model_info", wanted)

    def demand(self, catalog: Catalog, values: Wanted) -> None:
        """Refuse a credential that does not exist."""
        if values.get("credential"):
            catalog.reference(CREDENTIAL, "credential", values["credential"])

    def read(self, entry: Entry) -> dict[str, t.Any]:
        """Return a model without what LiteLLM fills in from its own list of prices."""
        values = super().read(entry)
        values["litellm_params"] = {
            name: value
            for name, value in (values["litellm_params"] or {}).items()
            if value not in (None, False)
            and f"litellm_params.{name}" not in {field.path for field in self.fields.values()}
        }
        values["model_info"] = {
            name: value for name, value in (values["model_info"] or {}).items() if not _is_filled_in(name, value)
        }
        return values

    def body(self, values: Wanted, entry: Entry | None = None) -> dict[str, t.Any]:
        """Write a model as LiteLLM takes it: only what changes, since it merges."""
        values = dict(values)
        blank: Entry = {"litellm_params": {}, "model_info": {}}
        groups = {option: values.pop(option) or {} for option in ("litellm_params", "model_info") if option in values}
        body = super().body(values, blank)
        for option, group in groups.items():
            body[option] = {**group, **body.get(option, {})}
        if entry is None:
            info = body.setdefault("model_info", {})
            info.setdefault("id", stable_id("model", values["model_name"]))
        return body

    def create(self, api: Api, wanted: Wanted) -> None:
        """Make a model; its id is the table's key, so that two creators cannot make two."""
        api.post("/model/new", self.body(wanted))

    def update(self, api: Api, entry: Entry, changes: Wanted) -> None:
        """Change a model; what the request leaves out stays."""
        body = self.body(changes, entry)
        if "model_info" in body:
            body["model_info"]["id"] = entry["model_info"]["id"]
        api.call("PATCH", f"/model/{segment(entry['model_info']['id'])}/update", body=body)

    def delete(self, api: Api, entry: Entry) -> None:
        """Remove a model."""
        api.post("/model/delete", {"id": entry["model_info"]["id"]})


def refuse_owned(resource: Resource, option: str, wanted: Wanted) -> None:
    """Refuse what a JSON object states of something that has an option of its own."""
    own = {field.path: name for name, field in resource.fields.items()}
    for name in wanted.get(option) or {}:
        if f"{option}.{name}" in own:
            raise ResourceError(f"{option}.{name}: use the option {own[f'{option}.{name}']}")


def refuse_secrets(resource: Resource, option: str, wanted: Wanted) -> None:
    """Refuse secrets among free parameters, besides what has an option of its own.

    LiteLLM never tells them again, and a named credential keeps them out of the inventory.
    """
    refuse_owned(resource, option, wanted)
    for name in wanted.get(option) or {}:
        if SECRET_NAME.search(name):
            remedy = "put secrets into a credential and name it with the option credential"
            if "credential" not in resource.fields:
                remedy = "LiteLLM never tells secrets again, so that they cannot be compared"
            raise ResourceError(f"{option}.{name}: {remedy}")


def known_models(catalog: Catalog) -> set[str]:
    """Return everything that may stand in a list of models: names, ids and groups."""
    groups = {
        group
        for entry in catalog.foreseen(MODEL)
        for group in (entry.get("model_info") or {}).get("access_groups") or []
    }
    return catalog.names(MODEL) | groups | _SPECIAL


def demand_models(catalog: Catalog, models: list[str] | None, option: str = "models") -> None:
    """Refuse a list of models of which LiteLLM does not have one; provider/* means whatever it will have."""
    if not models:
        return
    unknown = sorted(name for name in set(models) - known_models(catalog) if not name.endswith("/*"))
    if unknown:
        raise ResourceError(f"{option}: LiteLLM has no model {unknown[0]!r}")


def _is_filled_in(name: str, value: t.Any) -> bool:
    """Tell what LiteLLM adds to a model's own information: prices, limits, abilities, who may use it."""
    return (
        value is None
        or value in ([], {})
        or name in _FILLED_IN
        or "cost" in name
        or name.startswith(("supports_", "max_", "supported_", "access_via", "direct_", "search_"))
    )


_FILLED_IN = frozenset(
    {"db_model", "blocked", "member_auto_router", "key", "litellm_provider", "tpm", "rpm", "created_at", "updated_at"}
    | {"created_by", "updated_by", "team_public_model_name", "output_vector_size", "tiered_pricing"}
)

MODEL = Model()

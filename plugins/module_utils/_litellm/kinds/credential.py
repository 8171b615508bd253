# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.api import Api, listed, segment
from ansible_collections.hx.gateway.plugins.module_utils._litellm.field import Field, mapping, text
from ansible_collections.hx.gateway.plugins.module_utils._litellm.resource import Entry, Resource, Wanted

FINGERPRINT = "hx_gateway_fingerprint"


class Credential(Resource):
    """A named credential of a provider (https://docs.litellm.ai/docs/proxy/ui_credentials).

    LiteLLM masks its values in answers. A salted hash of them, kept in the credential's information, tells whether they
    are the stated ones.
    """

    name = "credential"
    plural = "credentials"
    identity = "credential_name"
    required = ("credential_values",)
    store = "credential_info"
    reserved = frozenset({FINGERPRINT})
    fields: t.ClassVar[t.Mapping[str, Field]] = {
        "credential_name": text(),
        "credential_values": Field("dict", secret=True, hidden=True),
        "credential_info": mapping(empty={}, partial=True, sticky=True),
    }

    def entries(self, api: Api) -> t.Iterator[Entry]:
        """Read all credentials; LiteLLM gives them in one answer."""
        yield from listed(api.get("/credentials"), "credentials")

    def locked(self, entry: Entry) -> str:
        """Say that a credential of config.yaml belongs to the file."""
        return "it comes from config.yaml and is changed there" if entry.get("source") == "config" else ""

    def differs(self, option: str, value: t.Any, entry: Entry) -> bool:
        """Compare values by their hash, and by how LiteLLM masks them, should somebody have changed them by hand."""
        if option != "credential_values":
            return super().differs(option, value, entry)
        info = entry.get("credential_info") or {}
        masked = entry.get("credential_values") or {}
        return (
            not matches(info.get(FINGERPRINT), value or {})
            or masked.keys() != (value or {}).keys()
            or not all(_agrees(str(masked[name]), str(inner)) for name, inner in (value or {}).items())
        )

    def body(self, values: Wanted, entry: Entry | None = None) -> dict[str, t.Any]:
        """Write a credential as LiteLLM takes it, with the hash of its values."""
        body = super().body(values, entry)
        # LiteLLM replaces the information in its database and merges it in its memory: told all of it, both agree.
        info = {**self._held("credential_info", entry), **body.get("credential_info", {})}
        if "credential_values" in values:
            info = {**info, FINGERPRINT: fingerprint(values["credential_values"] or {})}
        return {**body, "credential_info": info}

    def create(self, api: Api, wanted: Wanted) -> None:
        """Make a credential; its name is unique in the database, so that two creators cannot make two."""
        api.post("/credentials", self.body(wanted))

    def update(self, api: Api, entry: Entry, changes: Wanted) -> None:
        """Change a credential; values that are no longer stated are removed."""
        body = self.body(changes, entry)
        body["credential_name"] = entry["credential_name"]
        if "credential_values" in changes:
            gone = (entry.get("credential_values") or {}).keys() - (changes["credential_values"] or {}).keys()
            body["credential_values_to_delete"] = sorted(gone)
        api.call("PATCH", f"/credentials/{segment(entry['credential_name'])}", body=body)

    def delete(self, api: Api, entry: Entry) -> None:
        """Remove a credential."""
        api.call("DELETE", f"/credentials/{segment(entry['credential_name'])}")


def fingerprint(values: dict[str, t.Any], salt: bytes | None = None) -> str:
    """Hash secret values so that they can be compared and not be found again (scrypt, RFC 7914)."""
    salt = os.urandom(16) if salt is None else salt
    text = json.dumps(values, sort_keys=True).encode()
    digest = hashlib.scrypt(text, salt=salt, n=2**14, r=8, p=1, dklen=32)
    return f"scrypt:{base64.b64encode(salt).decode()}:{base64.b64encode(digest).decode()}"


def matches(stored: t.Any, values: dict[str, t.Any]) -> bool:
    """Tell whether a hash is that of these values."""
    parts = stored.split(":") if isinstance(stored, str) else []
    if len(parts) != 3 or parts[0] != "scrypt":
        return False
    try:
        salt = base64.b64decode(parts[1], validate=True)
    except ValueError:
        return False
    return hmac.compare_digest(fingerprint(values, salt), stored)


def _agrees(masked: str, value: str) -> bool:
    """Tell whether a value can be the one that LiteLLM masked, of which it shows the ends at most."""
    head, stars, tail = masked.partition("*")
    return value.startswith(head) and value.endswith(tail.lstrip("*")) if stars else masked == value


CREDENTIAL = Credential()

"""What every scenario's checks need of the deployed stack: its names, its secrets, and a client of it."""

from __future__ import annotations

import base64
import json
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from testinfra.host import Host

BASE = "/opt/HX-Infrastructure-/api-gateway"
CONFIG = f"{BASE}/config/api-gateway"
GATEWAY_UNIT = "hx-gateway-ml.service"
SOCKET_UNIT = "hx-gateway-ml.socket"
LITELLM_UNIT = "hx-litellm-gateway.service"
MIGRATE_UNIT = "hx-litellm-migrate.service"
SECRET_NAMES = ("hx_master_key", "hx_salt_key", "hx_database_password", "hx_redis_password")


@dataclass(frozen=True)
class Stack:
    """The deployed stack as a client and an operator see it.

    `url` is the gateway's base URL without a trailing slash, `provider_url` the stand-in's;
    `secrets` maps the inventory's secret names to their values.
    """

    url: str
    provider_url: str
    database_address: str
    cache_address: str
    # Not in the repr, which pytest prints when a check fails.
    secrets: dict[str, str] = field(repr=False)

    @property
    def master_key(self) -> str:
        """The key that LiteLLM's administrator uses."""
        return self.secrets["hx_master_key"]

    def forms_of_secrets(self) -> list[str]:
        """Every secret as it is, as it stands in a URL, and as it stands within a text in base64."""
        values = self.secrets.values()
        return sorted(
            {form for value in values for form in (value, urllib.parse.quote(value, safe=""), *_in_base64(value))}
        )


def _in_base64(value: str) -> list[str]:
    """What of a secret stands in base64 whatever is around it: it may begin at any of three places of a group."""
    encoded = [base64.b64encode(bytes(before) + value.encode()).decode() for before in range(3)]
    return [text[4 if before else 0 : -4] for before, text in enumerate(encoded)]


def evaluate(host: Host, names: tuple[str, ...]) -> dict[str, Any]:
    """The values that Ansible gives these inventory variables on this host."""
    template = "{{ {" + ", ".join(f"'{name}': {name} | default('')" for name in names) + "} | to_json }}"
    answer = host.ansible("ansible.builtin.debug", f"msg={json.dumps(template)}", check=False)["msg"]
    return dict(json.loads(answer) if isinstance(answer, str) else answer)


def describe(host: Host) -> Stack:
    """Read what the inventory says of the stack that serves from this gateway host."""
    names = (*SECRET_NAMES, "ansible_host", "hx_gateway_port", "hx_database_address", "hx_cache_address")
    values = evaluate(host, names)
    return Stack(
        url=f"http://{values['ansible_host']}:{values['hx_gateway_port'] or 4010}",
        provider_url="http://127.0.0.1:11434",
        database_address=values["hx_database_address"],
        cache_address=values["hx_cache_address"],
        secrets={name: values[name] for name in SECRET_NAMES if values[name]},
    )

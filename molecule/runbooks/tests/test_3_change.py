"""Another LiteLLM, another configuration, other secrets."""

from __future__ import annotations

import secrets
import urllib.error
import urllib.request
from collections.abc import Callable

from checks.stack import CONFIG, Stack
from looks import current
from site_operator import Operator
from testinfra.host import Host

testinfra_hosts = ["ansible://gateway"]


def status(stack: Stack, key: str) -> int:
    request = urllib.request.Request(f"{stack.url}/v1/models", headers={"Authorization": f"Bearer {key}"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_upgrade(host: Host, operator: Operator, key: str, works: Callable[[str], None]) -> None:
    assert current(host, "litellm").startswith("1.104.0-")
    works(key)
    operator.decide()
    with operator.reads("upgrade") as page:
        page.section("Upgrade LiteLLM")
        assert not current(host, "litellm").startswith("1.104.0-")
        works(key)
        operator.decide(litellm_batch_write_interval=6)
        page.section("Another configuration of the same LiteLLM")
    assert "proxy_batch_write_at: 6" in host.file(f"{CONFIG}/litellm.yaml").content_string
    works(key)


def test_rotation(stack: Stack, operator: Operator, key: str, works: Callable[[str], None]) -> None:
    former = operator.secrets["hx_master_key"]
    assert status(stack, former) == 200
    changed = {
        "hx_database_password": secrets.token_urlsafe(24),
        "hx_redis_password": secrets.token_urlsafe(24),
        "hx_master_key": f"sk-{secrets.token_urlsafe(24)}",
    }
    editing = operator.take_new(**changed)
    operator.decide(litellm_batch_write_interval=6, hx_database_user="hx_gateway_b")
    with operator.reads("rotation") as page:
        page.section("Change secrets", editing)
    assert (status(stack, former), status(stack, changed["hx_master_key"])) == (401, 200)
    works(key)

"""Back to another release, to a backup, and to a LiteLLM without its database."""

from __future__ import annotations

from collections.abc import Callable

import openai
import pytest
from checks.site import PROJECT
from checks.stack import LITELLM_UNIT, Stack
from looks import backups, current, lose_keys, psql
from site_operator import BEFORE, CHECKOUT, Operator
from testinfra.host import Host

testinfra_hosts = ["ansible://gateway"]


def kept_databases(host: Host) -> list[str]:
    """Name what restores have left."""
    return psql(host, "SELECT datname FROM pg_database WHERE datname LIKE 'hx_gateway_before_restore_%' ORDER BY 1")


def test_rollback(host: Host, stack: Stack, operator: Operator, works: Callable[[str], None]) -> None:
    before = {component: current(host, component) for component in ("gateway", "litellm")}
    lock = CHECKOUT / "other.lock"
    lock.write_text((PROJECT / "molecule/upgrade/requirements.lock").read_text() + "# Another release of it.\n")
    operator.change_gateway("1.0.1")
    operator.decide(**{**BEFORE, "litellm_requirements_lock": str(lock)})
    operator.play("playbooks/site.yml")
    after = {component: current(host, component) for component in before}
    assert all(after[component] != name for component, name in before.items())
    with operator.reads("rollback") as page:
        said = page.section("Which releases there are")
        assert all(name in said for name in (*before.values(), *after.values()))
        page.section("Go back")
    assert {component: current(host, component) for component in before} == before
    works(stack.master_key)
    operator.change_gateway("1.0.0")
    operator.decide(**BEFORE)


def test_restore(
    host: Host, operator: Operator, key: str, works: Callable[[str], None], query: Callable[..., list[str]]
) -> None:
    works(key)
    left = kept_databases(host)
    with operator.reads("restore") as page:
        page.section("Back up")
        assert "tables" in page.section("Try the last backup")
        lose_keys(host)
        assert backups(host)[-1] in page.block()
        assert query('SELECT count(*) FROM "LiteLLM_VerificationToken"') != ["0"]
        works(key)

        (kept,) = set(kept_databases(host)) - set(left)
        assert kept in page.section("Restore", NAME="hx_gateway", TIME=kept.rpartition("_")[2])
        assert kept not in kept_databases(host)

        # What a restore that was killed between its two renames has left.
        time = "20260131T093000Z"
        host.check_output(f"systemctl stop {LITELLM_UNIT}")
        psql(host, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'hx_gateway'")
        psql(host, f"ALTER DATABASE hx_gateway RENAME TO hx_gateway_before_restore_{time}")
        host.run(f"systemctl start --no-block {LITELLM_UNIT}")
        page.section("A restore that was killed", NAME="hx_gateway", TIME=time)
    works(key)


def test_dbless(stack: Stack, operator: Operator, key: str, works: Callable[[str], None]) -> None:
    client = openai.OpenAI(base_url=f"{stack.url}/v1", api_key=key, max_retries=0, timeout=60)
    with operator.reads("dbless") as page:
        page.section("Go")
        works(stack.master_key)
        with pytest.raises(openai.BadRequestError, match="No connected db"):
            client.chat.completions.create(model="openai-chat", messages=[{"role": "user", "content": "Hello"}])
        page.section("Come back")
    works(key)

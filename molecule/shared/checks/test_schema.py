"""What litellm_schema_info answers on the real schema that LiteLLM's migration made."""

from __future__ import annotations

import shlex

from checks.stack import BASE, CONFIG
from testinfra.host import Host

testinfra_hosts = ["ansible://gateway"]


def test_schema_is_ready_and_complete(host: Host) -> None:
    site = f"{BASE}/litellm/current/venv/lib/python*/site-packages"
    packages = host.check_output(f"echo {site}")
    line = host.check_output(f"grep ^DATABASE_URL= {CONFIG}/gateway.env")
    answer = host.ansible(
        "hx.gateway.litellm_schema_info",
        f"database_url={shlex.split(line)[0].split('=', 1)[1]} "
        f"migrations_dir={packages}/litellm_proxy_extras/migrations schema_file={packages}/litellm/proxy/schema.prisma",
        check=False,
    )
    assert answer["ready"] is True, answer["reason"]
    assert len(answer["applied"]) > 200
    assert answer["pending"] == answer["failed_migrations"] == answer["unknown"] == []
    assert answer["missing_tables"] == answer["missing_columns"] == []

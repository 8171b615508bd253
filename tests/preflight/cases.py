# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each role has to refuse: one row is one bad value, and the words its refusal has to contain."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

# Left out of the variables, whatever the role's own default is.
MISSING = object()

SECRET = "not-for-any-log-8d1f"

# What makes each role go beyond its preflight.
GOOD: dict[str, dict[str, t.Any]] = {
    "postgresql": {"postgresql_password": f"{SECRET}-pg"},
    "redis": {"redis_password": f"{SECRET}-redis"},
    "litellm": {
        "litellm_master_key": f"sk-{SECRET}-master",
        "litellm_salt_key": f"{SECRET}-salt",
        "litellm_database_password": f"{SECRET}-pg",
        "litellm_redis_password": f"{SECRET}-redis",
    },
    "proxy": {
        "proxy_database_password": f"{SECRET}-pg",
        "proxy_redis_password": f"{SECRET}-redis",
    },
}


@dataclass(frozen=True)
class Case:
    """A role, what is wrong, and what the refusal says."""

    role: str
    wrong: dict[str, t.Any]
    says: tuple[str, ...]
    # An operating system to pretend, an old server to point the role to, and how many hosts claim the role.
    system: str = ""
    server: str = ""
    hosts: int = 1

    @property
    def title(self) -> str:
        """A name for the test."""
        parts = [f"{name}={'missing' if value is MISSING else value}" for name, value in self.wrong.items()]
        parts += [part for part in (self.system, self.server, f"{self.hosts} hosts" if self.hosts > 1 else "") if part]
        return f"{self.role}: {', '.join(parts)}"

    @property
    def variables(self) -> dict[str, t.Any]:
        """The role's variables: good ones but for what is wrong."""
        merged = {**GOOD[self.role], **self.wrong}
        return {name: value for name, value in merged.items() if value is not MISSING}


def bad(role: str, name: str, value: t.Any, *says: str, **others: t.Any) -> Case:
    """One variable with a value that the refusal has to name, unless other words are given."""
    return Case(role, {name: value, **others}, says or (name,))


PORTS = (
    ("postgresql", "postgresql_port"),
    ("redis", "redis_port"),
    ("litellm", "litellm_port"),
    ("litellm", "litellm_database_port"),
    ("litellm", "litellm_redis_port"),
    ("proxy", "proxy_port"),
    ("proxy", "proxy_database_port"),
    ("proxy", "proxy_redis_port"),
)
SECRETS = (
    ("postgresql", "postgresql_password"),
    ("redis", "redis_password"),
    ("litellm", "litellm_master_key"),
    ("litellm", "litellm_salt_key"),
    ("litellm", "litellm_database_password"),
    ("litellm", "litellm_redis_password"),
    ("proxy", "proxy_database_password"),
    ("proxy", "proxy_redis_password"),
)
PATHS = (
    ("litellm", "litellm_base_dir"),
    ("proxy", "proxy_base_dir"),
    ("postgresql", "postgresql_sslrootcert"),
)

CASES = (
    *(bad(role, name, MISSING) for role, name in SECRETS),
    *(bad(role, name, "") for role, name in SECRETS if role in ("postgresql", "redis")),
    *(bad(role, name, 65536) for role, name in PORTS),
    *(bad(role, f"{role}_port", 0) for role in GOOD),
    bad("redis", "redis_port", "six"),
    *(bad(role, name, "relative/path") for role, name in PATHS),
    *(
        Case(role, {}, ("_common_preflight_distributions", system), system=system)
        for role, system in (
            ("postgresql", "Debian 11"),
            ("redis", "Debian 11"),
            ("litellm", "Debian 11"),
            ("proxy", "Debian 11"),
            ("redis", "Ubuntu 24"),
        )
    ),
    Case("postgresql", {}, ("postgresql_external", "hx-gateway-claim-1, hx-gateway-claim-2"), hosts=2),
    Case("redis", {}, ("redis_external", "hx-gateway-claim-1, hx-gateway-claim-2"), hosts=2),
    Case(
        "postgresql",
        {"postgresql_external": True},
        ("postgresql_host", "PostgreSQL 11 is too old, 12"),
        server="postgresql",
    ),
    Case("redis", {"redis_external": True}, ("redis_host", "Redis 5 is too old"), server="redis"),
    bad("postgresql", "postgresql_port", 9, "postgresql_host", "refused", postgresql_external=True),
    bad("redis", "redis_port", 9, "redis_host", "refused", redis_external=True),
    bad("postgresql", "postgresql_version", "11"),
    bad("postgresql", "postgresql_password", f"{SECRET}\nhost all all all trust"),
    bad(
        "postgresql",
        "postgresql_tls_key",
        "server.key",
        "postgresql_tls_key",
        "absolute",
        postgresql_tls_certificate="/c.pem",
    ),
    bad("postgresql", "postgresql_tls_key", "/etc/key.pem", "postgresql_tls_certificate"),
    bad("postgresql", "postgresql_user", "postgres"),
    bad("postgresql", "postgresql_owner", "postgres"),
    bad("postgresql", "postgresql_backup_user", "postgres"),
    bad("postgresql", "postgresql_backup_user", "hx_gateway", "postgresql_backup_user", "a role of its own"),
    bad("postgresql", "postgresql_backup_user", 'x" trust'),
    bad("postgresql", "postgresql_backup_password", f"{SECRET}\nhost all all all trust"),
    bad("postgresql", "postgresql_database", 'x" trust'),
    bad("postgresql", "postgresql_listen_addresses", []),
    bad("postgresql", "postgresql_listen_addresses", ["127.0.0.1'"]),
    bad("postgresql", "postgresql_allowed_addresses", ["127.0.0.1"]),
    bad("postgresql", "postgresql_allowed_addresses", ["all"]),
    bad("postgresql", "postgresql_max_connections", 1),
    bad("postgresql", "postgresql_shared_buffers", "plenty"),
    bad("postgresql", "postgresql_sslmode", "maybe"),
    bad("postgresql", "postgresql_admin_user", "admin", "postgresql_admin_password", postgresql_external=True),
    bad("redis", "redis_user", "default"),
    bad("redis", "redis_user", "hx_gateway_admin"),
    bad("redis", "redis_user", "x on nopass"),
    bad("redis", "redis_bind_addresses", []),
    bad("redis", "redis_bind_addresses", ["127.0.0.1\nport 1"]),
    bad("redis", "redis_maxmemory", "half"),
    bad("redis", "redis_maxmemory_policy", "newest"),
    bad("redis", "redis_persistence", "sometimes"),
    bad("redis", "redis_key_prefixes", ["* +@all"]),
    bad("redis", "redis_commands", ["+@all"]),
    bad("litellm", "litellm_master_key", f"{SECRET}-without-its-beginning", "litellm_master_key", "sk-"),
    bad("litellm", "litellm_prisma_engine", "rust"),
    bad("litellm", "litellm_http_proxy", f"http://u:{SECRET}@proxy:3128", litellm_prisma_engine="native"),
    bad("proxy", "proxy_upstream_url", "127.0.0.1:4000"),
    bad("proxy", "proxy_metrics_socket", "/run/metrics.sock"),
    bad("proxy", "proxy_metrics_socket", "/run/hx-gateway-ml/admin.sock"),
    bad("proxy", "proxy_drain_notice", 61),
)

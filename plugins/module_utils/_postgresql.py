# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import traceback
import typing as t
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote

from ansible.module_utils.basic import missing_required_lib

PSYCOPG2_IMP_ERR: str | None = None
try:
    import psycopg2
except ImportError:
    PSYCOPG2_IMP_ERR = traceback.format_exc()

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule
    from psycopg2 import extensions

SSL_MODES = ["allow", "disable", "prefer", "require", "verify-ca", "verify-full"]

# Prisma's strict mode trusts the operating system's authorities; libpq has to be told where they are.
SYSTEM_CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"

# What libpq understands in a URL's query; Prisma's own parameters would make it refuse the connection.
LIBPQ_PARAMETERS = frozenset(
    {
        "channel_binding",
        "gssencmode",
        "host",
        "hostaddr",
        "krbsrvname",
        "port",
        "require_auth",
        "service",
        "sslcert",
        "sslcrl",
        "sslkey",
        "sslmode",
        "sslrootcert",
        "ssl_max_protocol_version",
        "ssl_min_protocol_version",
        "target_session_attrs",
    }
)


class DatabaseUrlError(ValueError):
    """The URL of the database cannot be read; the message never repeats the URL."""


def postgresql_argument_spec() -> dict[str, t.Any]:
    """Options of the doc fragment hx.gateway._postgresql."""
    return {
        "database_url": {"type": "str", "no_log": True},
        "login_host": {"type": "str"},
        "login_port": {"type": "int", "default": 5432},
        "login_unix_socket": {"type": "path"},
        "login_db": {"type": "str"},
        "login_user": {"type": "str"},
        "login_password": {"type": "str", "no_log": True},
        "ssl_mode": {"type": "str", "choices": SSL_MODES},
        "ca_cert": {"type": "path", "aliases": ["ssl_rootcert"]},
        "ssl_cert": {"type": "path"},
        "ssl_key": {"type": "path", "no_log": False},
        "connect_timeout": {"type": "int", "default": 5},
    }


POSTGRESQL_REQUIRED_ONE_OF = [("database_url", "login_db")]
POSTGRESQL_MUTUALLY_EXCLUSIVE = [
    ("database_url", "login_db"),
    ("database_url", "login_host"),
    ("database_url", "login_unix_socket"),
    ("database_url", "login_user"),
    ("database_url", "login_password"),
    ("login_host", "login_unix_socket"),
]
POSTGRESQL_REQUIRED_TOGETHER = [("ssl_cert", "ssl_key")]


@dataclass(frozen=True)
class Target:
    """Where the database is, in libpq's words, and what of it must never be shown."""

    parameters: dict[str, str]
    schema: str | None = None
    secrets: list[str] = field(default_factory=list)


def _split_hosts(hosts: str) -> tuple[str, str]:
    """Split ``a:1,[::1]:2`` into libpq's two lists, ``a,::1`` and ``1,2``."""
    names: list[str] = []
    ports: list[str] = []
    for entry in hosts.split(","):
        if entry.startswith("["):
            name, bracket, rest = entry[1:].partition("]")
            if not bracket or (rest and not rest.startswith(":")):
                raise DatabaseUrlError("the host is not a valid IPv6 address in brackets")
            port = rest[1:]
        else:
            name, _colon, port = entry.partition(":")
        if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise DatabaseUrlError(
                "the port is not a number from 1 to 65535 (is a special character of the password not percent-encoded?)"
            )
        names.append(unquote(name))
        ports.append(port or "5432")
    return ",".join(names), ",".join(ports)


def parse_database_url(url: str) -> Target:
    """Turn a URL as Prisma and LiteLLM take it into parameters for libpq."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.lower() not in ("postgresql", "postgres"):
        raise DatabaseUrlError("the URL must begin with postgresql:// or postgres://")
    rest = rest.partition("#")[0]
    location, _question, query = rest.partition("?")
    authority, _slash, database = location.partition("/")
    userinfo, _at, hosts = authority.rpartition("@")
    user, _colon, password = userinfo.partition(":")

    parameters: dict[str, str] = {}
    if hosts:
        parameters["host"], parameters["port"] = _split_hosts(hosts)
    if user:
        parameters["user"] = unquote(user)
    if password:
        parameters["password"] = unquote(password)
    if not database:
        raise DatabaseUrlError("the URL names no database")
    parameters["dbname"] = unquote(database)

    options: dict[str, str] = {}
    for pair in filter(None, query.split("&")):
        name, _equals, value = pair.partition("=")
        options[unquote(name)] = unquote(value)
    schema = options.pop("schema", None)
    if "sslcert" in options and "sslkey" not in options:
        options.setdefault("sslrootcert", options.pop("sslcert"))
    if options.pop("sslaccept", "") == "strict" and options.get("sslmode") != "disable":
        options["sslmode"] = "verify-full"
        options.setdefault("sslrootcert", SYSTEM_CA_BUNDLE)
    parameters.update({name: value for name, value in options.items() if name in LIBPQ_PARAMETERS})
    secrets = [secret for secret in (password, unquote(password), options.get("password", "")) if secret]
    return Target(parameters, schema or None, secrets)


def target_from_params(params: dict[str, t.Any]) -> Target:
    """Build the target from a module's parameters; the explicit TLS options win over those in the URL."""
    if params["database_url"]:
        target = parse_database_url(params["database_url"])
        parameters = dict(target.parameters)
    else:
        parameters = {
            name: str(value)
            for name, value in {
                "host": params["login_unix_socket"] or params["login_host"],
                "port": params["login_port"],
                "dbname": params["login_db"],
                "user": params["login_user"],
                "password": params["login_password"],
            }.items()
            if value
        }
        target = Target(parameters, None, [params["login_password"]] if params["login_password"] else [])
    for option, name in (
        ("ssl_mode", "sslmode"),
        ("ca_cert", "sslrootcert"),
        ("ssl_cert", "sslcert"),
        ("ssl_key", "sslkey"),
    ):
        if params[option]:
            parameters[name] = params[option]
    return Target(parameters, target.schema, target.secrets)


def ensure_psycopg2(module: AnsibleModule) -> None:
    """Fail with the usual message where the library is missing."""
    if PSYCOPG2_IMP_ERR is not None:
        module.fail_json(msg=missing_required_lib("psycopg2"), exception=PSYCOPG2_IMP_ERR)


def describe_error(error: BaseException, secrets: t.Iterable[str]) -> str:
    """One line of what went wrong, without any of the secrets."""
    text = " ".join(str(error).split()) or type(error).__name__
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "********")
    return text


@contextmanager
def readonly_cursor(target: Target, timeout: int) -> t.Iterator[extensions.cursor]:
    """Connect, and give a cursor in a read-only transaction in which nothing takes longer than the timeout."""
    parameters: dict[str, t.Any] = {
        **target.parameters,
        "connect_timeout": timeout,
        "tcp_user_timeout": timeout * 1000,
        "application_name": "hx.gateway",
    }
    connection = psycopg2.connect(**parameters)
    try:
        # One snapshot for all questions, so that a migration that ends between two of them cannot make them disagree.
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with connection.cursor() as cursor:
            # Set inside the transaction: a transaction-pooling proxy keeps nothing beyond it.
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", (str(timeout * 1000),))
            yield cursor
        connection.rollback()
    finally:
        connection.close()

# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.hx.gateway.plugins.module_utils._postgresql import (
    SYSTEM_CA_BUNDLE,
    DatabaseUrlError,
    describe_error,
    parse_database_url,
    target_from_params,
)

NO_PARAMS = dict.fromkeys(
    [
        *("database_url", "login_host", "login_unix_socket", "login_db", "login_user", "login_password"),
        *("ssl_mode", "ca_cert", "ssl_cert", "ssl_key"),
    ]
)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgresql://user:secret@db1:5433/name",
            {"user": "user", "password": "secret", "host": "db1", "port": "5433", "dbname": "name"},
        ),
        ("postgres://u@db1/name", {"user": "u", "host": "db1", "port": "5432", "dbname": "name"}),
        (
            "postgresql://u%40x:p%3A%2F%25%20+@db1/na%2Fme",
            {"user": "u@x", "password": "p:/% +", "host": "db1", "port": "5432", "dbname": "na/me"},
        ),
        (
            "postgresql://u:p@[::1]:5433,db2/name",
            {"user": "u", "password": "p", "host": "::1,db2", "port": "5433,5432", "dbname": "name"},
        ),
        ("postgresql:///name?host=/run/postgresql", {"dbname": "name", "host": "/run/postgresql"}),
        (
            "postgresql://db1/name?sslmode=require&connection_limit=5&pool_timeout=3&pgbouncer=true&sslmode_x=1",
            {"host": "db1", "port": "5432", "dbname": "name", "sslmode": "require"},
        ),
        (
            "postgresql://db1/name?sslmode=require&sslaccept=strict",
            {
                "host": "db1",
                "port": "5432",
                "dbname": "name",
                "sslmode": "verify-full",
                "sslrootcert": SYSTEM_CA_BUNDLE,
            },
        ),
        (
            "postgresql://db1/name?sslcert=/ca.pem&sslaccept=accept_invalid_certs",
            {"host": "db1", "port": "5432", "dbname": "name", "sslrootcert": "/ca.pem"},
        ),
        (
            "postgresql://db1/name?sslcert=/c.pem&sslkey=/k.pem",
            {"host": "db1", "port": "5432", "dbname": "name", "sslcert": "/c.pem", "sslkey": "/k.pem"},
        ),
    ],
)
def test_urls(url: str, expected: dict[str, str]) -> None:
    assert parse_database_url(url).parameters == expected


def test_the_schema_of_a_url() -> None:
    assert parse_database_url("postgresql://db1/name?schema=s%20x").schema == "s x"
    assert parse_database_url("postgresql://db1/name?schema=").schema is None
    assert parse_database_url("postgresql://db1/name").schema is None


def test_both_forms_of_the_password_are_secret() -> None:
    assert parse_database_url("postgresql://u:p%40ss@db1/name").secrets == ["p%40ss", "p@ss"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "secret",
        "mysql://u:secret@h/d",
        "prisma://u:secret@h/d",
        "postgresql://u:secret@h",
        "postgresql://u:secret@h/",
        "postgresql://u:secret@h:0/d",
        "postgresql://u:secret@h:65536/d",
        "postgresql://u:secret@h:٣/d",
        "postgresql://u:secret@[::1/d",
        "postgresql://u:secret@[::1]x/d",
        "postgresql://u:secret?x@h/d",
        "postgresql://u:secret/x@h/d",
    ],
)
def test_a_url_that_cannot_be_used_is_not_repeated_in_the_error(url: str) -> None:
    with pytest.raises(DatabaseUrlError) as caught:
        parse_database_url(url)
    assert "secret" not in str(caught.value)


def test_parts() -> None:
    params: dict[str, t.Any] = NO_PARAMS | {"login_db": "d", "login_port": 5433, "login_password": "p"}
    target = target_from_params(params)
    assert target.parameters == {"dbname": "d", "port": "5433", "password": "p"}
    assert (target.schema, target.secrets) == (None, ["p"])


def test_explicit_tls_options_win_over_the_url() -> None:
    params: dict[str, t.Any] = NO_PARAMS | {
        "database_url": "postgresql://db1/d?sslmode=disable&sslcert=/a.pem&sslkey=/k",
        "ssl_mode": "verify-ca",
        "ca_cert": "/ca.pem",
    }
    parameters = target_from_params(params).parameters
    assert (parameters["sslmode"], parameters["sslrootcert"]) == ("verify-ca", "/ca.pem")


def test_an_error_is_one_line_without_secrets() -> None:
    error = ValueError("cannot log in\n  as u with p@ssword or p@ss")
    assert describe_error(error, ["p@ss", "p@ssword"]) == "cannot log in as u with ******** or ********"
    assert describe_error(ValueError(), []) == "ValueError"

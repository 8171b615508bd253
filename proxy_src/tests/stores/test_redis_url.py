"""What REDIS_URL may be, and that nothing of it is repeated when it is wrong."""

from __future__ import annotations

import pytest

from hx_gateway.config import ConfigError
from hx_gateway.stores.redis_url import RedisAddress, parse


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://h", RedisAddress("h", 6379, False, "", "", 0)),
        ("redis://h:7000/", RedisAddress("h", 7000, False, "", "", 0)),
        ("rediss://h:7000/3", RedisAddress("h", 7000, True, "", "", 3)),
        ("redis://[::1]:7000/0", RedisAddress("::1", 7000, False, "", "", 0)),
        ("redis://:p@h", RedisAddress("h", 6379, False, "", "p", 0)),
        ("redis://u%40:p%2F%3A%25%C3%A9%20@h:1/2", RedisAddress("h", 1, False, "u@", "p/:%é ", 2)),
    ],
)
def test_addresses(url: str, address: RedisAddress) -> None:
    assert parse(url) == address


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("secret", "must be redis://HOST:PORT"),
        ("http://u:secret@h", "must be redis://HOST:PORT"),
        ("redis://u:secret@", "must be redis://HOST:PORT"),
        ("redis://u:secret@h:0", "must be redis://HOST:PORT"),
        ("redis://u:secret@h:99999", "is not a URL"),
        ("redis://u:secret@[::1", "is not a URL"),
        ("redis://secret@h", "has a user without a password"),
        ("redis://u:secret@h/a", "the database must be a number"),
        ("redis://u:secret@h/1/2", "the database must be a number"),
        ("redis://u:secret@h/²", "the database must be a number"),
        ("redis://u:secret@h/0?ssl_cert_reqs=none", "must not have a query"),
        ("redis://u:secret@h/0#x", "must not have a query or a fragment"),
    ],
)
def test_what_is_no_address(url: str, reason: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse(url)
    assert str(error.value).startswith(f"REDIS_URL: {reason}")
    assert "secret" not in str(error.value)


def test_an_address_is_shown_without_its_login() -> None:
    assert repr(parse("rediss://user:secret@h:1/2")) == "rediss://h:1/2"

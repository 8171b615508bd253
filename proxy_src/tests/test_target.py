"""Targets and Host values, each with what is decided on it."""

from __future__ import annotations

import pytest

from hx_gateway.errors import NotFoundError, RefusedHostError, RefusedTargetError
from hx_gateway.target import check_host, check_target, decoded_path, origin_form

GOOD = [
    "/v1/",
    "/v1/models",
    "/v1/models?x=1",
    "/v1/models/gpt-4.1",
    "/v1/models/a..b",
    "/v1/models/..b",
    "/v1/models/b..",
    "/v1/models/.hidden",
    "/v1/models/llama3:8b",
    "/v1/a%20b",
    "/v1/%C3%A9",
    "/v1/%7Euser",
    "/v1/a;b=c",
    "/v1/a@b",
    "/v1/files?path=/../../etc//x&p=%2e%2e%2f&q=%00\\",
    "/v1/files?",
]

REFUSED = [
    "/v1/../key/info",
    "/v1/./models",
    "/v1/..",
    "/v1/.",
    "/v1/models/..",
    "/v1/../v1/models",
    "/v1/..;/key",
    "/v1/.;/key",
    "/../v1/models",
    "/v1/%2e%2e/key",
    "/v1/%2E%2E/key",
    "/v1/.%2e/key",
    "/v1/%2e./key",
    "/v1/%2e/models",
    "/v1/gpt%2e4",
    "/v1/..%2fkey",
    "/v1/..%2Fkey",
    "/v1%2fmodels",
    "/v1/a%2Fb",
    "/v1/..%5ckey",
    "/v1/..%5Ckey",
    "/v1/a%5cb",
    "/v1/..\\key",
    "/v1\\models",
    "\\v1/models",
    "/v1//models",
    "//v1/models",
    "//evil.example/v1/models",
    "/v1/models//",
    "/v1/%252e%252e/key",
    "/v1/%25%32%65/key",
    "/v1/a%23b",
    "/v1/a%3fb",
    "/v1/a%3Bb",
    "/v1/a%00",
    "/v1/%0d%0aX:%20y",
    "/v1/%1f",
    "/v1/%7f",
    "/v1/%",
    "/v1/%4",
    "/v1/%zz",
    "/v1/%u002e",
    "/v1/%c0%ae%c0%ae/key",
    "/v1/%e0%80%ae/key",
    "/v1/%ff",
    "/v1/a#b",
    "/v1/a?b#c",
    "/v1/a b",
    "/v1/a\tb",
    "/v1/a\0b",
    "/v1/a\x7f",
    "/v1/\u00e9",
    "/v1/a?\u00e9",
    "/key/../v1/models",
]

UNKNOWN = [
    "/",
    "/v1",
    "/V1/models",
    "/v1.0/models",
    "/v2/models",
    "/key/info",
    "/%761/models",
    "/health",
    "/v1?x=/v1/",
    "/xv1/",
]


@pytest.mark.parametrize("target", GOOD)
def test_good_targets(target: str) -> None:
    check_target(target)


@pytest.mark.parametrize("target", REFUSED)
def test_refused_targets(target: str) -> None:
    with pytest.raises(RefusedTargetError):
        check_target(target)


@pytest.mark.parametrize("target", UNKNOWN)
def test_unknown_targets(target: str) -> None:
    with pytest.raises(NotFoundError):
        check_target(target)


@pytest.mark.parametrize(
    ("target", "origin"),
    [
        ("/v1/x", "/v1/x"),
        ("http://gateway:4010/v1/x?y", "/v1/x?y"),
        ("HTTP://GateWay:4010/v1/x", "/v1/x"),
        ("https://gateway:4010/v1/x", "/v1/x"),
        ("http://gateway:4010", "/"),
        ("http://gateway:4010?/v1/x", "/?/v1/x"),
    ],
)
def test_origin_form(target: str, origin: str) -> None:
    assert origin_form(target, "gateway:4010") == origin


@pytest.mark.parametrize(
    "target",
    [
        "http://evil/v1/x",
        "http://gateway/v1/x",
        "http://gateway:4010@evil/v1/x",
        "http://user@gateway:4010/v1/x",
        "http://gateway:4010.evil/v1/x",
        "http:///v1/x",
        "ftp://gateway:4010/v1/x",
        "*",
        "gateway:4010",
        "v1/x",
        "",
    ],
)
def test_other_forms_are_refused(target: str) -> None:
    with pytest.raises(RefusedTargetError):
        origin_form(target, "gateway:4010")


def test_absolute_form_needs_a_host() -> None:
    with pytest.raises(RefusedTargetError):
        origin_form("http:///v1/x", "")


@pytest.mark.parametrize(
    "host",
    ["gateway", "gateway:4010", "GATEWAY.example.org", "10.0.0.1:80", "[::1]:4010", "[::ffff:10.0.0.1]", "a_b-c"],
)
def test_good_hosts(host: str) -> None:
    assert check_host([host], (1, 1)) == host


@pytest.mark.parametrize(
    "values",
    [
        [],
        [""],
        ["a", "a"],
        ["a, b"],
        ["a b"],
        ["a/b"],
        ["a@b"],
        ["a:b"],
        ["a:"],
        ["a:123456"],
        ["a:1:2"],
        ["::1"],
        ["[::1"],
        ["[x]"],
        ["a?b"],
        ["a#b"],
        ["a\\b"],
        ["a%41"],
        ["\u00e9"],
        ["-a"],
        ["a\t"],
    ],
)
def test_refused_hosts(values: list[str]) -> None:
    with pytest.raises(RefusedHostError):
        check_host(values, (1, 1))


def test_http_1_0_needs_no_host() -> None:
    assert check_host([], (1, 0)) == ""
    with pytest.raises(RefusedHostError):
        check_host(["a", "b"], (1, 0))


@pytest.mark.parametrize(
    ("target", "path"),
    [("/v1/x?y", "/v1/x"), ("/v1/%65?%65", "/v1/e"), ("/v1/%ff", "/v1/\ufffd"), ("/v1/%C3%A9", "/v1/é")],
)
def test_decoded_path(target: str, path: str) -> None:
    assert decoded_path(target) == path

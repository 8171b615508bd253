"""What a test host inherits from the machine."""

from __future__ import annotations

import pytest
from testhost import carry

DEB822 = """Types: deb
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: http://mirror.example/security/
Suites: bookworm-security
Components: main
"""
FOREIGN = "deb [signed-by=/k.gpg] https://packages.example/apt cloud-bookworm main\n"
ONE_LINE = "deb [arch=amd64] http://one.example/debian bookworm main\n# deb http://old.example bookworm main\n"


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([DEB822, FOREIGN], carry.Mirrors("http://mirror.example/debian", "http://mirror.example/security")),
        ([ONE_LINE], carry.Mirrors("http://one.example/debian")),
        ([FOREIGN], carry.Mirrors()),
        (["deb file:/srv/debian bookworm main\n"], carry.Mirrors()),
        ([], carry.Mirrors()),
    ],
)
def test_mirrors_are_the_machines_own(texts: list[str], expected: carry.Mirrors) -> None:
    assert carry.mirrors_in(texts, "bookworm") == expected


def test_mirrors_serve_another_release_too() -> None:
    assert carry.Mirrors("http://m/debian", "http://m/sec").sources("trixie") == [
        "deb http://m/debian trixie main",
        "deb http://m/debian trixie-updates main",
        "deb http://m/sec trixie-security main",
    ]


def test_pip_keeps_what_holds_inside_a_container() -> None:
    listing = "\n".join(
        [
            "global.constraint='/etc/constraints.txt'",
            "global.index-url='https://global.example/simple'",
            "global.extra-index-url='file:///opt/simple https://extra.example/simple'",
            "user.index-url='https://user.example/simple'",
            "user.find-links='/opt/wheels'",
            ":env:.timeout='180'",
            ":env:.proxy='http://127.0.0.1:3128'",
        ]
    )
    assert carry.pip_options(listing) == {
        "index-url": "https://user.example/simple",
        "extra-index-url": "https://extra.example/simple",
        "timeout": "180",
    }


def test_a_proxy_on_loopback_is_not_carried() -> None:
    environment = {"http_proxy": "http://127.0.0.1:3128", "HTTPS_PROXY": "http://proxy.example:3128"}
    text = carry.proxy_environment(environment)
    assert text == "https_proxy=http://proxy.example:3128\nHTTPS_PROXY=http://proxy.example:3128\n"


def _certificate(body: str) -> str:
    return f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"


def test_only_authorities_the_host_lacks_are_carried() -> None:
    ours = _certificate("public") + "# a comment\n" + _certificate("private\nauthority")
    assert carry.private_authorities(_certificate("public"), ours) == [_certificate("private\nauthority")]
    assert carry.private_authorities(ours, ours) == []

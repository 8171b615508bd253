# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration that the role proxy writes: all of the gateway's, in its ranges, with its defaults."""

from __future__ import annotations

import importlib
import typing as t

import pytest
import yaml
from ansible_collections.hx.gateway.tests.support.proxy_role import ROLE, problems, rendered

SOURCE = ROLE.parents[1] / "proxy_src"
if not SOURCE.exists():
    pytest.skip("a collection without the gateway's source", allow_module_level=True)

OF_THE_STACK = {
    "listen.address",
    "upstream.readiness.require_database",
    "drain.timeout",
    "metrics.enabled",
    "usage.enabled",
    "redis.enabled",
    "cache.store",
    "sessions.store",
    "admin.socket",
}
"""What is otherwise in a stack of several hosts and services than where the gateway is alone."""

SMALL = 0.001

# Variable, key, and for each end of the range the last value that is good and the first that is not.
RANGES: list[tuple[str, str, tuple[t.Any, t.Any], tuple[t.Any, t.Any]]] = [
    ("proxy_upstream_keepalive_timeout", "upstream.keepalive_timeout", (SMALL, 0), (3600, 3601)),
    ("proxy_upstream_check_failures", "upstream.checks.failures", (1, 0), (100, 101)),
    ("proxy_upstream_retry_attempts", "upstream.retries.attempts", (1, 0), (100, 101)),
    ("proxy_upstream_readiness_path", "upstream.readiness.path", ("/", ""), ("/a~b?c", "/a b")),
    ("proxy_upstream_readiness_timeout", "upstream.readiness.timeout", (SMALL, 0), (300, 301)),
    ("proxy_upstream_readiness_cache", "upstream.readiness.cache", (0, -1), (86400, 86401)),
    ("proxy_header_bytes_max", "limits.header_bytes_max", (1024, 1023), (1048576, 1048577)),
    ("proxy_metrics_models_learned_max", "metrics.models_learned_max", (0, -1), (10000, 10001)),
    ("proxy_usage_batch_max", "usage.batch_max", (1, 0), (10000, 10001)),
    ("proxy_usage_interval", "usage.interval", (SMALL, 0), (60, 61)),
    ("proxy_tracing_batch_max", "tracing.batch_max", (1, 0), (10000, 10001)),
    ("proxy_tracing_interval", "tracing.interval", (SMALL, 0), (60, 61)),
    ("proxy_redis_connect_timeout", "redis.connect_timeout", (SMALL, 0), (60, 61)),
    ("proxy_redis_reconnect_delay_max", "redis.reconnect_delay_max", (SMALL, 0), (300, 301)),
]


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> t.Callable[[dict[str, t.Any]], str]:
    """What the gateway says of a configuration; nothing where it is good."""
    monkeypatch.syspath_prepend(str(SOURCE / "src"))
    model = importlib.import_module("hx_gateway.config").Config
    error = importlib.import_module("pydantic").ValidationError

    def judge(configuration: dict[str, t.Any]) -> str:
        try:
            model.model_validate(configuration)
        except error as refusal:
            return str(refusal)
        return ""

    return judge


def leaves(section: dict[str, t.Any], prefix: str = "") -> dict[str, t.Any]:
    """Return dotted keys with their values."""
    found: dict[str, t.Any] = {}
    for name, value in section.items():
        nested = isinstance(value, dict) and value
        found |= leaves(value, f"{prefix}{name}.") if nested else {prefix + name: value}
    return found


def written(**variables: t.Any) -> dict[str, t.Any]:
    """Return what the role writes."""
    configuration = yaml.safe_load(rendered("gateway.yml.j2", **variables))
    assert isinstance(configuration, dict)
    return configuration


def test_every_key_of_the_gateway_has_a_variable_with_its_default() -> None:
    # A test of the gateway's own holds this file to the defaults.
    example = leaves(yaml.safe_load((SOURCE / "example.yml").read_text(encoding="utf-8")))
    ours = leaves(written())
    assert ours.keys() == example.keys()
    assert {key for key, value in example.items() if ours[key] != value} == OF_THE_STACK


@pytest.mark.parametrize(("name", "key", "low", "high"), RANGES)
def test_a_variable_has_the_range_of_its_key(
    name: str,
    key: str,
    low: tuple[t.Any, t.Any],
    high: tuple[t.Any, t.Any],
    refused: t.Callable[[dict[str, t.Any]], str],
) -> None:
    for good, wrong in (low, high):
        configuration = written(**{name: good})
        assert leaves(configuration)[key] == good
        assert refused(configuration) == ""
        assert problems(**{name: good}) == []
        assert key in refused(written(**{name: wrong}))
        (problem,) = problems(**{name: wrong})
        assert problem.startswith(f"{name} must ")


def test_the_defaults_have_no_problem() -> None:
    assert problems() == []

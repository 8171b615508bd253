# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The units and the configuration of the role proxy, as its templates make them of its variables."""

from __future__ import annotations

import typing as t

import pytest
import yaml
from ansible_collections.hx.gateway.tests.support.proxy_role import ROLE, rendered


def unit(kind: str, debian: int = 12, **variables: t.Any) -> list[str]:
    """Return the lines of a unit without comments."""
    text = rendered(f"hx-gateway-ml.{kind}.j2", debian, **variables)
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize(
    ("address", "stream", "more"),
    [
        ("0.0.0.0", "0.0.0.0:4711", []),
        ("192.0.2.7", "192.0.2.7:4711", ["FreeBind=yes"]),
        ("::", "[::]:4711", ["BindIPv6Only=both"]),
        ("2001:db8::7", "[2001:db8::7]:4711", ["FreeBind=yes"]),
    ],
)
def test_the_socket_is_the_role_s_address(address: str, stream: str, more: list[str]) -> None:
    lines = unit("socket", proxy_listen_address=address, proxy_port=4711, proxy_backlog=77)
    start = lines.index("[Socket]")
    assert lines[start : lines.index("[Install]")] == ["[Socket]", f"ListenStream={stream}", "Backlog=77", *more]
    assert lines[-1] == "WantedBy=sockets.target"


def test_the_service_requires_its_socket_and_starts_after_it() -> None:
    wanted = ["Requires=hx-gateway-ml.socket", "After=hx-gateway-ml.socket"]
    lines = unit("service")
    assert [line for line in lines if ".socket" in line] == wanted
    assert lines.index(wanted[0]) < lines.index("[Service]")


def test_without_activation_it_knows_no_socket() -> None:
    assert [line for line in unit("service", proxy_socket_activation=False) if "socket" in line] == []


def test_only_the_main_process_is_told_to_stop() -> None:
    """The supervisor tells its workers, for which a signal of systemd's besides would be the second, which cuts."""
    assert "KillMode=mixed" in unit("service")


@pytest.mark.parametrize(
    ("debian", "lines"),
    [(12, ["Type=notify", "ExecReload=/bin/kill -HUP $MAINPID"]), (13, ["Type=notify-reload"])],
)
def test_a_reload_is_a_signal(debian: int, lines: list[str]) -> None:
    assert [line for line in unit("service", debian) if line.startswith(("Type=", "ExecReload="))] == lines


def test_metrics_are_on_a_port_or_on_a_socket() -> None:
    config = yaml.safe_load(rendered("gateway.yml.j2"))
    assert (config["metrics"]["listen"]["port"], config["metrics"]["unix_socket"]) == (4011, "")
    config = yaml.safe_load(rendered("gateway.yml.j2", proxy_metrics_socket="/run/hx-gateway-ml/metrics.sock"))
    assert config["metrics"]["unix_socket"] == "/run/hx-gateway-ml/metrics.sock"


def test_the_trial_has_no_socket_of_the_gateway_that_serves() -> None:
    tasks = yaml.safe_load((ROLE / "tasks/trial.yml").read_text(encoding="utf-8"))
    variables = tasks[0]["vars"]
    assert (variables["proxy_metrics_socket"], variables["proxy_admin_socket"]) == ("", "")


def test_the_drain_has_its_times() -> None:
    drain = yaml.safe_load(rendered("gateway.yml.j2", proxy_drain_timeout=7, proxy_drain_notice=1.5))["drain"]
    assert drain == {"timeout": 7, "notice": 1.5}

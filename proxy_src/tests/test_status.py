"""The line for `systemctl status`."""

from __future__ import annotations

import pytest

from hx_gateway.status import Status

OLD = "2026-01-31T12:34:56.000001Z"
NEW = "2026-01-31T12:34:57.000000Z"


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (Status(""), "Serving"),
        (Status(OLD), f"Serving with the configuration of {OLD}"),
        (
            Status(OLD, ("metrics", "workers")),
            f"Serving with the configuration of {OLD}; restart needed: metrics, workers",
        ),
        (
            Status(OLD, (), NEW, "a.yml: limits: wrong"),
            f"Serving with the configuration of {OLD}; refused that of {NEW}: a.yml: limits: wrong",
        ),
        (Status(OLD, (), "", "gone\n away"), f"Serving with the configuration of {OLD}; refused: gone away"),
    ],
)
def test_the_line(status: Status, line: str) -> None:
    assert str(status) == line


def test_it_fits_into_a_message_to_systemd() -> None:
    assert len(str(Status(OLD, (), NEW, "x" * 9000))) < 2000


def test_the_one_furthest_behind_comes_first() -> None:
    behind = Status(OLD, (), NEW, "reason")
    assert min(str(Status(NEW)), str(behind), str(Status(NEW, ("admin",)))) == str(behind)

"""A pytest plugin: a failed test of a host shows what the project's units there had to say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

UNITS = ("hx-*", "postgresql*", "redis*")
LINES = 60
# Enough to see what went wrong; a host that is down fails every test in the same way.
SHOWN = 5


def journal(host: object) -> str:
    """Return the state and the last lines of the units' journal, or why they cannot be had."""
    units = " ".join(f"--unit '{unit}'" for unit in UNITS)
    state = (
        f"systemctl list-units --all --no-legend --plain --type service,socket {' '.join(repr(unit) for unit in UNITS)}"
    )
    command = f"{state}; journalctl --no-pager --quiet --output short-iso --lines {LINES} {units}"
    try:
        return str(host.run(command).stdout)  # type: ignore[attr-defined]  # a host's modules are found at run time
    except Exception as error:
        return f"The journal cannot be read: {error}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the journal to the report of a failed test."""
    report = yield
    host = getattr(item, "funcargs", {}).get("host")
    shown = item.config.stash.get(_SHOWN, 0)
    if report.failed and host is not None and shown < SHOWN:
        item.config.stash[_SHOWN] = shown + 1
        report.sections.append((f"Journal of {host.backend.hostname}", journal(host)))
    return report


_SHOWN = pytest.StashKey[int]()

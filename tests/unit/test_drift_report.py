# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of playbooks/drift.yml says of each task what it would have changed."""

from __future__ import annotations

import importlib.util
import sys
import typing as t
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def load() -> t.Any:
    """Load the plugin as Ansible does, by its path."""
    path = ROOT / "playbooks/callback_plugins/drift_report.py"
    specification = importlib.util.spec_from_file_location("drift_report", path)
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    sys.modules["drift_report"] = module
    specification.loader.exec_module(module)
    return module


drift_report = load()


@pytest.mark.parametrize(
    ("result", "found"),
    [
        ({"changed": False, "diff": [{"before": "a", "after": "b"}]}, []),
        (
            {"changed": True, "dest": "/etc/x", "diff": [{"before": "a", "after": "b"}]},
            [("changed", "/etc/x", "a", "b")],
        ),
        ({"changed": True, "diff": {"before": "", "after": "b", "after_header": "/y"}}, [("missing", "/y", "", "b")]),
        ({"changed": True, "invocation": {"module_args": {"name": "redis"}}}, [("changed", "redis", None, None)]),
        ({"changed": True}, [("changed", "the task", None, None)]),
        (
            {"changed": True, "results": [{"changed": True, "path": "/a"}, {"changed": False, "path": "/b"}]},
            [("changed", "/a", None, None)],
        ),
    ],
)
def test_what_a_task_would_change(result: dict[str, t.Any], found: list[tuple[t.Any, ...]]) -> None:
    told = drift_report.of_task("host", "the task", result)
    assert [(one.kind, one.what, one.before, one.after) for one in told] == found


def test_what_the_resources_differ_in() -> None:
    def change(action: str) -> dict[str, t.Any]:
        return {"action": action, "resource": "team", "name": action, "before": {"a": 1}, "after": {"a": 2}}

    result = {
        "changes": [change("created"), change("updated"), change("deleted")],
        "unmanaged": {"keys": ["x"], "users": []},
    }
    told = drift_report.of_resources("host", "the task", result)
    assert [(one.kind, one.what) for one in told] == [
        ("missing", "team created"), ("changed", "team updated"), ("changed", "team deleted"), ("unmanaged", "keys: x"),
    ]  # fmt: skip


def finding(kind: str) -> t.Any:
    return drift_report.Finding(kind, "host", "a | b", "task", "one\ntwo", {"ü": 1})


@pytest.mark.parametrize(
    ("kinds", "drifted"),
    [([], False), (["unmanaged"], False), (["missing"], True), (["changed"], True), (["failed"], True)],
)
def test_only_what_a_run_would_change_is_drift(kinds: list[str], drifted: bool) -> None:
    findings = drift_report.Findings([finding(kind) for kind in kinds], in_sync=3)
    data = findings.data()
    assert (data["drifted"], data["in_sync"]) == (drifted, 3)
    assert [len(data[kind]) for kind in kinds] == [1] * len(kinds)


def test_the_tables_of_the_report_hold_any_text() -> None:
    text = drift_report.Findings([finding("changed")]).markdown()
    assert "The system differs from the inventory." in text
    assert '| host | a \\| b | one<br>two | {"ü": 1} |' in text
    file = drift_report.Finding("changed", "host", "/x", "task", "same\nold\n", "same\nnew\n")
    assert "| host | /x | old | new |" in drift_report.Findings([file]).markdown()
    assert "is as the inventory says" in drift_report.Findings().markdown()

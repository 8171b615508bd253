# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: drift_report
type: aggregate
short_description: Writes what playbooks/drift.yml finds into a report
description:
  - Ansible loads it with the playbooks of its folder. It is silent for all of them but C(drift.yml).
  - When the play begins that judges the findings, it writes C(drift.json) and C(drift.md) into the folder that the
    variable C(drift_folder) names.
"""

import difflib
import json
import typing as t
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ansible.plugins.callback import CallbackBase

PLAYBOOK = "drift.yml"
# The play that reads what is written here.
JUDGEMENT = "Judge the findings"
RESOURCES = "litellm_resources"
KINDS = {"missing": "Missing", "changed": "Changed by hand", "unmanaged": "Unmanaged", "failed": "Not to be told"}


@dataclass
class Finding:
    """One thing that is not as the inventory says."""

    kind: str
    host: str
    what: str
    task: str
    before: t.Any = None
    after: t.Any = None


@dataclass
class Findings:
    """What a run has found."""

    found: list[Finding] = field(default_factory=list)
    in_sync: int = 0

    def data(self) -> dict[str, t.Any]:
        """Return the report as data."""
        kinds = {kind: [asdict(one) for one in self.found if one.kind == kind] for kind in KINDS}
        # What LiteLLM has beyond the inventory is worth knowing, but nothing that a run would change.
        drifted = any(one.kind != "unmanaged" for one in self.found)
        return {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "drifted": drifted,
            "in_sync": self.in_sync,
            **kinds,
        }

    def markdown(self) -> str:
        """Return the report for people."""
        data = self.data()
        verdict = (
            "The system differs from the inventory." if data["drifted"] else "The system is as the inventory says."
        )
        lines = ["# Drift", "", f"{verdict} In sync: {self.in_sync}. Looked at {data['time']}.", ""]
        for kind, title in KINDS.items():
            found = [one for one in self.found if one.kind == kind]
            if not found:
                continue
            lines += [f"## {title}", "", "| host | what | is | should be |", "|---|---|---|---|"]
            for one in found:
                before, after = _sides(one.before, one.after)
                lines.append(f"| {one.host} | {_cell(one.what)} | {_cell(before)} | {_cell(after)} |")
            lines.append("")
        return "\n".join(lines)


def _sides(before: t.Any, after: t.Any) -> tuple[t.Any, t.Any]:
    """Return of two texts of several lines the lines that differ."""
    if not (isinstance(before, str) and isinstance(after, str) and "\n" in before + after):
        return before, after
    lines = list(difflib.ndiff(before.splitlines(), after.splitlines()))
    gone, come = ([line[2:] for line in lines if line.startswith(sign)] for sign in ("- ", "+ "))
    return "\n".join(gone), "\n".join(come)


def _cell(value: t.Any) -> str:
    """Write a value into one cell of a table."""
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
    return text.replace("|", "\\|").replace("\n", "<br>")


def of_resources(host: str, task: str, result: dict[str, t.Any]) -> list[Finding]:
    """Read what the module litellm_resources predicts."""
    found = [
        Finding(
            "missing" if one["action"] == "created" else "changed",
            host,
            f"{one['resource']} {one['name']}",
            task,
            one["before"],
            one["after"],
        )
        for one in result.get("changes") or []
    ]
    for plural, names in (result.get("unmanaged") or {}).items():
        found += [Finding("unmanaged", host, f"{plural}: {name}", task) for name in names]
    return found


def of_task(host: str, task: str, result: dict[str, t.Any]) -> list[Finding]:
    """Read what any other module predicts, as far as it tells."""
    items = result.get("results") if isinstance(result.get("results"), list) else [result]
    found = []
    for item in items or []:
        if not item.get("changed"):
            continue
        diffs = item.get("diff") or [{}]
        for diff in diffs if isinstance(diffs, list) else [diffs]:
            before, after = diff.get("before"), diff.get("after")
            what = _what(item, diff) or task
            found.append(Finding("missing" if not before and after else "changed", host, what, task, before, after))
    return found


def _what(item: dict[str, t.Any], diff: dict[str, t.Any]) -> str:
    """Name the file or whatever else a result is about."""
    arguments = (item.get("invocation") or {}).get("module_args") or {}
    # Ansible calls what is to come by the temporary file it lies in.
    headers = (diff.get("before_header"), diff.get("after_header"))
    named = (item.get("dest"), item.get("path"), *headers, *(arguments.get(name) for name in ("dest", "path", "name")))
    return str(next((name for name in named if name), ""))


class CallbackModule(CallbackBase):
    """Collects what tasks in check mode would change."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "drift_report"

    def __init__(self, *arguments: t.Any, **settings: t.Any) -> None:
        super().__init__(*arguments, **settings)
        self.findings: Findings | None = None

    def v2_playbook_on_start(self, playbook: t.Any) -> None:
        """Begin a report, where it is the playbook's."""
        if Path(str(playbook._file_name)).name == PLAYBOOK:
            self.findings = Findings()

    def v2_runner_on_ok(self, result: t.Any) -> None:
        """Note what a task would change, or that it would change nothing."""
        task = result._task
        if self.findings is None or type(task).__name__ == "Handler":
            return
        host, name, told = result._host.get_name(), task.get_name(), result._result
        is_resources = task.action.rpartition(".")[2] == RESOURCES
        found = of_resources(host, name, told) if is_resources else of_task(host, name, told)
        self.findings.found += found
        self.findings.in_sync += int(told.get("total", 1)) - len([one for one in found if one.kind != "unmanaged"])

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        """Note that something could not be told."""
        if not ignore_errors:
            self._unknown(result, str(result._result.get("msg", "")))

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        """Note that a host could not be asked."""
        self._unknown(result, "the host cannot be reached")

    def _unknown(self, result: t.Any, reason: str) -> None:
        if self.findings is not None:
            name = result._task.get_name()
            self.findings.found.append(Finding("failed", result._host.get_name(), name, name, reason))

    def v2_playbook_on_play_start(self, play: t.Any) -> None:
        """Write the report before the play that reads it."""
        if self.findings is None or play.get_name() != JUDGEMENT:
            return
        folder = Path(str(play.get_variable_manager().get_vars(play=play)["drift_folder"]))
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.findings.data(), indent=2, ensure_ascii=False)
        (folder / "drift.json").write_text(f"{text}\n", encoding="utf-8")
        (folder / "drift.md").write_text(self.findings.markdown(), encoding="utf-8")

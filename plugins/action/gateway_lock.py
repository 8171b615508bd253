# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import os
import typing as t

from ansible import context
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.hx.gateway.plugins.plugin_utils._controller import Process, controller, run_of, who
from ansible_collections.hx.gateway.plugins.plugin_utils._keeper import Keeper, LockCommands

_PATH = "/run/hx-gateway.lock"
_REFUSAL = (
    "{host} is locked: {who} runs {playbook} there since {since} (process {pid}, last sign of life {age:.0f} s ago). "
    "Wait until that run has ended, or end it with -e hx_lock_break=true, which takes its lock."
)
_TAKEN = "{host}: took over the lock of {who}, who ran {playbook} since {since}; {reason}"


class ActionModule(ActionBase):
    """Takes the lock of a host for this run, and leaves a keeper behind."""

    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the action."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        result.update(changed=False, held=False)
        if self._task.check_mode:
            return result
        # This runs in a child that the run forked for the task.
        process = Process.of(os.getppid())
        commands = LockCommands(self._task.args.get("path", _PATH), run_of(process))
        if self._shell(commands.renew) == 0:
            return {**result, "held": True}
        answer = self._take(commands.run, process, task_vars or {})
        if answer.get("held"):
            Keeper(process, commands, self._muted_shell).start()
        return {**result, **answer}

    def _take(self, run: str, process: Process, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        holder: dict[str, t.Any] = {
            "run": run,
            "controller": controller(),
            "pid": process.pid,
            "started": process.started,
            "who": who(),
            "playbook": " ".join(context.CLIARGS.get("args") or ["?"]),
        }
        answer = self._ask(holder, "", task_vars)
        reason = "that was asked for" if self._task.args.get("force") else "it gave no sign of life"
        other = answer.get("holder", {})
        if self._refused(answer) and self._has_ended(other, holder["controller"]):
            reason = "its process has ended"
            answer = self._ask(holder, other["run"], task_vars)
        host = task_vars.get("inventory_hostname", "the host")
        if self._refused(answer):
            raise AnsibleActionFail(_REFUSAL.format(host=host, age=answer["age"], **_told(answer["holder"])))
        if answer.get("before"):
            self._display.warning(_TAKEN.format(host=host, reason=reason, **_told(answer["before"])))
        return answer

    def _ask(self, holder: dict[str, t.Any], over: str, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        arguments = {**self._task.args, "path": self._task.args.get("path", _PATH), "holder": holder, "over": over}
        return dict(self._execute_module("hx.gateway.gateway_lock", module_args=arguments, task_vars=task_vars))

    @staticmethod
    def _refused(answer: dict[str, t.Any]) -> bool:
        return not answer.get("failed") and not answer.get("held", True)

    @staticmethod
    def _has_ended(other: dict[str, t.Any], here: str) -> bool:
        return other["controller"] == here and not Process(other["pid"], other["started"]).alive

    def _shell(self, command: str) -> int:
        # With something to read the command gets no terminal, which a host may not have to give.
        data = b"\n" if self._connection.has_pipelining else None
        answer: dict[str, t.Any] = self._low_level_execute_command(command, in_data=data)  # type: ignore[no-untyped-call]
        return int(answer["rc"])

    def _muted_shell(self, command: str) -> int:
        """Run a command in the keeper, whose way to the run's output is gone."""
        with contextlib.suppress(RuntimeError):
            Display().set_queue(None)  # type: ignore[arg-type]
        return self._shell(command)


def _told(holder: dict[str, t.Any]) -> dict[str, t.Any]:
    return {name: holder[name] for name in ("who", "playbook", "since", "pid")}

# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import signal
import typing as t

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: end_at
type: aggregate
short_description: Ends a run by SIGKILL when it begins a task
description:
  - For tests of runs that are cut off. Counts tasks and handlers as they begin.
options:
  task:
    description: Number of the task, from 1, or its name without its role's.
    type: str
    required: true
    env:
      - name: END_AT_TASK
"""


class CallbackModule(CallbackBase):
    """Counts, and ends the controller's process, which has no chance to clean up."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "end_at"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._begun = 0

    def v2_playbook_on_task_start(self, task: t.Any, is_conditional: bool) -> None:
        """Count a task."""
        self._count(task)

    def v2_playbook_on_handler_task_start(self, task: t.Any) -> None:
        """Count a handler."""
        self._count(task)

    def _count(self, task: t.Any) -> None:
        self._begun += 1
        if self.get_option("task") in {str(self._begun), task.name}:
            os.kill(os.getpid(), signal.SIGKILL)

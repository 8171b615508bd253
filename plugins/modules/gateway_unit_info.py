#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_unit_info
short_description: Tell whether a running systemd unit is older than the files it was started from
version_added: 1.0.0
description:
  - Asks systemd for the state of a unit and compares the time its main process began with the modification times of files.
  - A handler restarts a service in the run that changed a file. This module also notices what a handler misses, a run that
    was ended before its handlers, or a file that something else wrote.
  - The times compared are both of the wall clock, at microseconds. The process's start is the one systemd noted when it
    happened, and not one computed from the monotonic clock, since a computed one moves against the files' times whenever the
    wall clock is set, and does so for as long as the process runs.
  - A unit that does not exist is an answer (RV(load_state=not-found)), not a failure.
author:
  - hx.gateway contributors (@hx-gateway)
extends_documentation_fragment:
  - hx.gateway._attributes
  - hx.gateway._attributes.info_module
options:
  name:
    description:
      - Name of the unit. Without a suffix it is a service.
    type: str
    required: true
  files:
    description:
      - Absolute paths of the files that the unit's process reads when it starts.
      - A symbolic link, also one that is only a part of the path, counts with its own modification time as well as with that of
        what it points to. A link that was switched is a change.
    type: list
    elements: path
    default: []
  unit_files:
    description:
      - Whether the unit file and its drop-ins, as systemd names them, count as well.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Look whether the gateway runs with its present files
  hx.gateway.gateway_unit_info:
    name: hx-gateway-ml.service
    files:
      - /opt/HX-Infrastructure-/api-gateway/config/api-gateway/gateway.env
      - /opt/HX-Infrastructure-/api-gateway/config/api-gateway/gateway.yml
      - /opt/HX-Infrastructure-/api-gateway/gateway/current
  register: unit
  changed_when: unit.stale
  notify: Restart hx-gateway-ml
"""

RETURN = r"""
stale:
  description:
    - Whether the unit is active and has to be restarted to run with its present files. True when RV(newer_files) is not
      empty or RV(need_daemon_reload) is true.
  returned: success
  type: bool
  sample: false
load_state:
  description: Whether systemd knows the unit, V(loaded), V(not-found), V(masked), V(error) or V(bad-setting).
  returned: success
  type: str
  sample: loaded
active_state:
  description: State of the unit, V(active), V(inactive), V(failed), V(activating), V(deactivating) or V(reloading).
  returned: success
  type: str
  sample: active
sub_state:
  description: State of the unit in finer words, which depend on its kind.
  returned: success
  type: str
  sample: running
result:
  description: How the unit ended last, V(success) while it runs.
  returned: success
  type: str
  sample: success
main_pid:
  description: Process ID of the main process, V(0) when there is none.
  returned: success
  type: int
  sample: 4242
restarts:
  description: How often systemd restarted the unit by itself since it was last started by hand.
  returned: success
  type: int
  sample: 0
started_at:
  description:
    - Time at which the main process began, in UTC as ISO 8601. For a unit that never has a main process, the time it was started.
    - Empty when it was never started.
  returned: success
  type: str
  sample: "2026-01-31T12:34:56.123456Z"
need_daemon_reload:
  description: Whether the unit file or a drop-in changed since systemd read it.
  returned: success
  type: bool
  sample: false
newer_files:
  description: Files that changed after the main process of the active unit began.
  returned: success
  type: list
  elements: str
  sample: []
missing_files:
  description: Files of which nothing is there.
  returned: success
  type: list
  elements: str
  sample: []
"""

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hx.gateway.plugins.module_utils._unit import (
    PROPERTIES,
    Unit,
    UnitError,
    compare_files,
    parse_show,
)


class UnitInfo:
    """Puts systemd's word on a unit and its files together."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.name: str = module.params["name"]
        self.files: list[str] = module.params["files"]
        self.check()

    def check(self) -> None:
        """Refuse what systemctl or the file system would take for something else."""
        if not self.name or self.name.startswith("-") or any(mark in self.name for mark in " /*?[\n"):
            self.module.fail_json(msg="name must be the name of one unit")
        for path in self.files:
            if not os.path.isabs(path):
                self.module.fail_json(msg=f"files must hold absolute paths, {path} is not one")

    def show(self) -> Unit:
        """Ask systemd."""
        _rc, output, _error = self.module.run_command(
            [
                self.module.get_bin_path("systemctl", required=True),
                "show",
                "--no-pager",
                "--timestamp=us+utc",
                "--property=" + ",".join(PROPERTIES),
                "--",
                self.name,
            ],
            environ_update={"LC_ALL": "C", "SYSTEMD_COLORS": "0"},
            check_rc=True,
        )
        try:
            return parse_show(output)
        except UnitError as error:
            self.module.fail_json(msg=str(error))

    def execute(self) -> dict[str, t.Any]:
        """Return the module's result."""
        unit = self.show()
        watched = [*self.files, *unit.unit_files] if self.module.params["unit_files"] else self.files
        try:
            freshness = compare_files(unit, watched)
        except OSError as error:
            self.module.fail_json(msg=f"cannot look at {error.filename}: {error.strerror}")
        return {
            "stale": unit.active and (bool(freshness.newer_files) or unit.need_daemon_reload),
            "load_state": unit.load_state,
            "active_state": unit.active_state,
            "sub_state": unit.sub_state,
            "result": unit.result,
            "main_pid": unit.main_pid,
            "restarts": unit.restarts,
            "started_at": unit.started_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if unit.started_at else "",
            "need_daemon_reload": unit.need_daemon_reload,
            "newer_files": freshness.newer_files,
            "missing_files": freshness.missing_files,
        }


def main() -> t.NoReturn:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "files": {"type": "list", "elements": "path", "default": []},
            "unit_files": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    module.exit_json(changed=False, **UnitInfo(module).execute())


if __name__ == "__main__":
    main()

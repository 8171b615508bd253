#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_unit_info
short_description: Tell whether a running systemd unit is older than its files, and what would mend it
version_added: 1.0.0
description:
  - Asks systemd for the state of a unit and compares the time its main process began with the modification times of files.
  - A handler restarts a service in the run that changed a file. This module also notices what a handler misses, a run that
    was ended before its handlers, or a file that something else wrote.
  - The times compared are both of the wall clock, at microseconds. The process's start is the one systemd noted when it
    happened, and not one computed from the monotonic clock, since a computed one moves against the files' times whenever the
    wall clock is set, and does so for as long as the process runs.
  - A process that can be reloaded may run with a file that is younger than itself. hx-gateway says in its status line (C(STATUS=) of
    C(sd_notify), what C(systemctl status) shows) the modification time of the configuration that is in force, and this is compared
    with the file's, O(configuration). It need not be older, only another one, so a file put back from a backup is a change too.
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
  configuration:
    description:
      - Absolute path of the file that the unit's process reads when it starts and again when it is reloaded.
      - Where the status line says nothing of it, it counts as one of O(files).
    type: path
  unit_files:
    description:
      - Whether the unit file and its drop-ins, as systemd names them, count as well. So do those of the unit's sockets, for them.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Look whether the gateway runs with its present files
  hx.gateway.gateway_unit_info:
    name: hx-gateway-ml.service
    files:
      - /opt/HX-Infrastructure-/api-gateway/config/api-gateway/gateway.env
      - /opt/HX-Infrastructure-/api-gateway/gateway/current
    configuration: /opt/HX-Infrastructure-/api-gateway/config/api-gateway/gateway.yml
  register: unit

- name: Restart or reload it, as it needs
  ansible.builtin.systemd_service:
    name: hx-gateway-ml.service
    state: "{{ unit.action }}ed"
    daemon_reload: true
  when: unit.action != 'none'
"""

RETURN = r"""
stale:
  description:
    - Whether the unit is active and has to be restarted or reloaded to run with its present files. True when RV(action) is not
      V(none).
  returned: success
  type: bool
  sample: false
action:
  description:
    - What the active unit needs to run with its present files.
    - V(reload) when nothing but O(configuration) differs, V(restart) when another file does, RV(need_daemon_reload) is true, or
      RV(restart_needed) is not empty. V(none) when it runs with them, or does not run.
  returned: success
  type: str
  sample: none
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
  description: Files that changed after the main process of the active unit began, and O(configuration) if it is not the one in force.
  returned: success
  type: list
  elements: str
  sample: []
status:
  description: The status line that the process gave systemd.
  returned: success
  type: str
  sample: Serving with the configuration of 2026-01-31T12:34:55.654321Z
restart_needed:
  description: Keys of the configuration that the process has read but cannot bring into force without a restart.
  returned: success
  type: list
  elements: str
  sample: []
refused:
  description: Why the process refused O(configuration) as it is at present, and goes on with what it had; empty if it did not.
  returned: success
  type: str
  sample: ""
sockets:
  description: The socket units that hold addresses for the unit.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the socket unit.
      type: str
    active_state:
      description: State of the socket unit, as RV(active_state).
      type: str
    listen:
      description: What it listens on, as systemd writes it.
      type: list
      elements: str
    stale:
      description: Whether it is active, and it or its drop-ins changed since it was started. A restart of the unit does not mend that.
      type: bool
  sample:
    - name: hx-gateway-ml.socket
      active_state: active
      listen: ["0.0.0.0:4010 (Stream)"]
      stale: false
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
    Freshness,
    Unit,
    UnitError,
    compare_files,
    format_time,
    modified_at,
    parse_show,
    parse_status,
)


class UnitInfo:
    """Puts systemd's word on a unit and its files together."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.name: str = module.params["name"]
        self.files: list[str] = module.params["files"]
        self.configuration: str | None = module.params["configuration"]
        self.check()

    def check(self) -> None:
        """Refuse what systemctl or the file system would take for something else."""
        if not self.name or self.name.startswith("-") or any(mark in self.name for mark in " /*?[\n"):
            self.module.fail_json(msg="name must be the name of one unit")
        for path in self.files:
            if not os.path.isabs(path):
                self.module.fail_json(msg=f"files must hold absolute paths, {path} is not one")
        if self.configuration is not None and not os.path.isabs(self.configuration):
            self.module.fail_json(msg="configuration must be an absolute path")

    def show(self, *names: str) -> list[Unit]:
        """Ask systemd about units."""
        _rc, output, _error = self.module.run_command(
            [
                self.module.get_bin_path("systemctl", required=True),
                "show",
                "--no-pager",
                "--timestamp=us+utc",
                "--property=" + ",".join(PROPERTIES),
                "--",
                *names,
            ],
            environ_update={"LC_ALL": "C", "SYSTEMD_COLORS": "0"},
            check_rc=True,
        )
        try:
            return [parse_show(text) for text in output.split("\n\n")]
        except UnitError as error:
            self.module.fail_json(msg=str(error))

    def freshness(self, unit: Unit, files: t.Iterable[str] = ()) -> Freshness:
        """Find what changed since a unit began, the unit file and its drop-ins included."""
        try:
            return compare_files(unit, [*files, *unit.unit_files] if self.module.params["unit_files"] else files)
        except OSError as error:
            self.module.fail_json(msg=f"cannot look at {error.filename}: {error.strerror}")

    def sockets(self, unit: Unit) -> list[dict[str, t.Any]]:
        """Describe the sockets of a unit."""
        found = self.show(*unit.sockets) if unit.sockets else []
        return [
            {
                "name": name,
                "active_state": socket.active_state,
                "listen": list(socket.listen),
                "stale": socket.active and (bool(self.freshness(socket).newer_files) or socket.need_daemon_reload),
            }
            for name, socket in zip(unit.sockets, found, strict=True)
        ]

    def execute(self) -> dict[str, t.Any]:
        """Return the module's result."""
        unit = self.show(self.name)[0]
        said = parse_status(unit.status)
        configuration = self.configuration or ""
        # Where the status says nothing, the configuration is a file like the others.
        reloads = bool(configuration and said.changed_at)
        found = self.freshness(unit, [*self.files, configuration] if configuration and not reloads else self.files)
        present = modified_at(configuration) if reloads else None
        outdated = unit.active and present is not None and present != said.changed_at
        if not unit.active:
            action = "none"
        elif found.newer_files or unit.need_daemon_reload or (reloads and said.restart_needed):
            action = "restart"
        else:
            action = "reload" if outdated else "none"
        return {
            "stale": action != "none",
            "action": action,
            "load_state": unit.load_state,
            "active_state": unit.active_state,
            "sub_state": unit.sub_state,
            "result": unit.result,
            "main_pid": unit.main_pid,
            "restarts": unit.restarts,
            "started_at": format_time(unit.started_at) if unit.started_at else "",
            "need_daemon_reload": unit.need_daemon_reload,
            "newer_files": [*found.newer_files, configuration] if outdated else found.newer_files,
            "missing_files": [*found.missing_files, configuration] if reloads and not present else found.missing_files,
            "status": unit.status,
            "restart_needed": list(said.restart_needed) if reloads else [],
            "refused": said.reason if outdated and present == said.refused_at else "",
            "sockets": self.sockets(unit),
        }


def main() -> t.NoReturn:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "files": {"type": "list", "elements": "path", "default": []},
            "configuration": {"type": "path"},
            "unit_files": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    module.exit_json(changed=False, **UnitInfo(module).execute())


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_trial
short_description: Try a gateway beside the one that serves
version_added: 1.0.0
description:
  - Starts a service unit that runs a gateway on an address of its own, waits until it is ready, sees whether it stays so, and
    stops it again.
  - A process that ends is noticed at once and not when O(timeout) is over.
  - A gateway that does not serve is a failure, which says why and ends with the unit's journal.
author:
  - hx.gateway contributors (@hx-gateway)
extends_documentation_fragment:
  - hx.gateway._attributes
  - hx.gateway._http
  - hx.gateway._http.request_timeout
attributes:
  check_mode:
    support: full
    details:
      - Nothing is started.
  diff_mode:
    support: N/A
    details:
      - Nothing is left changed.
  idempotent:
    support: full
options:
  unit:
    description:
      - Name of the service unit. It must not be running.
    type: str
    required: true
  timeout:
    description:
      - Seconds it may take to become ready.
    type: float
    default: 15
  steady:
    description:
      - Seconds it then has to stay ready.
    type: float
    default: 5
seealso:
  - module: hx.gateway.gateway_health_info
"""

EXAMPLES = r"""
- name: Try the release before it serves
  hx.gateway.gateway_trial:
    unit: hx-gateway-ml-trial.service
    url: http://127.0.0.1:4018
"""

RETURN = r"""
reason:
  description: Why it does not serve. Empty when it does.
  returned: when it was tried
  type: str
  sample: its process ended
elapsed:
  description: Seconds it took.
  returned: when it was tried
  type: float
  sample: 6.2
"""

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hx.gateway.plugins.module_utils._http import HttpClient, check_url, http_argument_spec
from ansible_collections.hx.gateway.plugins.module_utils._trial import Trial


class SystemdUnit:
    """The unit of the trial, as systemctl and journalctl handle it."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.name: str = module.params["unit"]
        self.systemctl = module.get_bin_path("systemctl", required=True)

    def call(self, *arguments: str, check: bool = True) -> str:
        """Run systemctl and return what it wrote."""
        environment = {"LC_ALL": "C", "SYSTEMD_COLORS": "0"}
        _rc, output, _error = self.module.run_command(
            [self.systemctl, *arguments], environ_update=environment, check_rc=check
        )
        return str(output)

    def start(self) -> None:
        """Have the unit started and do not wait."""
        self.call("daemon-reload")
        self.call("start", "--no-block", "--", self.name)

    def stop(self) -> None:
        """Stop the unit and forget how it ended."""
        self.call("kill", "--signal=SIGKILL", "--", self.name, check=False)
        self.call("stop", "--", self.name, check=False)
        self.call("reset-failed", "--", self.name, check=False)

    def state(self) -> tuple[str, int]:
        """Return the unit's state and how often it was restarted."""
        lines = self.call("show", "--property=ActiveState,NRestarts,Job", "--", self.name).splitlines()
        values = dict(line.split("=", 1) for line in lines if "=" in line)
        # The start is still to come.
        waiting = values.get("ActiveState") == "inactive" and values.get("Job", "0") not in ("", "0")
        restarts = values.get("NRestarts", "0")
        return "activating" if waiting else values.get("ActiveState", ""), int(restarts) if restarts.isdigit() else 0

    def journal(self, since: float) -> str:
        """Return what it said last."""
        program = self.module.get_bin_path("journalctl", required=True)
        arguments = ["--no-pager", "--output=cat", "--lines=20", f"--since=@{int(since)}", f"--unit={self.name}"]
        _rc, output, _error = self.module.run_command([program, *arguments])
        return str(output)


def main() -> t.NoReturn:
    """Run the module."""
    specification = {
        "unit": {"type": "str", "required": True},
        "timeout": {"type": "float", "default": 15},
        "steady": {"type": "float", "default": 5},
    }
    module = AnsibleModule(argument_spec={**http_argument_spec(), **specification}, supports_check_mode=True)
    params = module.params
    if not params["unit"].endswith(".service") or params["unit"].startswith("-"):
        module.fail_json(msg="unit must be the name of a service unit")
    if problem := check_url(params["url"]):
        module.fail_json(msg=problem)
    if min(params["timeout"], params["request_timeout"]) <= 0 or params["steady"] < 0:
        module.fail_json(msg="timeout and request_timeout must be greater than 0, and steady not less")
    if module.check_mode:
        module.exit_json(changed=False)
    unit = SystemdUnit(module)
    began, since = time.monotonic(), time.time()
    try:
        unit.start()
        reason = Trial(unit, HttpClient(params), params["timeout"], params["steady"]).run()
    finally:
        unit.stop()
    result: dict[str, t.Any] = {"changed": False, "reason": reason, "elapsed": round(time.monotonic() - began, 2)}
    if reason:
        module.fail_json(msg=f"{unit.name} does not serve: {reason}\n{unit.journal(since)}".rstrip(), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()

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
from ansible_collections.hx.gateway.plugins.module_utils._systemd import SystemdUnit
from ansible_collections.hx.gateway.plugins.module_utils._trial import Trial


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
    unit = SystemdUnit(module, params["unit"])
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

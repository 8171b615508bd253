#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_health_info
short_description: Tell whether the gateway is alive, and ready to serve, by what it says
version_added: 1.0.0
description:
  - Asks the gateway for its health and its readiness and reads the bodies of the answers.
  - A gateway that is down or answers something else is an answer (RV(alive=false)), not a failure.
author:
  - hx.gateway contributors (@hx-gateway)
extends_documentation_fragment:
  - hx.gateway._attributes
  - hx.gateway._attributes.info_module
  - hx.gateway._http
  - hx.gateway._http.request_timeout
  - hx.gateway._wait
seealso:
  - module: hx.gateway.gateway_request_info
  - module: hx.gateway.litellm_health_info
"""

EXAMPLES = r"""
- name: Wait until the gateway is ready
  hx.gateway.gateway_health_info:
    url: http://127.0.0.1:4010
    wait: true
    timeout: 60
  register: health
  failed_when: not health.ready
"""

RETURN = r"""
alive:
  description: Whether the gateway itself answers.
  returned: success
  type: bool
  sample: true
ready:
  description: Whether it is alive and can serve.
  returned: success
  type: bool
  sample: true
reason:
  description: Why it is not ready, in plain words. Empty when it is.
  returned: success
  type: str
  sample: LiteLLM has lost its database
note:
  description: What it says of itself.
  returned: success
  type: str
  sample: HX wrapper – proxy mode
litellm:
  description: How it finds LiteLLM. One of V(healthy), V(unhealthy), V(unreachable) and V(unknown).
  returned: success
  type: str
  sample: healthy
database:
  description: What LiteLLM says of its database.
  returned: success
  type: str
  sample: connected
limits:
  description: Where limits are counted.
  returned: success
  type: str
  sample: redis
attempts:
  description: How often the gateway was asked.
  returned: success
  type: int
  sample: 1
elapsed:
  description: Seconds it took.
  returned: success
  type: float
  sample: 0.02
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hx.gateway.plugins.module_utils._gateway_health import GatewayProbe
from ansible_collections.hx.gateway.plugins.module_utils._http import (
    HttpClient,
    check_url,
    http_argument_spec,
    password_in,
)
from ansible_collections.hx.gateway.plugins.module_utils._wait import Waiter, WaitError, wait_argument_spec


def main() -> t.NoReturn:
    """Run the module."""
    module = AnsibleModule(argument_spec={**http_argument_spec(), **wait_argument_spec()}, supports_check_mode=True)
    params = module.params
    module.no_log_values.update(password_in(params["url"]))
    if problem := check_url(params["url"]):
        module.fail_json(msg=problem)
    if params["request_timeout"] <= 0:
        module.fail_json(msg="request_timeout must be greater than 0")
    try:
        waiter = Waiter(wait=params["wait"], timeout=params["timeout"], poll_interval=params["poll_interval"])
    except WaitError as error:
        module.fail_json(msg=str(error))
    report = waiter.run(GatewayProbe(HttpClient(params)).ask, lambda answer: answer.ready)
    module.exit_json(changed=False, **report.dump(), attempts=waiter.attempts, elapsed=waiter.elapsed)


if __name__ == "__main__":
    main()

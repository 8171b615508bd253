#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_health_info
short_description: Tell whether a LiteLLM server is ready, by what it says and not only by its status
version_added: 1.0.0
description:
  - Asks a LiteLLM server for its readiness and reads the body of the answer. LiteLLM answers 200 also when it runs without
    the database it should have, and refuses every virtual key then.
  - With O(api_key) it also asks for the list of models, which shows whether the key is accepted and what it may use.
  - A server that is down, hangs, or answers something else is an answer (RV(ready=false)), not a failure.
    The module fails only when it is called wrongly.
author:
  - hx.gateway contributors (@hx-gateway)
extends_documentation_fragment:
  - hx.gateway._attributes
  - hx.gateway._attributes.info_module
  - hx.gateway._http
  - hx.gateway._http.request_timeout
  - hx.gateway._wait
options:
  database:
    description:
      - Whether the server has a database configured, and is ready only when it is connected to it.
    type: bool
    default: true
  api_key:
    description:
      - Virtual key or master key to try. It is sent only to the list of models, which costs nothing.
    type: str
  expect_models:
    description:
      - Models that O(api_key) must be able to use for the server to be ready.
    type: list
    elements: str
    default: []
  unit:
    description:
      - Service unit that runs the server on this host. O(wait) is over when its process has ended for good, or a second time,
        and RV(reason) says so.
    type: str
seealso:
  - module: hx.gateway.litellm_schema_info
"""

EXAMPLES = r"""
- name: Wait until LiteLLM is connected to its database
  hx.gateway.litellm_health_info:
    url: http://127.0.0.1:4000
    wait: true
    timeout: 120
  register: health
  failed_when: not health.ready

- name: Look whether a virtual key may use the chat model
  hx.gateway.litellm_health_info:
    url: https://gateway.example.com
    ca_path: /etc/ssl/certs/example-ca.pem
    api_key: "{{ application_key }}"
    expect_models: [chat]
  register: health

- name: Show why not
  ansible.builtin.debug:
    var: health.reason
"""

RETURN = r"""
ready:
  description:
    - Whether the server is ready, is connected to its database where it has one, accepts O(api_key) and lists O(expect_models).
  returned: success
  type: bool
  sample: true
reachable:
  description: Whether a whole HTTP answer came to the question for readiness.
  returned: success
  type: bool
  sample: true
reason:
  description: Why the server is not ready, in plain words. Empty when it is.
  returned: success
  type: str
  sample: LiteLLM has lost its database
status:
  description: HTTP status of the readiness answer. V(null) when none came.
  returned: success
  type: int
  sample: 200
db:
  description:
    - What the server says about its database. V(connected), V(disconnected), V(stalled) when questions to it take too long,
      or V(Not connected) when none is configured.
  returned: success
  type: str
  sample: connected
litellm_version:
  description:
    - Version the server says it has. Empty when it does not say, as is the default of newer versions.
  returned: success
  type: str
  sample: 1.106.2
key_accepted:
  description: Whether O(api_key) was accepted. V(null) when it was not tried, or when the answer says nothing about the key.
  returned: success
  type: bool
  sample: true
key_status:
  description: HTTP status of the answer to O(api_key). V(null) when it was not tried.
  returned: success
  type: int
  sample: 200
key_error_type:
  description: Type of the error with which O(api_key) was refused.
  returned: success
  type: str
  sample: token_not_found_in_db
models:
  description: Models that O(api_key) may use, sorted.
  returned: success
  type: list
  elements: str
  sample: [chat, embed]
missing_models:
  description: Those of O(expect_models) that O(api_key) may not use.
  returned: success
  type: list
  elements: str
  sample: []
attempts:
  description: How often the server was asked.
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
from ansible_collections.hx.gateway.plugins.module_utils._http import (
    HttpClient,
    check_key,
    check_url,
    http_argument_spec,
    password_in,
)
from ansible_collections.hx.gateway.plugins.module_utils._litellm_health import HealthProbe, HealthReport
from ansible_collections.hx.gateway.plugins.module_utils._systemd import SystemdUnit, ended
from ansible_collections.hx.gateway.plugins.module_utils._wait import Waiter, WaitError, wait_argument_spec


class HealthInfo:
    """Puts the module's parameters and the server together."""

    def __init__(self, module: AnsibleModule) -> None:
        params = module.params
        self.check(module)
        try:
            self.waiter = Waiter(wait=params["wait"], timeout=params["timeout"], poll_interval=params["poll_interval"])
        except WaitError as error:
            module.fail_json(msg=str(error))
        self.probe = HealthProbe(
            HttpClient(params),
            database=params["database"],
            api_key=params["api_key"],
            expect_models=params["expect_models"],
        )
        self.unit = SystemdUnit(module, params["unit"]) if params["unit"] and params["wait"] else None
        # The second start may succeed, as when the database has come up meanwhile.
        self.restarts_allowed = self.unit.state()[1] + 1 if self.unit else 0

    @staticmethod
    def check(module: AnsibleModule) -> None:
        """Refuse parameters with which no server could ever be reached."""
        params = module.params
        module.no_log_values.update(password_in(params["url"]))
        if problem := check_url(params["url"]) or ("" if params["api_key"] is None else check_key(params["api_key"])):
            module.fail_json(msg=problem)
        if params["unit"] is not None and (params["unit"].startswith("-") or not params["unit"].endswith(".service")):
            module.fail_json(msg="unit must be the name of a service unit")
        if params["request_timeout"] <= 0:
            module.fail_json(msg="request_timeout must be greater than 0")

    def execute(self) -> dict[str, t.Any]:
        """Ask, as often as wanted, and return the module's result."""
        report = self.waiter.run(self.ask, lambda answer: answer.ready or bool(answer.ended))
        return report.dump() | {"attempts": self.waiter.attempts, "elapsed": self.waiter.elapsed}

    def ask(self, remaining: float | None) -> HealthReport:
        """Ask once; who does not answer and has no process any more will not answer later."""
        report = self.probe.ask(remaining)
        if not report.ready and self.unit:
            report.ended = ended(self.unit, self.restarts_allowed)
            report.reason = report.ended or report.reason
        return report


def main() -> t.NoReturn:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **http_argument_spec(),
            **wait_argument_spec(),
            "database": {"type": "bool", "default": True},
            "api_key": {"type": "str", "no_log": True},
            "expect_models": {"type": "list", "elements": "str", "default": []},
            "unit": {"type": "str"},
        },
        supports_check_mode=True,
    )
    if module.params["expect_models"] and not module.params["api_key"]:
        module.fail_json(msg="expect_models needs api_key")
    module.exit_json(changed=False, **HealthInfo(module).execute())


if __name__ == "__main__":
    main()

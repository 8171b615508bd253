#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_request_info
short_description: Tell whether a real request is answered, by its content and not only by its status
version_added: 1.0.0
description:
  - Asks a model one question through the gateway, or through LiteLLM itself, as a client would, and reads the answer.
  - It costs what the model's provider takes for a few tokens.
  - A service that is down, refuses the key or answers something else is an answer (RV(answered=false)), not a failure.
author:
  - hx.gateway contributors (@hx-gateway)
extends_documentation_fragment:
  - hx.gateway._attributes
  - hx.gateway._attributes.info_module
  - hx.gateway._http
  - hx.gateway._http.request_timeout
  - hx.gateway._wait
options:
  api_key:
    description:
      - Virtual key or master key the request is made with.
    type: str
    required: true
  kind:
    description:
      - What is asked for, an answer in a chat or a vector.
    type: str
    choices: [chat, embeddings]
    default: chat
  model:
    description:
      - Name of the model.
    type: str
    required: true
  text:
    description:
      - What is said in the chat, or embedded.
      - A text that was sent before may be answered from a cache; one with the time in it is not.
    type: str
    default: Say hello.
seealso:
  - module: hx.gateway.litellm_health_info
"""

EXAMPLES = r"""
- name: Ask the chat model through the gateway
  hx.gateway.gateway_request_info:
    url: http://127.0.0.1:4010
    api_key: "{{ application_key }}"
    model: chat
    text: "Say hello. {{ now(utc=true).isoformat() }}"
  register: chat
  failed_when: not chat.answered

- name: Wait until embeddings are answered
  hx.gateway.gateway_request_info:
    url: http://127.0.0.1:4010
    api_key: "{{ application_key }}"
    kind: embeddings
    model: embed
    wait: true
    timeout: 120
  register: embedding
  failed_when: not embedding.answered
"""

RETURN = r"""
answered:
  description: Whether the request was answered with a message or a vector.
  returned: success
  type: bool
  sample: true
reason:
  description: Why it was not, in plain words. Empty when it was.
  returned: success
  type: str
  sample: "the service answered 401: the key was refused"
status:
  description: HTTP status of the answer. V(null) when none came.
  returned: success
  type: int
  sample: 200
id:
  description: Id of the answer, under which LiteLLM's spend log has the request. Empty when the answer has none, as with vectors.
  returned: success
  type: str
  sample: chatcmpl-8f14e45f
call_id:
  description: Id that LiteLLM gave the request. Empty when the answer does not say.
  returned: success
  type: str
  sample: 5b0d0b0e-6c0b-4e55-8a5f-6f3b6d8a7c11
model:
  description: The model that answered, as the answer says.
  returned: success
  type: str
  sample: gpt-4o-mini
total_tokens:
  description: Tokens of question and answer. V(null) when the answer does not say.
  returned: success
  type: int
  sample: 12
attempts:
  description: How often the request was made.
  returned: success
  type: int
  sample: 1
elapsed:
  description: Seconds the last request took.
  returned: success
  type: float
  sample: 0.42
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hx.gateway.plugins.module_utils._gateway_request import RequestProbe
from ansible_collections.hx.gateway.plugins.module_utils._http import (
    HttpClient,
    check_key,
    check_url,
    http_argument_spec,
    password_in,
)
from ansible_collections.hx.gateway.plugins.module_utils._wait import Waiter, WaitError, wait_argument_spec


def main() -> t.NoReturn:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **http_argument_spec(),
            **wait_argument_spec(),
            "api_key": {"type": "str", "required": True, "no_log": True},
            "kind": {"type": "str", "choices": ["chat", "embeddings"], "default": "chat"},
            "model": {"type": "str", "required": True},
            "text": {"type": "str", "default": "Say hello."},
        },
        supports_check_mode=True,
    )
    params = module.params
    module.no_log_values.update(password_in(params["url"]))
    if problem := check_url(params["url"]) or check_key(params["api_key"]):
        module.fail_json(msg=problem)
    if params["request_timeout"] <= 0:
        module.fail_json(msg="request_timeout must be greater than 0")
    try:
        waiter = Waiter(wait=params["wait"], timeout=params["timeout"], poll_interval=params["poll_interval"])
    except WaitError as error:
        module.fail_json(msg=str(error))
    probe = RequestProbe(
        HttpClient(params),
        api_key=params["api_key"],
        kind=params["kind"],
        model=params["model"],
        text=params["text"],
    )
    report = waiter.run(probe.ask, lambda answer: answer.answered)
    module.exit_json(changed=False, attempts=waiter.attempts, **report.dump())


if __name__ == "__main__":
    main()

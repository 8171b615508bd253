#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_lock
short_description: Have a host for one run alone
version_added: 1.0.0
description:
  - Takes the host's lock for the run of Ansible that this task belongs to. Every playbook of the collection that changes hosts
    begins with it.
  - A run keeps the lock until it ends, however it ends. No task gives it back. A process on the controller looks after it, says
    on the host every ten seconds that the run is alive, and removes the lock when the run is over, killed runs included.
  - Where another run has the lock, the task fails and says who runs what, and since when.
  - The lock of a run that is dead is taken over, with a warning. On the same controller that is known at once, by the run's
    process. A run on another controller, or one whose controller is gone, is dead when it gave no sign of life for O(lease)
    seconds; the module waits for that.
  - The same run may ask again, which is how playbooks that import each other share it.
author:
  - hx.gateway contributors (@hx-gateway)
extends_documentation_fragment:
  - hx.gateway._attributes
attributes:
  check_mode:
    support: full
    details:
      - No lock is taken, and that of another run hinders nothing.
  diff_mode:
    support: N/A
    details:
      - Nothing that lasts is changed.
  idempotent:
    support: full
options:
  force:
    description:
      - Take the lock from whoever has it. A run that is alive is ended within ten seconds.
    type: bool
    default: false
  path:
    description:
      - File of the lock, in a folder that is emptied when the host starts and that only root may write to.
    type: path
    default: /run/hx-gateway.lock
  lease:
    description:
      - Seconds without a sign of life after which a run is dead.
    type: float
    default: 60
  over:
    description:
      - The run that is known to be dead. Filled in by the module's own action.
    type: str
    default: ""
  holder:
    description:
      - The run that asks. Filled in by the module's own action.
    type: dict
    suboptions:
      run:
        description:
          - Tells the run from every other one.
        type: str
        required: true
      controller:
        description:
          - The machine it runs on.
        type: str
        required: true
      pid:
        description:
          - Its process.
        type: int
        required: true
      started:
        description:
          - When that process began.
        type: str
        required: true
      who:
        description:
          - User and host name.
        type: str
        required: true
      playbook:
        description:
          - What it runs.
        type: str
        required: true
notes:
  - The connection must start a program for each command, as P(ansible.builtin.ssh#connection) and
    P(ansible.builtin.local#connection) do.
"""

EXAMPLES = r"""
- name: Take the lock, or refuse
  hx.gateway.gateway_lock:

- name: Take the lock from whoever has it
  hx.gateway.gateway_lock:
    force: true
"""

RETURN = r"""
held:
  description: Whether this run has the lock. It is false in check mode.
  returned: always
  type: bool
  sample: true
holder:
  description: The run that has the lock, as O(holder), with C(since).
  returned: when the host was asked
  type: dict
  sample:
    who: alice@laptop
    playbook: playbooks/site.yml
    since: "2026-01-31 09:30:00 UTC"
before:
  description: The run that the lock was taken from. Empty when there was none.
  returned: when the host was asked
  type: dict
  sample: {}
age:
  description: Seconds since the last sign of life of another run that has the lock.
  returned: when the host was asked
  type: float
  sample: 0.0
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hx.gateway.plugins.module_utils._lock import Holder, Lock


def main() -> t.NoReturn:
    """Run the module."""
    texts: dict[str, dict[str, t.Any]] = {
        name: {"type": "str", "required": True} for name in ("run", "controller", "started", "who", "playbook")
    }
    module = AnsibleModule(
        argument_spec={
            "force": {"type": "bool", "default": False},
            "path": {"type": "path", "default": "/run/hx-gateway.lock"},
            "lease": {"type": "float", "default": 60},
            "over": {"type": "str", "default": ""},
            "holder": {"type": "dict", "options": {**texts, "pid": {"type": "int", "required": True}}},
        },
        supports_check_mode=True,
    )
    params = module.params
    if module.check_mode:
        module.exit_json(changed=False, held=False)
    if not params["holder"]:
        module.fail_json(msg="holder is missing: the module is used through its own action")
    mine = Holder.load(params["holder"])
    lock = Lock(params["path"], params["lease"])
    try:
        answer = lock.take(mine, force=params["force"], over=params["over"])
        # Whether a run on the same controller is alive is told there, by its process.
        if not answer.held and answer.holder.controller != mine.controller:
            answer = lock.outwait(mine, answer)
    except OSError as error:
        module.fail_json(msg=f"cannot use {params['path']}: {error.strerror}")
    module.exit_json(changed=False, **answer.dump())


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_resources
short_description: Apply whole lists of LiteLLM's resources at once
version_added: 1.0.0
description:
  - Brings all resources of the given lists into their state, in the order in which they need each other, whatever the order
    of the lists.
  - Reads what LiteLLM has once for each kind, not once for each resource, so that hundreds that need no change cost seconds.
  - All lists are read, and everything they refer to is looked for, before anything is changed.
  - An element of a list has the options of the module that manages one such resource, C(state) included.
author:
  - hx.gateway contributors (@hx-gateway)
extends_documentation_fragment:
  - hx.gateway._attributes
  - hx.gateway._attributes.resource_module
  - hx.gateway._attributes.actiongroup_litellm
  - hx.gateway._http
  - hx.gateway._litellm_api
options:
  credentials:
    description:
      - Credentials, with the options of M(hx.gateway.litellm_credential).
    type: list
    elements: dict
  models:
    description:
      - Models, with the options of M(hx.gateway.litellm_model).
    type: list
    elements: dict
  budgets:
    description:
      - Budgets, with the options of M(hx.gateway.litellm_budget).
    type: list
    elements: dict
  tags:
    description:
      - Tags, with the options of M(hx.gateway.litellm_tag).
    type: list
    elements: dict
  mcp_servers:
    description:
      - Servers of tools, with the options of M(hx.gateway.litellm_mcp_server).
    type: list
    elements: dict
  vector_stores:
    description:
      - Vector stores, with the options of M(hx.gateway.litellm_vector_store).
    type: list
    elements: dict
  guardrails:
    description:
      - Guardrails, with the options of M(hx.gateway.litellm_guardrail).
    type: list
    elements: dict
  prompts:
    description:
      - Prompts, with the options of M(hx.gateway.litellm_prompt).
    type: list
    elements: dict
  organizations:
    description:
      - Organizations, with the options of M(hx.gateway.litellm_organization).
    type: list
    elements: dict
  users:
    description:
      - Users, with the options of M(hx.gateway.litellm_user).
    type: list
    elements: dict
  teams:
    description:
      - Teams, with the options of M(hx.gateway.litellm_team).
    type: list
    elements: dict
  team_members:
    description:
      - Members of teams, with the options of M(hx.gateway.litellm_team_member).
    type: list
    elements: dict
  keys:
    description:
      - Virtual keys, with the options of M(hx.gateway.litellm_key).
    type: list
    elements: dict
  access_groups:
    description:
      - Access groups, with the options of M(hx.gateway.litellm_access_group).
    type: list
    elements: dict
  fallbacks:
    description:
      - Fallbacks, with the options of M(hx.gateway.litellm_fallback).
    type: list
    elements: dict
  managed_by:
    description:
      - Name of the inventory the resources belong to. It is written into the metadata of those that have metadata.
    type: str
  purge:
    description:
      - Remove what carries the mark O(managed_by) and is not listed. What carries none, or another, is never touched.
      - Only kinds whose list is given are looked at; an empty list removes all of them.
      - Only credentials, models, servers of tools, vector stores, guardrails, organizations, users, teams and keys have a place for the mark.
        All others are never purged.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Have what the inventory says
  hx.gateway.litellm_resources:
    url: http://127.0.0.1:4000
    api_key: "{{ litellm_master_key }}"
    managed_by: production
    purge: true
    budgets:
      - budget_id: team-default
        max_budget: 100
        budget_duration: 30d
      - budget_id: old
        state: absent
"""

RETURN = r"""
changes:
  description: What was changed, or would be in check mode, in that order.
  returned: success
  type: list
  elements: dict
  contains:
    resource:
      description: Kind of the resource.
      type: str
    name:
      description: What names it.
      type: str
    action:
      description: V(created), V(updated) or V(deleted).
      type: str
    before:
      description: The options that change, as they are. Secrets are masked.
      type: dict
    after:
      description: The options that change, as they will be. Secrets are masked.
      type: dict
    key:
      description: Value of a virtual key that was made up and has no C(key_file). It is not told again.
      type: str
  sample:
    - resource: budget
      name: team-default
      action: updated
      before:
        max_budget: 50.0
      after:
        max_budget: 100.0
unmanaged:
  description: What LiteLLM has and no list names, by the names of the lists.
  returned: success
  type: dict
  sample:
    budgets: [experiment]
total:
  description: How many resources were looked at.
  returned: success
  type: int
  sample: 2
"""

import typing as t

from ansible_collections.hx.gateway.plugins.module_utils._litellm.api import ApiError
from ansible_collections.hx.gateway.plugins.module_utils._litellm.bulk import Bulk, read_lists
from ansible_collections.hx.gateway.plugins.module_utils._litellm.catalog import Catalog
from ansible_collections.hx.gateway.plugins.module_utils._litellm.key_file import KeyFiles
from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.order import KINDS
from ansible_collections.hx.gateway.plugins.module_utils._litellm.module import ApiModule
from ansible_collections.hx.gateway.plugins.module_utils._litellm.reconcile import Outcome
from ansible_collections.hx.gateway.plugins.module_utils._litellm.resource import ResourceError


def main() -> t.NoReturn:
    """Run the module."""
    module = ApiModule(
        {
            **{resource.plural: {"type": "list", "elements": "dict", "no_log": False} for resource in KINDS},
            "managed_by": {"type": "str"},
            "purge": {"type": "bool", "default": False},
        },
        # The lists hold secrets that Ansible cannot know of before they are read, and would write to the system's log.
        no_log=True,
        required_if=[("purge", True, ("managed_by",))],
    )
    reading = read_lists(KINDS, {resource.plural: module.params[resource.plural] for resource in KINDS})
    module.no_log_values.update(reading.secrets)
    if reading.problems:
        module.fail_json(msg="; ".join(reading.problems))
    listed = [resource for resource in KINDS if module.params[resource.plural] is not None]
    bulk = Bulk(Catalog(module.api, bulk=True), listed, mark=module.params["managed_by"], purge=module.params["purge"])
    files = KeyFiles(module)
    try:
        outcomes = bulk.run(reading.tasks, check_mode=module.check_mode, keep=files.keep, verify=files.verify)
        unmanaged = bulk.unmanaged(reading.tasks)
    except (ApiError, ResourceError) as error:
        module.fail_json(msg=str(error))
    changed = [outcome for outcome in outcomes if outcome.changed]
    module.exit_json(
        changed=bool(changed) or files.changed,
        changes=[told(outcome) for outcome in changed],
        unmanaged=unmanaged,
        total=len(outcomes),
        **({"diff": [outcome.diff() for outcome in changed]} if module._diff else {}),  # noqa: SLF001
    )


def told(outcome: Outcome) -> dict[str, t.Any]:
    """Return one change as the module tells it."""
    return {
        "resource": outcome.resource.name,
        "name": outcome.name,
        "action": outcome.action,
        "before": outcome.before,
        "after": outcome.after,
        **outcome.told,
    }


if __name__ == "__main__":
    main()

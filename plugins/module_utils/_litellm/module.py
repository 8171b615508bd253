# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hx.gateway.plugins.module_utils._http import password_in
from ansible_collections.hx.gateway.plugins.module_utils._litellm.api import (
    Api,
    ApiError,
    api_argument_spec,
    check_connection,
)
from ansible_collections.hx.gateway.plugins.module_utils._litellm.catalog import Catalog
from ansible_collections.hx.gateway.plugins.module_utils._litellm.reconcile import Outcome, Reconciler
from ansible_collections.hx.gateway.plugins.module_utils._litellm.resource import Resource, ResourceError


class ApiModule(AnsibleModule):
    """A module that speaks with LiteLLM and knows which options its task states: null is a value."""

    def __init__(self, argument_spec: dict[str, t.Any], **settings: t.Any) -> None:
        self.stated: frozenset[str] = frozenset()
        AnsibleModule.__init__(self, {**api_argument_spec(), **argument_spec}, supports_check_mode=True, **settings)
        self.no_log_values.update(password_in(self.params["url"]))
        if problem := check_connection(self.params):
            self.fail_json(msg=problem)
        self.api = Api(self.params)

    def _load_params(self) -> None:
        """Note what the task states before Ansible fills in what it does not."""
        AnsibleModule._load_params(self)  # noqa: SLF001 - Ansible keeps this method for modules to override
        self.stated = frozenset(self.params)

    def wanted(self, resource: Resource) -> dict[str, t.Any]:
        """Return the stated options of a resource."""
        return {option: self.params[option] for option in (*resource.fields, *resource.extras) if option in self.stated}


def resource_argument_spec(resource: Resource) -> dict[str, t.Any]:
    """Options of a module that manages one resource."""
    spec = {option: field.spec() for option, field in resource.fields.items()} | dict(resource.extras)
    for option in (resource.identity, *resource.within):
        spec[option]["required"] = True
    return {**spec, "state": {"type": "str", "choices": ["present", "absent"], "default": "present"}}


def run_resource(resource: Resource) -> t.NoReturn:
    """Run a module that manages one resource."""
    module = ApiModule(resource_argument_spec(resource))
    reconciler = Reconciler(Catalog(module.api), check_mode=module.check_mode)
    leave(module, apply(module, reconciler, resource))


def apply(module: ApiModule, reconciler: Reconciler, resource: Resource) -> Outcome:
    """Bring the resource of a module's task into its state, or fail with the reason."""
    try:
        return reconciler.apply(resource, module.wanted(resource), module.params["state"])
    except (ApiError, ResourceError) as error:
        module.fail_json(msg=str(error))


def leave(module: ApiModule, outcome: Outcome, *, changed: bool = False) -> t.NoReturn:
    """End a module that manages one resource; ``changed`` is for what it did besides."""
    told = result(outcome)
    told["changed"] = told["changed"] or changed
    module.exit_json(**told, **({"diff": outcome.diff()} if module._diff else {}))  # noqa: SLF001


def result(outcome: Outcome) -> dict[str, t.Any]:
    """Return what a module that manages one resource returns; in check mode what it would."""
    described = {**(outcome.resource.describe(outcome.entry) if outcome.entry else {}), **outcome.after}
    for option in outcome.after:
        hidden = option not in outcome.resource.fields or outcome.resource.fields[option].secret
        if hidden or option in outcome.resource.references:
            del described[option]
    return {"changed": outcome.changed, "action": outcome.action, outcome.resource.name: described, **outcome.told}


def run_info(resource: Resource, filters: dict[str, t.Any] | None = None) -> t.NoReturn:
    """Run a module that tells which resources LiteLLM has; ``filters`` are options an entry must agree with."""
    spec = {resource.identity: resource.fields[resource.identity].spec(), **(filters or {})}
    module = ApiModule(spec)
    wanted = {option: module.params[option] for option in spec if module.params[option] is not None}
    try:
        found = [entry for entry in resource.entries(module.api) if _agrees(resource, entry, wanted)]
    except (ApiError, ResourceError) as error:
        module.fail_json(msg=str(error))
    described = sorted((resource.describe(entry) for entry in found), key=lambda one: str(one[resource.identity]))
    module.exit_json(changed=False, **{resource.plural: described})


def _agrees(resource: Resource, entry: dict[str, t.Any], wanted: dict[str, t.Any]) -> bool:
    told = resource.describe(entry)
    return all(told.get(option) == value for option, value in wanted.items())

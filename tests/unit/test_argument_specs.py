# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Roles and modules say of themselves what is true: specifications agree with defaults, documentation is complete."""

from __future__ import annotations

import ast
import re
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir() if (path / "tasks").is_dir())
DEPLOYING_ROLES = [role for role in ROLES if role != "common"]
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))
PROBES = ("litellm_health_info", "litellm_schema_info")
PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "path": (str,),
    "bool": (bool,),
    "int": (int,),
    "float": (int, float),
    "list": (list,),
    "dict": (dict,),
    "raw": (object,),
}

Options = dict[str, dict[str, t.Any]]


def load(path: Path) -> t.Any:
    """Read a YAML file of a role; an absent one is empty."""
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else None


def entry_points(role: str) -> dict[str, dict[str, t.Any]]:
    """Read the entry points of a role's argument specification."""
    specification = load(ROOT / "roles" / role / "meta/argument_specs.yml")
    assert specification, f"role {role} has no meta/argument_specs.yml"
    points = specification["argument_specs"]
    assert isinstance(points, dict)
    return points


def defaults(role: str) -> dict[str, t.Any]:
    """Read the defaults of a role."""
    return load(ROOT / "roles" / role / "defaults/main.yml") or {}


def is_template(value: t.Any) -> bool:
    """Tell whether a value is only known when Ansible runs."""
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def without_defaults(option: dict[str, t.Any]) -> dict[str, t.Any]:
    """Reduce an option to what an argument specification of a module may hold, and what one value is judged by."""
    kept: dict[str, t.Any] = {name: option[name] for name in ("type", "elements", "choices") if name in option}
    if "options" in option:
        kept["options"] = {
            name: without_defaults(suboption) | {"required": suboption.get("required", False)}
            for name, suboption in option["options"].items()
        }
    return kept


def undescribed(options: Options, prefix: str = "") -> list[str]:
    """Name the options that say nothing of themselves, those inside of others included."""
    found = []
    for name, option in options.items():
        if not option.get("description"):
            found.append(prefix + name)
        found += undescribed(option.get("options") or {}, f"{prefix}{name}.")
    return found


def disagreements(options: Options, values: dict[str, t.Any]) -> list[str]:
    """Compare the specification of options with the defaults of a role."""
    found = [f"{name} has a default but no specification" for name in sorted(set(values) - set(options))]
    for name, option in options.items():
        if name not in values:
            if not option.get("required"):
                found.append(f"{name} is optional but has no default")
            continue
        value = values[name]
        if option.get("required"):
            found.append(f"{name} is required although it has a default")
        if "default" in option and option["default"] != value:
            found.append(f"{name} is {value!r} in defaults and {option['default']!r} in the specification")
        if is_template(value) or value is None:
            continue
        kind = option.get("type", "str")
        if not isinstance(value, PYTHON_TYPES[kind]) or (isinstance(value, bool) and kind not in ("bool", "raw")):
            found.append(f"{name} is specified as {kind} but its default is {value!r}")
            continue
        result = ArgumentSpecValidator({name: without_defaults(option)}).validate({name: value})
        found += [f"{name}: {message}" for message in result.error_messages]
    return found


@pytest.mark.parametrize("role", DEPLOYING_ROLES)
def test_the_specification_of_a_role_agrees_with_its_defaults(role: str) -> None:
    options = entry_points(role)["main"]["options"]
    assert disagreements(options, defaults(role)) == []


@pytest.mark.parametrize("role", DEPLOYING_ROLES)
def test_the_variables_of_a_role_carry_its_name(role: str) -> None:
    names = entry_points(role)["main"]["options"].keys() | defaults(role).keys()
    assert [name for name in sorted(names) if not name.startswith(f"{role}_")] == []


@pytest.mark.parametrize("role", ROLES)
def test_every_entry_point_and_option_is_described(role: str) -> None:
    for name, point in entry_points(role).items():
        assert point.get("short_description"), name
        assert point.get("description"), name
        assert undescribed(point.get("options") or {}) == [], name
        assert (ROOT / "roles" / role / "tasks" / f"{name}.yml").is_file(), name


@pytest.mark.parametrize("role", ROLES)
def test_secret_options_are_not_logged(role: str) -> None:
    secret = re.compile(r"(?:^|_)(?:password|secret|master_key|salt_key|token)$")
    for point in entry_points(role).values():
        options: Options = point.get("options") or {}
        assert [name for name, option in options.items() if secret.search(name) and not option.get("no_log")] == []


def test_every_entry_point_of_common_documents_what_it_reads() -> None:
    points = entry_points("common")
    folder = ROOT / "roles/common"
    assert sorted(path.stem for path in (folder / "tasks").glob("*.yml")) == sorted(points)
    options: Options = {}
    for point in points.values():
        options |= point.get("options") or {}
    assert [name for name in options if not name.startswith("_common_")] == []
    texts = [
        path.read_text(encoding="utf-8")
        for part in ("tasks", "templates", "vars", "handlers")
        for path in sorted((folder / part).glob("*"))
    ]
    read = set(re.findall(r"(?<![\w])_common_\w+", "\n".join(texts)))
    assert sorted(read - options.keys()) == []
    assert sorted(options.keys() - read) == []
    assert disagreements(options, defaults("common")) == []


def literals(module: str) -> dict[str, t.Any]:
    """Read the documentation of a module without importing it."""
    tree = ast.parse((ROOT / "plugins/modules" / f"{module}.py").read_text(encoding="utf-8"))
    return {
        node.targets[0].id: yaml.safe_load(ast.literal_eval(node.value))
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id in ("DOCUMENTATION", "EXAMPLES", "RETURN")
    }


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_documented(module: str) -> None:
    found = literals(module)
    documentation = found["DOCUMENTATION"]
    assert documentation["module"] == module
    assert documentation["version_added"]
    assert documentation["description"]
    assert "hx.gateway._attributes" in documentation["extends_documentation_fragment"]
    assert undescribed(documentation.get("options") or {}) == []
    assert found["RETURN"]
    assert undescribed(found["RETURN"]) == []


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_examples_under_its_full_name(module: str) -> None:
    examples = literals(module)["EXAMPLES"]
    assert all(task.get("name") for task in examples)
    assert any(f"hx.gateway.{module}" in task for task in examples)


@pytest.mark.parametrize("module", MODULES)
def test_every_fragment_exists(module: str) -> None:
    for fragment in literals(module)["DOCUMENTATION"]["extends_documentation_fragment"]:
        name, _dot, section = fragment.removeprefix("hx.gateway.").partition(".")
        text = (ROOT / "plugins/doc_fragments" / f"{name}.py").read_text(encoding="utf-8")
        assert f"    {section.upper() or 'DOCUMENTATION'} = " in text


def test_the_action_group_holds_the_litellm_modules() -> None:
    # These two are asked when there may be no API to speak with: they have options of their own.
    wanted = [name for name in MODULES if name.startswith("litellm_") and name not in PROBES]
    assert load(ROOT / "meta/runtime.yml")["action_groups"] == {"litellm": wanted}
    for module in MODULES:
        fragments = literals(module)["DOCUMENTATION"]["extends_documentation_fragment"]
        for fragment in ("_attributes.actiongroup_litellm", "_litellm_api"):
            assert (f"hx.gateway.{fragment}" in fragments) is (module in wanted)

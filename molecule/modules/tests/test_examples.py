"""The examples in the documentation of the modules are run as they stand there."""

from __future__ import annotations

import ast
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import LiteLLM

ROOT = Path(__file__).resolve().parents[3]
GROUP = yaml.safe_load((ROOT / "meta/runtime.yml").read_text(encoding="utf-8"))["action_groups"]["litellm"]
# LiteLLM keeps these for those who pay; the examples must come so far as to be told.
ENTERPRISE = {"litellm_organization"}
# What the examples leave to their reader.
VARIABLES = Path(__file__).with_name("examples.yml")


def examples(module: str) -> list[dict[str, Any]]:
    """Read the examples of a module without importing it."""
    tree = ast.parse((ROOT / "plugins/modules" / f"{module}.py").read_text(encoding="utf-8"))
    text = next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "EXAMPLES"
    )
    return list(yaml.safe_load(text))


def at(litellm: LiteLLM, task: dict[str, Any]) -> dict[str, Any]:
    """Point an example at the server under test; all else stays as it is written."""
    [action] = [name for name in task if name.startswith(("hx.gateway.", "ansible.builtin."))]
    if not action.startswith("hx.gateway.litellm_"):
        return task
    return {**task, action: {**task[action], "url": litellm.url}}


@pytest.mark.parametrize("resource", sorted({module.removesuffix("_info") for module in GROUP}))
def test_examples_run(litellm: LiteLLM, tmp_path: Path, resource: str) -> None:
    modules = [module for module in (resource, f"{resource}_info") if module in GROUP]
    # What reads comes between what makes and what removes: the last example of a resource takes it away.
    made, *told = [examples(module) for module in modules]
    tasks = [*made[:-1], *(task for group in told for task in group), *made[-1:]]
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars_files": [str(VARIABLES)],
        "tasks": [at(litellm, task) for task in tasks],
    }
    playbook = tmp_path / "examples.yml"
    playbook.write_text(yaml.safe_dump([play], sort_keys=False, allow_unicode=True), encoding="utf-8")
    secrets = tmp_path / "secrets.yml"
    secrets.write_text(yaml.safe_dump({"litellm_master_key": litellm.key, "scratch": str(tmp_path)}), encoding="utf-8")
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_LOCALHOST_WARNING": "false"}
    run = subprocess.run(
        ["ansible-playbook", "-i", "localhost,", "-c", "local", "--extra-vars", f"@{secrets}", "--diff", playbook],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=240,
        env=environment,
    )
    if resource in ENTERPRISE:
        assert "this needs LiteLLM Enterprise" in run.stdout + run.stderr
    else:
        assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
    assert litellm.key not in run.stdout + run.stderr

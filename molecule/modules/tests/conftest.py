"""A LiteLLM with its database, and a way to call the modules against it.

With LITELLM_API_BASE and LITELLM_API_KEY set, plain pytest runs these tests against another LiteLLM.
"""

from __future__ import annotations

import importlib
import itertools
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import pytest

# The checkout is importable as a collection through the link `make deps` makes.
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / ".ansible/collections"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from ansible_collections.hx.gateway.tests.support.run_module import Outcome, run_module

pytest.register_assert_rewrite("lifecycle")

INVENTORY = Path(__file__).resolve().parents[1] / "inventory"


@dataclass(frozen=True)
class LiteLLM:
    """The server under test."""

    url: str
    key: str = field(repr=False)

    def run(self, name: str, /, *, check: bool = False, **arguments: Any) -> Outcome:
        """Run one module; whatever it prints, the key is not in it."""
        module = importlib.import_module(f"ansible_collections.hx.gateway.plugins.modules.{name}")
        settings = {"_ansible_check_mode": check, "_ansible_diff": True}
        outcome = run_module(module.main, **{"url": self.url, "api_key": self.key, **settings, **arguments})
        assert self.key not in outcome.text
        return outcome

    def do(self, name: str, /, **arguments: Any) -> Outcome:
        """Run one module that must not fail."""
        outcome = self.run(name, **arguments)
        assert not outcome.failed, outcome["msg"]
        return outcome

    def refusal(self, name: str, /, **arguments: Any) -> str:
        """Run one module that must fail, and return what it says."""
        outcome = self.run(name, **arguments)
        assert outcome.failed, outcome.text
        return str(outcome["msg"])

    def process(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        """Run one module in a process of its own, as another host would."""
        module = importlib.import_module(f"ansible_collections.hx.gateway.plugins.modules.{name}")
        stated = {"url": self.url, "api_key": self.key, "_ansible_remote_tmp": gettempdir(), **arguments}
        run = subprocess.run(
            [sys.executable, module.__file__],
            input=json.dumps({"ANSIBLE_MODULE_ARGS": stated}),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env={**os.environ, "PYTHONPATH": sys.path[1]},
        )
        return dict(json.loads(run.stdout))


@pytest.fixture(scope="session")
def litellm() -> LiteLLM:
    """Find the server: the one named in the environment, else the scenario's."""
    if "LITELLM_API_BASE" in os.environ:
        return LiteLLM(os.environ["LITELLM_API_BASE"], os.environ["LITELLM_API_KEY"])
    from testinfra import get_host

    host = get_host("ansible://hx-gateway-modules", ansible_inventory=str(INVENTORY))
    variables = host.ansible("ansible.builtin.debug", "msg={{ [ansible_host, hx_master_key] | to_json }}")["msg"]
    address, key = json.loads(variables) if isinstance(variables, str) else variables
    return LiteLLM(f"http://{address}:4000", key)


_numbers = itertools.count(1)


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A name no other test uses, with signs that paths, JSON and shells treat in their own ways."""
    return f"{request.node.name[:60]}/{os.getpid()}-{next(_numbers)} ü'\"%?#&".ljust(255, "x")

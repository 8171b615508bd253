"""An operator with a checkout of his own, an encrypted vault, and a runbook before him."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from checks import runbook
from checks.site import PROJECT
from checks.stack import Stack
from testinfra.host import Host

CHECKOUT = PROJECT / ".cache/runbooks/checkout"
VAULT_PASSWORD = "typed at the prompt"
# What a run needs of the project; scenarios and their tests are none of it.
COPIED = ("ansible.cfg", "galaxy.yml", "inventories", "meta", "playbooks", "plugins", "proxy_src", "roles")
LINKED = ("one_host", "scenario", "standin", "testhost")
SECRETS = ("hx_database_password", "hx_redis_password", "hx_master_key", "hx_salt_key")
# The LiteLLM that upgrade.md replaces.
BEFORE = {
    "litellm_version": "1.104.0",
    "litellm_requirements_lock": str(PROJECT / "molecule/upgrade/requirements.lock"),
}
TIMEOUT = 1800
# Takes the place of an editor: it puts other values into the places of those that are in the vault.
EDITOR = """
import json, pathlib, re, sys
file = pathlib.Path(sys.argv[2])
text = file.read_text()
for name, value in json.load(open(sys.argv[1])).items():
    text, changed = re.subn(f"^vault_{name}:.*$", f"vault_{name}: '{value}'", text, flags=re.M)
    assert changed, name
file.write_text(text)
"""


def _write_secretly(path: Path, values: dict[str, str]) -> None:
    path.touch(0o600)
    path.write_text(json.dumps(values))


@dataclass
class Operator:
    """Types what runbooks say, at the controller or as root on the gateway host."""

    host: Host
    stack: Stack

    @property
    def secrets(self) -> dict[str, str]:
        """What is in the vault."""
        return dict(json.loads((CHECKOUT.parent / "secrets.json").read_text()))

    def take_new(self, **secrets: str) -> dict[str, str]:
        """Begin to use other secrets; return the environment in which the editor writes them."""
        changes, program = CHECKOUT.parent / "changes.json", CHECKOUT.parent / "editor"
        _write_secretly(changes, secrets)
        _write_secretly(CHECKOUT.parent / "secrets.json", self.secrets | secrets)
        program.write_text(EDITOR)
        return {"EDITOR": f"{sys.executable} {program} {changes}"}

    @property
    def inventory(self) -> Path:
        """The site's inventory."""
        return CHECKOUT / "inventories/production"

    @property
    def home(self) -> Path:
        """The operator's home."""
        return CHECKOUT.parent / "home"

    @property
    def own(self) -> Path:
        """What the site decides besides, as a file of variables, which by its name is read last."""
        return self.inventory / f"host_vars/{self.host.backend.get_hostname()}/zz_own.yml"

    def check_out(self) -> None:
        """Make the checkout, with the production example as the inventory; its vault is yet to be filled in."""
        shutil.rmtree(CHECKOUT.parent, ignore_errors=True)
        self.home.mkdir(parents=True, mode=0o700)
        for name in COPIED:
            source, target = PROJECT / name, CHECKOUT / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(
                    source,
                    target,
                    ignore=shutil.ignore_patterns("__pycache__", ".*_cache", "vault.yml", "testhosts.yml"),
                )
            else:
                shutil.copy2(source, target)
        collection = CHECKOUT / ".ansible/collections/ansible_collections/hx/gateway"
        collection.parent.mkdir(parents=True)
        collection.symlink_to(CHECKOUT)
        scenario = Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"]) / "inventory"
        (self.inventory / "hosts.yml").unlink()
        for name in ("hosts.yml", "testhosts.yml"):
            shutil.copy2(scenario / name, self.inventory / name)
        # A host's variables are stronger than the site's: what a test host differs in, and nothing else.
        self.own.parent.mkdir(parents=True)
        for name in LINKED:
            values = yaml.safe_load((PROJECT / f"molecule/shared/inventory/{name}.yml").read_text())
            kept = {key: value for key, value in values.items() if key not in SECRETS and not key.startswith("__")}
            (self.own.parent / f"{name}.yml").write_text(yaml.safe_dump(kept))
        _write_secretly(CHECKOUT.parent / "secrets.json", self.stack.secrets)
        self.decide()

    def decide(self, **variables: Any) -> None:
        """Write what the site decides besides."""
        self.own.write_text(yaml.safe_dump(variables))

    def change_gateway(self, version: str) -> None:
        """Bring the checkout to another version of the gateway."""
        file = CHECKOUT / "proxy_src/src/hx_gateway/__init__.py"
        file.write_text(
            "".join(
                f'__version__ = "{version}"\n' if line.startswith("__version__") else line
                for line in file.read_text().splitlines(keepends=True)
            )
        )

    def run(self, command: str, **environment: str) -> tuple[int, str]:
        """Type a command at the controller, and the vault's password as often as it is asked for."""
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=CHECKOUT,
            env=self.environment | environment,
            input=f"{VAULT_PASSWORD}\n" * 2,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=TIMEOUT,
            # Without a terminal the password is read from the standard input.
            start_new_session=True,
        )
        return done.returncode, done.stdout

    @property
    def environment(self) -> dict[str, str]:
        """An activated virtual environment, and nothing that the tests have set."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        own = {"HOME": str(self.home), "PATH": path, "ANSIBLE_NOCOLOR": "1"}
        return {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE", "PY"))} | own

    def play(self, playbook: str, *arguments: str) -> str:
        """Run a playbook that no page names at this place; it has to succeed."""
        command = " ".join(["ansible-playbook -i inventories/production --ask-vault-pass", playbook, *arguments])
        status, output = self.run(command)
        assert status == 0, f"{command} ended with {status}\n{output}"
        return output

    def types(self, command: runbook.Command, place: str, names: dict[str, str], **environment: str) -> str:
        """Type a runbook's command, which has to succeed and to tell no secret."""
        text = command.bound(names)
        began = time.monotonic()
        if place == runbook.CONTROLLER:
            status, output = self.run(text, **environment)
        else:
            done = self.host.run(text)
            status, output = done.rc, done.stdout + done.stderr
        print(f"{command.where}: {time.monotonic() - began:.0f} s, {status}: {text}", flush=True)
        told = any(secret in output for secret in self.secrets.values())
        assert not told, f"{command.where}: {text} told a secret"
        assert status == 0, f"{command.where}: {text} ended with {status}\n{output}"
        return output

    @contextmanager
    def reads(self, name: str) -> Iterator[Reading]:
        """Take a runbook; to its end, every block of it has to be followed."""
        reading = Reading(self, list(runbook.load(name).blocks))
        began = time.monotonic()
        yield reading
        left = [command.where for block in reading.blocks for command in block.commands]
        assert left == [], f"nobody typed {', '.join(left)}"
        print(f"docs/runbooks/{name}.md: {reading.typed} commands, {time.monotonic() - began:.0f} s", flush=True)


@dataclass
class Reading:
    """A runbook, and how far the operator has come."""

    operator: Operator
    blocks: list[runbook.Block]
    typed: int = 0

    def block(self, environment: dict[str, str] | None = None, **names: str) -> str:
        """Follow the next block; return what its commands said."""
        block = self.blocks.pop(0)
        said = []
        for command in block.commands:
            said.append(self.operator.types(command, block.place, names, **(environment or {})))
            self.typed += 1
        return "".join(said)

    def section(self, heading: str, environment: dict[str, str] | None = None, **names: str) -> str:
        """Follow what is left of a section, which has to come next."""
        assert self.blocks, f"nothing is left to follow, {heading!r} was to come"
        assert self.blocks[0].heading == heading
        said = []
        while self.blocks and self.blocks[0].heading == heading:
            said.append(self.block(environment, **names))
        return "".join(said)

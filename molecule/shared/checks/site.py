"""Runs of playbooks/site.yml against the scenario's hosts, and what they said."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
PLAYBOOK = Path(sys.executable).parent / "ansible-playbook"


@dataclass(frozen=True)
class Run:
    """One run: its exit status and its whole output."""

    status: int
    output: str

    @property
    def changed(self) -> int:
        """How many changes the recap counts, over all hosts."""
        return sum(int(count) for count in re.findall(r"changed=(\d+)", self.output))


def play(*arguments: str, playbook: str = "playbooks/site.yml", end_at: str = "") -> Run:
    """Run a playbook of the checkout against the inventory of the scenario under test, or kill it as a task begins."""
    inventory = f"{os.environ['MOLECULE_SCENARIO_DIRECTORY']}/inventory"
    ending = {
        "ANSIBLE_CALLBACK_PLUGINS": str(PROJECT / "molecule/shared/callback_plugins"),
        "ANSIBLE_CALLBACKS_ENABLED": "end_at",
        "END_AT_TASK": end_at,
    }
    done = subprocess.run(
        [PLAYBOOK, "-i", inventory, playbook, *arguments],
        cwd=PROJECT,
        # Molecule forces colours, which would stand between the words that tests look for.
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0", **(ending if end_at else {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Run(done.returncode, done.stdout)

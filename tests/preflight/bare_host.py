# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host on which roles are tried, and what is looked at to see that they left it alone."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import typing as t
from dataclasses import dataclass
from pathlib import Path

from testhost import access, network
from testhost.container import TestHost
from testhost.engine import execute

ROOT = Path(__file__).resolve().parents[2]
PLACES = ("/etc", "/opt", "/srv", "/usr/local", "/var/lib/dpkg", "/var/lib/apt/lists", "/var/spool/cron")
FORMAT = "%p %y %m %U:%G %s %T@ %l\\n"
SYSTEMS = {
    "Debian 11": ('ID=debian\nNAME="Debian GNU/Linux"\nVERSION_ID="11"\nVERSION_CODENAME=bullseye\n', "11.9\n"),
    "Ubuntu 24": ('ID=ubuntu\nNAME="Ubuntu"\nVERSION_ID="24.04"\nVERSION_CODENAME=noble\n', "trixie/sid\n"),
}


@dataclass(frozen=True)
class Run:
    """What came of a run of ansible-playbook."""

    status: int
    report: str
    complaints: str

    @property
    def output(self) -> str:
        """All that was printed."""
        return self.report + self.complaints

    @property
    def refusals(self) -> list[str]:
        """The messages of the tasks that failed."""
        return [
            str(result["msg"])
            for play in self._result["plays"]
            for task in play["tasks"]
            for result in task["hosts"].values()
            if result.get("failed")
        ]

    @property
    def changed(self) -> int:
        """How many tasks changed something."""
        return sum(stats["changed"] for stats in self._result["stats"].values())

    @property
    def _result(self) -> dict[str, t.Any]:
        result: dict[str, t.Any] = json.loads(self.report)
        return result


class BareHost:
    """The host, by what the tests need of it."""

    def __init__(self, host: TestHost) -> None:
        self.name = host.name
        self.address = host.address
        self.subnet = network.subnet()

    @property
    def gateway(self) -> str:
        """The address at which the host reaches this machine."""
        return str(self.subnet.network_address + 1)

    def listing(self) -> set[str]:
        """Every file of the places a deployment writes to, with mode, owner, size and time."""
        found = execute(self.name, ["find", *PLACES, "-printf", FORMAT], check=False)
        return set(found.stdout.decode().splitlines())

    @contextlib.contextmanager
    def pretending(self, system: str) -> t.Iterator[None]:
        """Make the host look like another operating system for a while."""
        release, version = SYSTEMS[system]
        self._shell("cp /etc/debian_version /etc/debian_version.kept && rm /etc/os-release")
        self._shell("cat >/etc/os-release", release)
        self._shell("cat >/etc/debian_version", version)
        try:
            yield
        finally:
            self._shell(
                "mv /etc/debian_version.kept /etc/debian_version && ln -sf ../usr/lib/os-release /etc/os-release"
            )

    def apply(self, role: str, variables: dict[str, t.Any], hosts: int, folder: Path) -> Run:
        """Apply a role to the host, under as many names as there are to be hosts."""
        names = [self.name] if hosts == 1 else [f"hx-gateway-claim-{number}" for number in range(1, hosts + 1)]
        inventory = folder / "inventory.yml"
        inventory.write_text(access.inventory(dict.fromkeys(names, self.address), str(self.subnet)))
        playbook = folder / "playbook.yml"
        play = {"hosts": "all", "gather_facts": False, "vars": variables, "roles": [f"hx.gateway.{role}"]}
        playbook.write_text(json.dumps([play]))
        return self.play(inventory, playbook)

    def play(self, inventory: Path, playbook: Path, *arguments: str) -> Run:
        """Run a playbook with an inventory."""
        settings = {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"}
        program = Path(sys.executable).with_name("ansible-playbook")
        ran = subprocess.run(
            [program, "--inventory", inventory, playbook, *arguments],
            cwd=ROOT,
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            check=False,
        )
        return Run(ran.returncode, ran.stdout, ran.stderr)

    def _shell(self, line: str, text: str = "") -> None:
        execute(self.name, ["sh", "-c", line], stdin=text.encode())

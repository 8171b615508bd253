"""SSH access to the test hosts: one key, and one configuration file that names them all.

SSH is what real servers are reached by, needs no root once a host is up, and costs a task a quarter of what
`podman exec` does.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from testhost.engine import PREFIX
from testhost.paths import ACCESS
from testhost.shell import run

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY = ACCESS / "id_ed25519"
CONFIG = ACCESS / "ssh_config"
# Socket paths are limited to about 100 characters, which a checkout's path may exceed.
SOCKETS = Path("~/.ansible/cp")


def public_key() -> str:
    """Return the public key test hosts let in, making the pair where there is none."""
    if not KEY.exists():
        ACCESS.mkdir(parents=True, exist_ok=True)
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "hx-gateway test hosts", "-f", str(KEY)])
    return KEY.with_suffix(".pub").read_text()


def config(addresses: Mapping[str, str]) -> str:
    """Return the text of an ssh_config for hosts by name and address."""
    blocks = [f"Host {name} {address}\n    HostName {address}\n" for name, address in sorted(addresses.items())]
    common = {
        "User": "root",
        "IdentityFile": f'"{KEY}"',
        "IdentitiesOnly": "yes",
        # Hosts come and go at the same addresses, on a network only this machine is on.
        "StrictHostKeyChecking": "no",
        "UserKnownHostsFile": "/dev/null",
        "LogLevel": "ERROR",
        "ConnectTimeout": "30",
        "ControlMaster": "auto",
        "ControlPersist": "60s",
        "ControlPath": f"{SOCKETS}/hx-%C",
    }
    blocks.append(
        f"Host {' '.join([f'{PREFIX}*', *sorted(addresses.values())])}\n"
        + "".join(f"    {key} {value}\n" for key, value in common.items())
    )
    return "# Written by the test host harness.\n" + "\n".join(blocks)


def write(addresses: Mapping[str, str]) -> None:
    """Write the ssh_config for the hosts there are."""
    ACCESS.mkdir(parents=True, exist_ok=True)
    SOCKETS.expanduser().mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = CONFIG.with_suffix(".partial")
    partial.write_text(config(addresses))
    partial.rename(CONFIG)


def inventory(addresses: Mapping[str, str], subnet: str) -> str:
    """Return an Ansible inventory source that says how the hosts are reached; other sources put them in groups."""
    variables = {
        "ansible_user": "root",
        "ansible_python_interpreter": "/usr/bin/python3",
        # Multiplexing is in the configuration file; Ansible's own would add a second connection.
        "ansible_ssh_args": "",
        "ansible_ssh_common_args": f"-F '{CONFIG}'",
        "testhost_network": subnet,
    }
    hosts = {name: {"ansible_host": address, **variables} for name, address in sorted(addresses.items())}
    return "---\n# Written by the test host harness.\n" + json.dumps({"all": {"hosts": hosts}}, indent=2) + "\n"


def hang_up(name: str) -> None:
    """End the shared connection to a host that is about to go away."""
    if CONFIG.exists():
        run(["ssh", "-F", str(CONFIG), "-O", "exit", name], check=False)

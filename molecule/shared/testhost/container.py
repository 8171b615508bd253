"""Starting and removing test hosts."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from testhost import access, image, inherit, network, packages
from testhost.engine import LABEL, PREFIX, exists, podman, podman_json
from testhost.machine import look
from testhost.paths import ACCESS, CHECKOUT, PIP_CACHE, WHEELS
from testhost.probe import sandbox_works, wait_until_booted
from testhost.shell import HarnessError, locked, run, say

LOCK = ACCESS / "hosts.lock"
NAMES = re.compile(rf"{PREFIX}[a-z0-9]([a-z0-9-]{{0,40}}[a-z0-9])?")


@dataclass(frozen=True)
class TestHost:
    """A test host as it stands."""

    name: str
    release: str
    address: str
    state: str
    checkout: str


def all_hosts() -> list[TestHost]:
    """Return every test host, running or not; other containers are not looked at."""
    rows = podman_json("ps", "--all", "--filter", f"label={LABEL}", "--format", "json")
    return sorted(
        (
            TestHost(
                row["Names"][0],
                row["Labels"][f"{LABEL}.release"],
                row["Labels"][f"{LABEL}.address"],
                row["State"],
                row["Labels"].get(f"{LABEL}.checkout", ""),
            )
            for row in rows or []
        ),
        key=lambda host: host.name,
    )


def find(name: str) -> TestHost | None:
    """Return the test host of that name, if it is there."""
    return next((host for host in all_hosts() if host.name == name), None)


def up(name: str, release: str, address: str | None = None) -> TestHost:
    """Bring a test host up and return it; one that is already running is left as it is."""
    if not NAMES.fullmatch(name):
        raise HarnessError(f"A test host's name is {PREFIX} and up to 42 of a-z, 0-9 and -, not {name!r}.")
    host = find(name)
    if host is None and exists("container", name):
        raise HarnessError(f"A container named {name} is there already and is not a test host; it was left alone.")
    if host is not None and host.release != release:
        raise HarnessError(f"{name} runs {host.release}, not {release}: destroy it first.")
    if host is not None and not _reusable(host):
        destroy(name)
        host = None
    if host is None:
        _make_usable(name, release, address)
    _list_for_ssh()
    found = find(name)
    if found is None:
        raise HarnessError(f"{name} went away while it was being started.")
    return found


def _reusable(host: TestHost) -> bool:
    """Whether a host that is there can be used by this checkout, started again where it had stopped."""
    if host.checkout != str(CHECKOUT):
        say(f"{host.name} was started from {host.checkout or 'elsewhere'}, whose key and caches it has: replacing it")
        return False
    try:
        if host.state != "running":
            say(f"Starting {host.name} again")
            _start(host.name)
        wait_until_booted(host.name)
    except HarnessError as error:
        say(f"{error}\n{host.name} cannot be used any more: replacing it")
        return False
    return True


def _make_usable(name: str, release: str, address: str | None) -> None:
    """Make a host, with more privileges where systemd turns out to need them."""
    base = image.ensure(release)
    begun = time.monotonic()
    _make(name, release, base, address, privileged=False)
    if not sandbox_works(name):
        say(f"{name}: systemd cannot set up a unit's sandbox here; starting again as a privileged container")
        destroy(name)
        _make(name, release, base, address, privileged=True)
        if not sandbox_works(name):
            destroy(name)
            raise HarnessError("systemd cannot set up a unit's sandbox in a container on this machine.")
    say(f"{name} is up after {time.monotonic() - begun:.1f} s")


def reboot(name: str, *, hard: bool) -> None:
    """Restart a test host in good order, or as if the power had failed, and wait until it has booted."""
    if find(name) is None:
        raise HarnessError(f"There is no test host {name}.")
    access.hang_up(name)
    if hard:
        podman("kill", "--signal", "KILL", name)
    else:
        podman("stop", "--time", "120", name)
    _start(name)
    wait_until_booted(name)


def destroy(name: str) -> None:
    """Remove a test host; one that is not there is no error, a container of somebody else's is."""
    host = find(name)
    if host is None:
        if exists("container", name):
            raise HarnessError(f"{name} is not a test host; it was left alone.")
        return
    access.hang_up(name)
    podman("rm", "--force", "--time", "0", "--volumes", name)
    packages.forget(host.release, name)
    _list_for_ssh()


def _list_for_ssh() -> None:
    with locked(LOCK):
        access.write({host.name: host.address for host in all_hosts()})


def _make(name: str, release: str, base: str, address: str | None, *, privileged: bool) -> None:
    """Create and start a container, and wait until its systemd has settled."""
    say(f"Starting {name} ({release})")
    (WHEELS / release).mkdir(parents=True, exist_ok=True)
    # pip leaves a cache alone that is not its user's, and inside it is root.
    run(["install", "--directory", "--owner", "root", "--group", "root", str(PIP_CACHE)], as_root=True)
    archives = packages.seed(release, name)
    with locked(LOCK):
        subnet = network.subnet()
        address = address or network.free_address(subnet, [host.address for host in all_hosts()])
        machine = look()
        podman(
            "create",
            "--name", name,
            "--hostname", name,
            "--label", f"{LABEL}=host",
            "--label", f"{LABEL}.release={release}",
            "--label", f"{LABEL}.address={address}",
            "--label", f"{LABEL}.checkout={CHECKOUT}",
            "--systemd", "always",
            "--network", network.NAME,
            "--ip", address,
            "--mac-address", network.hardware_address(address),
            "--ulimit", f"nofile={machine.files}:{machine.files}",
            "--ulimit", f"nproc={machine.processes}:{machine.processes}",
            "--volume", f"{PIP_CACHE}:/root/.cache/pip",
            "--volume", f"{WHEELS / release}:/var/cache/hx-gateway/wheels:ro",
            "--volume", f"{archives}:/var/cache/apt/archives",
            *_privileges(privileged),
            base,
        )  # fmt: skip
    inherit.before_boot(name)
    _start(name)
    wait_until_booted(name)
    inherit.after_boot(name)


def _start(name: str) -> None:
    with locked(LOCK):
        podman("start", name)
        network.keep_bridge_address()


def _privileges(privileged: bool) -> list[str]:
    """Return what systemd needs to give its units their sandbox, and no more than that."""
    if privileged:
        return ["--privileged"]
    return [
        "--cap-add", "SYS_ADMIN,SYS_PTRACE",
        "--security-opt", "seccomp=unconfined",
        "--security-opt", "apparmor=unconfined",
        "--security-opt", "label=disable",
    ]  # fmt: skip

"""Putting into a test host what it inherits from this machine (see carry) and what makes it reachable."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

from testhost import access, carry
from testhost.engine import execute, podman
from testhost.machine import look

if TYPE_CHECKING:
    from collections.abc import Mapping

Files = dict[str, tuple[int, str]]


def before_boot(name: str) -> None:
    """Add to a container that has not been started yet what systemd and sshd read at their start."""
    files: Files = {"root/.ssh/authorized_keys": (0o600, access.public_key())}
    if proxies := carry.proxy_environment():
        files["etc/environment"] = (0o644, proxies)
    if look().few_files:
        # Units that ask for more open files than this machine allows would not start.
        files["etc/systemd/system/service.d/90-test-host.conf"] = (
            0o644,
            f"[Service]\nLimitNOFILE={look().files}\n",
        )
    _put(name, files, folders={"root/.ssh": 0o700, "etc/systemd/system/service.d": 0o755})


def after_boot(name: str) -> None:
    """Make a running host trust the authorities this machine trusts, and fetch from the same package index."""
    theirs = execute(name, ["cat", str(carry.BUNDLE)]).stdout.decode(errors="replace")
    authorities = carry.private_authorities(theirs)
    folder = "usr/local/share/ca-certificates"
    files: Files = {f"{folder}/test-host-{i}.crt": (0o644, pem) for i, pem in enumerate(authorities, 1)}
    if pip := carry.pip_conf(private_authority=bool(authorities)):
        files["etc/pip.conf"] = (0o644, pip)
    if files:
        _put(name, files)
    if authorities:
        execute(name, ["update-ca-certificates"])


def _put(name: str, files: Files, folders: Mapping[str, int] | None = None) -> None:
    """Write files into a container, whether it runs or not."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, mode in (folders or {}).items():
            entry = tarfile.TarInfo(path)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            archive.addfile(entry)
        for path, (mode, text) in files.items():
            content = text.encode()
            entry = tarfile.TarInfo(path)
            entry.mode, entry.size = mode, len(content)
            archive.addfile(entry, io.BytesIO(content))
    podman("cp", "-", f"{name}:/", stdin=buffer.getvalue())

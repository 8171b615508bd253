"""Download the wheels of hash locks once, for every test host of a release: wheelhouse.py RELEASE LOCK...

pip's own cache keeps only what the index allows it to keep, which some mirrors do not. The folder written here is
mounted into the test hosts; the local inventory names it in the roles' pip_find_links variables.
Runs with the project's venv, whose pip knows this machine's index.
"""

from __future__ import annotations

import fcntl
import hashlib
import platform
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import Marker

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "wheels"


@dataclass(frozen=True)
class Target:
    """The Python a release of Debian has, and the C library its wheels may need."""

    python: str
    glibc_minor: int

    @property
    def environment(self) -> dict[str, str]:
        """What environment markers are judged by."""
        return {"python_version": self.python, "python_full_version": f"{self.python}.0", "sys_platform": "linux"}

    @property
    def platforms(self) -> list[str]:
        """Every platform tag the release can install."""
        machine = platform.machine()
        tags = [f"manylinux_2_{minor}_{machine}" for minor in range(self.glibc_minor, 4, -1)]
        return [*tags, *(f"{name}_{machine}" for name in ("manylinux2014", "manylinux2010", "manylinux1", "linux"))]


TARGETS = {"bookworm": Target("3.11", 36), "trixie": Target("3.13", 41)}


def requirements_for(lock: str, target: Target) -> str:
    """Return the part of a lock that a target installs, without its markers."""
    kept = []
    for block in re.split(r"\n(?=\S)", lock.replace("\\\n", " ")):
        requirement, *hashes = re.split(r"\s+(?=--hash=)", block.partition("#")[0].strip())
        if "==" not in requirement:
            continue
        pinned, _, marker = requirement.partition(";")
        if not marker or Marker(marker.strip()).evaluate(target.environment):
            kept.append(" ".join([pinned.strip(), *hashes]))
    return "\n".join(kept) + "\n"


def fill(release: str, locks: list[Path]) -> None:
    """Download what is missing; a lock that was seen before costs nothing."""
    folder = CACHE / release
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        _fill(release, folder, locks)


def _fill(release: str, folder: Path, locks: list[Path]) -> None:
    target = TARGETS[release]
    for lock in locks:
        text = requirements_for(lock.read_text(), target)
        done = folder / f".{hashlib.sha256(text.encode()).hexdigest()[:16]}"
        if done.exists():
            continue
        print(f"Downloading the wheels of {lock} for {release} (once)", file=sys.stderr, flush=True)
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirements:
            requirements.write(text)
            requirements.flush()
            _download(requirements.name, folder, target)
        done.touch()


def _download(requirements: str, folder: Path, target: Target) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--implementation", "cp"]
    command += ["--python-version", target.python, "--dest", str(folder), "--requirement", requirements]
    for tag in target.platforms:
        command += ["--platform", tag]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        sys.exit(f"pip could not download the wheels:\n{result.stderr[-3000:]}")


if __name__ == "__main__":
    fill(sys.argv[1], [Path(argument) for argument in sys.argv[2:]])

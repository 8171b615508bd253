"""One archive of downloaded Debian packages for all test hosts of a release.

apt locks its archive folder, so hosts cannot share one. Each gets a folder of its own, filled with hard links from
the pool when the host is made; what the host downloads goes back to the pool the same way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from testhost.paths import APT_CACHE
from testhost.shell import run

if TYPE_CHECKING:
    from pathlib import Path


def _link(files: list[Path], folder: Path) -> None:
    """Hard-link files into a folder, leaving what is there; as root, whose files the packages are."""
    present = {each.name for each in folder.glob("*.deb")}
    wanted = [str(file) for file in files if file.name not in present]
    if wanted:
        run(["cp", "--link", "--no-clobber", "--target-directory", str(folder), *wanted], as_root=True)


def seed(release: str, name: str) -> Path:
    """Make a host's archive folder, with every package already downloaded for its release."""
    gather(release)
    folder = APT_CACHE / release / "hosts" / name
    folder.mkdir(parents=True, exist_ok=True)
    _link(sorted(_pool(release).glob("*.deb")), folder)
    return folder


def gather(release: str) -> None:
    """Add what the release's hosts have downloaded to the pool."""
    pool = _pool(release)
    for folder in (APT_CACHE / release / "hosts").glob("*"):
        _link(sorted(folder.glob("*.deb")), pool)


def forget(release: str, name: str) -> None:
    """Remove a host's archive folder, keeping its packages in the pool."""
    gather(release)
    run(["rm", "-rf", str(APT_CACHE / release / "hosts" / name)], as_root=True)


def _pool(release: str) -> Path:
    folder = APT_CACHE / release / "pool"
    folder.mkdir(parents=True, exist_ok=True)
    return folder

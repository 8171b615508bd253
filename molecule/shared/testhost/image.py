"""Base images, made on this machine from Debian's packages: no container registry is asked."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

from testhost import carry
from testhost.engine import exists, podman, podman_text
from testhost.paths import IMAGES
from testhost.shell import HarnessError, locked, run, say

if TYPE_CHECKING:
    from pathlib import Path

RELEASES = ("bookworm", "trixie")
REPOSITORY = "localhost/hx-gateway-testhost"
# What a small Debian server has: systemd, SSH, and the Python that Ansible drives.
PACKAGES = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "python3",
    "python3-apt",
    "sudo",
    "iproute2",
    "ca-certificates",
    "procps",
    "openssh-server",
)
APT_OPTIONS = (
    # Kept for the archive cache that all test hosts share.
    'APT::Keep-Downloaded-Packages "true";',
    'Acquire::Languages "none";',
    'Acquire::Retries "3";',
)
HOOKS = (
    # Timers that take the package lock in the middle of a test.
    'chroot "$1" systemctl mask apt-daily.timer apt-daily-upgrade.timer',
)


def recipe(release: str) -> list[str]:
    """Return the command that writes an image's file system to standard output."""
    return [
        "mmdebstrap",
        "--quiet",
        "--mode=root",
        "--variant=minbase",
        f"--include={','.join(PACKAGES)}",
        # A test host is thrown away: nothing is gained by waiting for the disk.
        "--dpkgopt=force-unsafe-io",
        *(f"--aptopt={option}" for option in (*APT_OPTIONS, *carry.apt_options())),
        *(f"--customize-hook={hook}" for hook in HOOKS),
        release,
        "-",
        *carry.mirrors().sources(release),
    ]


def digest(words: list[str]) -> str:
    """Return a short key that changes with the recipe."""
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:12]


def ensure(release: str) -> str:
    """Return the name of the image of a release, building it where it does not exist yet."""
    if release not in RELEASES:
        raise HarnessError(f"No image for {release!r}; there are: {', '.join(RELEASES)}.")
    words = recipe(release)
    key = digest(words)
    name = f"{REPOSITORY}:{release}-{key}"
    with locked(IMAGES / f"{release}.lock"):
        if not exists("image", name):
            archive = IMAGES / f"{release}-{key}.tar"
            if not archive.exists():
                _build(release, words, archive)
            _load(archive, name)
            _remove_older(release, key)
    return name


def _build(release: str, words: list[str], archive: Path) -> None:
    say(f"Building the {release} image from Debian's packages (about half a minute, once)")
    begun = time.monotonic()
    partial = archive.with_suffix(".partial")
    with partial.open("wb") as handle:
        run(words, as_root=True, stdout=handle)
    partial.rename(archive)
    say(f"Built the {release} image in {time.monotonic() - begun:.0f} s")


def _load(archive: Path, name: str) -> None:
    say(f"Loading {archive.name} into podman")
    podman("import", "--quiet", "--change", 'CMD ["/lib/systemd/systemd"]', str(archive), name)


def _remove_older(release: str, key: str) -> None:
    """Remove what an older recipe made; an image that a container still uses stays."""
    for archive in IMAGES.glob(f"{release}-*.tar"):
        if archive.name != f"{release}-{key}.tar":
            archive.unlink()
    for name in podman_text("images", "--format", "{{.Repository}}:{{.Tag}}", REPOSITORY).split():
        if name.startswith(f"{REPOSITORY}:{release}-") and not name.endswith(key):
            podman("rmi", name, check=False)


def remove_all() -> None:
    """Remove every image the harness made."""
    for name in podman_text("images", "--format", "{{.Repository}}:{{.Tag}}", REPOSITORY).split():
        say(f"Removing image {name}")
        podman("rmi", name)

"""The container engine: Podman with this machine's runtime."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from testhost.machine import look
from testhost.shell import run

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence

PREFIX = "hx-gateway-"
LABEL = "hx-gateway.testhost"


def command(*words: str) -> list[str]:
    """Return the words of a podman command on this machine."""
    return ["podman", "--runtime", look().runtime, *words]


def podman(*words: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Run podman as root; rootless containers cannot give units their sandbox."""
    return run(command(*words), as_root=True, **options)


def podman_text(*words: str) -> str:
    """Run podman and return what it prints."""
    return podman(*words).stdout.decode().strip()


def podman_json(*words: str) -> Any:
    """Run podman and return the JSON it prints."""
    return json.loads(podman(*words).stdout or b"[]")


def exists(kind: str, name: str) -> bool:
    """Whether a container, image or network of that name exists."""
    return podman(kind, "exists", name, check=False).returncode == 0


def execute(name: str, words: Sequence[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Run a command inside a container, without its terminal."""
    return podman("exec", "--interactive", name, *words, **options)

"""Running commands, as root where the engine needs it, with errors a reader can act on."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


class HarnessError(Exception):
    """Something the person at the keyboard has to know; its text is all that is printed."""


def say(text: str) -> None:
    """Tell what is being done; standard output is left to results."""
    print(text, file=sys.stderr, flush=True)


def root_prefix() -> list[str]:
    """Return the words that make a command run as root."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        raise HarnessError("Test hosts need root: run as root, or install sudo and allow this user to use it.")
    return ["sudo", "--"]


def run(
    command: Sequence[str],
    *,
    as_root: bool = False,
    check: bool = True,
    stdin: bytes | None = None,
    stdout: IO[Any] | None = None,
    timeout: float | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run a command and return what came of it; a failure becomes a HarnessError that quotes its last words."""
    words = [*root_prefix(), *command] if as_root else list(command)
    try:
        result = subprocess.run(
            words,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            stdout=stdout or subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError:
        raise HarnessError(f"{words[0]} is not installed; `make deps` installs it.") from None
    except subprocess.TimeoutExpired:
        raise HarnessError(f"No answer within {timeout:.0f} s from: {' '.join(command)}") from None
    if check and result.returncode != 0:
        said = (result.stderr + (result.stdout or b"")).decode(errors="replace").strip()
        raise HarnessError(f"Failed ({result.returncode}): {' '.join(command)}\n{said[-2000:]}")
    return result


def output(command: Sequence[str], *, as_root: bool = False, check: bool = True) -> str:
    """Run a command and return its standard output as text."""
    return run(command, as_root=as_root, check=check).stdout.decode(errors="replace").strip()


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file, so that harnesses running side by side take turns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield

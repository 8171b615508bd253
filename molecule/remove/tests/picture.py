"""What a host is, and what it was before the stack came."""

from __future__ import annotations

import json
from pathlib import Path

from checks.site import PROJECT
from testinfra.host import Host

Picture = dict[str, dict[str, str]]
BARE = PROJECT / ".cache/bare.json"
_PROGRAM = Path(__file__).resolve().parents[1] / "files/picture.py"


def take(host: Host) -> Picture:
    """Describe the host as it is now."""
    return dict(json.loads(host.check_output("python3 -c %s", _PROGRAM.read_text(encoding="utf-8"))))


def bare() -> Picture:
    """Return the host as it was before the stack came."""
    return dict(json.loads(BARE.read_text(encoding="utf-8")))


def differences(before: Picture, after: Picture) -> list[str]:
    """Name what has come, gone or changed."""
    told = []
    for kind in before:
        old, new = before[kind], after[kind]
        told += [f"{kind} {name} is gone" for name in sorted(set(old) - set(new))]
        told += [f"{kind} {name} has come" for name in sorted(set(new) - set(old))]
        told += [
            f"{kind} {name}: {old[name]} is {new[name]}"
            for name in sorted(set(old) & set(new))
            if old[name] != new[name]
        ]
    return told

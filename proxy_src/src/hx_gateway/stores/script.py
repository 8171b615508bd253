"""Lua scripts, and calls of them that are packed ahead (redis.io, "Redis serialization protocol specification")."""

from __future__ import annotations

from hashlib import sha1
from typing import TYPE_CHECKING, TypeAlias

import hiredis

if TYPE_CHECKING:
    from collections.abc import Sequence

Argument: TypeAlias = str | bytes | int | float


class Script:
    """A Lua script, named by its SHA-1 as Redis does (EVALSHA)."""

    __slots__ = ("sha", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.sha = sha1(text.encode(), usedforsecurity=False).hexdigest()

    def named(self, keys: Sequence[Argument], args: Sequence[Argument]) -> bytes:
        """Return the command that runs it where the server knows it, else is answered with NOSCRIPT."""
        return pack("EVALSHA", self.sha, len(keys), *keys, *args)

    def spelled(self, keys: Sequence[Argument], args: Sequence[Argument]) -> bytes:
        """Return the command that runs it and teaches it to the server."""
        return pack("EVAL", self.text, len(keys), *keys, *args)


def pack(*args: Argument) -> bytes:
    """Return a command as it is sent."""
    packed: bytes = hiredis.pack_command(args)  # type: ignore[arg-type]  # its stub lacks float
    return packed


def pack_start(more: int, *args: Argument) -> bytes:
    """Return the start of a command of which `more` arguments follow, each as `pack_rest` gives it."""
    return b"*%d\r\n%b" % (len(args) + more, pack_rest(*args))


def pack_rest(*args: Argument) -> bytes:
    """Return arguments as they stand in a command."""
    packed = pack(*args)
    return packed[packed.index(b"\n") + 1 :]

# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import base64
import binascii
import fnmatch
import gzip
import hashlib
import io
import json
import posixpath
import re
import tarfile
import typing as t
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

# 1980-01-01, the oldest time that every archiver can hold.
TIMESTAMP = 315532800
# The largest package of npm is far below; a tarball that unpacks to more is not one.
MAX_UNPACKED = 512 * 1024 * 1024
_NAME = r"(?:@[a-z0-9~-][a-z0-9._~-]*/)?[A-Za-z0-9~-][A-Za-z0-9._~-]*"
_LOCATION = re.compile(rf"node_modules/{_NAME}(?:/node_modules/{_NAME})*")
_VERSION = re.compile(r"[0-9A-Za-z.+-]+")
# Weaker digests, which old locks may hold beside a strong one, prove nothing.
_ALGORITHMS = ("sha512", "sha384", "sha256")


class NpmError(Exception):
    """The lock, a tarball or the registry is not as it has to be; the message names it."""


@dataclass(frozen=True)
class Package:
    """One package of the lock at its place in the tree."""

    location: str
    name: str
    version: str
    algorithm: str
    digest: str

    @property
    def label(self) -> str:
        """Name the package in messages."""
        return f"{self.name}@{self.version}"

    def url(self, registry: str) -> str:
        """Return the address of the tarball."""
        return f"{registry.rstrip('/')}/{self.name}/-/{posixpath.basename(self.name)}-{self.version}.tgz"

    def matches(self, content: bytes) -> bool:
        """Tell whether this is the tarball that the lock was made from."""
        return hashlib.new(self.algorithm, content).hexdigest() == self.digest


def read_lock(path: str, optional: bool) -> list[Package]:
    """Read the packages of a package-lock.json, without those that only development needs."""
    try:
        lock = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise NpmError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise NpmError(f"{path} is not JSON: {error}") from error
    if not isinstance(lock, dict) or lock.get("lockfileVersion") != 3 or not isinstance(lock.get("packages"), dict):
        raise NpmError(f"{path} is not a package-lock.json of version 3")
    packages = [
        _read_package(location, entry)
        for location, entry in sorted(lock["packages"].items())
        if location and not entry.get("dev") and (optional or not (entry.get("optional") or entry.get("devOptional")))
    ]
    if not packages:
        raise NpmError(f"{path} holds no package")
    return packages


def _read_package(location: str, entry: dict[str, t.Any]) -> Package:
    if entry.get("link") or not _LOCATION.fullmatch(location):
        raise NpmError(f"the lock has {location}, which is not a package of a registry")
    # An alias lies under a name that is not its own.
    name = entry.get("name") or location.rpartition("node_modules/")[2]
    version = entry.get("version")
    if not isinstance(name, str) or not re.fullmatch(_NAME, name):
        raise NpmError(f"the lock gives {location} a name that is none")
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        raise NpmError(f"the lock gives {location} no version of a registry")
    algorithm, digest = _strongest(entry.get("integrity"), f"{name}@{version}")
    return Package(location, name, version, algorithm, digest)


def _strongest(integrity: t.Any, label: str) -> tuple[str, str]:
    """Choose the strongest of the digests of a subresource integrity text."""
    parts = [part.partition("-") for part in integrity.split()] if isinstance(integrity, str) else []
    digests = {algorithm: value.partition("?")[0] for algorithm, _dash, value in parts}
    for algorithm in _ALGORITHMS:
        if algorithm not in digests:
            continue
        try:
            digest = base64.b64decode(digests[algorithm], validate=True)
        except binascii.Error:
            digest = b""
        if len(digest) != hashlib.new(algorithm).digest_size:
            raise NpmError(f"the lock's {algorithm} digest of {label} is damaged")
        return algorithm, digest.hex()
    raise NpmError(f"the lock has no {' or '.join(_ALGORITHMS)} digest of {label}")


def excluded(path: str, patterns: t.Iterable[str]) -> bool:
    """Tell whether a path of the tree, or a folder it lies in, is one of the patterns."""
    parents = path.split("/")
    return any(
        fnmatch.fnmatchcase("/".join(parents[:depth]), pattern.strip("/"))
        for pattern in patterns
        for depth in range(1, len(parents) + 1)
    )


def unpack(package: Package, tarball: bytes) -> dict[str, tuple[bytes, int]]:
    """Return the files of a tarball by their paths in the tree, each with its mode."""
    files: dict[str, tuple[bytes, int]] = {}
    size = 0
    try:
        with tarfile.open(fileobj=io.BytesIO(tarball), mode="r:gz") as archive:
            for member in archive:
                if member.isdir():
                    continue
                path = _place(package, member)
                size += member.size
                if size > MAX_UNPACKED:
                    raise NpmError(f"the tarball of {package.label} unpacks to more than {MAX_UNPACKED} bytes")
                content = t.cast(t.IO[bytes], archive.extractfile(member)).read()
                files[path] = (content, 0o755 if member.mode & 0o111 else 0o644)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise NpmError(f"the tarball of {package.label} cannot be read: {error}") from error
    return files


def _place(package: Package, member: tarfile.TarInfo) -> str:
    """Put a file of a tarball under its package; the first folder, mostly `package`, is left out."""
    parts = member.name.split("/")
    if not member.isfile() or len(parts) < 2 or any(part in ("", ".", "..") for part in parts):
        raise NpmError(f"the tarball of {package.label} holds {member.name!r}, which has no place in a package")
    return "/".join([package.location, *parts[1:]])


def pack(files: dict[str, tuple[bytes, int]]) -> bytes:
    """Write a tar.gz that depends on nothing but the files."""
    folders = {"/".join(path.split("/")[:depth]) for path in files for depth in range(1, path.count("/") + 1)}
    clash = folders.intersection(files)
    if clash:
        raise NpmError(f"{min(clash)} is a file and a folder at once")
    raw = io.BytesIO()
    compressed = gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=raw, mtime=TIMESTAMP)
    with compressed, tarfile.open(fileobj=compressed, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path in sorted([*folders, *files]):
            member = tarfile.TarInfo(path)
            member.mtime = TIMESTAMP
            if path in folders:
                member.type, member.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(member)
                continue
            content, member.mode = files[path]
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return raw.getvalue()


def without_password(url: str) -> str:
    """Take user and password out of a URL, for messages."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))

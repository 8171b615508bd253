# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.hx.gateway.plugins.modules import npm_bundle
from ansible_collections.hx.gateway.tests.support.http_stub import HttpStub, closed_port, json_reply, raw_reply
from ansible_collections.hx.gateway.tests.support.run_module import Outcome, run_module


def tarball(**files: str) -> bytes:
    """Make a tarball as npm does; two underscores stand for a dot in a name."""
    return raw_tarball(*((f"package/{name.replace('__', '.')}", text.encode()) for name, text in files.items()))


def raw_tarball(*entries: tuple[str, bytes] | tarfile.TarInfo) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as archive:
        for entry in entries:
            if isinstance(entry, tarfile.TarInfo):
                archive.addfile(entry)
                continue
            member = tarfile.TarInfo(entry[0])
            member.size = len(entry[1])
            member.mode = 0o777 if entry[0].endswith(".sh") else 0o600
            archive.addfile(member, io.BytesIO(entry[1]))
    return raw.getvalue()


def integrity(content: bytes, algorithm: str = "sha512") -> str:
    return f"{algorithm}-{base64.b64encode(hashlib.new(algorithm, content).digest()).decode()}"


class Registry:
    """A registry on this machine and a lock of what it holds."""

    def __init__(self, folder: Path, stub: HttpStub) -> None:
        self.folder = folder
        self.stub = stub
        self.packages: dict[str, dict[str, t.Any]] = {"": {"name": "project", "version": "1.0.0"}}

    def add(self, location: str, content: bytes, version: str = "1.0.0", **entry: t.Any) -> None:
        """Put a package into the registry and the lock."""
        name = entry.get("name") or location.rpartition("node_modules/")[2]
        path = f"/{name}/-/{name.rpartition('/')[2]}-{version}.tgz"
        self.stub.replies.setdefault(path, [json_reply(200, content, "application/octet-stream")])
        self.packages[location] = {"version": version, "integrity": integrity(content), **entry}

    def run(self, **options: t.Any) -> Outcome:
        """Run the module."""
        lock = self.folder / "package-lock.json"
        lock.write_text(json.dumps({"lockfileVersion": 3, "packages": self.packages}), encoding="utf-8")
        defaults = {
            "lock": str(lock),
            "dest": str(self.folder / "out/modules.tar.gz"),
            "cache_dir": str(self.folder / "cache"),
            "registry": self.stub.url,
            "timeout": 5,
        }
        return run_module(npm_bundle.main, **{**defaults, **options})

    def refused(self, **options: t.Any) -> str:
        """Run the module and return why it failed."""
        outcome = self.run(**options)
        assert outcome.failed, outcome.text
        assert not (self.folder / "out/modules.tar.gz").exists()
        return str(outcome["msg"])

    @property
    def fetched(self) -> list[str]:
        """List what was asked for."""
        return sorted(path for path, _headers in self.stub.requests)

    @property
    def archive(self) -> dict[str, tarfile.TarInfo]:
        """Read the archive's entries."""
        with tarfile.open(self.folder / "out/modules.tar.gz") as archive:
            return {member.name: member for member in archive}

    def content(self, name: str) -> str:
        """Read one file of the archive."""
        with tarfile.open(self.folder / "out/modules.tar.gz") as archive:
            stream = archive.extractfile(name)
            assert stream
            return stream.read().decode()


@pytest.fixture
def registry(tmp_path: Path) -> t.Iterator[Registry]:
    with HttpStub({}) as stub:
        yield Registry(tmp_path, stub)


def test_the_tree(registry: Registry) -> None:
    registry.add("node_modules/plain", tarball(index__js="plain", run__sh="#!"))
    registry.add("node_modules/@scope/thing", tarball(a="scoped"), "2.0.0-rc.1+build")
    registry.add("node_modules/alias", tarball(a="aliased"), name="@other/real")
    registry.add("node_modules/plain/node_modules/plain", tarball(a="nested"), "0.9.0")
    outcome = registry.run()
    assert outcome["changed"] is True
    assert outcome["packages"] == ["@other/real@1.0.0", "@scope/thing@2.0.0-rc.1+build", "plain@0.9.0", "plain@1.0.0"]
    assert outcome["downloaded"] == outcome["packages"]
    assert registry.fetched == [
        "/@other/real/-/real-1.0.0.tgz",
        "/@scope/thing/-/thing-2.0.0-rc.1+build.tgz",
        "/plain/-/plain-0.9.0.tgz",
        "/plain/-/plain-1.0.0.tgz",
    ]
    assert list(registry.archive) == [
        *("node_modules", "node_modules/@scope", "node_modules/@scope/thing", "node_modules/@scope/thing/a"),
        *("node_modules/alias", "node_modules/alias/a", "node_modules/plain", "node_modules/plain/index.js"),
        *("node_modules/plain/node_modules", "node_modules/plain/node_modules/plain"),
        *("node_modules/plain/node_modules/plain/a", "node_modules/plain/run.sh"),
    ]
    assert registry.content("node_modules/alias/a") == "aliased"
    assert registry.content("node_modules/plain/node_modules/plain/a") == "nested"
    assert {entry.mode for entry in registry.archive.values() if entry.isdir()} == {0o755}
    assert registry.archive["node_modules/plain/index.js"].mode == 0o644
    assert registry.archive["node_modules/plain/run.sh"].mode == 0o755


def test_the_archive_depends_on_the_lock_alone(registry: Registry, tmp_path: Path) -> None:
    registry.add("node_modules/b", tarball(a="1"))
    registry.add("node_modules/a", tarball(a="2"))
    first = registry.run()
    registry.packages = dict(reversed(list(registry.packages.items())))
    second = registry.run(dest=str(tmp_path / "elsewhere.tar.gz"), cache_dir=str(tmp_path / "other"), threads=1)
    assert (
        first["sha256"] == second["sha256"] == hashlib.sha256((tmp_path / "elsewhere.tar.gz").read_bytes()).hexdigest()
    )
    assert {(entry.mtime, entry.uid, entry.gid, entry.uname) for entry in registry.archive.values()} == {
        (315532800, 0, 0, "")
    }


def test_a_second_run_does_nothing(registry: Registry) -> None:
    registry.add("node_modules/a", tarball(a="1"))
    first = registry.run()
    registry.stub.requests.clear()
    second = registry.run()
    assert (second["changed"], second["downloaded"], second["sha256"]) == (False, [], first["sha256"])
    assert registry.fetched == []


def test_what_makes_a_run_do_something(registry: Registry, tmp_path: Path) -> None:
    registry.add("node_modules/a", tarball(a="1", b="2"))
    archive = tmp_path / "out/modules.tar.gz"
    first = registry.run()
    archive.write_bytes(b"damaged")
    assert registry.run()["sha256"] == first["sha256"]
    archive.unlink()
    assert registry.run()["changed"] is True
    archive.with_name("modules.tar.gz.json").write_text("[]", encoding="utf-8")
    assert registry.run()["changed"] is True
    # All of it came out of the cache.
    assert registry.fetched == ["/a/-/a-1.0.0.tgz"]
    assert registry.run(exclude=["node_modules/a/b"])["changed"] is True
    registry.add("node_modules/c", tarball(a="3"))
    outcome = registry.run()
    assert (outcome["changed"], outcome["downloaded"]) == (True, ["c@1.0.0"])
    assert outcome["diff"]["before"] == "a@1.0.0\n"
    assert outcome["diff"]["after"] == "a@1.0.0\nc@1.0.0\n"


def test_check_mode(registry: Registry, tmp_path: Path) -> None:
    registry.add("node_modules/a", tarball(a="1"))
    outcome = registry.run(_ansible_check_mode=True)
    assert (outcome["changed"], outcome["sha256"], outcome["packages"]) == (True, "", ["a@1.0.0"])
    assert registry.fetched == []
    assert {path.name for path in tmp_path.iterdir()} == {"package-lock.json"}
    made = registry.run()
    again = registry.run(_ansible_check_mode=True)
    assert (again["changed"], again["sha256"]) == (False, made["sha256"])


def test_a_damaged_cache_is_filled_again(registry: Registry, tmp_path: Path) -> None:
    registry.add("node_modules/a", tarball(a="1"))
    first = registry.run()
    (cached,) = (tmp_path / "cache/sha512").iterdir()
    cached.write_bytes(b"damaged")
    (tmp_path / "out/modules.tar.gz").unlink()
    second = registry.run()
    assert (second["sha256"], second["downloaded"]) == (first["sha256"], ["a@1.0.0"])
    assert integrity(cached.read_bytes()) == registry.packages["node_modules/a"]["integrity"]


def test_what_is_left_out(registry: Registry) -> None:
    registry.add("node_modules/a", tarball(index__js="1", index__mjs="2"))
    registry.add("node_modules/a/node_modules/b", tarball(index__mjs="3"))
    registry.add("node_modules/big", tarball(a="4"))
    registry.add("node_modules/maybe", tarball(a="5"), optional=True)
    registry.add("node_modules/tests", tarball(a="6"), dev=True)
    outcome = registry.run(exclude=["node_modules/a/*.mjs", "node_modules/big/"], optional=False)
    assert outcome["packages"] == ["a@1.0.0", "b@1.0.0"]
    assert registry.fetched == ["/a/-/a-1.0.0.tgz", "/b/-/b-1.0.0.tgz"]
    assert [name for name, entry in registry.archive.items() if entry.isfile()] == ["node_modules/a/index.js"]
    assert registry.run(optional=True)["packages"] == ["a@1.0.0", "b@1.0.0", "big@1.0.0", "maybe@1.0.0"]


def test_an_exclusion_that_fits_nothing(registry: Registry) -> None:
    registry.add("node_modules/a", tarball(a="1"))
    assert registry.refused(exclude=["node_modules/A"]) == "exclude: node_modules/A fits nothing in the tree"


def test_a_tarball_that_is_another(registry: Registry) -> None:
    registry.add("node_modules/@scope/thing", tarball(a="1"))
    registry.packages["node_modules/@scope/thing"]["integrity"] = integrity(b"something else")
    reason = registry.refused()
    assert "@scope/thing@1.0.0 is not the one the lock was made from: its sha512 differs" in reason
    assert not (registry.folder / "cache").exists()


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"integrity": None}, "the lock has no sha512 or sha384 or sha256 digest of a@1.0.0"),
        (
            {"integrity": "sha1-qUqP5cyxm6YcTAhz05Hph5gvu9M="},
            "the lock has no sha512 or sha384 or sha256 digest of a@1.0.0",
        ),
        ({"integrity": "sha512-AAAA"}, "the lock's sha512 digest of a@1.0.0 is damaged"),
        ({"integrity": "sha512-***"}, "the lock's sha512 digest of a@1.0.0 is damaged"),
        ({"version": "../1"}, "the lock gives node_modules/a no version of a registry"),
        ({"version": None}, "the lock gives node_modules/a no version of a registry"),
        ({"name": "../../etc"}, "the lock gives node_modules/a a name that is none"),
        ({"link": True}, "the lock has node_modules/a, which is not a package of a registry"),
    ],
)
def test_a_lock_that_proves_nothing(registry: Registry, entry: dict[str, t.Any], reason: str) -> None:
    registry.add("node_modules/a", tarball(a="1"))
    registry.packages["node_modules/a"].update(entry)
    assert registry.refused() == reason


@pytest.mark.parametrize(
    "location", ["node_modules/../a", "../a", "/node_modules/a", "packages/a", "node_modules/a/../b", "node_modules/.."]
)
def test_a_lock_with_a_place_outside(registry: Registry, location: str) -> None:
    registry.packages[location] = {"version": "1.0.0", "integrity": integrity(b"")}
    assert registry.refused() == f"the lock has {location}, which is not a package of a registry"


@pytest.mark.parametrize("algorithm", ["sha256", "sha384"])
def test_other_digests(registry: Registry, algorithm: str) -> None:
    content = tarball(a="1")
    registry.add("node_modules/a", content)
    registry.packages["node_modules/a"]["integrity"] = f"sha1-x {integrity(content, algorithm)}?option"
    assert registry.run()["changed"] is True


def special(kind: bytes, name: str = "package/evil", target: str = "/etc/passwd") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


@pytest.mark.parametrize(
    "entry",
    [
        ("package/../../evil", b""),
        ("/etc/evil", b""),
        ("evil", b""),
        ("package//evil", b""),
        ("package/./evil", b""),
        special(tarfile.SYMTYPE),
        special(tarfile.LNKTYPE),
        special(tarfile.FIFOTYPE),
        special(tarfile.CHRTYPE),
    ],
)
def test_a_tarball_that_reaches_out(registry: Registry, entry: tuple[str, bytes] | tarfile.TarInfo) -> None:
    registry.add("node_modules/a", raw_tarball(("package/good", b""), entry))
    reason = registry.refused()
    assert "the tarball of a@1.0.0 holds" in reason
    assert "has no place in a package" in reason


# Compressed data has the time in it: without names of their own, two processes would not find the same tests.
@pytest.mark.parametrize(
    "content",
    [b"", b"no archive", gzip.compress(b"no archive"), tarball(a="1" * 5000)[:-20]],
    ids=["empty", "text", "compressed text", "cut"],
)
def test_a_tarball_that_is_none(registry: Registry, content: bytes) -> None:
    registry.add("node_modules/a", content)
    assert "the tarball of a@1.0.0 cannot be read" in registry.refused()


def test_a_file_in_the_place_of_a_folder(registry: Registry) -> None:
    registry.add("node_modules/a", tarball(node_modules="a file"))
    registry.add("node_modules/a/node_modules/b", tarball(a="1"))
    assert registry.refused() == "node_modules/a/node_modules is a file and a folder at once"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is not JSON"),
        ("[]", "is not a package-lock.json of version 3"),
        ('{"lockfileVersion": 2, "packages": {}}', "is not a package-lock.json of version 3"),
        ('{"lockfileVersion": 3, "packages": {"": {}}}', "holds no package"),
    ],
)
def test_a_lock_that_is_none(registry: Registry, tmp_path: Path, text: str, reason: str) -> None:
    lock = tmp_path / "other.json"
    lock.write_text(text, encoding="utf-8")
    assert reason in registry.refused(lock=str(lock))
    assert "cannot read" in registry.refused(lock=str(tmp_path / "missing.json"))


def test_a_registry_that_does_not_answer(registry: Registry) -> None:
    registry.add("node_modules/a", tarball(a="1"))
    port = closed_port()
    reason = registry.refused(registry=f"http://user:secret@127.0.0.1:{port}/npm/")
    assert (
        f"cannot download a@1.0.0 from http://127.0.0.1:{port}/npm/a/-/a-1.0.0.tgz: the registry cannot be reached"
        in reason
    )
    assert "secret" not in reason


def test_a_registry_that_refuses(registry: Registry) -> None:
    registry.add("node_modules/a", tarball(a="1"))
    registry.stub.replies["/a/-/a-1.0.0.tgz"] = [json_reply(403, {})]
    assert "the registry answers 403" in registry.refused()
    assert registry.fetched == ["/a/-/a-1.0.0.tgz"]


def test_a_registry_that_stumbles(registry: Registry) -> None:
    content = tarball(a="1")
    registry.add("node_modules/a", content)
    good = json_reply(200, content, "application/octet-stream")
    registry.stub.replies["/a/-/a-1.0.0.tgz"] = [json_reply(502, {}), raw_reply(b""), good]
    assert registry.run()["changed"] is True
    registry.stub.replies["/b/-/b-1.0.0.tgz"] = [json_reply(503, {})]
    registry.packages["node_modules/b"] = registry.packages["node_modules/a"] | {"integrity": integrity(b"b")}
    outcome = registry.run()
    assert "the registry answers 503" in outcome["msg"]


def test_a_folder_that_cannot_be_written(registry: Registry, tmp_path: Path) -> None:
    registry.add("node_modules/a", tarball(a="1"))
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert "cannot write" in registry.refused(dest=str(tmp_path / "file/modules.tar.gz"))
    assert registry.refused(threads=0) == "threads and timeout must be at least 1"

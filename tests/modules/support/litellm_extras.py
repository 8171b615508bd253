# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real migrations and the real schema of LiteLLM, from the wheel that the role's lock names."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Extras:
    """Where the wheel's content lies."""

    migrations: Path
    schema: Path

    @property
    def scripts(self) -> dict[str, bytes]:
        """Read every migration, in order."""
        return {script.parent.name: script.read_bytes() for script in sorted(self.migrations.glob("*/migration.sql"))}


def locked_requirement(lock: Path) -> str:
    """Cut litellm-proxy-extras with its hashes out of the lock."""
    found = re.search(r"^litellm-proxy-extras==(?:[^\n]*\\\n)*[^\n]*", lock.read_text(encoding="utf-8"), re.MULTILINE)
    if not found:
        raise LookupError(f"{lock} does not name litellm-proxy-extras")
    return found[0]


def fetch_extras(lock: Path, cache: Path) -> Extras:
    """Download the locked wheel once and unpack it."""
    requirement = locked_requirement(lock)
    version = re.split(r"[=\s;]+", requirement)[1]
    folder = cache / version
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as work:
            wanted = Path(work, "requirement.txt")
            wanted.write_text(requirement + "\n", encoding="utf-8")
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
            subprocess.run([*command, "--require-hashes", "--dest", work, "--requirement", wanted], check=True)
            with zipfile.ZipFile(next(Path(work).glob("*.whl"))) as wheel:
                wheel.extractall(Path(work, "content"))
            Path(work, "content").rename(folder)
    content = folder / "litellm_proxy_extras"
    return Extras(migrations=content / "migrations", schema=content / "schema.prisma")

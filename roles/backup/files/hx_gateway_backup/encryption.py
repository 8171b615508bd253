# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parts encrypted with age (https://age-encryption.org/v1) for the keys an operator keeps elsewhere."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from .errors import BackupError

SUFFIX = ".age"


def encrypt(path: Path, recipients: list[str]) -> Path:
    """Put an encrypted file in the place of a readable one."""
    encrypted = path.with_name(path.name + SUFFIX)
    words = [word for recipient in recipients for word in ("--recipient", recipient)]
    done = subprocess.run(["age", *words, "--output", encrypted, path], capture_output=True, check=False)
    if done.returncode:
        encrypted.unlink(missing_ok=True)
        raise BackupError(f"age failed: {done.stderr.decode(errors='replace').strip()}")
    encrypted.chmod(0o600)
    path.unlink()
    return encrypted


@contextmanager
def opened(path: Path, identity: str) -> Iterator[IO[bytes]]:
    """Open a part for reading, decrypted where its name says that it is encrypted."""
    if path.suffix != SUFFIX:
        with path.open("rb") as file:
            yield file
        return
    if not identity:
        raise BackupError(f"{path} is encrypted: name the file with the key in backup_identity_file")
    process = subprocess.Popen(
        ["age", "--decrypt", "--identity", identity, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with process, cast("IO[bytes]", process.stdout) as stream:
        failure = None
        try:
            yield stream
        except BackupError as error:
            failure = error
        # What a reader leaves would keep age waiting.
        while stream.read(1 << 20):
            pass
        said = cast("IO[bytes]", process.stderr).read()
    if process.returncode:
        raise BackupError(f"{path} cannot be decrypted: {said.decode(errors='replace').strip()}")
    if failure:
        raise failure

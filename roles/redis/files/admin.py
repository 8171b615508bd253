"""Keep a password in a file that only root reads, and tell its SHA-256: the form in which Redis's ACL file holds it.

admin.py FILE        make the file where there is none ("created DIGEST", else "kept DIGEST")
admin.py FILE look   leave it alone ("kept", and no digest where there is none)
"""

from __future__ import annotations

import hashlib
import os
import secrets
import sys
from pathlib import Path


def create(file: Path) -> None:
    """Write a password of 256 bits; what a run that died left half is no password."""
    file.parent.mkdir(mode=0o700, exist_ok=True)
    beside = file.with_suffix(".part")
    beside.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as part:
            part.write(secrets.token_hex(32))
            part.flush()
            os.fsync(part.fileno())
        beside.rename(file)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def main() -> None:
    """Keep the file and print what is asked for."""
    file, look = Path(sys.argv[1]), sys.argv[2:] == ["look"]
    made = not look and not file.exists()
    if made:
        create(file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else ""
    sys.stdout.write(f"{'created' if made else 'kept'} {digest}")


if __name__ == "__main__":
    main()

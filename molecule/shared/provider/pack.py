"""Pack the stand-in into one file that Python runs; the same source gives the same bytes: pack.py OUTPUT."""

import sys
import zipfile
from pathlib import Path

PACKAGE = Path(__file__).parent / "hx_provider_standin"
START = "from hx_provider_standin.__main__ import main\n\nmain()\n"
# The earliest date a zip can hold.
EPOCH = (1980, 1, 1, 0, 0, 0)


def pack(output: Path) -> None:
    """Write the archive."""
    files = {f"{PACKAGE.name}/{source.name}": source.read_text() for source in sorted(PACKAGE.glob("*.py"))}
    output.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(output, "w") as archive:
        for name, text in {**files, "__main__.py": START}.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), text)


if __name__ == "__main__":
    pack(Path(sys.argv[1]))

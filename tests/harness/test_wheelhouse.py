"""Which lines of a universal lock a release installs."""

from __future__ import annotations

import pytest
import wheelhouse

LOCK = """# made by a tool
always==1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via something
older==2.0 ; python_full_version < '3.12' \\
    --hash=sha256:cc
newer==3.0 ; python_version >= '3.13' \\
    --hash=sha256:dd
windows==4.0 ; sys_platform == 'win32' \\
    --hash=sha256:ee
"""


@pytest.mark.parametrize(("release", "second"), [("bookworm", "older==2.0"), ("trixie", "newer==3.0")])
def test_a_lock_is_cut_to_the_release(release: str, second: str) -> None:
    lines = wheelhouse.requirements_for(LOCK, wheelhouse.TARGETS[release]).splitlines()
    assert lines[0] == "always==1.0 --hash=sha256:aa --hash=sha256:bb"
    assert [line.split()[0] for line in lines] == ["always==1.0", second]


def test_platforms_stop_at_the_releases_c_library() -> None:
    tags = wheelhouse.TARGETS["bookworm"].platforms
    assert tags[0].startswith("manylinux_2_36_")
    assert not any(tag.startswith("manylinux_2_37_") for tag in tags)

"""What the harness makes of a machine."""

from __future__ import annotations

import pytest
from testhost.machine import Machine, cgroup_layout, choose_runtime
from testhost.shell import HarnessError

V1 = "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu"
V2 = "41 31 0:38 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw"
OTHER = "22 1 254:0 / / rw - ext4 /dev/vda rw"


@pytest.mark.parametrize(
    ("mounts", "layout"),
    [([OTHER, V2], "v2"), ([OTHER, V1], "v1"), ([OTHER, V1, V2], "hybrid"), ([OTHER], "v2")],
)
def test_cgroup_layout_is_read_from_the_mounts(mounts: list[str], layout: str) -> None:
    assert cgroup_layout("\n".join(mounts)) == layout


@pytest.mark.parametrize(
    ("layout", "installed", "runtime"),
    [
        ("v2", {"crun", "runc"}, "crun"),
        ("v2", {"runc"}, "runc"),
        ("hybrid", {"crun", "runc"}, "runc"),
        ("v1", {"crun", "runc"}, "runc"),
    ],
)
def test_runtime_is_one_that_works_on_the_layout(layout: str, installed: set[str], runtime: str) -> None:
    assert choose_runtime(layout, installed) == runtime


def test_a_missing_runtime_is_named() -> None:
    with pytest.raises(HarnessError, match="hybrid; it needs runc"):
        choose_runtime("hybrid", {"crun"})


@pytest.mark.parametrize(("files", "few"), [(20000, True), (1048576, False)])
def test_few_files_means_units_are_held_back(files: int, few: bool) -> None:
    assert Machine("v2", "crun", files, 4096).few_files is few

"""A folder of the host on a file system of its own, which can be filled up to the last byte and be emptied again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from testinfra.host import Host

_BESIDE = "/hx-small-disk"
_SPARE_MIB = 256
# Its sandbox has the mounts of the time when it started, and it reads its configuration again at a reload.
_SEEN_BY_THE_GATEWAY = "systemctl try-restart hx-gateway-ml.service"


@dataclass(frozen=True)
class SmallDisk:
    """Where it is mounted. What fills it is a file in it."""

    host: Host
    folder: str

    def fill(self) -> None:
        """Leave no room at all."""
        self.host.run("dd if=/dev/zero of=%s/.filling bs=4k", self.folder)
        assert int(self.host.check_output("df --output=avail %s", self.folder).split()[-1]) == 0

    def free(self) -> None:
        """Give the room back."""
        self.host.check_output("rm -f %s/.filling", self.folder)

    def names(self) -> set[str]:
        """Name what is in it."""
        return set(self.host.check_output("find %s -not -name .filling", self.folder).splitlines())


@contextmanager
def on_a_small_disk(host: Host, folder: str) -> Iterator[SmallDisk]:
    """Move a folder there for the time of a test; what is in it then is in the folder afterwards."""
    used = int(host.check_output("du -sm %s", folder).split()[0])
    _copy(host, folder, _BESIDE)
    host.check_output(f"mount -t tmpfs -o size={used + _SPARE_MIB}M,mode=$(stat -c %a {folder}) small {folder}")
    host.check_output(f"chown --reference={_BESIDE} {folder}")
    host.check_output(f"cp -a {_BESIDE}/. {folder}/")
    host.check_output(_SEEN_BY_THE_GATEWAY)
    disk = SmallDisk(host, folder)
    try:
        yield disk
    finally:
        disk.free()
        _copy(host, folder, _BESIDE)
        host.check_output("umount --lazy %s", folder)
        host.check_output(f"find {folder} -mindepth 1 -delete && cp -a {_BESIDE}/. {folder}/ && rm -rf {_BESIDE}")
        host.check_output(_SEEN_BY_THE_GATEWAY)


def _copy(host: Host, folder: str, to: str) -> None:
    host.check_output(f"rm -rf {to} && cp -a {folder} {to}")

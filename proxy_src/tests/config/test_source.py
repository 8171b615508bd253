"""Which configuration was read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from hx_gateway.config import ConfigError
from hx_gateway.config.source import Source

from running import configured

if TYPE_CHECKING:
    from pathlib import Path

    from hx_gateway.config import Config


def test_it_names_the_age_of_what_was_read_at_microseconds(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yml"
    file.touch()
    config = configured()
    source = Source(file, lambda: config)
    for nanoseconds, text in (
        (1_769_862_896_123_456_999, "2026-01-31T12:34:56.123456Z"),
        (1_769_862_890_000_000_000, "2026-01-31T12:34:50.000000Z"),  # an older file was put back
    ):
        os.utime(file, ns=(nanoseconds, nanoseconds))
        assert source.read() is config
        assert source.changed_at == text


def test_what_is_refused_has_an_age_too(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yml"
    file.touch()
    os.utime(file, ns=(0, 0))

    def read() -> Config:
        raise ConfigError("wrong")

    source = Source(file, read)
    with pytest.raises(ConfigError):
        source.read()
    assert source.changed_at == "1970-01-01T00:00:00.000000Z"


def test_a_change_during_the_reading_is_one_that_was_not_read(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yml"
    file.touch()
    os.utime(file, ns=(0, 0))

    def read() -> Config:
        os.utime(file, ns=(10**18, 10**18))
        return configured()

    source = Source(file, read)
    source.read()
    assert source.changed_at.startswith("1970-")


def test_without_a_file_there_is_no_age(tmp_path: Path) -> None:
    for path in (None, tmp_path / "gone"):
        source = Source(path, configured)
        source.read()
        assert source.changed_at == ""

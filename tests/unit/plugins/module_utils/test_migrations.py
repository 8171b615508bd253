# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from ansible_collections.hx.gateway.plugins.module_utils._migrations import (
    LedgerRow,
    MigrationsError,
    compare,
    expected_migrations,
)

EXPECTED = {"1_a": "ca", "2_b": "cb", "3_c": "cc"}


def done(name: str, checksum: str = "") -> LedgerRow:
    return LedgerRow(name, checksum or f"c{name[-1]}", finished=True, rolled_back=False)


def begun(name: str, logs: str = "") -> LedgerRow:
    return LedgerRow(name, "x", finished=False, rolled_back=False, logs=logs)


def undone(name: str) -> LedgerRow:
    return LedgerRow(name, "x", finished=False, rolled_back=True, logs="ERROR")


def test_an_empty_ledger() -> None:
    state = compare(EXPECTED, [], migrating=False)
    assert (state.applied, state.pending, state.failed, state.unknown) == ([], ["1_a", "2_b", "3_c"], [], [])


def test_a_gap_is_pending() -> None:
    state = compare(EXPECTED, [done("1_a"), done("3_c")], migrating=False)
    assert (state.applied, state.pending) == (["1_a", "3_c"], ["2_b"])


@pytest.mark.parametrize(
    ("attempts", "applied", "failed", "pending"),
    [
        ([begun("1_a", "ERROR")], False, True, False),
        ([begun("1_a")], False, True, False),
        ([undone("1_a")], False, False, True),
        ([undone("1_a"), done("1_a")], True, False, False),
        ([begun("1_a", "ERROR"), done("1_a")], True, False, False),
        ([undone("1_a"), begun("1_a", "ERROR")], False, True, False),
        ([LedgerRow("1_a", "ca", finished=True, rolled_back=True)], False, False, True),
    ],
)
def test_several_attempts(attempts: list[LedgerRow], applied: bool, failed: bool, pending: bool) -> None:
    state = compare({"1_a": "ca"}, attempts, migrating=False)
    assert (bool(state.applied), bool(state.failed), bool(state.pending)) == (applied, failed, pending)


def test_while_a_migration_runs_an_attempt_without_log_is_no_failure() -> None:
    state = compare(EXPECTED, [done("1_a"), begun("2_b"), begun("3_c", "ERROR")], migrating=True)
    assert (state.running, state.failed, state.pending) == (["2_b"], ["3_c"], ["2_b"])


def test_unknown_and_modified() -> None:
    state = compare(EXPECTED, [done("1_a"), done("2_b", "other"), done("3_c"), done("9_z")], migrating=False)
    assert (state.unknown, state.modified, state.pending) == (["9_z"], ["2_b"], [])


def test_the_folder_is_read_in_name_order_with_checksums(tmp_path: Path) -> None:
    for name in ("2_b", "1_a"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "migration.sql").write_bytes(name.encode())
    (tmp_path / "no_script").mkdir()
    (tmp_path / "migration_lock.toml").write_text("provider = 'postgresql'", encoding="utf-8")
    found = expected_migrations(str(tmp_path))
    assert list(found.items()) == [(name, hashlib.sha256(name.encode()).hexdigest()) for name in ("1_a", "2_b")]


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(MigrationsError, match="holds no migrations"):
        expected_migrations(str(tmp_path))
    with pytest.raises(MigrationsError, match="No such file"):
        expected_migrations(str(tmp_path / "nowhere"))

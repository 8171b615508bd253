# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml

PLAYBOOKS = Path(__file__).resolve().parents[2] / "playbooks"
# These change no host.
READING = {"drift.yml", "validate.yml"}
IMPORT = "ansible.builtin.import_playbook"


def plays(name: str) -> list[dict[str, t.Any]]:
    return list(yaml.safe_load((PLAYBOOKS / name).read_text(encoding="utf-8")))


def imported(name: str) -> set[str]:
    return {play[IMPORT] for play in plays(name) if IMPORT in play}


# Parts are run by the playbook that imports them, under its lock.
PARTS = {"lock.yml", *imported("rollback.yml")}
CHANGING = sorted({path.name for path in PLAYBOOKS.glob("*.yml")} - READING - PARTS)


@pytest.mark.parametrize("name", CHANGING)
def test_a_playbook_that_changes_hosts_begins_with_the_lock(name: str) -> None:
    assert plays(name)[0].get(IMPORT) == "lock.yml"


def test_what_reads_is_what_there_is() -> None:
    assert {path.name for path in PLAYBOOKS.glob("*.yml")} >= READING
    assert "site.yml" in CHANGING

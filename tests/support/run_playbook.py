# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a playbook on this machine, from a folder of the test's own and whatever Ansible's settings are here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path


def run_playbook(
    folder: Path, playbook: str, variables: dict[str, t.Any], *arguments: str, collections: Path | None = None
) -> tuple[int, str]:
    """Return the status of a run in `folder`, and what it said; collections are there unless said otherwise.

    The variables come in a file: arguments are seen by everybody.
    """
    (folder / "variables.json").write_text(json.dumps(variables), encoding="utf-8")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    where = {"ANSIBLE_COLLECTIONS_PATH": str(collections or folder), "ANSIBLE_HOME": str(folder / "home")}
    done = subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", *arguments, "-e", "@variables.json", playbook],
        cwd=folder,
        env=clean | where,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr

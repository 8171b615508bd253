# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every command of the runbooks is found, and is tried by the scenario that bears their name."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCENARIO = ROOT / "molecule/runbooks/tests"
if not SCENARIO.exists():
    pytest.skip("a collection without its scenarios", allow_module_level=True)
pytest.importorskip("markdown_it")
sys.path.append(str(ROOT / "molecule/shared"))

from checks import runbook  # noqa: E402

PAGES = [runbook.load(name) for name in runbook.names()]
NEEDED = {"deploy", "rollback", "restore", "upgrade", "rotation", "database-loss", "redis-loss", "disk-full"}
# Steps of other playbooks, which nobody runs by themselves.
STEPS = {"lock.yml", "rollback_release.yml", "rollback_dbless.yml", "rollback_database.yml"}
OFTEN = "ansible ansible-playbook ansible-vault apt-get createdb dropdb journalctl psql redis-cli rm sudo systemctl"
PROGRAMS = {command.program for page in PAGES for command in page.commands} | set(OFTEN.split())

EXAMPLE = """\
# Title

Type `systemctl stop it` never.

```sh
# A remark.
ansible all \\
  -m ping

cp A B
```

## Second

1. A step

   ```sh host
   systemctl restart NAME_of_TIME
   ```

```text
psql --list
```

    what it says
    rm -r it
"""


def test_a_page_is_read() -> None:
    page = runbook.parse("example", EXAMPLE)
    assert [(block.heading, block.language, block.place, block.line) for block in page.blocks] == [
        ("Title", "sh", runbook.CONTROLLER, 6),
        ("Second", "sh host", runbook.HOST, 18),
    ]
    assert [(command.where, command.text) for command in page.commands] == [
        ("docs/runbooks/example.md:7", "ansible all -m ping"),
        ("docs/runbooks/example.md:10", "cp A B"),
        ("docs/runbooks/example.md:18", "systemctl restart NAME_of_TIME"),
    ]


def test_what_is_typed_and_in_no_block_is_told() -> None:
    page = runbook.parse("example", EXAMPLE)
    assert runbook.stray(page, {"systemctl", "psql", "rm"}) == [
        "docs/runbooks/example.md:3: systemctl stop it",
        "docs/runbooks/example.md:22: psql --list",
        "docs/runbooks/example.md:26: rm -r it",
    ]


def test_names_in_capitals_are_bound_and_nothing_else() -> None:
    command = runbook.Command("example", 1, "ALTER DATABASE NAME_before_TIME RENAME TO NAME")
    assert command.bound({"NAME": "hx", "TIME": "now"}) == "ALTER DATABASE hx_before_now RENAME TO hx"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("```console\n$ ls\n```\n", "example.md:1: a block is of no known kind: console"),
        ("```sh\nls \\\n```\n", "example.md:2: the last line of the block is continued"),
        ("```sh\n# ls\n```\n", "example.md:1: a block without a command"),
    ],
)
def test_what_cannot_be_run_is_refused(text: str, told: str) -> None:
    with pytest.raises(runbook.RunbookError, match=re.escape(told)):
        runbook.parse("example", text)


def test_the_pages_that_are_needed_are_there() -> None:
    assert NEEDED - set(runbook.names()) == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_has_no_command_outside_its_blocks(page: runbook.Page) -> None:
    assert runbook.stray(page, PROGRAMS) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_scenario_tries_the_page(page: runbook.Page) -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in SCENARIO.glob("test_*.py"))
    assert page.blocks
    assert f'reads("{page.name}"' in tests


def test_every_playbook_that_is_run_is_in_a_runbook() -> None:
    run = {
        playbook
        for page in PAGES
        for command in page.commands
        for playbook in re.findall(r"playbooks/(\w+\.yml)", command.text)
    }
    assert {path.name for path in (ROOT / "playbooks").glob("*.yml")} - STEPS == run

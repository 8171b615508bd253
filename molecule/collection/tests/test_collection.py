"""The installed tarball is whole by itself: what a user runs, the gateway's wheel, and nothing of the checkout."""

from __future__ import annotations

import os
from pathlib import Path

from checks.site import play

INSTALLED = Path(os.environ["ANSIBLE_COLLECTIONS_PATH"]) / "ansible_collections" / "hx" / "gateway"


def test_it_holds_what_a_user_runs() -> None:
    folders = {path.name for path in INSTALLED.iterdir() if path.is_dir()}
    assert {"meta", "plugins", "roles", "playbooks"} <= folders
    assert folders & {"proxy_src", "molecule", "tests", "inventories", ".venv", ".cache"} == set()
    assert [path for path in INSTALLED.rglob("*") if path.is_symlink()] == []
    assert len(list((INSTALLED / "roles" / "proxy" / "files").glob("hx_gateway-*.whl"))) == 1


def test_its_other_playbook_runs_by_name() -> None:
    run = play(playbook="hx.gateway.validate")
    assert run.status == 0, run.output
    assert "spend log: ok" in run.output

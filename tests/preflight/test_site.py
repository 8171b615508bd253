# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole of site.yml on a bare host: what is wrong anywhere stops it before anything has been changed."""

from __future__ import annotations

import json
import shutil
import typing as t
from pathlib import Path

import pytest
from ansible_collections.hx.gateway.tests.preflight.bare_host import ROOT, BareHost
from testhost import access

SITE = ROOT / "playbooks" / "site.yml"
SECRETS = ROOT / ".cache" / "scenario-secrets"


@pytest.fixture(scope="module")
def inventory(bare_host: BareHost) -> Path:
    """The inventory of the scenario `default`, for the bare host; as deep below the checkout, where its secrets are."""
    folder = ROOT / ".cache" / "preflight" / "inventory"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "molecule" / "default" / "inventory", folder, ignore=shutil.ignore_patterns("testhosts.yml"))
    hosts = folder / "hosts.yml"
    hosts.write_text(hosts.read_text().replace("hx-gateway-default", bare_host.name))
    (folder / "testhosts.yml").write_text(access.inventory({bare_host.name: bare_host.address}, str(bare_host.subnet)))
    return folder


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"hx_master_key": "not-starting-with-sk"}, "litellm_master_key"),
        ({"proxy_base_dir": "relative/path"}, "proxy_base_dir"),
        ({"hx_redis_password": ""}, "redis_password"),
    ],
)
def test_a_value_wrong_for_one_role_stops_all(
    bare_host: BareHost, inventory: Path, wrong: dict[str, t.Any], says: str
) -> None:
    before = bare_host.listing()
    run = bare_host.play(inventory, SITE, "--extra-vars", json.dumps(wrong))
    assert run.status != 0, run.output
    assert any(says in refusal for refusal in run.refusals)
    assert run.changed == 0
    assert bare_host.listing() == before


def test_check_mode_succeeds_shows_no_secret_and_changes_nothing(bare_host: BareHost, inventory: Path) -> None:
    before = bare_host.listing()
    run = bare_host.play(inventory, SITE, "--check", "--diff")
    assert run.status == 0, run.output
    assert run.changed > 10
    assert bare_host.listing() == before
    secrets = [file.read_text().split()[0] for file in SECRETS.iterdir() if not file.name.endswith(".lock")]
    assert len(secrets) >= 4
    assert [secret for secret in secrets if secret in run.output] == []

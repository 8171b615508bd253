"""What is changed by hand is found, told and left as it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from checks.site import play
from checks.stack import CONFIG
from conftest import LiteLLM
from testinfra.host import Host

testinfra_hosts = ["ansible://gateway"]

KEY_FILE = "/root/drift.key"
RESOURCES = {
    "hx_litellm_budgets": [{"budget_id": "drift", "max_budget": 3}],
    "hx_litellm_teams": [{"team_alias": "drift", "models": ["ollama-chat"]}],
    "hx_litellm_keys": [{"key_alias": "drift", "team": "drift", "key_file": KEY_FILE}],
}


def drift(folder: Path) -> tuple[int, dict[str, Any], str]:
    """Run the comparison; tell its exit status and the two reports."""
    variables = json.dumps({**RESOURCES, "drift_folder": str(folder)})
    run = play("--check", "--diff", "-e", variables, playbook="playbooks/drift.yml")
    report = json.loads((folder / "drift.json").read_text(encoding="utf-8"))
    return run.status, report, (folder / "drift.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def applied() -> None:
    """What the inventory says is what LiteLLM has."""
    run = play("-e", json.dumps(RESOURCES), playbook="playbooks/resources.yml")
    assert run.status == 0, run.output


def test_the_comparison_wants_check_mode() -> None:
    run = play(playbook="playbooks/drift.yml")
    assert run.status != 0
    assert "run it with --check --diff" in run.output


@pytest.mark.usefixtures("applied")
def test_drift(host: Host, litellm: LiteLLM, tmp_path: Path) -> None:
    status, report, text = drift(tmp_path)
    assert (status, report["drifted"]) == (0, False), text
    assert report["in_sync"] > 50

    config = f"{CONFIG}/gateway.yml"
    host.check_output(f"printf '# by hand\\n' >> {config}")
    litellm.do("litellm_budget", budget_id="drift", max_budget=4)
    litellm.do("litellm_key", key_alias="drift", state="absent")
    litellm.do("litellm_team", team_alias="by hand")
    before = host.check_output(f"sha256sum {config} {KEY_FILE}")

    status, report, text = drift(tmp_path)
    assert (status != 0, report["drifted"]) == (True, True)
    changed = {one["what"]: (one["before"], one["after"]) for one in report["changed"]}
    assert changed["budget drift"] == ({"max_budget": 4.0}, {"max_budget": 3.0})
    assert any(what.endswith("gateway.yml") and "# by hand" in told[0] for what, told in changed.items())
    assert [one["what"] for one in report["missing"]] == ["virtual_key drift"]
    assert "teams: by hand" in [one["what"] for one in report["unmanaged"]]
    assert "## Changed by hand" in text

    assert host.check_output(f"sha256sum {config} {KEY_FILE}") == before
    assert litellm.do("litellm_budget_info", budget_id="drift")["budgets"][0]["max_budget"] == 4
    assert litellm.do("litellm_key_info", key_alias="drift")["keys"] == []
    litellm.do("litellm_team", team_alias="by hand", state="absent")

"""A restart of LiteLLM in the middle of a run is waited out."""

from __future__ import annotations

from checks.stack import LITELLM_UNIT
from conftest import LiteLLM
from testinfra.host import Host

testinfra_hosts = ["ansible://gateway"]


def test_a_restart_in_the_middle(host: Host, litellm: LiteLLM) -> None:
    budgets = [{"budget_id": f"restart {number}", "max_budget": number} for number in range(60)]
    before = host.check_output(f"systemctl show -P ExecMainStartTimestampMonotonic {LITELLM_UNIT}")
    host.check_output(f"systemd-run --on-active=0.3 systemctl restart {LITELLM_UNIT}")
    done = litellm.do("litellm_resources", budgets=budgets, retries=8)
    host.check_output(f"systemctl is-active {LITELLM_UNIT}")
    assert host.check_output(f"systemctl show -P ExecMainStartTimestampMonotonic {LITELLM_UNIT}") != before
    assert done["changed"] is True
    assert litellm.do("litellm_resources", budgets=budgets)["changed"] is False
    litellm.do("litellm_resources", budgets=[{**budget, "state": "absent"} for budget in budgets])

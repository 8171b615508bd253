"""A restart of LiteLLM in the middle of a run is waited out."""

from __future__ import annotations

from checks.stack import LITELLM_UNIT
from conftest import LiteLLM
from testinfra.host import Host

testinfra_hosts = ["ansible://gateway"]

# The database tells when the run is in its middle, however fast or slow it is.
RESTART = f"""
until runuser -u postgres -- psql -qAtd hx_gateway \\
    -c "SELECT 1 FROM \\"LiteLLM_BudgetTable\\" WHERE budget_id = 'restart 4'" | grep -q 1; do sleep 0.05; done
systemctl restart {LITELLM_UNIT}
"""


def test_a_restart_in_the_middle(host: Host, litellm: LiteLLM) -> None:
    budgets = [{"budget_id": f"restart {number}", "max_budget": number} for number in range(40)]
    before = host.check_output(f"systemctl show -P ExecMainStartTimestampMonotonic {LITELLM_UNIT}")
    host.check_output("systemd-run --collect --property RuntimeMaxSec=120 bash -c %s", RESTART)
    done = litellm.do("litellm_resources", budgets=budgets, retries=10)
    assert host.check_output(f"systemctl show -P ExecMainStartTimestampMonotonic {LITELLM_UNIT}") != before
    host.check_output(f"systemctl is-active {LITELLM_UNIT}")
    assert done["changed"] is True
    assert litellm.do("litellm_resources", budgets=budgets)["changed"] is False
    litellm.do("litellm_resources", budgets=[{**budget, "state": "absent"} for budget in budgets])

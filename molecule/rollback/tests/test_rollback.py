"""playbooks/rollback.yml goes to a release that is there, and refuses any other before it changes anything."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

import pytest
from checks.load import Load
from checks.site import Run, play
from checks.stack import BASE, CONFIG, Stack, describe
from testinfra.host import Host

testinfra_hosts = ["ansible://gateway"]

ROOT = f"{BASE}/gateway"
OTHER = "8.8.8-feedface"


@pytest.fixture(scope="module")
def stack(host: Host) -> Stack:
    """The deployed stack."""
    return describe(host)


@pytest.fixture(scope="module", autouse=True)
def good(host: Host) -> Iterator[str]:
    """The release that serves, with a second one and an incomplete one beside it."""
    name = current(host)
    for copy in (OTHER, "8.8.7-00000000"):
        host.check_output(
            f"cp -a {ROOT}/releases/{name} {ROOT}/releases/{copy} && rm -rf {ROOT}/releases/{copy}/.kept"
            f" && sed -i '1s,/{name}/,/{copy}/,' {ROOT}/releases/{copy}/venv/bin/hx-gateway"
        )
    host.check_output(f"rm {ROOT}/releases/8.8.7-00000000/.complete")
    yield name
    host.check_output(f"rm -rf {ROOT}/releases/8.8.7-00000000")


def current(host: Host) -> str:
    return host.check_output(f"basename $(readlink {ROOT}/current)")


def rollback(*arguments: str) -> Run:
    return play(*arguments, playbook="playbooks/rollback.yml")


@pytest.mark.parametrize(
    ("to", "reason"), [("8.8.7-00000000", "is incomplete"), ("7.7.7", "there is no release 7.7.7")]
)
def test_what_cannot_be_gone_to_is_refused(host: Host, good: str, to: str, reason: str) -> None:
    run = rollback("-e", f"rollback_to={to}")
    said = " ".join(run.output.split())
    assert run.status != 0
    assert reason in said
    assert f"Complete releases: {', '.join(sorted([good, OTHER]))}" in said
    assert current(host) == good


def test_there_and_back_and_no_client_notices(host: Host, stack: Stack, good: str) -> None:
    assert rollback("-e", f"rollback_to={OTHER}", "--check").status == 0
    assert current(host) == good
    with Load(stack.url, stack.master_key) as load:
        there = rollback("-e", f"rollback_to={OTHER}")
        assert (there.status, current(host)) == (0, OTHER), there.output
        # Changed while the other release serves: going back brings back what went with the first.
        host.check_output(f"sed -i 's/^# Configuration/# Changed by hand/' {CONFIG}/gateway.yml")
        back = rollback()
        assert (back.status, current(host)) == (0, good), back.output
    load.nobody_noticed()
    assert "Changed by hand" not in host.file(f"{CONFIG}/gateway.yml").content_string
    again = rollback("-e", f"rollback_to={good}")
    assert (again.status, again.changed) == (0, 0), again.output


def test_a_release_that_does_not_know_a_key_of_today(host: Host, stack: Stack, good: str) -> None:
    """It serves again with the configuration that it served with, and so does what stands in while it restarts."""
    folder = f"{ROOT}/releases/{OTHER}"
    older = (
        f"#!{folder}/venv/bin/python\nimport sys\nfrom hx_gateway.cli import main\n"
        "told = open(sys.argv[sys.argv.index('--config') + 1]).read()\n"
        "sys.exit(78 if 'hedging' in told else main())\n"
    )
    assert rollback("-e", f"rollback_to={OTHER}").status == 0
    host.check_output(f"sed -i '/^  hedging:/,/^    models:/d' {folder}/.kept/[0-9]*")
    host.check_output(f"printf %s {quote(older)} >{folder}/venv/bin/hx-gateway")
    assert rollback().status == 0
    assert "hedging" in host.file(f"{CONFIG}/gateway.yml").content_string
    with Load(stack.url, stack.master_key) as load:
        there = rollback("-e", f"rollback_to={OTHER}")
        assert (there.status, current(host)) == (0, OTHER), there.output
        back = rollback()
        assert (back.status, current(host)) == (0, good), back.output
    load.nobody_noticed()


def test_site_puts_the_release_of_the_inventory_back(host: Host, good: str) -> None:
    assert rollback("-e", f"rollback_to={OTHER}").status == 0
    run = play("--tags", "proxy")
    assert (run.status, current(host)) == (0, good), run.output

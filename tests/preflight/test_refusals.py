# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bad input is refused by name, before anything has been changed on the host."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from ansible_collections.hx.gateway.tests.preflight.bare_host import BareHost
from ansible_collections.hx.gateway.tests.preflight.cases import CASES, SECRET, Case
from ansible_collections.hx.gateway.tests.preflight.servers import old_server


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_bad_input_is_refused_by_name(case: Case, bare_host: BareHost, tmp_path: Path) -> None:
    variables = case.variables
    with contextlib.ExitStack() as stack:
        if case.system:
            stack.enter_context(bare_host.pretending(case.system))
        if case.server:
            port = stack.enter_context(old_server(case.server, bare_host.gateway))
            variables |= {f"{case.role}_host": bare_host.gateway, f"{case.role}_port": port}
        before = bare_host.listing()
        run = bare_host.apply(case.role, variables, case.hosts, tmp_path)
        after = bare_host.listing()

    assert run.status != 0, run.output
    assert len(run.refusals) == case.hosts, run.output
    for refusal in run.refusals:
        for words in case.says:
            assert words in refusal
    assert run.changed == 0
    assert before ^ after == set()
    assert SECRET not in run.output


def test_the_listing_sees_a_change(bare_host: BareHost) -> None:
    before = bare_host.listing()
    assert len(before) > 100
    with bare_host.pretending("Debian 11"):
        assert bare_host.listing() != before

# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sys
import typing as t
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "molecule/shared"))

from ansible_collections.hx.gateway.tests.preflight.bare_host import BareHost
from testhost import container

NAME = "hx-gateway-preflight"


@pytest.fixture(scope="session")
def bare_host() -> t.Iterator[BareHost]:
    """Start a host nothing has been installed on."""
    container.destroy(NAME)
    try:
        yield BareHost(container.up(NAME, "bookworm"))
    finally:
        container.destroy(NAME)

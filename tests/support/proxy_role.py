# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role proxy makes of its variables."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROLE = Path(__file__).resolve().parents[2] / "roles/proxy"


def rendered(template: str, debian: int = 12, **variables: t.Any) -> str:
    """Return what a template makes on that Debian."""
    source = (ROLE / "templates" / template).read_text(encoding="utf-8")
    return str(_templar(debian, variables).template(trust_as_template(source)))


def problems(**variables: t.Any) -> list[str]:
    """Return what preflight has to say of variables beside good ones."""
    good = {
        "proxy_database_password": "a",
        "proxy_redis_password": "b",
        "proxy_controller_cache_dir": "/cache",
        "__proxy_wheel": "hx_gateway-1-py3-none-any.whl",
    }
    found = _templar(12, {**good, **variables}).template(trust_as_template("{{ __proxy_problems }}"))
    assert isinstance(found, list)
    return found


def _templar(debian: int, variables: dict[str, t.Any]) -> Templar:
    loader = DataLoader()
    known = {
        **loader.load_from_file(str(ROLE / "defaults/main.yml"), trusted_as_template=True),
        **loader.load_from_file(str(ROLE / "vars/main.yml"), trusted_as_template=True),
        "ansible_facts": {"distribution_major_version": str(debian)},
        **variables,
    }
    return Templar(loader=loader, variables=known)

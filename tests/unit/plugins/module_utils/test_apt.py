# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.hx.gateway.plugins.module_utils._apt import marked

LIBPQ = "Package: libpq5\nArchitecture: amd64\nAuto-Installed: 1\n"
AGE = "Package: age\nArchitecture: amd64\nAuto-Installed: 0\n"


def test_a_package_is_marked_beside_those_that_are() -> None:
    assert marked(f"{LIBPQ}\n", ["redis-server"], "amd64") == (
        f"{LIBPQ}\nPackage: redis-server\nArchitecture: amd64\nAuto-Installed: 1\n\n"
    )


def test_a_mark_takes_the_place_of_the_one_before() -> None:
    assert marked(f"{AGE}\n{LIBPQ}\n", ["age"], "amd64") == f"{LIBPQ}\n{AGE.replace('0', '1')}\n"


def test_nothing_changes_without_packages() -> None:
    assert marked("", [], "amd64") == ""
    assert marked(f"{LIBPQ}\n", [], "amd64") == f"{LIBPQ}\n"

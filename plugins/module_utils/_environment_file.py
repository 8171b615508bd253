# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import re

_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
# One line, as a whole in double quotes with everything special escaped, or without any quote at all.
_VALUE = re.compile(r'"(?:[^"\\\0]|\\[^\0])*"|[^"\'\\\0]*')


def environment_problem(data: bytes) -> str:
    """Say what systemd would misread in an environment file, without its values. Empty when all is well.

    systemd skips what it does not understand with a line in its log; the service then starts without it.
    """
    names: set[str] = set()
    for number, line in enumerate(data.decode(errors="replace").split("\n"), start=1):
        if not line.strip() or line.lstrip()[0] in "#;":
            continue
        if not (parts := _ASSIGNMENT.fullmatch(line)):
            return f"line {number} is no assignment"
        name, value = parts.groups()
        if not _VALUE.fullmatch(value):
            return f"line {number}: the value of {name} does not end where its line does"
        if name in names:
            return f"line {number}: {name} is there twice"
        names.add(name)
    return ""

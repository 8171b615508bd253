# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes this checkout importable as ansible_collections.hx.gateway; ansible-test has done so already."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def _find(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


if not _find("ansible_collections.hx.gateway.plugins"):
    # A link of its own, so that the tests need nothing prepared; it goes away with the object.
    _folder = tempfile.TemporaryDirectory(prefix="hx-gateway-collections-")
    _link = Path(_folder.name, "ansible_collections", "hx", "gateway")
    _link.parent.mkdir(parents=True)
    _link.symlink_to(ROOT)
    sys.path.insert(0, _folder.name)
    importlib.invalidate_caches()

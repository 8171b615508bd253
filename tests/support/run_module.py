# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module as Ansible does, up to the JSON it prints."""

from __future__ import annotations

import contextlib
import io
import json
import typing as t
from dataclasses import dataclass
from types import ModuleType

import yaml
from ansible.module_utils.common import warnings
from ansible.module_utils.testing import patch_module_args


@dataclass(frozen=True)
class Outcome:
    """What a module printed, as text and as data."""

    text: str

    def __getitem__(self, name: str) -> t.Any:
        return self.data[name]

    @property
    def data(self) -> dict[str, t.Any]:
        """Decode the result."""
        result = json.loads(self.text)
        assert isinstance(result, dict)
        return result

    @property
    def names(self) -> set[str]:
        """Tell the names of what the module itself returned."""
        return set(self.data) - {"changed", "invocation"}

    @property
    def failed(self) -> bool:
        """Tell whether the module failed."""
        return bool(self.data.get("failed", False))


def documented_names(module: ModuleType) -> set[str]:
    """Tell the names of what a module says it returns."""
    return set(yaml.safe_load(module.RETURN))


def run_module(main: t.Callable[[], t.NoReturn], **arguments: t.Any) -> Outcome:
    """Run the main function of a module with arguments and return what it printed."""
    printed = io.StringIO()
    warnings._global_warnings.clear()  # those of a run before, which was another process on a host
    with patch_module_args(arguments), contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        main()
    return Outcome(printed.getvalue())

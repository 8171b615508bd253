# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every module that speaks with LiteLLM is tried against a real one."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
GROUP = yaml.safe_load((ROOT / "meta/runtime.yml").read_text(encoding="utf-8"))["action_groups"]["litellm"]
SCENARIO = ROOT / "molecule/modules/tests"


@pytest.mark.skipif(not SCENARIO.exists(), reason="a collection without its scenarios")
@pytest.mark.parametrize("module", GROUP)
def test_a_module_has_tests_in_the_scenario(module: str) -> None:
    resource = module.removeprefix("litellm_").removesuffix("_info")
    texts = [path.read_text(encoding="utf-8") for path in SCENARIO.glob("test_*.py")]
    # A resource whose life is tried is looked for with its info module at every step.
    assert any(f'"{module}"' in text or f'            "{resource}",\n            identity=' in text for text in texts)

# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This fragment is private to the collection and may change at any time.

from __future__ import annotations


class ModuleDocFragment:
    """Options of the modules that speak with LiteLLM's management API, on top of those of hx.gateway._http."""

    DOCUMENTATION = r"""
requirements:
  - LiteLLM 1.106 with a database
options:
  url:
    description:
      - Base URL of LiteLLM, without a path of the API.
      - Without it, the environment variable E(LITELLM_API_BASE) of the host the module runs on is used.
  api_key:
    description:
      - Master key, or the key of a proxy administrator.
      - Without it, the environment variable E(LITELLM_API_KEY) of the host the module runs on is used.
    type: str
    required: true
  timeout:
    description:
      - Seconds one request may take from connecting to the last byte of the answer.
    type: float
    default: 30
  retries:
    description:
      - How often a request is sent again when the connection is refused or lost, or LiteLLM answers 429 or 503.
      - The pause is one second at first and doubles each time, or is what the answer's C(Retry-After) asks for,
        up to a minute. The default lasts through 15 seconds.
    type: int
    default: 4
notes:
  - Only stated options are managed; an option left out is left alone. V(null), V([]), V({}) and V(0) are values of their own.
"""

    PRESENCE = r"""
options:
  state:
    description:
      - Whether the resource exists.
    type: str
    choices: [present, absent]
    default: present
"""

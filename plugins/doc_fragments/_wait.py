# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This fragment is private to the collection and may change at any time.

from __future__ import annotations


class ModuleDocFragment:
    """Options of the modules that can wait for an answer to become a good one."""

    DOCUMENTATION = r"""
options:
  wait:
    description:
      - Ask again until the answer is the wanted one or O(timeout) has passed.
      - The module does not fail when the time runs out; it returns the last answer.
    type: bool
    default: false
  timeout:
    description:
      - Seconds to wait, all attempts included; the last one may go on for a second or two beyond. Only used when O(wait=true).
    type: float
    default: 60
  poll_interval:
    description:
      - Seconds between two attempts. Only used when O(wait=true).
    type: float
    default: 1
"""

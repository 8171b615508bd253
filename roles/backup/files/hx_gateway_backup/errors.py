# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stops a backup or a restore."""

from __future__ import annotations


class BackupError(Exception):
    """Something an operator must know; its text is all that is shown."""

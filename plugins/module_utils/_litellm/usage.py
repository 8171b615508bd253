# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import typing as t
from collections import defaultdict
from datetime import date

from ansible_collections.hx.gateway.plugins.module_utils._litellm.api import Api, listed

Row = dict[str, t.Any]

# Where LiteLLM tells the usage of each kind, how finely, and under which name a row says whose it is.
_SOURCES = {
    "day": ("user", "daily", "date"),
    "user": ("user", "daily", "entity_id"),
    "team": ("team", "daily", "entity_id"),
    "tag": ("tag", "daily", "entity_id"),
    "key": ("user", "daily_with_keys", "api_key"),
    "model": ("user", "daily_with_models", "model"),
}
GROUPS = tuple(_SOURCES)
_COUNTS = ("prompt_tokens", "completion_tokens", "api_requests", "successful_requests", "failed_requests")


class UsageError(ValueError):
    """The range of days makes no sense."""


def days(start: str, end: str) -> tuple[date, date]:
    """Read the range; both days belong to it."""
    found = []
    for option, value in (("start_date", start), ("end_date", end)):
        try:
            found.append(date.fromisoformat(value))
        except ValueError as error:
            raise UsageError(f"{option} must be a date such as 2026-01-31, not {value!r}") from error
    if found[0] > found[1]:
        raise UsageError("start_date must not be after end_date")
    return found[0], found[1]


def rows(api: Api, group: str, start: date, end: date) -> list[Row]:
    """Ask LiteLLM for the daily activity of a group; it streams all rows in one answer."""
    entity, kind, _name = _SOURCES[group]
    query = {"start_date": start.isoformat(), "end_date": end.isoformat(), "format": "json", "export_type": kind}
    return listed(api.get(f"/{entity}/daily/activity/export", query))


def summary(found: list[Row], group: str, *, daily: bool) -> list[Row]:
    """Add rows up by whose they are and, where wanted, by day."""
    name = _SOURCES[group][2]
    sums: dict[tuple[str, str], Row] = defaultdict(lambda: dict.fromkeys(_COUNTS, 0) | {"spend": 0.0, "alias": None})
    for row in found:
        day = str(row["date"]) if daily or group == "day" else ""
        total = sums[day, str(row.get(name) or "")]
        total["spend"] += float(row.get("spend") or 0)
        total["alias"] = total["alias"] or row.get("key_alias" if group == "key" else "entity_alias")
        for count in _COUNTS:
            total[count] += int(row.get(count) or 0)
    return [
        ({"date": day} if day else {})
        | ({} if group == "day" else {"id": one, "alias": total.pop("alias")})
        | _clean(total)
        for (day, one), total in sorted(sums.items())
    ]


def _clean(total: Row) -> Row:
    # Cents are added as floating point numbers: what is beyond a millionth of one is noise.
    return {"spend": round(total["spend"], 8)} | {count: total[count] for count in _COUNTS}

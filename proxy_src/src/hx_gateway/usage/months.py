"""Months, which are the partitions of the table."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple, Self

_NAME = re.compile(r"requests_(\d{4})_(\d{2})")


class Month(NamedTuple):
    """A month of UTC."""

    year: int
    month: int

    @classmethod
    def of(cls, time: datetime) -> Self:
        """Return the month that `time`, which has a time zone, is in."""
        utc = time.astimezone(UTC)
        return cls(utc.year, utc.month)

    @classmethod
    def from_partition(cls, name: str) -> Self | None:
        """Return the month of a partition; None if the name is not one of the gateway's."""
        match = _NAME.fullmatch(name)
        return cls(int(match[1]), int(match[2])) if match is not None and 1 <= int(match[2]) <= 12 else None

    @property
    def partition(self) -> str:
        """Name of its partition."""
        return f"requests_{self.year:04}_{self.month:02}"

    @property
    def start(self) -> str:
        """Its first moment, as PostgreSQL reads it."""
        return f"{self.year:04}-{self.month:02}-01 00:00:00+00"

    def plus(self, months: int) -> Self:
        """Return the month that comes `months` later."""
        year, month = divmod(self.year * 12 + self.month - 1 + months, 12)
        return type(self)(year, month + 1)

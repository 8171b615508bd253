# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import copy
import json
import math
import re
import typing as t
from dataclasses import dataclass, field

Canonical = t.Callable[[t.Any], t.Any]

# What stands in a diff for a secret: it tells that there is one, and whether it changes, but not what it is.
MASK = "********"
MASK_OF_ANOTHER = "******** (another)"


# Names of what is secret wherever it stands; "_per_" counts tokens, "api_key_env" and the like name a place.
SECRET_NAME = re.compile(
    r"(?<!per_)(?<!max_)(api_?key|secret|token|password|credentials|access_key|authorization|cookie)(?!s?_(per|limit|count|env|name))",
    re.IGNORECASE,
)


def masked(value: t.Any) -> t.Any:
    """Return a value in which every text under the name of a secret is masked, however deep."""
    if isinstance(value, dict):
        return {
            name: MASK if isinstance(inner, str) and inner and SECRET_NAME.search(str(name)) else masked(inner)
            for name, inner in value.items()
        }
    return [masked(inner) for inner in value] if isinstance(value, list) else value


def as_is(value: t.Any) -> t.Any:
    """Compare a value as it stands."""
    return value


def unordered(value: t.Any) -> t.Any:
    """Compare a list as a set: LiteLLM gives no meaning to its order."""
    return sorted(set(value), key=str) if isinstance(value, list) else value


def document(value: t.Any) -> t.Any:
    """Compare JSON by its content; LiteLLM answers some of it as text."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def duration(value: t.Any) -> t.Any:
    """Compare durations such as 30d without regard to case and spaces, 1mo and 1 month being the same."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d+)\s*([a-zA-Z]+)\s*", value)
    if not match:
        return value.strip().lower()
    units = {"second": "s", "minute": "m", "hour": "h", "day": "d", "week": "w", "month": "mo"}
    unit = match[2].lower()
    return f"{int(match[1])}{units.get(unit.removesuffix('s') if len(unit) > 2 else unit, unit)}"


@dataclass(frozen=True)
class Field:
    """One option of a resource: how a task writes it, where LiteLLM keeps it and how two values of it are compared."""

    type: str = "str"
    elements: str = ""
    choices: tuple[str, ...] = ()
    options: t.Mapping[str, t.Any] = field(default_factory=dict)
    # Where an answer has it: a name, or names with dots between them. Empty: where its option's name says.
    path: str = ""
    # What a request calls it. Empty: as the option.
    send: str = ""
    # What LiteLLM means when it answers nothing, and what a task's null stands for.
    empty: t.Any = None
    canonical: Canonical = as_is
    # The value is a secret: never shown, never returned.
    secret: bool = False
    # The option's name sounds like a secret's, and its value is none.
    plain: bool = False
    # LiteLLM never tells it, or not as it was given; a resource says itself how it is compared.
    hidden: bool = False
    # LiteLLM takes it only when the resource is made.
    fixed: bool = False
    # LiteLLM cannot take a value away again: it reads null, [] and {} as nothing said.
    sticky: bool = False
    # Of the JSON object only the stated names are managed, null taking one away; LiteLLM fills in others of its own.
    partial: bool = False
    # Numbers below this are refused before anything is sent.
    minimum: float | None = None

    def spec(self) -> dict[str, t.Any]:
        """Return the option as an argument specification of Ansible."""
        spec: dict[str, t.Any] = {"type": self.type}
        if self.elements:
            spec["elements"] = self.elements
        if self.choices:
            spec["choices"] = list(self.choices)
        if self.options:
            spec["options"] = dict(self.options)
        if self.secret or self.hidden or self.plain:
            spec["no_log"] = self.secret
        return spec

    def problem(self, value: t.Any) -> str:
        """Return what a value ought to be and is not; empty when it is good."""
        if self.minimum is not None and not (math.isfinite(value) and value >= self.minimum):
            return f"{self.minimum:g} or more, not {value:g}"
        if self.canonical is duration and not re.fullmatch(r"[0-9]+(s|m|h|d|w|mo)", duration(value)):
            return f"a number with s, m, h, d, w or mo behind it, not {value!r}"
        return ""

    def compared(self, value: t.Any) -> t.Any:
        """Bring a value into the form in which two of them are equal when LiteLLM means the same."""
        value = self.canonical(value)
        return copy.copy(self.empty) if value is None else value

    def read(self, option: str, entry: t.Mapping[str, t.Any]) -> t.Any:
        """Read the option's value out of LiteLLM's answer."""
        found: t.Any = entry
        for name in (self.path or option).split("."):
            found = found.get(name) if isinstance(found, dict) else None
        return self.compared(found)


def text(**settings: t.Any) -> Field:
    """Make a field of text."""
    return Field("str", **settings)


def number(**settings: t.Any) -> Field:
    """Make a field of a number that is not negative."""
    return Field("float", minimum=0, **settings)


def count(**settings: t.Any) -> Field:
    """Make a field of a whole number that is not negative."""
    return Field("int", minimum=0, **settings)


def switch(**settings: t.Any) -> Field:
    """Make a field of yes or no; LiteLLM leaves out what is off."""
    return Field("bool", **{"empty": False, **settings})


def names(**settings: t.Any) -> Field:
    """Make a field of names whose order means nothing."""
    return Field("list", **{"elements": "str", "empty": [], "canonical": unordered, **settings})


def mapping(**settings: t.Any) -> Field:
    """Make a field of JSON."""
    return Field("dict", **{"canonical": document, **settings})

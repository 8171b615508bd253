# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import re

_BLOCK = re.compile(r"^\s*(?P<kind>model|enum|type|view|datasource|generator)\s+(?P<name>\w+)\s*\{")
_FIELD = re.compile(r"^\s*(?P<name>[A-Za-z]\w*)\s+(?P<type>\w+)")
_COMMENT = re.compile(r'"(?:\\.|[^"\\])*"|//.*')
_COLUMN_NAME = re.compile(r'(?<![@\w])@map\(\s*(?:name\s*:\s*)?"((?:\\.|[^"\\])*)"')
_TABLE_NAME = re.compile(r'^\s*@@map\(\s*(?:name\s*:\s*)?"((?:\\.|[^"\\])*)"')

SCALARS = frozenset(
    {"String", "Boolean", "Int", "BigInt", "Float", "Decimal", "DateTime", "Json", "Bytes", "Unsupported"}
)


class PrismaSchemaError(Exception):
    """The text is not a Prisma schema with at least one model."""


def _without_comment(line: str) -> str:
    """Cut a comment off, but not one that only looks so inside a string."""
    return _COMMENT.sub(lambda match: match[0] if match[0].startswith('"') else "", line)


def _blocks(text: str) -> list[tuple[str, str, list[str]]]:
    """Split the schema into (kind, name, lines)."""
    blocks: list[tuple[str, str, list[str]]] = []
    lines: list[str] | None = None
    for number, raw in enumerate(text.splitlines(), start=1):
        line = _without_comment(raw)
        if lines is None:
            opening = _BLOCK.match(line)
            if opening:
                lines = []
                blocks.append((opening["kind"], opening["name"], lines))
                if line.rstrip().endswith("}"):
                    lines = None
            elif line.strip():
                raise PrismaSchemaError(f"line {number} is outside of any block")
        elif line.strip() == "}":
            lines = None
        else:
            lines.append(line)
    if lines is not None:
        raise PrismaSchemaError(f"the block {blocks[-1][1]} is not closed")
    return blocks


def expected_tables(text: str) -> dict[str, list[str]]:
    """Tell the tables of a Prisma schema and the columns of each, under the names they have in the database.

    A field whose type is another model is a relation and has no column of its own.
    """
    blocks = _blocks(text)
    column_types = SCALARS | {name for kind, name, _lines in blocks if kind == "enum"}
    tables: dict[str, list[str]] = {}
    for kind, name, lines in blocks:
        if kind != "model":
            continue
        table = name
        columns: list[str] = []
        for line in lines:
            renamed = _TABLE_NAME.match(line)
            if renamed:
                table = renamed[1]
                continue
            found = _FIELD.match(line)
            if found and found["type"] in column_types:
                mapped = _COLUMN_NAME.search(line)
                columns.append(mapped[1] if mapped else found["name"])
        tables[table] = columns
    if not tables:
        raise PrismaSchemaError("it holds no model")
    return tables


def missing(expected: dict[str, list[str]], present: dict[str, set[str]]) -> tuple[list[str], list[str]]:
    """Compare with the tables of a database: names of missing tables, and of missing columns as ``table.column``."""
    tables = sorted(table for table in expected if table not in present)
    columns = sorted(
        f"{table}.{column}"
        for table, names in expected.items()
        if table in present
        for column in names
        if column not in present[table]
    )
    return tables, columns

# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.hx.gateway.plugins.module_utils._prisma_schema import (
    PrismaSchemaError,
    expected_tables,
    missing,
)

SCHEMA = """
// A comment with a { brace
datasource client {
  provider = "postgresql"
  url      = env("DATABASE_URL")
}

/// Documentation of a model
model Team {
  team_id     String   @id @default(uuid()) // the key
  homepage    String   @default("https://example.com") @map("home_page")
  aliases     Json?    @map(name: "other names")
  tags        String[] @default([])
  big         BigInt?
  state       State    @default(ACTIVE)
  secret      Unsupported("tsvector")?
  hidden      String?  @ignore
  members     Member[] // a relation
  owner       Member?  @relation("owner", fields: [owner_id], references: [id], map: "fk_owner")
  owner_id    String?

  @@index([owner_id], map: "idx")
  @@unique([team_id, big])
  @@map("teams")
}

model Member {
  id    String @id
  Team  Team[]
}

model Nothing { }

enum State {
  ACTIVE
  INACTIVE @map("gone")
}

view Overview {
  id String
}
"""


def test_tables_and_columns_under_their_names_in_the_database() -> None:
    assert expected_tables(SCHEMA) == {
        "teams": [
            "team_id",
            "home_page",
            "other names",
            "tags",
            "big",
            "state",
            "secret",
            "hidden",
            "owner_id",
        ],
        "Member": ["id"],
        "Nothing": [],
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no model"),
        ('datasource db {\n  provider = "postgresql"\n}\n', "no model"),
        ("model A {\n  id String\n", "block A is not closed"),
        ("hello world", "line 1 is outside of any block"),
        ("model A {\n}\n}\n", "line 3 is outside"),
    ],
)
def test_a_text_that_is_no_schema(text: str, message: str) -> None:
    with pytest.raises(PrismaSchemaError, match=message):
        expected_tables(text)


def test_what_is_missing() -> None:
    expected = {"b": ["x"], "a": ["x", "y", "z"], "c": []}
    assert missing(expected, {"a": {"y", "more"}, "other": set()}) == (["b", "c"], ["a.x", "a.z"])
    assert missing(expected, {"a": {"x", "y", "z"}, "b": {"x"}, "c": set()}) == ([], [])

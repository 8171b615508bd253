# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the administrator's login works and may do what a restore takes, known before anything is changed."""

from __future__ import annotations

from typing import Any

from .errors import BackupError
from .scratch import Place
from .settings import Settings, database_url

# A membership lets act for a role (USAGE), and since PostgreSQL 16 apart from that hand things over to it (SET).
RIGHTS = """
SELECT pg_get_userbyid(d.datdba),
       r.rolsuper OR r.rolcreatedb,
       pg_has_role(d.datdba, 'USAGE') AND pg_has_role(d.datdba, %(hand_over)s),
       pg_has_role('pg_signal_backend', 'USAGE')
         OR coalesce((SELECT pg_has_role(u.oid, 'USAGE') FROM pg_roles u WHERE u.rolname = %(login)s), false)
FROM pg_database d, pg_roles r WHERE d.datname = %(name)s AND r.rolname = current_user
"""
WANTED = (
    "Drills and restores need a login that may create databases: backup_admin_password (hx_backup_password in the "
    "inventory) where PostgreSQL runs on another host, and site.yml after it was set or changed."
)


def require(settings: Settings) -> dict[str, Any]:
    """Refuse where no backup could be restored; returns the database and who may restore it."""
    if not database_url(settings):
        return {"database": "", "user": ""}
    place = Place(settings)
    try:
        lacking = _lacking(place)
    except BackupError as error:
        raise BackupError(f"{str(error).strip()}\n{WANTED}") from error
    if lacking:
        raise BackupError(f"{place.admin.user} on PostgreSQL {place.admin.host} {', '.join(lacking)}. {WANTED}")
    with place.admin.connect("postgres") as connection:
        place.admin.require_client(connection)
    return {"database": place.name, "user": place.admin.user}


def _lacking(place: Place) -> list[str]:
    with place.admin.connect("postgres") as connection, connection.cursor() as cursor:
        hand_over = "SET" if connection.server_version >= 160000 else "MEMBER"
        cursor.execute(RIGHTS, {"name": place.name, "login": place.server.user, "hand_over": hand_over})
        row = cursor.fetchone()
    if not row:
        return [f"finds no database {place.name}"]
    owner, creates, owns, ends = row
    return [
        words
        for right, words in (
            (creates, "may not create databases (CREATEDB)"),
            (owns, f"may not act for {owner}, the owner of {place.name}"),
            (ends, f"may not end the sessions of {place.server.user} (pg_signal_backend)"),
        )
        if not right
    ]

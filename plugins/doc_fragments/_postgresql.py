# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This fragment is private to the collection and may change at any time.

from __future__ import annotations


class ModuleDocFragment:
    """Options that say how to reach PostgreSQL, named as community.postgresql names them."""

    DOCUMENTATION = r"""
options:
  database_url:
    description:
      - The database as a URL, in the form LiteLLM reads from E(DATABASE_URL), for example
        C(postgresql://user:password@host:5432/database?sslmode=require). User and password are percent-encoded.
      - Parameters that only Prisma knows, such as C(connection_limit) or C(pgbouncer), are left out of the connection.
        C(schema) and C(sslaccept=strict) are understood, and so is C(sslcert) in Prisma's sense (the certificate of the
        authority) when no C(sslkey) stands beside it.
      - Either this option or O(login_db) is required.
    type: str
  login_host:
    description:
      - Host running the database.
      - Without it the local Unix domain socket is used.
    type: str
  login_port:
    description:
      - Port of the database.
    type: int
    default: 5432
  login_unix_socket:
    description:
      - Folder of the Unix domain socket for local connections.
    type: path
  login_db:
    description:
      - Name of the database.
    type: str
  login_user:
    description:
      - Role to log in as. Without it the name of the operating system's user is taken.
    type: str
  login_password:
    description:
      - Password of O(login_user).
    type: str
  ssl_mode:
    description:
      - Whether, and with what priority, a TLS connection is negotiated.
      - Wins over the mode in O(database_url). When neither names one, PostgreSQL's own default V(prefer) applies.
    type: str
    choices: [allow, disable, prefer, require, verify-ca, verify-full]
  ca_cert:
    description:
      - File with the certificates of the authorities that may have signed the server's certificate.
      - Wins over the one in O(database_url).
    type: path
    aliases: [ssl_rootcert]
  ssl_cert:
    description:
      - File with the client certificate.
    type: path
  ssl_key:
    description:
      - File with the secret key of O(ssl_cert).
    type: path
  connect_timeout:
    description:
      - Seconds one attempt to connect, and one query, may take. PostgreSQL's library does not wait less than V(2).
    type: int
    default: 5
requirements:
  - psycopg2 >= 2.9 on the host that runs the module (Debian's C(python3-psycopg2))
"""

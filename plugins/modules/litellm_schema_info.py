#!/usr/bin/python
# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_schema_info
short_description: Tell whether a database is ready for the installed LiteLLM
version_added: 1.0.0
description:
  - Compares Prisma's ledger of migrations in a PostgreSQL database with the migrations that the installed LiteLLM carries,
    and optionally the tables and columns with those its Prisma schema asks for.
  - Only reads, in one read-only transaction. It never migrates.
  - A database that is away, refuses the login or answers too late is an answer (RV(reachable=false)), not a failure.
    The module fails only when it is called wrongly, when psycopg2 is missing, or when the installed LiteLLM cannot be read.
author:
  - hx.gateway contributors (@hx-gateway)
extends_documentation_fragment:
  - hx.gateway._attributes
  - hx.gateway._attributes.info_module
  - hx.gateway._postgresql
  - hx.gateway._wait
options:
  migrations_dir:
    description:
      - Folder with the migrations of the installed LiteLLM, C(litellm_proxy_extras/migrations) in its virtual environment.
    type: path
    required: true
  schema_file:
    description:
      - Prisma schema of the installed LiteLLM, C(litellm/proxy/schema.prisma) in its virtual environment.
      - With it, missing tables and columns are looked for, so that a ledger that says more than the database holds is noticed.
    type: path
  schema:
    description:
      - PostgreSQL schema that holds the tables. Wins over the one in O(database_url). Without either it is V(public).
    type: str
  allow_newer:
    description:
      - Whether a database that was migrated by a newer LiteLLM counts as ready.
    type: bool
    default: false
  wait_for:
    description:
      - What O(wait) waits for.
      - V(ready) waits until the schema is ready, V(reachable) until the database lets the module in and answers.
    type: str
    choices: [ready, reachable]
    default: ready
seealso:
  - module: hx.gateway.litellm_health_info
  - module: community.postgresql.postgresql_ping
"""

EXAMPLES = r"""
- name: Look whether the migration has to run
  hx.gateway.litellm_schema_info:
    login_host: db1.example.com
    login_db: hx_gateway
    login_user: hx_gateway
    login_password: "{{ hx_database_password }}"
    migrations_dir: /opt/litellm/venv/lib/python3.11/site-packages/litellm_proxy_extras/migrations
    schema_file: /opt/litellm/venv/lib/python3.11/site-packages/litellm/proxy/schema.prisma
    wait: true
    wait_for: reachable
    timeout: 30
  register: schema

- name: Stop where a newer LiteLLM has migrated the database
  ansible.builtin.assert:
    that: schema.unknown | length == 0
    fail_msg: "{{ schema.reason }}"

- name: Wait until another host has finished the migration
  hx.gateway.litellm_schema_info:
    database_url: "{{ litellm_database_url }}"
    migrations_dir: /opt/litellm/venv/lib/python3.11/site-packages/litellm_proxy_extras/migrations
    wait: true
    timeout: 120
  register: schema
  failed_when: not schema.ready
"""

RETURN = r"""
ready:
  description: Whether LiteLLM can be started on this database as it is.
  returned: success
  type: bool
  sample: false
reachable:
  description: Whether the database let the module in and answered its questions.
  returned: success
  type: bool
  sample: true
reason:
  description: Why the schema is not ready, in plain words. Empty when it is.
  returned: success
  type: str
  sample: 2 of 213 migrations are pending, the first is 20251001000000_add_tags
server_version:
  description: Version of PostgreSQL. Empty when the database was not reached.
  returned: success
  type: str
  sample: "15.8"
schema:
  description: PostgreSQL schema that was looked at.
  returned: success
  type: str
  sample: public
ledger:
  description: Whether Prisma's ledger of migrations exists in the schema.
  returned: success
  type: bool
  sample: true
migrating:
  description: Whether a migration runs at this moment, which shows in the advisory lock that Prisma or LiteLLM holds.
  returned: success
  type: bool
  sample: false
applied:
  description: Migrations of the installed LiteLLM that are applied.
  returned: success
  type: list
  elements: str
  sample: [20250326162113_baseline]
pending:
  description: Migrations of the installed LiteLLM that are not applied, one that runs at this moment included.
  returned: success
  type: list
  elements: str
  sample: []
failed_migrations:
  description: Migrations that began and did not end. Prisma refuses to go on until each is resolved.
  returned: success
  type: list
  elements: str
  sample: []
unknown:
  description: Applied migrations that the installed LiteLLM does not carry. The database is newer than the code.
  returned: success
  type: list
  elements: str
  sample: []
modified:
  description:
    - Applied migrations whose text differs from the one the installed LiteLLM carries.
    - Prisma goes on over such a difference, and so it does not count against RV(ready).
  returned: success
  type: list
  elements: str
  sample: []
missing_tables:
  description: Tables that O(schema_file) asks for and the database does not hold.
  returned: success
  type: list
  elements: str
  sample: [LiteLLM_TagTable]
missing_columns:
  description: Columns that O(schema_file) asks for and an existing table does not have, as C(table.column).
  returned: success
  type: list
  elements: str
  sample: [LiteLLM_TeamTable.budget_limits]
attempts:
  description: How often the database was asked.
  returned: success
  type: int
  sample: 1
elapsed:
  description: Seconds it took.
  returned: success
  type: float
  sample: 0.04
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.hx.gateway.plugins.module_utils._migrations import (
    MigrationsError,
    expected_migrations,
)
from ansible_collections.hx.gateway.plugins.module_utils._postgresql import (
    POSTGRESQL_MUTUALLY_EXCLUSIVE,
    POSTGRESQL_REQUIRED_ONE_OF,
    POSTGRESQL_REQUIRED_TOGETHER,
    DatabaseUrlError,
    ensure_psycopg2,
    postgresql_argument_spec,
    target_from_params,
)
from ansible_collections.hx.gateway.plugins.module_utils._prisma_schema import (
    PrismaSchemaError,
    expected_tables,
)
from ansible_collections.hx.gateway.plugins.module_utils._schema_probe import (
    Expectation,
    SchemaProbe,
    SchemaReport,
)
from ansible_collections.hx.gateway.plugins.module_utils._wait import Waiter, WaitError, wait_argument_spec


class SchemaInfo:
    """Puts the module's parameters, the installed LiteLLM and the database together."""

    def __init__(self, module: AnsibleModule) -> None:
        params = module.params
        self.wait_for: str = params["wait_for"]
        try:
            self.waiter = Waiter(wait=params["wait"], timeout=params["timeout"], poll_interval=params["poll_interval"])
            target = target_from_params(params)
            module.no_log_values.update(target.secrets)
            expectation = Expectation(
                migrations=expected_migrations(params["migrations_dir"]),
                tables=self.read_schema(params["schema_file"]),
                schema=params["schema"] or target.schema or "public",
                allow_newer=params["allow_newer"],
            )
        except DatabaseUrlError as error:
            module.fail_json(msg=f"database_url cannot be used: {error}")
        except (MigrationsError, PrismaSchemaError, WaitError) as error:
            module.fail_json(msg=str(error))
        if params["connect_timeout"] < 1:
            module.fail_json(msg="connect_timeout must be at least 1")
        self.probe = SchemaProbe(target, expectation, params["connect_timeout"])

    @staticmethod
    def read_schema(path: str | None) -> dict[str, list[str]]:
        """Read the tables the Prisma schema asks for; none without a schema."""
        if not path:
            return {}
        try:
            with open(path, encoding="utf-8") as stream:
                return expected_tables(stream.read())
        except OSError as error:
            raise PrismaSchemaError(f"cannot read the Prisma schema {path}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise PrismaSchemaError(f"the Prisma schema {path} is not UTF-8 text") from error
        except PrismaSchemaError as error:
            raise PrismaSchemaError(f"cannot understand the Prisma schema {path}: {error}") from error

    def done(self, report: SchemaReport) -> bool:
        """Tell whether the report is what the waiting is for."""
        return report.reachable if self.wait_for == "reachable" else report.ready

    def execute(self) -> dict[str, t.Any]:
        """Ask, as often as wanted, and return the module's result."""
        report = self.waiter.run(self.probe.ask, self.done)
        return report.dump() | {"attempts": self.waiter.attempts, "elapsed": self.waiter.elapsed}


def main() -> t.NoReturn:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **postgresql_argument_spec(),
            **wait_argument_spec(),
            "migrations_dir": {"type": "path", "required": True},
            "schema_file": {"type": "path"},
            "schema": {"type": "str"},
            "allow_newer": {"type": "bool", "default": False},
            "wait_for": {"type": "str", "choices": ["ready", "reachable"], "default": "ready"},
        },
        required_one_of=POSTGRESQL_REQUIRED_ONE_OF,
        mutually_exclusive=POSTGRESQL_MUTUALLY_EXCLUSIVE,
        required_together=POSTGRESQL_REQUIRED_TOGETHER,
        supports_check_mode=True,
    )
    ensure_psycopg2(module)
    module.exit_json(changed=False, **SchemaInfo(module).execute())


if __name__ == "__main__":
    main()

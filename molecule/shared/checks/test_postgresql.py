"""Who can log in to PostgreSQL, from where, how, and what they can do there."""

from __future__ import annotations

import os

import pytest
import testinfra
from checks.stack import Stack, describe
from testinfra.host import Host

testinfra_hosts = ["ansible://database"]


@pytest.fixture(scope="module")
def stack(host: Host) -> Stack:
    """The stack whose database runs on this host."""
    return describe(host)


def administrator(host: Host, query: str, database: str = "hx_gateway") -> str:
    """Run a query as PostgreSQL's own administrator, over the local socket."""
    return host.check_output("runuser -u postgres -- psql -XAtd %s -c %s", database, query)


@pytest.fixture(scope="module")
def gateway() -> Host:
    """A gateway host: the database lets in nobody else."""
    inventory = f"{os.environ['MOLECULE_SCENARIO_DIRECTORY']}/inventory"
    return testinfra.get_hosts(["ansible://gateway"], ansible_inventory=inventory)[0]


def login(gateway: Host, stack: Stack, user: str, database: str, password: str) -> str:
    """Try to log in over TCP; the answer or PostgreSQL's refusal."""
    program = (
        "import os, psycopg2\n"
        "try:\n"
        f"    c = psycopg2.connect(host={stack.database_address!r}, user={user!r}, dbname={database!r},"
        f" password=os.environ['P'], connect_timeout=5).cursor()\n"
        "    c.execute('SELECT current_user'); print('in as', c.fetchone()[0])\n"
        "except psycopg2.OperationalError as refusal: print(refusal)\n"
    )
    return gateway.check_output("P=%s python3 -c %s", password, program)


def test_the_stacks_role_logs_in(gateway: Host, stack: Stack) -> None:
    password = stack.secrets["hx_database_password"]
    assert login(gateway, stack, "hx_gateway", "hx_gateway", password) == "in as hx_gateway"


@pytest.mark.parametrize(
    ("user", "database"), [("hx_gateway", "postgres"), ("postgres", "hx_gateway"), ("postgres", "postgres")]
)
def test_other_logins_over_the_network_are_refused(gateway: Host, stack: Stack, user: str, database: str) -> None:
    answer = login(gateway, stack, user, database, stack.secrets["hx_database_password"])
    assert "no pg_hba.conf entry" in answer


def test_wrong_password_is_refused(gateway: Host, stack: Stack) -> None:
    assert "password authentication failed" in login(gateway, stack, "hx_gateway", "hx_gateway", "wrong")


def test_passwords_are_scram_only(host: Host) -> None:
    assert administrator(host, "SHOW password_encryption") == "scram-sha-256"
    stored = administrator(host, "SELECT rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid WHERE rolname='hx_gateway'")
    assert stored == "t"
    weak = "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method NOT IN ('scram-sha-256', 'peer', 'reject')"
    assert administrator(host, weak) == "0"


def test_role_owns_its_database_and_nothing_more(host: Host) -> None:
    owner = administrator(host, "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname='hx_gateway'")
    assert owner == "hx_gateway"
    powers = "rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls"
    assert administrator(host, f"SELECT {powers} FROM pg_roles WHERE rolname='hx_gateway'") == "f"
    assert administrator(host, "SELECT has_database_privilege('public', 'hx_gateway', 'CONNECT')") == "f"

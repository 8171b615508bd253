# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A restore brings back exactly what was saved, or leaves everything as it is and says why."""

from __future__ import annotations

import hashlib
import json
import socket
import subprocess
import tarfile
import threading
import time
import typing as t
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psycopg2
import pytest
from ansible_collections.hx.gateway.tests.modules.backup.conftest import SALT, Site
from ansible_collections.hx.gateway.tests.modules.support.postgres import PASSWORD, Database

KEYS = "SELECT name, spend, at::text FROM keys ORDER BY 1"


@pytest.fixture
def saved(site: Site) -> Path:
    """A backup of the site."""
    return Path(site.do("create")["folder"])


def test_rows_come_back_and_the_old_database_is_kept(site: Site, saved: Path) -> None:
    before = site.database.execute(KEYS)
    site.database.execute("DELETE FROM keys WHERE spend > 10")
    done = site.do("restore", saved.name)
    assert site.database.execute(KEYS) == before
    names = [name for (name,) in site.database.execute("SELECT datname FROM pg_database")]
    assert done["replaced"] in names
    assert not [name for name in names if "_check_" in name and name.startswith(site.database.name)]
    owner = "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'keys'"
    assert site.database.execute(owner) == [("hx_gateway",)]


def test_what_a_second_login_role_saves_still_belongs_to_the_owner(site: Site) -> None:
    as_admin(site, f"CREATE ROLE second LOGIN PASSWORD '{PASSWORD}' IN ROLE hx_gateway")
    as_admin(site, "ALTER ROLE second SET role = 'hx_gateway'")
    try:
        environment = site.config / "gateway.env"
        environment.write_text(environment.read_text().replace("//hx_gateway:", "//second:"))
        site.do("create")
        site.database.execute("DELETE FROM keys")
        replaced = site.do("restore", "latest")["replaced"]
        assert site.database.execute("SELECT count(*) FROM keys") == [(500,)]
        owners = "SELECT pg_get_userbyid(datdba), tableowner FROM pg_database, pg_tables WHERE datname = %s"
        assert site.database.execute(owners + " AND tablename = 'keys'", site.database.name) == [("hx_gateway",) * 2]
        as_admin(site, f"DROP DATABASE {replaced}")
    finally:
        as_admin(site, "DROP ROLE second")


def test_who_may_connect_stays(site: Site, saved: Path) -> None:
    query = "SELECT datacl::text FROM pg_database WHERE datname = current_database()"
    site.database.execute(f"REVOKE ALL ON DATABASE {site.database.name} FROM PUBLIC")
    before = site.database.execute(query)
    site.do("restore", "latest")
    assert site.database.execute(query) == before
    assert saved.is_dir()


def test_the_drill_leaves_no_trace(site: Site, saved: Path) -> None:
    site.database.execute("DELETE FROM keys WHERE spend > 10")
    before = site.state()
    assert site.do("drill", saved.name) == {"backup": saved.name, "tables": 2}
    assert site.state() == before


def test_the_configuration_comes_back_exactly(site: Site, saved: Path) -> None:
    file = site.config / "gateway.yml"
    file.write_text("b: 2\n")
    file.chmod(0o600)
    (site.config / "litellm.env").write_text('LITELLM_SALT_KEY="other"\n')
    (site.config / "added.yml").write_text("x\n")
    assert "LITELLM_SALT_KEY" in site.refusal("restore", saved.name)
    site.do("restore", saved.name, "--configuration")
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("a: 1\n", 0o640)
    assert not (site.config / "added.yml").exists()
    assert SALT in (site.config / "litellm.env").read_text()


def test_services_that_do_not_answer_bring_the_old_database_back(site: Site, saved: Path) -> None:
    site.database.execute("DELETE FROM keys WHERE spend > 10")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
    gates = [{"url": f"http://127.0.0.1:{port}/health/readiness", "expect": {"db": "connected"}}]
    said = site.refusal("restore", saved.name, gates=gates)
    assert f"127.0.0.1:{port}" in said
    assert "The database that was there before serves again." in said


@contextmanager
def client(database: Database) -> Iterator[None]:
    """Somebody who stays connected, and who connects again at once when sent away, as a pool does."""
    stop = threading.Event()

    def stay() -> None:
        while not stop.is_set():
            with suppress(psycopg2.Error), closing(database.connect()) as connection:
                while not stop.wait(0.005):
                    connection.cursor().execute("SELECT 1")

    threads = [threading.Thread(target=stay, name=f"client-{number}") for number in range(3)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_clients_that_stay_connected_do_not_stop_a_restore(site: Site, saved: Path) -> None:
    before = site.database.execute(KEYS)
    site.database.execute("DELETE FROM keys WHERE spend > 10")
    with client(site.database):
        site.do("restore", saved.name)
    assert site.database.execute(KEYS) == before


def test_clients_that_stay_connected_do_not_stop_the_way_back(site: Site, saved: Path) -> None:
    site.database.execute("DELETE FROM keys WHERE spend > 10")
    gates = [{"url": "http://127.0.0.1:1/", "expect": {}}]
    with client(site.database):
        said = site.refusal("restore", saved.name, gates=gates)
    assert "The database that was there before serves again." in said


def test_a_worker_of_the_server_is_not_sent_away_by_who_may_not(site: Site, saved: Path) -> None:
    as_admin(site, f"CREATE ROLE maker LOGIN CREATEDB PASSWORD '{PASSWORD}' IN ROLE hx_gateway")
    as_admin(site, "ALTER SYSTEM SET autovacuum_naptime = '1s'")
    as_admin(site, "SELECT pg_reload_conf()")
    try:
        # Slow enough to be there all the while.
        slowly = "autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1"
        site.database.execute(f"CREATE TABLE large WITH ({slowly}) AS SELECT n FROM generate_series(1, 500000) n")
        site.database.execute("DELETE FROM large WHERE n % 2 = 0")
        wait_for_a_worker(site)
        replaced = site.do("restore", saved.name, admin_user="maker")["replaced"]
        as_admin(site, f"DROP DATABASE {replaced}")
    finally:
        as_admin(site, "ALTER SYSTEM RESET autovacuum_naptime")
        as_admin(site, "SELECT pg_reload_conf()")
        as_admin(site, "DROP ROLE maker")


def wait_for_a_worker(site: Site) -> None:
    """Wait until autovacuum works in the database of a site."""
    working = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usesysid IS NULL"
    deadline = time.monotonic() + 60
    while site.database.execute(working) == [(0,)]:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_what_a_client_has_started_meanwhile_starts_again_with_what_was_restored(
    site: Site, saved: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    log = services(monkeypatch, tmp_path)
    (site.config / "gateway.yml").write_text("b: 2\n")
    gate = [{"url": "http://127.0.0.1:1/", "expect": {}}]
    site.refusal("restore", saved.name, "--configuration", services=["one", "two"], gates=gate)
    assert told(log)[-1] == ["restart one: b: 2", "restart two: b: 2"]
    site.do("restore", saved.name, "--configuration", services=["one", "two"])
    assert told(log)[-1] == ["restart one: a: 1", "restart two: a: 1"]


@pytest.mark.parametrize(("state", "asked"), [("failed", True), ("activating", True), ("inactive", False)])
def test_what_tries_to_run_has_to_serve_afterwards(
    site: Site, saved: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, state: str, asked: bool
) -> None:
    services(monkeypatch, tmp_path, state)
    gate = [{"url": "http://127.0.0.1:1/", "expect": {}}]
    done = site.run("restore", saved.name, services=["one"], gates=gate)
    assert (done.returncode == 1) is asked, done.stderr
    assert ("does not answer as expected" in done.stderr) is asked


def services(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, state: str = "active") -> Path:
    """Stand in for systemctl; the file returned has what it was told, each with the configuration of that moment."""
    log, program = tmp_path / "systemctl.log", tmp_path / "bin/systemctl"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\n[ "$1" != show ] || echo {state}\necho "$*: $(cat {tmp_path}/config/gateway.yml)" >>{log}\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    return log


def told(log: Path) -> list[list[str]]:
    """Return what was started, together what was started between two stops."""
    runs: list[list[str]] = [[]]
    for line in log.read_text().splitlines():
        if line.startswith("stop"):
            runs.append([])
        elif line.startswith(("start", "restart")):
            runs[-1].append(line)
    return runs


def test_going_back_that_fails_names_both_reasons_and_what_is_kept(site: Site, saved: Path) -> None:
    site.database.execute("DELETE FROM keys WHERE spend > 10")
    before = site.database.execute(KEYS)

    class Gate(BaseHTTPRequestHandler):
        """Takes away what the way back needs, and is not ready."""

        def do_GET(self) -> None:
            for kept in saved.parent.glob("configuration-before-*.tar"):
                kept.unlink()
            self.send_error(503)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Gate) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        gate = {"url": f"http://127.0.0.1:{server.server_port}/", "expect": {"ready": True}}
        done = site.run("restore", saved.name, "--configuration", gates=[gate])
        server.shutdown()
    assert done.returncode == 1
    assert "503" in done.stderr
    assert "Going back failed, too" in done.stderr
    assert f"{site.database.name}_before_restore_" in done.stderr
    assert site.database.execute(KEYS) == before


@contextmanager
def litellm(answer: dict[str, t.Any]) -> Iterator[list[dict[str, t.Any]]]:
    """Answer as LiteLLM's readiness does; yields the gates that ask for that."""

    class Gate(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Gate) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/health/readiness"
        yield [{"url": url, "expect": {"db": "connected"}, "expect_without_database": {"db": "Not connected"}}]
        server.shutdown()


@pytest.fixture
def without(site: Site) -> str:
    """A backup of the site without its database."""
    (site.config / "gateway.env").write_text("# none\n")
    return str(site.do("create")["backup"])


def test_a_configuration_alone_comes_back(site: Site, without: str) -> None:
    (site.config / "gateway.yml").write_text("b: 2\n")
    (site.config / "added.yml").write_text("x\n")
    with litellm({"db": "Not connected"}) as gates:
        done = site.do("restore", without, "--configuration", gates=gates)
    assert (site.config / "gateway.yml").read_text() == "a: 1\n"
    assert not (site.config / "added.yml").exists()
    with tarfile.open(done["configuration"]) as tar:
        assert f"{site.config}/added.yml".lstrip("/") in tar.getnames()


def test_a_configuration_alone_with_which_nothing_serves_goes_again(site: Site, without: str) -> None:
    (site.config / "gateway.yml").write_text("b: 2\n")
    with litellm({"db": "connected"}) as gates:
        said = site.refusal("restore", without, "--configuration", gates=gates)
    assert "The configuration that was there before serves again." in said
    assert not list(Path(site.settings["directory"]).glob("configuration-before-*"))


def test_a_configuration_alone_stops_nothing_where_it_cannot_be_read(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    log = services(monkeypatch, tmp_path)
    (site.config / "gateway.env").write_text("")
    made = subprocess.run(["age-keygen"], capture_output=True, text=True, check=True)
    name = site.do("create", recipients=[made.stderr.split()[-1]])["backup"]
    assert "backup_identity_file" in site.refusal("restore", name, "--configuration", services=["one"])
    assert not log.exists()


def test_one_without_a_database_says_how_it_is_restored(site: Site, without: str) -> None:
    said = site.refusal("restore", without)
    assert "holds no database" in said
    assert "restore_configuration" in said


def test_one_without_a_database_takes_none_away(site: Site, without: str) -> None:
    (site.config / "gateway.env").write_text('DATABASE_URL="postgresql://a/b"\n')
    for words in (("restore", without), ("restore", without, "--configuration")):
        assert "rollback_mode=dbless" in site.refusal(*words)


def test_a_name_as_long_as_postgresql_allows_is_never_taken_for_a_scratch_one(site: Site) -> None:
    long = Database("n" * 63, site.database.port)
    environment = site.config / "gateway.env"
    environment.write_text(environment.read_text().replace(f"/{site.database.name}?", f"/{long.name}?"))
    count = "SELECT count(*) FROM keys"
    as_admin(site, f"CREATE DATABASE {long.name} TEMPLATE {site.database.name} OWNER hx_gateway")
    try:
        name = site.do("create")["backup"]
        long.execute("DELETE FROM keys")
        assert site.do("drill", name)["tables"] == 2
        assert long.execute(count) == [(0,)]
        replaced = site.do("restore", name)["replaced"]
        assert long.execute(count) == [(500,)]
        assert Database(replaced, long.port).execute(count) == [(0,)]
        as_admin(site, f"DROP DATABASE {replaced}")
    finally:
        as_admin(site, f"DROP DATABASE {long.name}")


def as_admin(site: Site, statement: str) -> None:
    with closing(replace(site.database, name="postgres").connect("postgres")) as connection:
        connection.autocommit = True
        connection.cursor().execute(statement)


def test_what_could_not_be_put_back_is_not_saved(site: Site, tmp_path: Path) -> None:
    (site.config / "second.yml").hardlink_to(site.config / "gateway.yml")
    assert "second name of a file" in site.refusal("create")
    assert [path for path in (tmp_path / "backups").iterdir() if path.is_dir()] == []


def test_a_member_that_cannot_be_put_back_is_not_passed_over(site: Site, saved: Path) -> None:
    part = saved / "configuration.tar"
    with tarfile.open(part, "a") as tar:
        member = tarfile.TarInfo(f"{str(site.config).lstrip('/')}/pipe")
        member.type = tarfile.FIFOTYPE
        tar.addfile(member)
    seal(saved, "configuration.tar")
    before = site.database.execute(KEYS)
    done = site.run("restore", saved.name, "--configuration")
    assert done.returncode == 1
    assert "/pipe, which cannot be put back" in done.stderr
    assert "The database that was there before serves again." in done.stderr
    assert site.database.execute(KEYS) == before


def seal(backup: Path, changed: str) -> None:
    """Make the manifest true for a part that was changed."""
    found = json.loads((backup / "manifest.json").read_text())
    content = (backup / changed).read_bytes()
    found["parts"][changed] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    del found["digest"]
    found["digest"] = hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()
    (backup / "manifest.json").write_text(json.dumps(found))


def edit(path: Path, change: Callable[[dict[str, t.Any]], object]) -> None:
    found = json.loads(path.read_text())
    change(found)
    path.write_text(json.dumps(found))


def flip(path: Path) -> None:
    """Change one bit in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def link(path: Path) -> None:
    """Put a link in the place of a file."""
    path.unlink()
    path.symlink_to("/etc/passwd")


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated": (lambda at: (at / "database.dump").write_bytes((at / "database.dump").read_bytes()[:-9]), "truncated"),
    "corrupt": (lambda at: flip(at / "database.dump"), "is corrupt"),
    "lacks a part": (lambda at: (at / "configuration.tar").unlink(), "lacks its part configuration.tar"),
    "a link for a part": (lambda at: link(at / "configuration.tar"), "lacks its part"),
    "no manifest": (lambda at: (at / "manifest.json").unlink(), "no complete backup"),
    "half a manifest": (
        lambda at: (at / "manifest.json").write_text((at / "manifest.json").read_text()[:50]),
        "cannot be read",
    ),
    "another manifest": (lambda at: (at / "manifest.json").write_text("[]"), "not a manifest"),
    "newer": (lambda at: edit(at / "manifest.json", lambda found: found.update(format=2)), "it is newer"),
    "changed": (
        lambda at: edit(at / "manifest.json", lambda found: found["database"]["tables"].clear()),
        "changed or damaged",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_not_as_it_was_made_is_refused(site: Site, saved: Path, damage: str) -> None:
    harm, says = DAMAGES[damage]
    harm(saved)
    for command in ("check", "drill", "restore"):
        assert says in site.refusal(command, saved.name)


def test_a_backup_of_another_site_is_refused_unless_allowed(site: Site, saved: Path) -> None:
    assert "is a backup of here and not of there" in site.refusal("restore", saved.name, site="there")
    assert site.do("check", saved.name, "--foreign", site="there")["backup"] == saved.name


def test_one_that_is_not_there_is_named_with_those_that_are(site: Site, saved: Path) -> None:
    assert f"it has: {saved.name}" in site.refusal("restore", "20000101T000000Z")


def test_encrypted_parts_need_the_key(site: Site, tmp_path: Path) -> None:
    identity = tmp_path / "identity"
    made = subprocess.run(["age-keygen", "--output", identity], capture_output=True, text=True, check=True)
    recipient = made.stderr.split()[-1]
    name = site.do("create", recipients=[recipient])["backup"]
    assert site.do("check", name)["parts"] == ["configuration.tar.age", "database.dump.age"]
    assert "backup_identity_file" in site.refusal("restore", name)
    assert site.do("drill", name, "--identity", str(identity))["tables"] == 2
    site.database.execute("DELETE FROM keys")
    site.do("restore", name, "--identity", str(identity))
    assert site.database.execute("SELECT count(*) FROM keys") == [(500,)]
    other = tmp_path / "other"
    subprocess.run(["age-keygen", "--output", other], capture_output=True, check=True)
    assert "cannot be decrypted" in site.refusal("restore", name, "--identity", str(other))


def test_links_in_the_configuration_come_back_and_go(site: Site) -> None:
    (site.config / "link").symlink_to("gateway.yml")
    name = site.do("create")["backup"]
    (site.config / "link").unlink()
    (site.config / "later").symlink_to("gateway.yml")
    site.do("restore", name, "--configuration")
    assert (site.config / "link").readlink() == Path("gateway.yml")
    assert not (site.config / "later").is_symlink()


def test_the_schema_of_a_newer_litellm_is_refused_unless_it_is_in_use(site: Site, tmp_path: Path) -> None:
    known = tmp_path / "releases/1/lib/python3.11/migrations"
    (known / "20250101000000_one").mkdir(parents=True)
    (known / "20250101000000_one/migration.sql").touch()
    migrations = f"{tmp_path}/releases/*/lib/python3*/migrations"
    site.database.execute(
        'CREATE TABLE "_prisma_migrations" (migration_name text, finished_at timestamptz DEFAULT now())'
    )
    site.database.execute("""INSERT INTO "_prisma_migrations" VALUES ('20250101000000_one'), ('20260101000000_two')""")
    newer = site.do("create")["backup"]
    site.do("check", newer, migrations=migrations)  # which it is now, and so LiteLLM runs on it
    site.database.execute("""DELETE FROM "_prisma_migrations" WHERE migration_name = '20260101000000_two'""")
    for command in ("check", "restore"):
        assert "20260101000000_two), which is newer" in site.refusal(command, newer, migrations=migrations)
    site.do("drill", newer, migrations=migrations)
    (known / "20260101000000_two").mkdir()
    (known / "20260101000000_two/migration.sql").touch()
    site.do("restore", newer, migrations=migrations)

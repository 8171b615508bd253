# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration that was set aside comes back exactly, or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.hx.gateway.tests.modules.backup.conftest import Site


def listing(site: Site) -> list[tuple[str, int, bytes]]:
    return sorted((path.name, path.stat().st_mode, path.read_bytes()) for path in site.config.iterdir())


def without_database(site: Site) -> None:
    (site.config / "gateway.env").write_text("")
    (site.config / "gateway.yml").chmod(0o600)
    (site.config / "litellm.env").unlink(missing_ok=True)
    (site.config / "database.service").unlink(missing_ok=True)
    (site.config / "added").write_text("x")


def test_there_and_back(site: Site) -> None:
    before = listing(site)
    assert site.do("keep")["changed"] is True
    assert site.do("keep")["changed"] is False
    without_database(site)
    assert site.do("seal")["changed"] is True
    assert site.do("seal")["changed"] is False
    assert site.do("keep")["changed"] is False
    assert site.do("put-back")["changed"] is True
    assert listing(site) == before


def test_a_way_back_that_has_been_gone_is_no_fault(site: Site) -> None:
    before = listing(site)
    site.do("keep")
    without_database(site)
    site.do("put-back")
    assert site.do("put-back") == {"changed": False, "files": []}
    assert listing(site) == before


def test_a_change_by_somebody_else_is_not_overwritten(site: Site) -> None:
    site.do("keep")
    without_database(site)
    site.do("seal")
    (site.config / "gateway.yml").write_text("by hand\n")
    assert "has been changed since it was set aside" in site.refusal("put-back")


def test_what_would_not_be_put_back_is_known_before(site: Site) -> None:
    site.do("keep")
    without_database(site)
    site.do("seal")
    before = listing(site)
    assert site.do("may-put-back") == {"changed": False}
    assert listing(site) == before
    (site.config / "gateway.yml").write_text("by hand\n")
    assert "has been changed since it was set aside" in site.refusal("may-put-back")


def test_an_older_set_does_not_pass_for_the_present_state(site: Site) -> None:
    site.do("keep")
    without_database(site)
    site.do("seal")
    (site.config / "gateway.env").write_text("deployed since\n")
    assert "has been changed since it was set aside" in site.refusal("keep")


@pytest.mark.parametrize("sealed", [False, True])
def test_a_set_of_before_the_database_came_back_is_not_used_again(site: Site, sealed: bool) -> None:
    environment = site.config / "gateway.env"
    with_database = environment.read_text()
    site.do("keep")
    without_database(site)
    if sealed:
        site.do("seal")
    environment.write_text(with_database + "# another password\n")
    before = listing(site)
    assert site.do("keep")["changed"] is True
    without_database(site)
    assert site.do("keep")["changed"] is False
    site.do("seal")
    site.do("put-back")
    assert listing(site) == before


def test_a_mixture_that_a_failed_change_has_left_is_not_set_aside(site: Site) -> None:
    before = listing(site)
    environment = (site.config / "gateway.env").read_text()
    site.do("keep")
    without_database(site)
    # The gateway's part has failed and has put its own files back, and LiteLLM's stay.
    (site.config / "gateway.env").write_text(environment)
    assert site.do("keep") == {"changed": False, "kept": f"{site.folder}/backups/kept.tar", "without_database": False}
    site.do("put-back")
    assert listing(site) == before


def test_a_mixture_that_a_way_back_has_left_is_not_set_aside(site: Site) -> None:
    before = listing(site)
    site.do("keep")
    without_database(site)
    # It ends after the unit and the environment file.
    (site.config / "gateway.yml").unlink()
    (site.config / "gateway.yml").mkdir()
    site.do("seal")
    assert site.run("put-back").returncode == 1
    assert "DATABASE_URL" in (site.config / "gateway.env").read_text()
    assert (site.config / "database.service").exists()
    (site.config / "gateway.yml").rmdir()
    # Nor is it by the run after one that was cut off as soon as it had looked.
    assert site.do("keep")["changed"] is False
    assert site.do("keep")["changed"] is False
    site.do("put-back")
    assert listing(site) == before


def test_another_model_since_is_set_aside_with_the_same_database(site: Site) -> None:
    site.do("keep")
    with_database = [(path, path.read_text()) for path in site.config.iterdir()]
    without_database(site)
    site.do("seal")
    for path, text in with_database:
        path.write_text(text)
    (site.config / "gateway.yml").write_text("a: 2\n")
    before = listing(site)
    assert site.do("keep")["changed"] is True
    without_database(site)
    site.do("put-back")
    assert listing(site) == before


def test_whether_there_was_no_database_before(site: Site) -> None:
    assert site.do("keep")["without_database"] is False
    without_database(site)
    # Cut off here, the change began with a database.
    assert site.do("keep")["without_database"] is False
    site.do("seal")
    assert site.do("keep")["without_database"] is True
    # A second change that is cut off may have changed other things.
    (site.config / "added").write_text("y")
    assert site.do("keep")["without_database"] is True
    assert site.do("seal")["changed"] is True


def test_what_is_as_it_was_is_not_written_again(site: Site) -> None:
    site.do("keep")
    written = [(path.name, path.stat().st_mtime_ns, path.stat().st_ino) for path in site.config.iterdir()]
    assert site.do("put-back") == {"changed": False, "files": []}
    assert [(path.name, path.stat().st_mtime_ns, path.stat().st_ino) for path in site.config.iterdir()] == written
    assert not list((site.folder / "backups").glob("kept.*"))


def test_a_damaged_set_is_made_anew_while_the_database_is_there(site: Site) -> None:
    before = listing(site)
    Path(site.do("keep")["kept"]).unlink()
    assert site.do("keep")["changed"] is True
    without_database(site)
    site.do("put-back")
    assert listing(site) == before


def test_what_a_run_that_was_cut_short_has_set_aside_stays(site: Site) -> None:
    before = listing(site)
    site.do("keep")
    without_database(site)
    assert site.do("keep")["changed"] is False
    site.do("put-back")
    assert listing(site) == before


def test_a_way_back_that_was_cut_short_may_begin_again(site: Site) -> None:
    before = listing(site)
    site.do("keep")
    without_database(site)
    (site.config / "gateway.yml").unlink()
    (site.config / "gateway.yml").mkdir()
    site.do("seal")
    assert "gateway.yml" in site.run("put-back").stderr
    (site.config / "gateway.yml").rmdir()
    site.do("put-back")
    assert listing(site) == before


def test_a_note_of_another_version_is_refused_by_what_it_lacks(site: Site) -> None:
    site.do("keep")
    without_database(site)
    note = Path(site.settings["directory"]) / "kept.json"
    note.write_text(json.dumps({key: value for key, value in json.loads(note.read_text()).items() if key != "phase"}))
    for command in ("keep", "put-back"):
        assert f"{note} lacks phase" in site.refusal(command)


def test_a_damaged_tar_is_refused(site: Site) -> None:
    kept = Path(site.do("keep")["kept"])
    kept.write_bytes(kept.read_bytes()[:-1] + b"x")
    assert "is not what was set aside" in site.refusal("put-back")


def test_nothing_to_put_back(site: Site) -> None:
    (site.config / "gateway.env").write_text("")
    assert "nothing has been set aside" in site.refusal("put-back")
    assert "nothing has been set aside" in site.refusal("seal")

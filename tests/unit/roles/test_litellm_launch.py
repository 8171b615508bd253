# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program that starts LiteLLM keeps its port and keeps the password out of command lines."""

from __future__ import annotations

import importlib.util
import os
import socket
import types
from pathlib import Path

import pytest

PROGRAM = Path(__file__).resolve().parents[3] / "roles" / "litellm" / "files" / "launch.py"


@pytest.fixture
def launch(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """The program as a module; what it puts into the environment is taken out again."""
    monkeypatch.setattr(os, "environ", dict(os.environ))
    spec = importlib.util.spec_from_file_location("launch", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("url", "without", "password"),
    [
        ("postgresql://u:p@h:5432/d", "postgresql://u@h:5432/d", "p"),
        ("postgresql://u%40x:a%2Fb%40%3A@[::1]:5432/d?sslmode=require", None, "a/b@:"),
        ("postgresql://u:@h/d", "postgresql://u@h/d", ""),
    ],
)
def test_the_password_goes_into_the_environment(
    launch: types.ModuleType, url: str, without: str | None, password: str
) -> None:
    expected = without or "postgresql://u%40x@[::1]:5432/d?sslmode=require"
    assert launch.take_password_out(url) == expected
    assert os.environ["PGPASSWORD"] == password


@pytest.mark.parametrize(
    ("seconds", "url", "limited"),
    [
        ("5", "postgresql://u@h/d", "postgresql://u@h/d?options=-c%20lock_timeout%3D5s"),
        ("5", "postgresql://u@h/d?a=b", "postgresql://u@h/d?a=b&options=-c%20lock_timeout%3D5s"),
        ("0", "postgresql://u@h/d?a=b", "postgresql://u@h/d?a=b"),
    ],
)
def test_a_migration_does_not_wait_long_for_locks(
    launch: types.ModuleType, seconds: str, url: str, limited: str
) -> None:
    os.environ["HX_LOCK_TIMEOUT"] = seconds
    assert launch.limit_lock_waits(url) == limited


def test_a_function_is_replaced_by_every_name_it_has(launch: types.ModuleType) -> None:
    owner = types.SimpleNamespace(new=print, _old=print, other=print)
    launch.replace(owner, len, "new", "_old", "absent")
    assert (owner.new, owner._old, owner.other) == (len, len, print)
    with pytest.raises(SystemExit, match="this LiteLLM has no absent"):
        launch.replace(owner, len, "absent", "gone")


def test_a_url_without_a_password_stays(launch: types.ModuleType) -> None:
    os.environ.pop("PGPASSWORD", None)
    assert launch.take_password_out("postgresql://u@h/d") == "postgresql://u@h/d"
    assert "PGPASSWORD" not in os.environ


def test_a_taken_port_stops_the_start_and_is_named(launch: types.ModuleType) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(SystemExit, match=f"127.0.0.1 port {port}"):
            launch.require_free_port(["--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"])
    launch.require_free_port(["--host", "127.0.0.1", "--port", str(port)])


def test_an_unknown_command_shows_the_usage(launch: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["launch.py", "stop"])
    with pytest.raises(SystemExit, match=r"launch\.py serve"):
        launch.main()

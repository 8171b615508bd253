"""The command: what it prints and how it ends."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from hx_gateway import __version__
from hx_gateway.cli import main

from running import run

EXAMPLE = Path(__file__).parent.parent / "example.yml"


async def test_as_a_command(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yml"
    wrong.write_text("upstream: {url: 'http://a:1'}\nlisten: {prot: 1}\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        results = await asyncio.gather(
            run("--config", str(EXAMPLE), "--check"),
            run("--config", str(wrong), "--check"),
            run("--config", str(wrong)),
            run("--upstream", "http://127.0.0.1:1", "--listen", f"127.0.0.1:{port}"),
        )
    line = f"hx-gateway: {wrong}: listen.prot: unknown key\n"
    assert results[0] == (0, "configuration is valid\n", "")
    assert results[1] == (78, "", line)
    assert results[2] == (78, "", line)
    code, out, err = results[3]
    assert (code, out) == (1, "")
    assert err.startswith(f"hx-gateway: cannot listen on 127.0.0.1 port {port}: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--check"], 2, "give --config FILE or --upstream URL"),
        (["--upstream", "http://a:1", "--listen", "x"], 2, "must be ADDRESS:PORT"),
        (["--upstream", "http://a:1", "--listen", "127.0.0.1:"], 2, "must be ADDRESS:PORT"),
        (["--nonsense"], 2, "unrecognized arguments"),
        (["--version"], 0, f"hx-gateway {__version__}"),
    ],
)
def test_arguments(arguments: list[str], code: int, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--upstream", "http://a:1", *arguments] if arguments == ["--nonsense"] else arguments)
    assert end.value.code == code
    captured = capsys.readouterr()
    assert text in captured.out + captured.err


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--upstream", "localhost:4000"], "command line: upstream.url: must be http://HOST:PORT"),
        (["--config", "/nowhere.yml"], "/nowhere.yml: cannot be read: No such file or directory"),
        (
            ["--upstream", "http://a:1", "--listen", "localhost:1"],
            "command line: listen.address: must be an IP address",
        ),
        (["--upstream", "http://a:1", "--listen", "[::1]:99999"], "command line: listen.port: input should be less"),
    ],
)
def test_wrong_configuration(arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*arguments, "--check"]) == 78
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"hx-gateway: {text}")
    assert captured.err.count("\n") == 1


def test_middlewares_are_checked_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "gateway.yml"
    file.write_text("upstream: {url: 'http://a:1'}\nmiddlewares: {add: [{factory: 'nowhere:x'}]}\n")
    assert main(["--config", str(file), "--check"]) == 78
    assert "middlewares.add[0].factory: nowhere:x cannot be imported" in capsys.readouterr().err


async def test_redis_without_an_address_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    file = tmp_path / "gateway.yml"
    file.write_text("upstream: {url: 'http://127.0.0.1:1'}\nredis: {enabled: true}\n")
    status, _, errors = await run("--config", str(file), "--listen", "127.0.0.1:0")
    assert (status, errors) == (78, "hx-gateway: REDIS_URL: required in the environment, since redis.enabled is true\n")
    assert (await run("--config", str(file), "--check"))[0] == 0  # whoever checks a file may have no secrets


async def test_subcommands(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yml"
    file.write_text(
        "upstream: {url: 'http://a:1'}\nusage: {enabled: true}\n"
        "middlewares: {disable: [health], replace: {embeddings: 'plugins:a'}, add: [{factory: 'plugins:b'}]}\n"
    )
    wrong = tmp_path / "wrong.yml"
    wrong.write_text("upstream: {url: 'http://a:1'}\nlisten: {prot: 1}\n")
    environment = {"PYTHONPATH": f"{Path(__file__).parent.parent / 'src'}:{Path(__file__).parent}"}
    checked, refused, version, routes = await asyncio.gather(
        run("check", str(EXAMPLE)),
        run("check", str(wrong)),
        run("version"),
        run("routes", str(file), env=environment),
    )
    assert checked == (0, "configuration is valid\n", "")
    assert refused == (78, "", f"hx-gateway: {wrong}: listen.prot: unknown key\n")
    assert version == (0, f"hx-gateway {__version__}\n", "")
    status, out, err = routes
    assert (status, err) == (0, "")
    shown = [line.split() for line in out.splitlines() if line.startswith("  ")]
    names = [line[0] for line in shown]
    assert names.index("request_id") < names.index("path_gate") < names.index("embeddings") < names.index("(added)")
    assert ["health", "left", "out"] in shown
    assert ["embeddings", "replaced", "by", "plugins:a"] in shown
    assert ["(added)", "plugins:b"] in shown
    assert ["metrics", "off"] in shown
    assert ["usage_records", "on"] in shown  # whoever asks may have no secrets, and no database
    assert ["path_gate", "on"] in shown
    assert ["forwarder", "http://a:1"] in shown
    assert ["/v1/*", "LiteLLM"] in shown
    assert "/healthz" not in names


async def test_the_pure_python_parser_is_refused() -> None:
    status, out, err = await run("--upstream", "http://127.0.0.1:1", env={"AIOHTTP_NO_EXTENSIONS": "1"})
    assert (status, out) == (78, "")
    assert err.startswith("hx-gateway: aiohttp: its C parser is missing or turned off")
    assert err.count("\n") == 1

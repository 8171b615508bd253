"""The admin socket, asked over HTTP as an operator would."""

from __future__ import annotations

import asyncio
import stat
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from hx_gateway.admin.listener import AdminListenError

from running import gateway, process, run
from wire import Answer, Client, request, upstream

if TYPE_CHECKING:
    from pathlib import Path


async def ask(path: Path, method: str, target: str) -> Answer:
    reader, writer = await asyncio.open_unix_connection(str(path))
    connection = Client(reader, writer)
    try:
        await connection.send(request(target, method))
        return await connection.answer()
    finally:
        writer.close()


def shown(answer: Answer) -> Any:
    assert answer.get("Content-Type") == "application/json; charset=utf-8"
    return orjson.loads(answer.body)


CACHE = {"enabled": True}


async def test_only_the_gateways_user_can_open_it_and_it_goes_with_the_gateway(tmp_path: Path) -> None:
    path = tmp_path / "admin.sock"
    async with gateway(admin={"socket": str(path)}):
        mode = path.stat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600
        answer = await ask(path, "GET", "/cache")
        assert (answer.status, shown(answer)["error"]) == (404, "unknown address; there are none")
    assert not path.exists()


async def test_addresses_and_methods(tmp_path: Path) -> None:
    path = tmp_path / "admin.sock"
    async with gateway(admin={"socket": str(path)}, cache=CACHE):
        assert shown(await ask(path, "GET", "/x")) == {"error": "unknown address; there are /cache"}
        answer = await ask(path, "POST", "/cache")
        assert (answer.status, answer.get("Allow")) == (405, "DELETE, GET")


async def test_a_socket_left_behind_is_replaced_and_another_ones_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "admin.sock"
    async with gateway(admin={"socket": str(path)}, cache=CACHE):
        async with gateway(admin={"socket": str(path)}, cache=CACHE):
            assert (await ask(path, "GET", "/cache")).status == 200
        assert not path.exists()
        async with gateway(admin={"socket": str(path)}, cache=CACHE):
            pass
    async with gateway(admin={"socket": str(path)}, cache=CACHE):
        assert (await ask(path, "GET", "/cache")).status == 200


async def test_the_end_of_one_gateway_leaves_the_socket_of_the_next(tmp_path: Path) -> None:
    path = tmp_path / "admin.sock"
    first = gateway(admin={"socket": str(path)}, cache=CACHE)
    await first.__aenter__()
    async with gateway(admin={"socket": str(path)}, cache=CACHE):
        await first.__aexit__(None, None, None)
        assert (await ask(path, "GET", "/cache")).status == 200


async def test_a_file_in_its_place_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "admin.sock"
    path.write_text("mine")
    with pytest.raises(AdminListenError, match=r"admin\.sock: Address already in use"):
        async with gateway(admin={"socket": str(path)}):
            pass
    config = tmp_path / "gateway.yml"
    config.write_text(f"upstream: {{url: 'http://127.0.0.1:1'}}\nlisten: {{port: 0}}\nadmin: {{socket: {path}}}\n")
    status, _, errors = await run("--config", str(config))
    assert (status, errors.splitlines()[-1]) == (
        1,
        f"hx-gateway: cannot listen for the operator on {path}: Address already in use",
    )
    assert path.read_text() == "mine"


async def test_the_command_opens_it(tmp_path: Path) -> None:
    path, config = tmp_path / "admin.sock", tmp_path / "gateway.yml"
    async with upstream() as server:
        config.write_text(f"upstream: {{url: '{server.url}'}}\nadmin: {{socket: {path}}}\ncache: {{enabled: true}}\n")
        async with process("--config", str(config)):
            assert shown(await ask(path, "GET", "/cache"))["entries"] == 0

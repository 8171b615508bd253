"""How old connections get, and what that does for names whose address changes."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from running import environment, gateway
from wire import ask, client, reply, request, upstream

if TYPE_CHECKING:
    from pathlib import Path

    from wire import Seen

IN_A_NAMESPACE = ("unshare", "--map-root-user", "--mount")
"""A user's own view of the files, in which /etc/hosts can be another one."""


@pytest.mark.usefixtures("each_client")
async def test_a_busy_connection_is_not_used_for_ever() -> None:
    async with upstream() as up, gateway(up.url, upstream={"connection_max_age": 0.3}) as gw:
        async with client(gw.port) as connection:
            for _ in range(20):
                await connection.send(request())
                assert (await connection.answer()).status == 200
                await asyncio.sleep(0.05)
    assert 3 <= up.connections < 20


@pytest.mark.usefixtures("each_client")
async def test_it_is_by_default() -> None:
    async with upstream() as up, gateway(up.url) as gw:
        for _ in range(20):
            await ask(gw.port, request())
    assert up.connections == 1


@pytest.mark.usefixtures("each_client")
async def test_an_old_connection_makes_room_for_one_in_line() -> None:
    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.05)
        writer.write(reply(200, b"ok"))

    async with upstream(play) as up:
        async with gateway(up.url, upstream={"connection_max_age": 0.12, "max_connections": 1}) as gw:
            answers = await asyncio.gather(*(ask(gw.port, request()) for _ in range(8)))
    assert [answer.body for answer in answers] == [b"ok"] * 8
    assert 2 <= up.connections <= 8


def _namespaces() -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*IN_A_NAMESPACE, "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not _namespaces(), reason="this machine lets nobody have a mount namespace of his own")
@pytest.mark.parametrize("kind", ["fast", "aiohttp"])
async def test_a_name_is_resolved_again_under_constant_load(tmp_path: Path, kind: str) -> None:
    hosts, config = tmp_path / "hosts", tmp_path / "gateway.yml"
    hosts.write_text("127.0.0.2 litellm.example\n")

    async def say_where(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(200, writer.get_extra_info("sockname")[0].encode()))

    async with upstream(say_where, host="0.0.0.0") as up:
        section = {"url": f"http://litellm.example:{up.port}", "client": kind, "connection_max_age": 0.5}
        config.write_text(json.dumps({"upstream": section, "listen": {"port": 0}}))
        script = f'mount --bind {hosts} /etc/hosts && exec "$@"'
        child = await asyncio.create_subprocess_exec(
            *(*IN_A_NAMESPACE, "sh", "-c", script, "sh"),
            *(sys.executable, "-m", "hx_gateway", "--config", str(config)),
            env=environment(),
            stderr=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
        )
        try:
            assert child.stderr is not None
            listening = json.loads(await child.stderr.readline())
            async with client(listening["port"]) as connection:

                async def answered() -> str:
                    await connection.send(request())
                    return (await connection.answer()).body.decode()

                assert {await answered() for _ in range(20)} == {"127.0.0.2"}
                with hosts.open("r+") as file:  # in place: the mount is of this file
                    file.write("127.0.0.3")
                    os.fsync(file.fileno())
                async with asyncio.timeout(20):  # aiohttp remembers a name for ten seconds
                    while await answered() != "127.0.0.3":  # noqa: ASYNC110 - only an answer tells
                        await asyncio.sleep(0.01)
                assert {await answered() for _ in range(20)} == {"127.0.0.3"}
        finally:
            child.kill()
            await child.wait()

"""Who is measured, and how each is started."""

from __future__ import annotations

import json
import os
import shutil
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import nginx, ticking
from benchmarks.processes import CONTENDER_CORE, LOAD_CORE, Server, free_port, running
from benchmarks.traffic import KEY
from hx_gateway.config.middlewares import MIDDLEWARES
from postgres_server import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Start = Callable[["Place", int], "ExitStack | Any"]

HERE = Path(__file__).parent
SOURCE = HERE.parent / "src"


@dataclass(frozen=True)
class Place:
    """What a contender may use."""

    folder: Path
    """For its files."""
    redis: str = ""
    """URL of a Redis; empty without one."""
    database: str = ""
    """URL of a PostgreSQL database; empty without one."""
    litellm: Path | None = None
    """A Python that has LiteLLM."""


@dataclass(frozen=True)
class Contender:
    """One way to answer the request."""

    name: str
    start: Start = field(repr=False)
    same: bool = False
    """It is asked the same again and again, so that its cache answers."""
    patience: int = 1
    """How many times longer it is loaded than others: it serves so little that less would not tell."""


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """Run a Redis beside the load; yields its URL, or nothing where it is not installed."""
    if shutil.which("redis-server") is None:
        yield ""
        return
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with running(command, port, core=LOAD_CORE):
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def postgresql() -> Iterator[str]:
    """Run the PostgreSQL of the gateway's tests; yields its URL, or nothing where it is not installed."""
    try:
        server = PostgresServer()
    except RuntimeError:
        yield ""
        return
    with server:
        yield server.url()


def _nginx(place: Place, upstream: int) -> Any:
    port = free_port()
    return running(nginx.proxy(place.folder, port, upstream), port, core=CONTENDER_CORE)


def _naive(_: Place, upstream: int) -> Any:
    port = free_port()
    command = [sys.executable, str(HERE / "naive.py"), str(port), str(upstream)]
    return running(command, port, core=CONTENDER_CORE)


def gateway_config(
    port: int, upstream: int, place: Place, *, bare: bool = False, usage: bool = True, ticks: bool = False
) -> dict[str, Any]:
    """Return a configuration with every middleware on, or with none but those that let a request through.

    Without `usage` there are no usage records; with `ticks` the event loop's pauses are measured.
    """
    config: dict[str, Any] = {
        "listen": {"address": "127.0.0.1", "port": port, "backlog": 4096},
        "upstream": {"url": f"http://127.0.0.1:{upstream}"},
        "drain": {"timeout": 1},
        "log": {"level": "error"},
    }
    if not bare:
        store = "redis" if place.redis else "memory"
        config |= {
            "redis": {"enabled": bool(place.redis)},
            "metrics": {"enabled": True, "listen": {"port": 0}},
            "usage": {"enabled": usage and bool(place.database)},
            "cache": {"enabled": True, "store": store},
            "sessions": {"enabled": True, "store": store},
            "rate_limits": {"limits": _LIMITS},
        }
    else:
        config["middlewares"] = {"disable": [name for name in MIDDLEWARES if name != "path_gate"]}
    if ticks:
        config["middlewares"] = {"add": [{"factory": "benchmarks.ticking:measure", "before": "request_id"}]}
    return config


def gateway_command(
    place: Place, upstream: int, *, profile: Path | None = None, **options: bool
) -> tuple[list[str], int]:
    """Return the command of a gateway and its port; with `profile`, it samples itself into that file."""
    port = free_port()
    file = place.folder / f"gateway-{port}.yml"
    file.write_text(json.dumps(gateway_config(port, upstream, place, **options)))
    program = ["-m", "hx_gateway"] if profile is None else [str(HERE / "sampled.py"), str(profile)]
    return [sys.executable, *program, "--config", str(file)], port


def gateway_env(place: Place) -> dict[str, str]:
    """Return the environment in which a gateway finds its package and its servers."""
    env = {**os.environ, "PYTHONPATH": f"{SOURCE}:{HERE.parent}"}
    if place.redis:
        env["REDIS_URL"] = place.redis
    if place.database:
        env["DATABASE_URL"] = place.database
    return env


def start_gateway(
    place: Place,
    upstream: int,
    *,
    bare: bool = False,
    usage: bool = True,
    profile: Path | None = None,
    ticks: Path | None = None,
) -> Any:
    """Start a gateway; `profile` and `ticks` are files that it fills at its end."""
    command, port = gateway_command(place, upstream, profile=profile, bare=bare, usage=usage, ticks=ticks is not None)
    env = gateway_env(place)
    if ticks is not None:
        env[ticking.VARIABLE] = str(ticks)
    return running(command, port, core=CONTENDER_CORE, env=env, errors=place.folder / "gateway.log")


_LIMITS = [
    {"name": "requests", "count": "requests", "scope": ["key"], "amount": 1_000_000_000},
    {"name": "tokens", "count": "tokens", "scope": ["key", "model"], "amount": 1_000_000_000},
    {"name": "concurrent", "count": "concurrent", "scope": ["key"], "amount": 1_000_000},
    {"name": "all", "count": "requests", "scope": ["global"], "amount": 1_000_000_000},
]
"""Limits of every kind that no load reaches."""


def _bare_gateway(place: Place, upstream: int) -> Any:
    return start_gateway(place, upstream, bare=True)


def _litellm(place: Place, upstream: int) -> Any:
    port = free_port()
    file = place.folder / "litellm.yaml"
    host, _, number = place.redis.removeprefix("redis://").partition("/")[0].partition(":")
    parameters = {"model": "openai/gpt-bench", "api_base": f"http://127.0.0.1:{upstream}/v1", "api_key": "none"}
    cache = {"type": "redis", "host": host, "port": int(number), "ttl": 3600}
    file.write_text(
        json.dumps(
            {
                "model_list": [{"model_name": "gpt-bench", "litellm_params": parameters}],
                "litellm_settings": {"cache": True, "cache_params": cache},
                "general_settings": {"master_key": KEY},
            }
        )
    )
    assert place.litellm is not None
    return running(
        [place.litellm.parent / "litellm", "--config", str(file), "--host", "127.0.0.1", "--port", str(port)],
        port,
        core=CONTENDER_CORE,
        env={"LITELLM_LOG": "ERROR", "LITELLM_MODE": "PRODUCTION", "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        errors=place.folder / "litellm.log",
        within=180,
    )


NGINX = Contender("nginx", _nginx)
NAIVE = Contender("naive", _naive)
BARE = Contender("gateway-bare", _bare_gateway)
GATEWAY = Contender("gateway", start_gateway)
HIT = Contender("gateway-hit", start_gateway, same=True)
LITELLM = Contender("litellm-cache", _litellm, same=True, patience=6)


def chosen(place: Place, names: list[str] | None) -> tuple[list[Contender], list[str]]:
    """Return the contenders that can run, those of `names` if given, and a word on each that cannot."""
    found, words = [], []
    for contender in (NGINX, NAIVE, BARE, GATEWAY, HIT, LITELLM):
        if names and contender.name not in names:
            continue
        if contender is NGINX and not nginx.available():
            words.append("nginx is not installed: no ratios to it")
        elif contender is LITELLM and place.litellm is None:
            words.append("litellm-cache is left out: --litellm PYTHON names a Python that has LiteLLM")
        elif contender is LITELLM and not place.redis:
            words.append("litellm-cache is left out: there is no redis-server")
        else:
            found.append(contender)
    return found, words


__all__ = ["Contender", "Place", "Server", "chosen", "postgresql", "redis", "start_gateway"]

"""The `hx-gateway` command."""

from __future__ import annotations

import argparse
import asyncio
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from hx_gateway import __version__
from hx_gateway.admin.listener import AdminListenError
from hx_gateway.config import ConfigError, load
from hx_gateway.config.source import Source
from hx_gateway.life import serve
from hx_gateway.log import configure
from hx_gateway.metrics.listener import MetricsListenError
from hx_gateway.pipeline import check_factories
from hx_gateway.routes import describe
from hx_gateway.supervisor import supervise
from hx_gateway.tracing.extra import load_sender
from hx_gateway.worker import end_with_supervisor, worker_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hx_gateway.config import Config

EX_OK = 0
EX_FAILED = 1
EX_CONFIG = 78
"""sysexits.h: a service manager need not try again."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.command == "version":
        sys.stdout.write(f"hx-gateway {__version__}\n")
        return EX_OK
    path = getattr(arguments, "file", None) or arguments.config
    if path is None and arguments.upstream is None:
        parser.error("give --config FILE or --upstream URL")
    source = Source(path, partial(_read, path, arguments.upstream, arguments.listen))
    try:
        config = source.read()
        if arguments.check or arguments.command == "check":
            sys.stdout.write("configuration is valid\n")
            return EX_OK
        if arguments.command == "routes":
            sys.stdout.write(describe(config))
            return EX_OK
        return _run(config, source)
    except ConfigError as error:
        sys.stderr.write(f"hx-gateway: {error}\n")
        return EX_CONFIG


def _read(path: Path | None, upstream: str | None, listen: tuple[str, int] | None) -> Config:
    config = load(path, upstream_url=upstream, listen=listen)
    check_factories(config.middlewares)
    load_sender(config.tracing)
    return config


def _run(config: Config, source: Source) -> int:
    configure(config.log.level)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            if config.workers > 1 and worker_number() is None:
                return runner.run(supervise(config))
            end_with_supervisor()
            runner.run(serve(config, source))
    except OSError as error:
        reason = error.strerror or str(error)
        sys.stderr.write(f"hx-gateway: cannot listen on {config.listen.address} port {config.listen.port}: {reason}\n")
        return EX_FAILED
    except AdminListenError as error:
        sys.stderr.write(f"hx-gateway: cannot listen for the operator on {error}\n")
        return EX_FAILED
    except MetricsListenError as error:
        sys.stderr.write(f"hx-gateway: cannot listen for metrics on {error}\n")
        return EX_FAILED
    return EX_OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hx-gateway", description="Reverse proxy in front of LiteLLM.")
    parser.add_argument("--config", metavar="FILE", type=Path, help="configuration file (YAML)")
    parser.add_argument("--upstream", metavar="URL", help="LiteLLM's address, in place of upstream.url")
    parser.add_argument(
        "--listen", metavar="ADDRESS:PORT", type=_address, help="in place of listen.address and listen.port"
    )
    parser.add_argument("--check", action="store_true", help="check the configuration and exit")
    parser.add_argument("--version", action="version", version=f"hx-gateway {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", help="instead of serving:")
    check = commands.add_parser("check", help="check a configuration file")
    check.add_argument("file", metavar="CONFIG", type=Path)
    routes = commands.add_parser("routes", help="show the pipeline and the addresses it serves")
    routes.add_argument("file", metavar="CONFIG", type=Path, nargs="?")
    commands.add_parser("version", help="show the version")
    return parser


def _address(value: str) -> tuple[str, int]:
    address, colon, port = value.rpartition(":")
    if not colon or not port.isdecimal():
        raise argparse.ArgumentTypeError("must be ADDRESS:PORT")
    return address.removeprefix("[").removesuffix("]"), int(port)

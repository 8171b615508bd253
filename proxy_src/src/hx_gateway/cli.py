"""The `hx-gateway` command."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from hx_gateway import __version__
from hx_gateway.config import ConfigError, load
from hx_gateway.life import serve
from hx_gateway.log import configure
from hx_gateway.metrics.listener import MetricsListenError
from hx_gateway.pipeline import check_factories

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
    if arguments.config is None and arguments.upstream is None:
        parser.error("give --config FILE or --upstream URL")
    try:
        config = load(arguments.config, upstream_url=arguments.upstream, listen=arguments.listen)
        check_factories(config.middlewares)
        if arguments.check:
            sys.stdout.write("configuration is valid\n")
            return EX_OK
        return _run(config)
    except ConfigError as error:
        sys.stderr.write(f"hx-gateway: {error}\n")
        return EX_CONFIG


def _run(config: Config) -> int:
    configure(config.log.level)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(config))
    except OSError as error:
        sys.stderr.write(
            f"hx-gateway: cannot listen on {config.listen.address} port {config.listen.port}: {error.strerror}\n"
        )
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
    return parser


def _address(value: str) -> tuple[str, int]:
    address, colon, port = value.rpartition(":")
    if not colon or not port.isdecimal():
        raise argparse.ArgumentTypeError("must be ADDRESS:PORT")
    return address.removeprefix("[").removesuffix("]"), int(port)

"""Measure the gateway against nginx, a naive aiohttp proxy and LiteLLM.

python -m benchmarks [--rounds N] [--only PART ...]   in proxy_src/, or `make bench` above it
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import uvloop

from benchmarks import contenders, machine, parts
from benchmarks.processes import LOAD_CORE


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds; figures are medians (default 5)")
    parser.add_argument("--seconds", type=float, default=2, help="of each load (default 2)")
    parser.add_argument("--only", nargs="+", choices=list(parts.PARTS), help="parts to run; all by default")
    parser.add_argument("--contenders", nargs="+", metavar="NAME", help="contenders to run; all that can by default")
    parser.add_argument("--litellm", type=Path, metavar="PYTHON", help="a Python that has LiteLLM and Redis's client")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every single value there")
    parser.add_argument(
        "--check", action="store_true", help="run everything once, as short as can be: figures mean nothing"
    )
    return parser.parse_args()


async def _run(arguments: argparse.Namespace) -> dict[str, object]:
    found: dict[str, object] = {"machine": machine.describe()}
    for name, word in machine.describe().items():
        print(f"{name:14}{word}", flush=True)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hx-bench-")))
        url = stack.enter_context(contenders.redis(folder))
        database = stack.enter_context(contenders.postgresql())
        place = contenders.Place(folder, url, database, arguments.litellm)
        if not url:
            print(
                "redis-server is not installed: the gateway keeps cache, limits and sessions in its memory", flush=True
            )
        if not database:
            print("postgresql is not installed: the gateway keeps no usage records", flush=True)
        chosen, words = contenders.chosen(place, arguments.contenders)
        for word in words:
            print(word, flush=True)
        size = parts.CHECK if arguments.check else parts.Size(arguments.rounds, arguments.seconds)
        for name, part in parts.PARTS.items():
            if arguments.only is None or name in arguments.only:
                print(f"\n## {name}\n", flush=True)
                found[name] = await part(place, chosen, size)
    return found


def main() -> int:
    """Run the parts asked for."""
    arguments = _arguments()
    os.sched_setaffinity(0, {LOAD_CORE})  # the streams' clients and their upstream run in this process
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(_run(arguments))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The parts of the benchmark: each runs its contenders in turns and prints a table."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from benchmarks import closed_loop, events, memory, nginx, open_loop, streams
from benchmarks.contenders import GATEWAY, start_gateway
from benchmarks.processes import LOAD_CORE, Server, free_port, running
from benchmarks.report import Samples, table

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from benchmarks.contenders import Contender, Place

    Part = Callable[["Place", Sequence[Contender], "Size"], Awaitable[object]]

RATE = 2000
"""Requests a second of the open loop."""


@dataclass(frozen=True)
class Size:
    """How much is done."""

    rounds: int = 5
    seconds: float = 2
    connections: tuple[int, ...] = (1, 32, 256)
    streams: int = 200
    events_rate: int = 5000
    slow_streams: int = 1000
    slow_every: float = 1.5
    leaves: int = 50
    requests: int = 100_000
    aborted: int = 10_000
    open_seconds: float = 5
    settle: float = 1


CHECK = Size(1, 1, (4,), 10, 500, 20, 0.3, 2, 200, 100, 0.5, 0.1)


async def closed(place: Place, contenders: Sequence[Contender], size: Size) -> object:
    """Measure CPU a request in a closed loop, which tells the throughput of a core."""
    if not closed_loop.available():
        print("left out: wrk is not installed", flush=True)
        return None
    samples = Samples()
    async with _all(place, contenders, size) as (servers, _):
        for _ in range(size.rounds):
            for connections in size.connections:
                for contender, server in servers:
                    done = await asyncio.to_thread(
                        closed_loop.load,
                        place.folder,
                        server,
                        connections,
                        size.seconds * contender.patience,
                        same=contender.same,
                    )
                    if done.failed or not done.requests:
                        raise RuntimeError(f"{contender.name}: {done.failed} of {done.requests} requests failed")
                    name = (contender.name, str(connections))
                    samples.add(*name, "cpu_us", value=done.cpu_us)
                    samples.add(*name, "rate", value=done.requests / done.seconds)
                    samples.add(*name, "p50", value=float(done.p50))
                    samples.add(*name, "p99", value=float(done.p99))
    head = (
        "contender",
        "clients",
        "CPU us/request",
        "of nginx",
        "x naive",
        "spread %",
        "requests/s",
        "p50 us",
        "p99 us",
    )
    rows = []
    for connections in size.connections:
        for contender in contenders:
            name = (contender.name, str(connections))
            cpu = samples.median(*name, "cpu_us")
            rows.append(
                (
                    contender.name,
                    connections,
                    cpu,
                    samples.median("nginx", str(connections), "cpu_us") / cpu,
                    samples.median("naive", str(connections), "cpu_us") / cpu,
                    samples.spread(*name, "cpu_us"),
                    *[samples.median(*name, value) for value in ("rate", "p50", "p99")],
                )
            )
    print(table(head, rows), flush=True)
    return samples.as_json()


async def opened(place: Place, contenders: Sequence[Contender], size: Size) -> object:
    """Measure the latency a contender adds at a fixed rate."""
    if not open_loop.available():
        print("left out: there is no C compiler", flush=True)
        return None
    samples = Samples()
    able = [contender for contender in contenders if contender.name != "litellm-cache"]
    async with _all(place, able, size) as (servers, upstream):
        ports = [("direct", upstream, False), *[(made.name, server.port, made.same) for made, server in servers]]
        for _ in range(size.rounds):
            for name, port, same in ports:
                done = await asyncio.to_thread(open_loop.load, place.folder, port, RATE, size.open_seconds, same=same)
                for key, value in asdict(done).items():
                    samples.add(name, key, value=value)
                samples.add(name, "failed", value=done.failed)
    rows = []
    for name, _, _ in ports:
        added = [samples.median(name, key) - samples.median("direct", key) for key in ("p50", "p99")]
        by_nginx = [samples.median("nginx", key) - samples.median("direct", key) for key in ("p50", "p99")]
        ratios = [mine / its if name != "direct" else float("nan") for mine, its in zip(added, by_nginx, strict=True)]
        totals = [samples.median(name, key) for key in ("p50", "p99", "failed")]
        rows.append((name, *totals, *added, *ratios))
    head = ("contender", "p50 us", "p99 us", "failed", "added p50", "added p99", "p50 of nginx's", "p99 of nginx's")
    print(table(head, rows), flush=True)
    return samples.as_json()


async def streamed(place: Place, contenders: Sequence[Contender], size: Size) -> object:
    """Measure what Server-Sent Events cost."""
    samples = Samples()
    plan = events.Plan()
    able = [contender for contender in contenders if contender.name != "litellm-cache" and not contender.same]
    async with events.upstream(plan) as upstream, AsyncExitStack() as stack:
        servers = [(made, await stack.enter_async_context(_beside(made.start(place, upstream)))) for made in able]
        for contender, server in servers:  # first, while nothing else has grown it
            megabytes = await streams.memory(server, plan, streams=size.slow_streams, every=size.slow_every)
            samples.add(contender.name, "memory", value=megabytes)
        for _ in range(size.rounds):
            for contender, server in servers:
                cost = await streams.cost(
                    server, plan, streams=size.streams, rate=size.events_rate, seconds=size.seconds
                )
                samples.add(contender.name, "cpu_us", value=cost.cpu_us)
                samples.add(contender.name, "delay", value=cost.delay_us)
                samples.add(contender.name, "broken", value=cost.broken)
        for contender, server in servers:
            for silent in (False, True):
                gone = await streams.client_gone(server, plan, times=size.leaves, silent=silent)
                samples.add(contender.name, f"gone{silent}", value=gone.median)
                samples.add(contender.name, f"worst{silent}", value=gone.worst)
    rows = [
        (
            made.name,
            samples.median(made.name, "cpu_us"),
            samples.median(made.name, "cpu_us") / samples.median("nginx", "cpu_us"),
            *[samples.median(made.name, key) for key in ("delay", "memory", "goneFalse", "worstFalse", "goneTrue")],
        )
        for made in able
    ]
    head = (
        *("contender", "CPU us/event", "of nginx's", "delay us", f"MB for {size.slow_streams} streams"),
        *("client gone ms", "worst ms", "before an answer ms"),
    )
    print(table(head, rows), flush=True)
    return samples.as_json()


async def grown(place: Place, contenders: Sequence[Contender], size: Size) -> object:
    """Measure whether the gateway's memory grows."""
    if GATEWAY not in contenders:
        return None
    found: dict[str, Any] = {}
    if closed_loop.available():
        async with _all(place, [GATEWAY], size) as (servers, _):
            found["requests"] = asdict(await memory.over_requests(place.folder, servers[0][1], size.requests))
    plan = events.Plan()
    async with events.upstream(plan) as upstream, _beside(GATEWAY.start(place, upstream)) as server:
        found["aborted streams"] = asdict(await memory.over_aborted_streams(server, plan, size.aborted))
    rows = [(name, *growth.values()) for name, growth in found.items()]
    print(table(("over", "served", "MB at the start", "MB at the end", "slope %"), rows), flush=True)
    return found


async def profiled(place: Place, contenders: Sequence[Contender], size: Size) -> object:
    """Sample where the gateway's time goes."""
    if GATEWAY not in contenders or not closed_loop.available():
        return None
    file = place.folder / "profile.json"
    async with _upstream(place) as upstream, _beside(start_gateway(place, upstream, profile=file)) as server:
        await asyncio.to_thread(closed_loop.load, place.folder, server, 32, size.seconds * 5, same=False)
    found: dict[str, Any] = json.loads(file.read_text())
    for key, head in (("rooms", "in or called from"), ("functions", "at work itself")):
        print(table((head, "%"), [(name, share * 100) for name, share in found[key].items()]) + "\n", flush=True)
    return found


PARTS: dict[str, Part] = {
    "requests": closed,
    "latency": opened,
    "streams": streamed,
    "memory": grown,
    "profile": profiled,
}


@asynccontextmanager
async def _upstream(place: Place) -> AsyncIterator[int]:
    """Serve 1 KiB to every request: nginx, or this process where there is none."""
    if nginx.available():
        port = free_port()
        async with _beside(running(nginx.upstream(place.folder, port), port, core=LOAD_CORE)):
            yield port
    else:
        async with events.upstream(events.Plan()) as port:
            yield port


@asynccontextmanager
async def _all(
    place: Place, contenders: Sequence[Contender], size: Size
) -> AsyncIterator[tuple[list[tuple[Contender, Server]], int]]:
    async with _upstream(place) as upstream, AsyncExitStack() as stack:
        servers = [(made, await stack.enter_async_context(_beside(made.start(place, upstream)))) for made in contenders]
        if closed_loop.available() and size is not CHECK:
            for contender, server in servers:
                await asyncio.to_thread(
                    closed_loop.load, place.folder, server, 8, contender.patience, same=contender.same
                )
        yield servers, upstream


@asynccontextmanager
async def _beside(process: Any) -> AsyncIterator[Server]:
    """Enter and leave without holding up what runs in this process."""
    server = await asyncio.to_thread(process.__enter__)
    try:
        yield server
    finally:
        await asyncio.to_thread(process.__exit__, None, None, None)

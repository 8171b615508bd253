"""What Server-Sent Events cost."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from benchmarks import events, streams
from benchmarks.parts.around import beside
from benchmarks.report import Samples, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.contenders import Contender, Place
    from benchmarks.parts.size import Size


async def streamed(place: Place, contenders: Sequence[Contender], size: Size) -> object:
    """Measure what Server-Sent Events cost."""
    samples = Samples()
    plan = events.Plan()
    able = [contender for contender in contenders if contender.name != "litellm-cache" and not contender.same]
    async with events.upstream(plan) as upstream, AsyncExitStack() as stack:
        servers = [(made, await stack.enter_async_context(beside(made.start(place, upstream)))) for made in able]
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

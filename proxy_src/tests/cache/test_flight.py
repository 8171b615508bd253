"""Those who ask the same at the same time."""

from __future__ import annotations

import asyncio

from hx_gateway.cache.flight import Fate, Flights


async def test_followers_get_what_the_leader_brings() -> None:
    flights = Flights()
    flight = flights.start("a", "k")
    assert flights.get("a") is flight
    assert flights.get("b") is None
    waiting = [asyncio.create_task(flight.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    flights.end("a", flight, Fate.ALONE)
    flight.land(Fate.LEFT)
    assert await asyncio.gather(*waiting[1:]) == [Fate.ALONE, Fate.ALONE]
    assert flights.get("a") is None


async def test_a_second_flight_does_not_take_the_place_of_the_first() -> None:
    flights = Flights()
    first, second = flights.start("a", "k"), flights.start("a", "k")
    assert flights.get("a") is first
    flights.end("a", second, Fate.ALONE)
    assert flights.get("a") is first


async def test_nobody_joins_after_a_purge() -> None:
    flights = Flights()
    flight = flights.start("a", "k")
    flights.forget()
    assert flights.get("a") is None
    flights.end("a", flight, Fate.ALONE)
    assert await flight.wait() is Fate.ALONE

"""The response cache through a whole gateway, in front of a server that answers as LiteLLM does."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from redis_server import RedisServer
from running import gateway
from wire import Answer, chunk, client, read_chunks, reply, request, upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from wire import Client, Seen, Upstream

CHAT = "/v1/chat/completions"
JSON = "Content-Type: application/json"
TOOLS = {"choices": [{"message": {"tool_calls": [{"id": "c"}]}, "finish_reason": "tool_calls"}]}


@dataclass
class LiteLLM:
    """Answers each call with its number; knows keys and the models of each."""

    keys: dict[str, set[str]] = field(default_factory=lambda: {"sk-a": {"m", "n"}, "sk-b": {"m"}})
    calls: int = 0
    asked: int = 0
    status: int = 200
    body: Any = None
    events: int = 3
    pause: float = 0
    hold: asyncio.Event | None = None
    hold_after: int = 0
    """Events of a stream that are sent before `hold` is waited for."""
    broken: bool = False
    last: bytes = b"data: [DONE]\n\n"

    async def __call__(self, seen: Seen, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        allowed = self.keys.get((seen.get("Authorization") or "").removeprefix("Bearer "))
        if seen.target == "/v1/models":
            self.asked += 1
            listed = orjson.dumps({"data": [{"id": model} for model in allowed or ()]})
            writer.write(reply(200, listed, [JSON]) if allowed is not None else reply(401, b'{"error":{}}', [JSON]))
            return
        self.calls += 1
        number = self.calls
        document = orjson.loads(seen.body)
        if allowed is None or document["model"] not in allowed:
            writer.write(reply(401 if allowed is None else 403, b'{"error":{}}', [JSON]))
        elif document.get("stream"):
            await self.stream(number, writer)
        else:
            if self.hold is not None:
                await self.hold.wait()
            await asyncio.sleep(self.pause)
            headers = [JSON, f"x-litellm-call-id: c{number}", "x-litellm-response-cost: 0.1", "Set-Cookie: a=b"]
            body = self.body if self.body is not None else {"n": number, "usage": {"prompt_tokens": 1}}
            writer.write(reply(self.status, orjson.dumps(body), headers))

    async def stream(self, number: int, writer: asyncio.StreamWriter) -> None:
        head = reply(200, b"", ["Content-Type: text/event-stream", "Transfer-Encoding: chunked"], length=False)
        writer.write(head)
        for index in range(self.events):
            if self.hold is not None and index == self.hold_after:
                await self.hold.wait()
            writer.write(chunk(f'data: {{"n":{number},"i":{index}}}\n\n'.encode()))
            await writer.drain()
            await asyncio.sleep(0.01)
        if self.broken:
            writer.close()
            return
        if self.last:
            writer.write(chunk(self.last))
        writer.write(chunk(b""))


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with RedisServer() as made:
        yield made


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest, redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("REDIS_URL", redis.url)
    redis.admin().flushall()
    return str(request.param)


@dataclass
class House:
    port: int
    litellm: LiteLLM
    server: Upstream
    log: list[dict[str, Any]] = field(default_factory=list)

    async def ask(self, *headers: str, key: str = "sk-a", target: str = CHAT, **document: Any) -> Answer:
        async with client(self.port) as connection:
            await connection.send(self.request(*headers, key=key, target=target, **document))
            return await connection.answer()

    def request(self, *headers: str, key: str = "sk-a", target: str = CHAT, **document: Any) -> bytes:
        body = {"model": "m", "temperature": 0, "messages": [], **document}
        credential = [f"Authorization: Bearer {key}"] if key else []
        return request(target, "POST", [JSON, *credential, *headers], orjson.dumps(body))


@asynccontextmanager
async def house(litellm: LiteLLM | None = None, store: str = "memory", **cache: Any) -> AsyncIterator[House]:
    litellm = litellm or LiteLLM()
    async with upstream(litellm) as server:
        sections = {"cache": {"enabled": True, "store": store, **cache}, "redis": {"enabled": store == "redis"}}
        async with gateway(server.url, **sections) as running:
            made = House(running.port, litellm, server)
            yield made
        made.log += running.log()


def labels(answers: list[Answer]) -> list[str | None]:
    return [answer.get("x-hx-cache") for answer in answers]


async def test_the_second_answer_is_the_first(store: str) -> None:
    async with house(store=store) as made:
        first, second = await made.ask("x-request-id: one"), await made.ask("x-request-id: two")
    assert labels([first, second]) == ["miss", "hit"]
    assert (first.body, first.status) == (second.body, second.status)
    assert (first.get("age"), second.get("age")) == (None, "0")
    assert (first.get("x-request-id"), second.get("x-request-id")) == ("one", "two")
    assert first.get("x-litellm-call-id") == "c1"
    for name in ("x-litellm-call-id", "x-litellm-response-cost", "Set-Cookie"):
        assert second.get(name) is None
    assert second.get("Content-Type") == "application/json"
    assert (made.litellm.calls, made.litellm.asked) == (1, 0)  # the first answer has proven the key good
    assert [line["cache"] for line in made.log] == ["miss", "hit"]


async def test_embeddings_and_completions_are_kept_messages_are_not(store: str) -> None:
    async with house(store=store) as made:
        for target, expected in (("/v1/embeddings", "hit"), ("/v1/completions", "hit"), ("/v1/messages", None)):
            answers = [await made.ask(target=target, input="x") for _ in range(2)]
            assert answers[1].get("x-hx-cache") == expected
        other = await made.ask(target="/v1/embeddings", input="y", temperature=None)
        assert other.get("x-hx-cache") == "miss"


async def test_another_key_never_gets_the_answer(store: str) -> None:
    async with house(store=store) as made:
        assert labels([await made.ask(key="sk-a"), await made.ask(key="sk-b"), await made.ask(key="sk-b")]) == [
            "miss",
            "miss",
            "hit",
        ]
        nobody = await made.ask(key="")
        assert (nobody.status, nobody.get("x-hx-cache")) == (401, "bypass")


async def test_shared_models_are_shared_among_keys_that_may_use_them(store: str) -> None:
    async with house(store=store, shared_models=["m", "n"]) as made:
        await made.ask(key="sk-a")
        assert labels([await made.ask(key="sk-b")]) == ["hit"]
        assert made.litellm.asked == 1
        await made.ask(key="sk-a", model="n")
        refused = await made.ask(key="sk-b", model="n")
        assert (refused.status, refused.get("x-hx-cache")) == (403, "miss")
        unknown = await made.ask(key="sk-c")
        assert (unknown.status, unknown.get("x-hx-cache")) == (401, "bypass")


async def test_a_revoked_key_stops_hitting_within_auth_ttl(store: str) -> None:
    async with house(store=store, auth_ttl=0.2) as made:
        await made.ask()
        assert labels([await made.ask()]) == ["hit"]
        del made.litellm.keys["sk-a"]
        await asyncio.sleep(0.25)
        for _ in range(2):
            answer = await made.ask()
            assert (answer.status, answer.get("x-hx-cache")) == (401, "bypass")
        assert made.litellm.calls == 3


async def test_a_key_that_lost_a_model_stops_hitting_within_auth_ttl(store: str) -> None:
    async with house(store=store, auth_ttl=0.2) as made:
        await made.ask()
        made.litellm.keys["sk-a"] = {"n"}
        await asyncio.sleep(0.25)
        for _ in range(2):
            answer = await made.ask()
            assert (answer.status, answer.get("x-hx-cache")) == (403, "miss")


async def test_a_good_key_is_asked_for_once_each_auth_ttl() -> None:
    async with house(auth_ttl=0.2) as made:
        await made.ask()
        await asyncio.sleep(0.25)
        answers = await asyncio.gather(*(made.ask() for _ in range(10)))
        assert labels(answers) == ["hit"] * 10
        assert (made.litellm.calls, made.litellm.asked) == (1, 1)


async def test_a_401_elsewhere_is_enough() -> None:
    async with house() as made:
        await made.ask()
        del made.litellm.keys["sk-a"]
        assert (await made.ask(temperature=1)).status == 401
        assert (await made.ask()).status == 401


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"status": 429}, "miss"),
        ({"status": 500}, "miss"),
        ({"status": 400}, "miss"),
        ({"body": TOOLS}, "miss"),
        ({"body": {"error": {"message": "x"}}}, "miss"),
        ({"body": {"x": "y" * 5000}}, "miss"),
        ({"body": {"x": "y" * 3000}}, "hit"),
    ],
)
async def test_what_is_kept(change: dict[str, Any], expected: str, store: str) -> None:
    async with house(LiteLLM(**change), store, max_entry=4096) as made:
        await made.ask()
        second = await made.ask()
        assert second.get("x-hx-cache") == expected
        assert made.litellm.calls == (1 if expected == "hit" else 2)


async def test_what_clients_ask_of_caches(store: str) -> None:
    async with house(store=store) as made:
        assert (await made.ask("Cache-Control: only-if-cached")).status == 504
        assert orjson.loads((await made.ask("Cache-Control: only-if-cached")).body)["error"]["code"] == "not_cached"
        assert (await made.ask("Cache-Control: only-if-cached", temperature=1)).status == 504
        assert labels([await made.ask("Cache-Control: no-store"), await made.ask()]) == ["bypass", "miss"]
        assert labels([await made.ask("Cache-Control: only-if-cached")]) == ["hit"]
        assert labels([await made.ask("Cache-Control: max-age=100")]) == ["hit"]
        assert made.litellm.calls == 2
        fresh = await made.ask("Cache-Control: no-cache")
        assert (fresh.get("x-hx-cache"), orjson.loads(fresh.body)["n"]) == ("miss", 3)
        assert orjson.loads((await made.ask()).body)["n"] == 3
        await asyncio.sleep(0.01)
        assert labels([await made.ask("Cache-Control: max-age=0")]) == ["miss"]


async def test_kept_because_the_client_asked() -> None:
    async with house() as made:
        assert labels([await made.ask(temperature=1)]) == ["bypass"]
        assert labels([await made.ask("X-HX-Cache: store", temperature=1) for _ in range(2)]) == ["miss", "hit"]
        assert {seen.get("x-hx-cache") for seen in made.server.seen} == {None}


async def test_time_by_model(store: str) -> None:
    rules = [{"model": "m", "ttl": 0.2}, {"model": "n", "ttl": 0}]
    async with house(store=store, ttl_by_model=rules) as made:
        assert labels([await made.ask() for _ in range(2)]) == ["miss", "hit"]
        await asyncio.sleep(0.25)
        assert labels([await made.ask()]) == ["miss"]
        assert labels([await made.ask(model="n") for _ in range(2)]) == ["bypass"] * 2


async def chunks(connection: Client) -> tuple[Answer, list[bytes]]:
    head = await connection.head()
    return head, [piece async for piece in read_chunks(connection.reader)]


async def test_a_stream_is_replayed_as_a_stream_in_its_pieces(store: str) -> None:
    async with house(store=store) as made:
        found = []
        for _ in range(2):
            async with client(made.port) as connection:
                await connection.send(made.request(stream=True))
                found.append(await chunks(connection))
        (first, pieces), (second, replayed) = found
        assert labels([first, second]) == ["miss", "hit"]
        assert second.get("Content-Type") == "text/event-stream"
        assert len(pieces) == 4
        assert replayed == pieces
        assert labels([await made.ask()]) == ["miss"]  # the same, not as a stream, is another answer


@pytest.mark.parametrize(
    "change",
    [
        {"last": b""},
        {"last": b'data: {"error":{"message":"x"}}\n\ndata: [DONE]\n\n'},
        {"last": b'data: {"choices":[{"delta":{"tool_calls":[{"index":0}]}}]}\n\ndata: [DONE]\n\n'},
        {"events": 200},
    ],
)
async def test_streams_that_are_not_kept(change: dict[str, Any]) -> None:
    async with house(LiteLLM(**change), max_entry=2048) as made:
        answers = [await made.ask(stream=True) for _ in range(2)]
        assert labels(answers) == ["miss", "miss"]
        assert answers[0].body.count(b"data: ") >= made.litellm.events


async def test_a_stream_that_broke_off_is_not_kept() -> None:
    async with house(LiteLLM(broken=True)) as made:
        for _ in range(2):
            with pytest.raises(asyncio.IncompleteReadError):
                await made.ask(stream=True)
        assert made.litellm.calls == 2


async def test_identical_misses_go_upstream_once(store: str) -> None:
    async with house(LiteLLM(pause=0.1), store) as made:
        answers = await asyncio.gather(*(made.ask() for _ in range(20)), *(made.ask(key="sk-b") for _ in range(5)))
        assert sorted(str(label) for label in labels(list(answers))) == ["hit"] * 23 + ["miss"] * 2
        assert made.litellm.calls == 2
        assert len({answer.body for answer in answers[:20]}) == 1
        assert len({answer.get("x-request-id") for answer in answers}) == 25


async def test_identical_streams_go_upstream_once_also_for_who_comes_late() -> None:
    hold = asyncio.Event()
    async with house(LiteLLM(hold=hold, hold_after=2)) as made:
        early = [asyncio.create_task(made.ask(stream=True)) for _ in range(3)]
        await asyncio.sleep(0.1)
        async with client(made.port) as late:
            await late.send(made.request(stream=True))
            head = await late.head()
            assert (head.status, head.get("x-hx-cache")) == (200, "hit")
            pieces = read_chunks(late.reader)
            assert b'"i":0' in await anext(pieces)
            hold.set()
            rest = b"".join([piece async for piece in pieces])
        answers = await asyncio.gather(*early)
        assert made.litellm.calls == 1
        assert len({answer.body for answer in answers}) == 1
        assert answers[0].body.endswith(rest)
        assert labels([await made.ask(stream=True)]) == ["hit"]


async def test_a_leader_that_leaves_before_its_answer_fails_nobody() -> None:
    async with house(LiteLLM(pause=0.2)) as made:
        async with client(made.port) as leader:
            await leader.send(made.request())
            await asyncio.sleep(0.05)
            followers = [asyncio.create_task(made.ask()) for _ in range(5)]
            await asyncio.sleep(0.05)
            leader.abort()
        answers = await asyncio.gather(*followers)
        assert [answer.status for answer in answers] == [200] * 5
        assert sorted(str(label) for label in labels(answers)) == ["hit"] * 4 + ["miss"]
        assert made.litellm.calls == 2


async def test_a_leader_that_leaves_its_stream_fails_nobody() -> None:
    hold = asyncio.Event()
    async with house(LiteLLM(hold=hold, hold_after=1)) as made:
        async with client(made.port) as leader:
            await leader.send(made.request(stream=True))
            await leader.head()
            follower = asyncio.create_task(made.ask(stream=True))
            await asyncio.sleep(0.1)
            leader.abort()
        await asyncio.sleep(0.05)
        hold.set()
        answer = await follower
        assert answer.body.endswith(made.litellm.last)
        assert (made.litellm.calls, answer.get("x-hx-cache")) == (1, "hit")
        assert labels([await made.ask(stream=True)]) == ["hit"]


async def test_when_all_have_left_the_upstream_is_told_at_once() -> None:
    async with house(LiteLLM(hold=asyncio.Event(), hold_after=1)) as made:
        async with client(made.port) as first, client(made.port) as second:
            for connection in (first, second):
                await connection.send(made.request(stream=True))
                await connection.head()
            first.abort()
            second.abort()
        async with asyncio.timeout(0.5):
            await made.server.gone.wait()
        assert made.litellm.calls == 1


async def test_a_leader_that_fails_does_not_fail_the_others() -> None:
    class FailsOnce(LiteLLM):
        async def __call__(self, seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if self.calls == 0:
                self.calls += 1
                await asyncio.sleep(0.1)
                writer.close()
                return
            await super().__call__(seen, reader, writer)

    async with house(FailsOnce()) as made:
        answers = await asyncio.gather(*(made.ask() for _ in range(5)))
        assert sorted(answer.status for answer in answers) == [200] * 4 + [502]


async def test_an_error_is_not_shared() -> None:
    async with house(LiteLLM(status=429, pause=0.1)) as made:
        answers = await asyncio.gather(*(made.ask() for _ in range(4)))
        assert [answer.status for answer in answers] == [429] * 4
        assert made.litellm.calls == 4


async def test_who_wants_a_fresh_answer_follows_nobody() -> None:
    async with house(LiteLLM(pause=0.1)) as made:
        first = asyncio.create_task(made.ask())
        await asyncio.sleep(0.05)
        fresh = await asyncio.gather(*(made.ask("Cache-Control: no-cache") for _ in range(3)))
        assert labels([await first, *fresh]) == ["miss"] * 4
        assert made.litellm.calls == 4


async def test_shared_models_are_shared_at_the_same_time_by_keys_that_may_use_them() -> None:
    async with house(LiteLLM(pause=0.2), shared_models=["*"]) as made:
        leader = asyncio.create_task(made.ask(model="n"))
        await asyncio.sleep(0.05)
        answers = await asyncio.gather(made.ask(model="n", key="sk-b"), made.ask(model="n", key="sk-c"))
        assert [answer.status for answer in answers] == [403, 401]
        assert (await leader).status == 200
        made.litellm.keys["sk-d"] = {"m"}
        leader = asyncio.create_task(made.ask(model="m"))
        await asyncio.sleep(0.05)
        follower = await made.ask(model="m", key="sk-d")
        assert (follower.status, follower.get("x-hx-cache"), follower.body) == (200, "hit", (await leader).body)


async def test_a_stream_too_large_to_be_joined_late_is_asked_for_again() -> None:
    hold = asyncio.Event()
    async with house(LiteLLM(events=60, hold=hold, hold_after=59), max_entry=1024) as made:
        leader = asyncio.create_task(made.ask(stream=True))
        await asyncio.sleep(1)
        late = asyncio.create_task(made.ask(stream=True))
        await asyncio.sleep(0.1)
        hold.set()
        answers = [await leader, await late]
        assert labels(answers) == ["miss", "miss"]
        assert [answer.body.count(b"data: {") for answer in answers] == [60, 60]


async def test_a_large_json_answer_in_pieces_is_kept_whole() -> None:
    big = {"x": "y" * 300_000}
    async with house(LiteLLM(body=big)) as made:
        answers = await asyncio.gather(*(made.ask() for _ in range(3)))
        last = await made.ask()
        assert {answer.body for answer in [*answers, last]} == {orjson.dumps(big)}
        assert made.litellm.calls == 1
        assert last.get("x-hx-cache") == "hit"


@pytest.mark.parametrize("how", ["unreachable", "error"])
async def test_stale_answers_while_the_upstream_fails(how: str, store: str) -> None:
    async with house(store=store, ttl=0.1, auth_ttl=0.1, stale_if_error=30) as made:
        await made.ask()
        await asyncio.sleep(0.2)
        if how == "error":
            made.litellm.status = 503
        else:
            made.litellm.keys = {}
            made.server.play = _gone
        answer = await made.ask()
        assert (answer.status, answer.get("x-hx-cache"), answer.get("age")) == (200, "stale", "0")
        assert (await made.ask("Cache-Control: max-age=0")).status in {502, 503}
        assert (await made.ask("Cache-Control: no-cache")).status in {502, 503}
        assert (await made.ask(key="sk-b")).status in {502, 503}


async def _gone(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def test_without_stale_if_error_a_failure_is_one() -> None:
    async with house(ttl=0.1) as made:
        await made.ask()
        await asyncio.sleep(0.2)
        made.server.play = _gone
        assert (await made.ask()).status == 502


async def test_a_key_refused_meanwhile_gets_no_stale_answer() -> None:
    async with house(ttl=0.1, auth_ttl=0.1, stale_if_error=30) as made:
        await made.ask()
        await asyncio.sleep(0.2)
        made.litellm.keys = {}
        assert (await made.ask()).status == 401
        made.server.play = _gone
        assert (await made.ask()).status == 502


async def test_redis_that_goes_away_fails_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    with RedisServer() as server:
        monkeypatch.setenv("REDIS_URL", server.url)
        async with house(store="redis") as made:
            assert labels([await made.ask() for _ in range(2)]) == ["miss", "hit"]
            server.kill()
            await asyncio.sleep(0.05)
            answers = [await made.ask() for _ in range(3)]
            assert [answer.status for answer in answers] == [200] * 3
            assert labels(answers) == ["miss"] * 3


async def test_it_is_off_unless_configured() -> None:
    litellm = LiteLLM()
    async with upstream(litellm) as server, gateway(server.url) as running:
        made = House(running.port, litellm, server)
        assert labels([await made.ask() for _ in range(2)]) == [None, None]
        assert litellm.calls == 2

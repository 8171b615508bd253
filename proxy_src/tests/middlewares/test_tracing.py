"""Spans as a collector gets them."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from hx_gateway import __version__
from scrape import samples, value

from collector import attributes, collector, section
from running import environment, gateway, process, run
from wire import ask, chunk, client, reply, request, say, upstream

if TYPE_CHECKING:
    from wire import Seen

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
SAMPLED = f"traceparent: 00-{TRACE}-{PARENT}-01"
UNSAMPLED = f"traceparent: 00-{TRACE}-{PARENT}-00"
KEY = "Authorization: Bearer sk-secret-of-a-client"
CHAT = "/v1/chat/completions"
JSON = "Content-Type: application/json"
EVENTS = "Content-Type: text/event-stream"
USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}


def chat(*headers: str, target: str = CHAT, **fields: Any) -> bytes:
    body = json.dumps({"model": "gpt-x", "messages": [{"role": "user", "content": "the-prompt"}], **fields})
    return request(target, "POST", [KEY, JSON, *headers], body.encode())


def answered(**fields: Any) -> bytes:
    return reply(200, json.dumps({"choices": [], "usage": USAGE, **fields}).encode(), [JSON])


def parts(seen: Seen) -> tuple[str, str]:
    """Return the trace and the span that an upstream was told are its parent's."""
    (value,) = seen.all("traceparent")
    return value[3:35], value[36:52]


async def test_a_json_answer_is_a_span_between_the_clients_and_the_upstreams() -> None:
    async with collector() as spans, upstream(say(answered())) as up, gateway(up.url, tracing=spans.settings()) as gw:
        asked = chat(SAMPLED, "X-Request-Id: named-by-client", target=f"{CHAT}?api-version=1")
        assert (await ask(gw.port, asked)).status == 200
        (span,) = await spans.wait_for(1)
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
    assert (span.trace_id.hex(), span.span_id.hex()) == parts(up.seen[0])
    assert (span.name, span.kind) == (f"POST {CHAT}", Span.SPAN_KIND_SERVER)
    assert span.status.code == Status.STATUS_CODE_UNSET
    assert 0 < span.end_time_unix_nano - span.start_time_unix_nano < 10e9
    assert attributes(span) == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "http.route": CHAT,
        "url.path": CHAT,
        "url.scheme": "http",
        "server.address": "gateway",
        "client.address": "127.0.0.1",
        "network.protocol.version": "1.1",
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-x",
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 3,
        "hx.request_id": "named-by-client",
        "hx.upstream": f"127.0.0.1:{up.port}",
    }


async def test_the_service_is_named_and_nothing_secret_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20collectors,x-tenant=team")
    async with collector() as spans, upstream(say(answered())) as up:
        async with gateway(up.url, tracing=spans.settings(service_name="gw-7")) as gw:
            await ask(gw.port, chat(SAMPLED))
            await spans.wait_for(1)
    (exported,) = spans.server.seen
    assert (exported.first, exported.get("Content-Type")) == ("POST /v1/traces HTTP/1.1", "application/x-protobuf")
    assert (exported.get("authorization"), exported.get("x-tenant")) == ("Bearer collectors", "team")
    (resource,) = [resource.resource for request in spans.requests() for resource in request.resource_spans]
    named = attributes(resource)
    assert (named["service.name"], named["service.version"]) == ("gw-7", __version__)
    assert b"secret-of-a-client" not in exported.body
    assert b"the-prompt" not in exported.body


async def test_a_stream_is_a_span_to_its_last_byte() -> None:
    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(200, b"", [EVENTS, "Transfer-Encoding: chunked"], length=False))
        for usage in (None, USAGE):
            writer.write(chunk(b"data: %s\n\n" % json.dumps({"choices": [], "usage": usage}).encode()))
            await asyncio.sleep(0.15)
        writer.write(chunk(b"data: [DONE]\n\n") + chunk(b""))

    async with collector() as spans, upstream(play) as up, gateway(up.url, tracing=spans.settings()) as gw:
        await ask(gw.port, chat(SAMPLED, stream=True, stream_options={"include_usage": True}))
        (span,) = await spans.wait_for(1)
    assert span.end_time_unix_nano - span.start_time_unix_nano > 0.25e9
    said = attributes(span)
    assert (said["gen_ai.usage.input_tokens"], said["gen_ai.usage.output_tokens"]) == (7, 3)
    assert "error.type" not in said


@pytest.mark.parametrize(
    ("answer", "status", "error", "failed"),
    [
        (reply(429, b"{}"), 429, "429", False),
        (reply(503, b"{}"), 503, "503", True),
        (b"not HTTP\r\n\r\n", 502, "502", True),
    ],
)
async def test_an_error(answer: bytes, status: int, error: str, failed: bool) -> None:
    async with collector() as spans, upstream(say(answer)) as up, gateway(up.url, tracing=spans.settings()) as gw:
        assert (await ask(gw.port, chat(SAMPLED))).status == status
        (span,) = await spans.wait_for(1)
    said = attributes(span)
    assert (said["http.response.status_code"], said["error.type"]) == (status, error)
    assert (span.status.code == Status.STATUS_CODE_ERROR) is failed


async def test_an_answer_cut_short() -> None:
    torn = reply(200, b"", [EVENTS, "Transfer-Encoding: chunked"], length=False) + chunk(b"data: {}\n\n")

    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(torn)
        await asyncio.sleep(0.05)
        writer.close()

    async with collector() as spans, upstream(play) as up, gateway(up.url, tracing=spans.settings()) as gw:
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await ask(gw.port, chat(SAMPLED, stream=True))
        (span,) = await spans.wait_for(1)
    assert attributes(span)["error.type"] == "upstream_broken"
    assert span.status.code == Status.STATUS_CODE_ERROR


async def test_a_client_that_left() -> None:
    arrived = asyncio.Event()

    async def play(_: Seen, __: asyncio.StreamReader, ___: asyncio.StreamWriter) -> None:
        arrived.set()
        await asyncio.sleep(30)

    async with collector() as spans, upstream(play) as up, gateway(up.url, tracing=spans.settings()) as gw:
        async with client(gw.port) as leaving:
            await leaving.send(chat(SAMPLED))
            await asyncio.wait_for(arrived.wait(), 5)
            leaving.abort()
        (span,) = await spans.wait_for(1)
    said = attributes(span)
    assert (said["error.type"], said["http.response.status_code"]) == ("client_gone", 499)
    assert span.status.code == Status.STATUS_CODE_UNSET


async def test_what_is_refused_before_the_upstream_is_a_span_too() -> None:
    async with collector() as spans, gateway(tracing=spans.settings()) as gw:
        await ask(gw.port, request("/admin/%2e%2e/x?key=hidden", "PROPFIND", [SAMPLED]))
        await ask(gw.port, request("/v1/files/file-1", headers=[SAMPLED, "Authorization: Bearer a b"]))
        first, second = await spans.wait_for(2)
    said = attributes(first)
    assert (first.name, said["http.request.method"], said["url.path"]) == ("HTTP", "_OTHER", "/admin/%2e%2e/x")
    assert (second.name, attributes(second)["http.response.status_code"]) == ("GET /v1/files/...", 401)


async def test_probes_are_no_spans() -> None:
    async with collector() as spans, upstream() as up, gateway(up.url, tracing=spans.settings()) as gw:
        for target in ("/healthz", "/readyz", "/v1/models"):
            await ask(gw.port, request(target))
    assert [span.name for span in spans.spans()] == ["GET /v1/models"]


async def test_the_clients_flag_decides_for_its_trace() -> None:
    async with collector() as spans, upstream() as up, gateway(up.url, tracing=spans.settings(sample=0)) as gw:
        await ask(gw.port, request(headers=[UNSAMPLED]))
        await ask(gw.port, request())
        await ask(gw.port, request(headers=[SAMPLED]))
        await spans.wait_for(1)
    (span,) = spans.spans()
    assert span.span_id.hex() == parts(up.seen[2])[1]
    assert [seen.all("traceparent")[0][-2:] for seen in up.seen] == ["00", "00", "01"]


async def test_a_share_of_the_traces_begun_here_is_recorded() -> None:
    async with collector() as spans, upstream() as up, gateway(up.url, tracing=spans.settings(sample=0.5)) as gw:
        async with client(gw.port) as connection:
            for _ in range(200):
                await connection.send(request())
                await connection.answer()
        flagged = {parts(seen) for seen in up.seen if seen.all("traceparent")[0].endswith("-01")}
        assert 60 < len(flagged) < 140
        await spans.wait_for(len(flagged))
    assert {(span.trace_id.hex(), span.span_id.hex()) for span in spans.spans()} == flagged
    assert {span.parent_span_id for span in spans.spans()} == {b""}


async def test_what_waits_is_sent_at_the_end() -> None:
    async with collector() as spans, upstream() as up:
        async with gateway(up.url, tracing=spans.settings(interval=60)) as gw:
            for _ in range(3):
                await ask(gw.port, request())
            assert spans.spans() == []
        assert len(spans.spans()) == 3


async def test_a_collector_that_is_away_holds_nothing_up_and_is_said_once(tmp_path: Path) -> None:
    async with upstream() as up:
        config = tmp_path / "gateway.yml"
        exporting = section("http://127.0.0.1:1/v1/traces", timeout=1.5, queue_max=50)
        metrics = {"enabled": True, "unix_socket": str(tmp_path / "metrics.sock")}
        config.write_text(json.dumps({"upstream": {"url": up.url}, "tracing": exporting, "metrics": metrics}))
        async with process("--config", str(config)) as gw:
            for _ in range(60):
                async with asyncio.timeout(5):
                    assert (await ask(gw.port, request())).status == 200
                await asyncio.sleep(0.02)
            said = await gw.message("trace_collector_away")
            assert "refused" in said["reason"]
            await asyncio.sleep(0.5)
            gw.signal(15)
            assert await gw.end() == 0
            assert gw.process.stderr is not None
            rest = (await gw.process.stderr.read()).decode()
    assert "trace_collector_away" not in rest
    assert "Failed to export" not in rest


async def test_what_was_lost_is_counted_and_the_return_is_said() -> None:
    refusing = True

    async def play(_: Seen, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(400 if refusing else 200))

    async with collector(play) as spans, upstream() as up:
        page = {"enabled": True, "listen": {"port": 0}}
        async with gateway(up.url, tracing=spans.settings(), metrics=page) as gw:
            await ask(gw.port, request())
            await spans.wait_for(1)
            await asyncio.sleep(0.1)
            refusing = False
            await ask(gw.port, request())
            await spans.wait_for(2)
            await asyncio.sleep(0.1)
            found = await samples(gw.metrics_port)
    counted = [value(found, f"hx_gateway_spans_{name}") for name in ("failed_total", "exported_total", "queued")]
    assert counted == [1, 1, 0]


async def test_a_collector_that_never_answers_holds_nothing_up() -> None:
    async def hang(_: Seen, __: asyncio.StreamReader, ___: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async with collector(hang) as spans, upstream() as up:
        async with gateway(up.url, tracing=spans.settings(timeout=30)) as gw:
            await ask(gw.port, request())
            await spans.wait_for(1)
            for _ in range(20):
                async with asyncio.timeout(5):
                    assert (await ask(gw.port, request())).status == 200
            began = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began < 10  # of the 30 it might take


async def test_what_finds_no_room_is_dropped_and_counted() -> None:
    async with collector() as spans, upstream() as up:
        page = {"enabled": True, "listen": {"port": 0}}
        async with gateway(up.url, tracing=spans.settings(interval=60, queue_max=2), metrics=page) as gw:
            for number in range(5):
                await ask(gw.port, request(headers=[f"X-Request-Id: {number}"]))
            found = await samples(gw.metrics_port)
    assert [value(found, f"hx_gateway_spans_{name}") for name in ("queued", "dropped_total")] == [2, 3]
    assert [attributes(span)["hx.request_id"] for span in spans.spans()] == ["3", "4"]


async def test_a_reload_turns_it_on(tmp_path: Path) -> None:
    async with collector() as spans, upstream() as up:
        config = tmp_path / "gateway.yml"
        config.write_text(json.dumps({"upstream": {"url": up.url}}))
        async with process("--config", str(config)) as gw:
            await ask(gw.port, request())
            config.write_text(json.dumps({"upstream": {"url": up.url}, "tracing": spans.settings()}))
            gw.signal(1)
            await gw.message("reloaded")
            await ask(gw.port, request())
            (span,) = await spans.wait_for(1)
            gw.signal(15)
            assert await gw.end() == 0
    assert span.span_id.hex() == parts(up.seen[1])[1]


async def test_off_it_costs_nothing(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys\n"
        "from running import gateway\n"
        "async def main():\n"
        "    async with gateway():\n"
        "        print([name for name in sys.modules if name.startswith('opentelemetry')])\n"
        "asyncio.run(main())\n"
    )
    path = os.pathsep.join([environment()["PYTHONPATH"], str(Path(__file__).parent.parent)])
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, env=environment(PYTHONPATH=path), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await child.communicate()
    assert out.decode().strip() == "[]"


@pytest.mark.parametrize("arguments", [["check"], ["--config"]])
async def test_without_the_extra_the_start_is_refused(tmp_path: Path, arguments: list[str]) -> None:
    config = tmp_path / "gateway.yml"
    config.write_text("upstream: {url: 'http://127.0.0.1:1'}\ntracing: {enabled: true}\n")
    # a module of that name that is not OpenTelemetry's, found first: as if the extra were not installed
    (tmp_path / "hidden" / "opentelemetry").mkdir(parents=True)
    (tmp_path / "hidden" / "opentelemetry" / "__init__.py").touch()
    path = os.pathsep.join([str(tmp_path / "hidden"), environment()["PYTHONPATH"]])
    status, _, error = await run(*arguments, str(config), env={"PYTHONPATH": path})
    assert status == 78
    assert error == (
        "hx-gateway: tracing.enabled: the extra `otlp` is not installed (pip install 'hx-gateway[otlp]')\n"
    )

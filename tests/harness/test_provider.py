"""The stand-in provider over HTTP: both protocols, the orders it takes, and its record."""

from __future__ import annotations

import base64
import http.client
import json
import struct
import time
from typing import Any

import pytest
from hx_provider_standin.server import Server


def call(server: Server, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    """Send a request and return the status and the body, as JSON where it is JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    payload = None if body is None else body if isinstance(body, (bytes, str)) else json.dumps(body)
    connection.request(method, path, payload, headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, json.loads(text) if "application/json" in (answer.getheader("Content-Type") or "") else text


def ended(server: Server) -> dict[str, Any]:
    """Return the last request once the record says how it ended, which is a moment after its client knows."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        entry: dict[str, Any] = call(server, "GET", "/_record")[1]["requests"][-1]
        if entry["finished"] or entry["aborted"]:
            return entry
        time.sleep(0.02)
    pytest.fail("the record does not say how the last request ended")


def said(*contents: str) -> list[dict[str, str]]:
    """A conversation of user messages."""
    return [{"role": "user", "content": content} for content in contents]


def test_openai_chat_repeats_the_last_user_message_and_counts(provider: Server) -> None:
    body = {"model": "m", "messages": [*said("one two", "three four five"), {"role": "assistant", "content": "six"}]}
    status, answer = call(provider, "POST", "/v1/chat/completions", body)
    assert status == 200
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": "three four five"}
    assert answer["usage"] == {"prompt_tokens": 6, "completion_tokens": 3, "total_tokens": 9}
    assert answer["model"] == "m"


def test_openai_content_may_be_a_list_of_parts(provider: Server) -> None:
    parts = [{"type": "text", "text": "a b"}, {"type": "image_url", "image_url": {"url": "x"}}]
    body = {"model": "m", "messages": [{"role": "user", "content": parts}]}
    assert call(provider, "POST", "/v1/chat/completions", body)[1]["choices"][0]["message"]["content"].strip() == "a b"


def test_openai_stream_is_cut_and_delayed_as_ordered(provider: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", provider.port, timeout=10)
    body = {"model": "m", "stream": True, "messages": said("chunks:3:150ms b c d e f")}
    body["stream_options"] = {"include_usage": True}
    connection.request("POST", "/v1/chat/completions", json.dumps(body))
    answer = connection.getresponse()
    arrivals, events = [], []
    while line := answer.readline():
        if line.startswith(b"data: ") and line != b"data: [DONE]\n":
            arrivals.append(time.monotonic())
            events.append(json.loads(line[6:]))
    connection.close()
    spoken = [event["choices"][0]["delta"].get("content", "") for event in events if event["choices"]]
    assert "".join(spoken) == "chunks:3:150ms b c d e f"
    assert len([each for each in spoken if each]) == 3
    assert arrivals[2] - arrivals[0] > 0.25, "pieces leave when they are due, not at the end"
    assert events[-1]["usage"]["total_tokens"] == 12


def test_openai_embeddings_depend_on_the_words_alone(provider: Server) -> None:
    _, first = call(provider, "POST", "/v1/embeddings", {"model": "m", "input": ["red fox", "Red fox!", "blue whale"]})
    vectors = [row["embedding"] for row in first["data"]]
    assert vectors[0] == vectors[1] != vectors[2]
    assert sum(value * value for value in vectors[0]) == pytest.approx(1)
    _, again = call(provider, "POST", "/v1/embeddings", {"model": "m", "input": "red fox", "dimensions": 8})
    assert len(again["data"][0]["embedding"]) == 8


def test_openai_embeddings_as_base64_are_the_same_numbers(provider: Server) -> None:
    body = {"model": "m", "input": "red fox"}
    plain = call(provider, "POST", "/v1/embeddings", body)[1]["data"][0]["embedding"]
    packed = call(provider, "POST", "/v1/embeddings", {**body, "encoding_format": "base64"})[1]["data"][0]["embedding"]
    assert struct.unpack(f"<{len(plain)}f", base64.b64decode(packed)) == pytest.approx(plain)


@pytest.mark.parametrize("body", [{"model": "m"}, {"model": "m", "input": ""}, {"model": "m", "prompt": "only"}])
def test_openai_embeddings_need_input(provider: Server, body: dict[str, Any]) -> None:
    status, answer = call(provider, "POST", "/v1/embeddings", body)
    assert status == 400
    assert "'input'" in answer["error"]["message"]


def test_model_lists_of_both_protocols(provider: Server) -> None:
    assert {row["id"] for row in call(provider, "GET", "/v1/models")[1]["data"]} == {
        "standin-chat",
        "standin-embedding",
    }
    assert len(call(provider, "GET", "/api/tags")[1]["models"]) == 2
    assert call(provider, "POST", "/api/show", {"model": "standin-embedding"})[1]["capabilities"] == ["embedding"]


def test_ollama_embeds_in_both_ways_alike(provider: Server) -> None:
    _, newer = call(provider, "POST", "/api/embed", {"model": "m", "input": ["red fox", "blue"]})
    _, older = call(provider, "POST", "/api/embeddings", {"model": "m", "prompt": "red fox"})
    assert newer["embeddings"][0] == older["embedding"]
    assert newer["prompt_eval_count"] == 3


@pytest.mark.parametrize(
    ("path", "body", "where"),
    [
        ("/api/chat", {"messages": said("red fox")}, lambda answer: answer["message"]["content"]),
        ("/api/generate", {"prompt": "red fox"}, lambda answer: answer["response"]),
    ],
)
def test_ollama_speaks_whole_or_in_lines(provider: Server, path: str, body: dict[str, Any], where: Any) -> None:
    _, whole = call(provider, "POST", path, {"model": "m", "stream": False, **body})
    assert where(whole) == "red fox"
    assert whole["done"] is True
    _, streamed = call(provider, "POST", path, {"model": "m", **body})
    lines = [json.loads(line) for line in streamed.splitlines()]
    assert "".join(where(line) for line in lines) == "red fox"
    assert [line["done"] for line in lines] == [False, False, True]
    assert lines[-1]["eval_count"] == 2


@pytest.mark.parametrize(
    ("model", "header", "text"),
    [("error:503", "", "hello"), ("m", "error:503", "hello"), ("m", "", "please error:503 now")],
)
def test_it_fails_where_it_is_told_to(provider: Server, model: str, header: str, text: str) -> None:
    body = {"model": model, "messages": said(text)}
    status, answer = call(provider, "POST", "/v1/chat/completions", body, **{"X-Standin": header})
    assert status == 503
    assert answer["error"]["code"] == "503"


def test_ollamas_errors_have_ollamas_shape(provider: Server) -> None:
    status, answer = call(provider, "POST", "/api/embed", {"model": "error:500", "input": "x"})
    assert status == 500
    assert isinstance(answer["error"], str)


def test_it_is_slow_where_it_is_told_to(provider: Server) -> None:
    begun = time.monotonic()
    call(provider, "POST", "/v1/embeddings", {"model": "m", "input": "sleep:300ms"})
    assert time.monotonic() - begun >= 0.3


def test_a_cut_stream_ends_without_its_end(provider: Server) -> None:
    body = {"model": "cut:2", "stream": True, "messages": said("a b c d")}
    with pytest.raises(http.client.IncompleteRead):
        call(provider, "POST", "/v1/chat/completions", body)


def test_the_record_has_what_was_sent(provider: Server) -> None:
    call(provider, "POST", "/v1/embeddings", {"model": "m", "input": "x", "odd": 1}, Authorization="Bearer k")
    entry = ended(provider)
    assert call(provider, "GET", "/_record")[1]["count"] == 1
    assert (entry["method"], entry["path"]) == ("POST", "/v1/embeddings")
    assert entry["body"] == {"model": "m", "input": "x", "odd": 1}
    assert entry["headers"]["Authorization"] == "Bearer k"
    assert (entry["status"], entry["finished"], entry["aborted"]) == (200, True, False)


def test_the_record_is_bounded_and_can_be_cleared(provider: Server) -> None:
    for number in range(8):
        call(provider, "POST", "/v1/embeddings", {"model": "m", "input": str(number)})
    record = call(provider, "GET", "/_record")[1]
    assert record["count"] == 8
    assert [entry["body"]["input"] for entry in record["requests"]] == ["3", "4", "5", "6", "7"]
    call(provider, "DELETE", "/_record")
    assert call(provider, "GET", "/_record")[1] == {"count": 0, "requests": []}


def test_a_client_that_hangs_up_is_noticed_at_once(provider: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", provider.port, timeout=10)
    connection.request("POST", "/v1/embeddings", json.dumps({"model": "sleep:60", "input": "x"}))
    time.sleep(0.2)
    connection.close()
    assert ended(provider)["aborted"]


@pytest.mark.parametrize("body", ["{", "[]", '"text"'])
def test_malformed_bodies_are_refused_and_recorded(provider: Server, body: str) -> None:
    status, _ = call(provider, "POST", "/v1/embeddings", body)
    assert status == 400
    assert call(provider, "GET", "/_record")[1]["count"] == 1


def test_chunked_bodies_are_read(provider: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", provider.port, timeout=10)
    payload = json.dumps({"model": "m", "input": "red fox"}).encode()
    connection.request("POST", "/v1/embeddings", iter([payload[:10], payload[10:]]), encode_chunked=True)
    answer = connection.getresponse()
    assert answer.status == 200
    assert len(json.loads(answer.read())["data"]) == 1
    connection.close()


def test_an_unknown_path_is_named(provider: Server) -> None:
    status, answer = call(provider, "POST", "/v1/audio", {})
    assert status == 404
    assert "/v1/audio" in answer["error"]["message"]

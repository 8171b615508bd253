"""OpenAI's protocol: chat completions, embeddings and the model list."""

from __future__ import annotations

import base64
import struct
import uuid
from typing import Any

from hx_provider_standin import text
from hx_provider_standin.replies import Call, Reply, event

CREATED = 1577836800
MODELS = ("standin-chat", "standin-embedding")


def error(status: int, message: str, kind: str = "invalid_request_error") -> Reply:
    """Return an error in OpenAI's shape."""
    return Reply({"error": {"message": message, "type": kind, "param": None, "code": str(status)}}, status)


def models(_call: Call) -> Reply:
    """GET /v1/models."""
    rows = [{"id": name, "object": "model", "created": CREATED, "owned_by": "stand-in"} for name in MODELS]
    return Reply({"object": "list", "data": rows})


def chat(call: Call) -> Reply:
    """POST /v1/chat/completions: the last user message comes back, streamed where that was asked for."""
    messages = call.body.get("messages")
    if not isinstance(messages, list) or not messages:
        return error(400, "'messages' must be a list with at least one message.")
    answer = text.answer(text.last_user_message(messages))
    asked, said = text.prompt_tokens(messages), text.tokens(answer)
    usage = {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}
    # The one part that is not deterministic: LiteLLM's spend log holds one row for each identifier.
    common = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": CREATED, "model": call.model}
    if not call.body.get("stream"):
        choice = {"index": 0, "message": {"role": "assistant", "content": answer}, "finish_reason": "stop"}
        return Reply({**common, "object": "chat.completion", "choices": [choice], "usage": usage})
    chunk = {**common, "object": "chat.completion.chunk"}
    parts = text.pieces(answer, call.orders.chunks or said)
    deltas: list[dict[str, Any]] = [
        {"index": 0, "delta": {"role": "assistant", "content": part}, "finish_reason": None} for part in parts
    ]
    pieces = [event({**chunk, "choices": [delta]}) for delta in deltas]
    last = event({**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    options = call.body.get("stream_options")
    if isinstance(options, dict) and options.get("include_usage"):
        last += event({**chunk, "choices": [], "usage": usage})
    pieces[-1] += last + event("[DONE]")
    return Reply(pieces=pieces, content_type="text/event-stream")


def embeddings(call: Call) -> Reply:
    """POST /v1/embeddings: one vector for each input."""
    given = call.body.get("input")
    if given is None or given in ("", []):
        return error(400, "Missing required parameter: 'input'.")
    many = isinstance(given, list) and not all(isinstance(each, int) for each in given)
    inputs = [str(each) for each in given] if isinstance(given, list) and many else [str(given)]
    dimensions = call.body.get("dimensions")
    size = dimensions if isinstance(dimensions, int) and 0 < dimensions <= 4096 else text.DIMENSIONS
    vectors = [text.embedding(each, size) for each in inputs]
    as_base64 = call.body.get("encoding_format") == "base64"
    rows = [
        {"object": "embedding", "index": index, "embedding": _base64(vector) if as_base64 else vector}
        for index, vector in enumerate(vectors)
    ]
    count = sum(text.tokens(each) for each in inputs)
    usage = {"prompt_tokens": count, "total_tokens": count}
    return Reply({"object": "list", "data": rows, "model": call.model, "usage": usage})


def _base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()

"""Ollama's protocol: chat, generation, both ways of embedding, and what it says of its models."""

from __future__ import annotations

from typing import Any

from hx_provider_standin import text
from hx_provider_standin.replies import Call, Reply, line

CREATED = "2020-01-01T00:00:00Z"
MODELS = ("standin-chat:latest", "standin-embedding:latest")


def error(status: int, message: str) -> Reply:
    """Return an error in Ollama's shape."""
    return Reply({"error": message}, status)


def tags(_call: Call) -> Reply:
    """GET /api/tags."""
    rows = [{"name": name, "model": name, "modified_at": CREATED, "size": 1, "digest": "0" * 64} for name in MODELS]
    return Reply({"models": rows})


def show(call: Call) -> Reply:
    """POST /api/show."""
    capabilities = ["embedding"] if "embed" in call.model else ["completion"]
    details = {"format": "stand-in", "family": "stand-in", "families": ["stand-in"], "parameter_size": "0"}
    return Reply({"details": details, "model_info": {"general.architecture": "stand-in"}, "capabilities": capabilities})


def embed(call: Call) -> Reply:
    """POST /api/embed, which takes `input`."""
    given = call.body.get("input")
    if given is None:
        return error(400, "missing input")
    inputs = [str(each) for each in given] if isinstance(given, list) else [str(given)]
    count = sum(text.tokens(each) for each in inputs)
    vectors = [text.embedding(each) for each in inputs]
    return Reply({"model": call.model, "embeddings": vectors, "prompt_eval_count": count})


def embeddings(call: Call) -> Reply:
    """POST /api/embeddings, the older way, which takes `prompt`."""
    return Reply({"embedding": text.embedding(str(call.body.get("prompt", "")))})


def chat(call: Call) -> Reply:
    """POST /api/chat; streamed unless the client says no."""
    messages = call.body.get("messages")
    answer = text.answer(text.last_user_message(messages))
    return _spoken(call, answer, text.prompt_tokens(messages), lambda part: {"message": _message(part)})


def generate(call: Call) -> Reply:
    """POST /api/generate; streamed unless the client says no."""
    prompt = str(call.body.get("prompt", ""))
    return _spoken(call, text.answer(prompt), text.tokens(prompt), lambda part: {"response": part})


def _message(part: str) -> dict[str, str]:
    return {"role": "assistant", "content": part}


def _spoken(call: Call, answer: str, asked: int, wrap: Any) -> Reply:
    common = {"model": call.model, "created_at": CREATED}
    end = {"done": True, "done_reason": "stop", "prompt_eval_count": asked, "eval_count": text.tokens(answer)}
    if call.body.get("stream") is False:
        return Reply({**common, **wrap(answer), **end})
    parts = text.pieces(answer, call.orders.chunks or text.tokens(answer))
    lines = [line({**common, **wrap(part), "done": False}) for part in parts]
    lines[-1] += line({**common, **wrap(""), **end})
    return Reply(pieces=lines, content_type="application/x-ndjson")

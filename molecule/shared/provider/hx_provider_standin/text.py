"""What stands in for a model: repeating a message, hashing words, counting tokens. All of it deterministic."""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from typing import Any

DIMENSIONS = 64
# A longer message is not repeated in full: what matters is that it arrived, and the record has that.
ECHO_CHARACTERS = 4096


def tokens(text: str) -> int:
    """Count tokens, which here are words."""
    return len(text.split())


def content_text(content: Any) -> str:
    """Return the text of a message's content, given as a string or as OpenAI's list of parts."""
    if isinstance(content, list):
        return " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return "" if content is None else str(content)


def last_user_message(messages: Any) -> str:
    """Return the text of the last message a user sent."""
    for message in reversed(messages if isinstance(messages, list) else []):
        if isinstance(message, dict) and message.get("role") == "user":
            return content_text(message.get("content"))
    return ""


def prompt_tokens(messages: Any) -> int:
    """Count the tokens of a whole conversation."""
    known = [each for each in (messages if isinstance(messages, list) else []) if isinstance(each, dict)]
    return sum(tokens(content_text(message.get("content"))) for message in known)


def answer(message: str) -> str:
    """Return the answer to a message: the message itself."""
    return message[:ECHO_CHARACTERS] or "(nothing was said)"


def pieces(text: str, count: int) -> list[str]:
    """Cut a text at spaces into that many pieces, or as many as it has words."""
    words = re.findall(r"\S+\s*|\s+", text)
    count = max(1, min(count, len(words)))
    bounds = [len(words) * i // count for i in range(count + 1)]
    return ["".join(words[begin:end]) for begin, end in itertools.pairwise(bounds)]


def embedding(text: str, dimensions: int = DIMENSIONS) -> list[float]:
    """Return a unit vector that depends only on the words of a text; texts that share words are close."""
    vector = [0.0] * dimensions
    for word in re.findall(r"\w+", text.lower()) or [""]:
        digest = hashlib.sha256(word.encode()).digest()
        index = int.from_bytes(digest[:4], "big") % dimensions
        vector[index] += 1.0 if digest[4] & 1 else -1.0
        vector[int.from_bytes(digest[5:9], "big") % dimensions] += 0.5
    length = math.sqrt(sum(value * value for value in vector))
    if length == 0.0:
        return [1.0] + [0.0] * (dimensions - 1)
    return [value / length for value in vector]

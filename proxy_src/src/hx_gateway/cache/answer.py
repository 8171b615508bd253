"""Which answers may be kept."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from multidict import CIMultiDict

EVENTS: Final = "text/event-stream"

_TOOL_CALL: Final = re.compile(
    rb'"tool_calls"\s*:\s*\[\s*\{'
    rb'|"function_call"\s*:\s*\{'
    rb'|"finish_reason"\s*:\s*"(?:tool_calls|function_call)"'
    rb'|"type"\s*:\s*"[a-z_]*_call"'  # items of the Responses API
)
"""A call the client is asked to make. A quote inside a text is escaped, so that no text can look like one."""

_ERROR: Final = re.compile(rb'^(?:data:\s*)?\{\s*"error"\s*:\s*(?!null)', re.MULTILINE)

_LAST_CHAT: Final = re.compile(rb"^data:\s*\[DONE\]\s*\Z", re.MULTILINE)
_LAST_RESPONSES: Final = re.compile(rb'^data:.*"type"\s*:\s*"response\.completed"', re.MULTILINE)
_INCOMPLETE: Final = re.compile(rb'"status"\s*:\s*"(?:failed|in_progress|queued|cancelled|incomplete)"')


def media_type(headers: CIMultiDict[str]) -> str:
    """Return the media type without its parameters, in lower case; empty without one."""
    return headers.get("Content-Type", "").partition(";")[0].strip().lower()


def is_keepable(status: int, headers: CIMultiDict[str]) -> bool:
    """Say by the head of an answer whether it may be kept: a good one, readable as it is, that does not forbid it."""
    return (
        status == 200
        and "Content-Encoding" not in headers
        and media_type(headers) in {EVENTS, "application/json"}
        and "no-store" not in headers.get("Cache-Control", "").lower()
    )


def is_whole(data: bytes, kind: str, path: str) -> bool:
    """Say whether the body `data` of media type `kind` is a whole answer, no error, and asks for no tool call."""
    # most answers hold none of the words, and looking for a word costs next to nothing
    if (b"_call" in data and _TOOL_CALL.search(data) is not None) or (
        b'"error"' in data and _ERROR.search(data) is not None
    ):
        return False
    if kind != EVENTS:
        text = data.strip()
        return (
            text.startswith(b"{")
            and text.endswith(b"}")
            and (not path.startswith("/v1/responses") or _INCOMPLETE.search(text) is None)
        )
    if path.startswith("/v1/responses"):
        return _LAST_RESPONSES.search(data) is not None
    return _LAST_CHAT.search(data) is not None

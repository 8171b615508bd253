"""Tells LiteLLM who the client is, and lets no client claim to be another."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hx_gateway.message import Request, Response
    from hx_gateway.middleware import Handler


class Forwarded:
    """Replaces `Forwarded` (RFC 7239), `X-Forwarded-*` and `X-Real-IP`: uvicorn believes them from loopback."""

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Set X-Forwarded-For to the peer's address."""
        headers = request.headers
        for name in {name for name in headers if _is_claim(name.lower())}:
            headers.popall(name, None)
        if request.client:
            headers["X-Forwarded-For"] = request.client
        headers["X-Forwarded-Proto"] = "http"
        return await call_next(request)


def _is_claim(name: str) -> bool:
    return name.startswith("x-forwarded-") or name in {"forwarded", "x-real-ip"}

"""Tells LiteLLM the client's address, and lets no client tell it another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hx_gateway.addresses import TrustedProxies, forwarded_for, x_forwarded_for

if TYPE_CHECKING:
    from hx_gateway.config.forwarded import Forwarding
    from hx_gateway.message import Request, Response
    from hx_gateway.middleware import Handler


class Forwarded:
    """Replaces `Forwarded` (RFC 7239), `X-Forwarded-*` and `X-Real-IP`: uvicorn believes them from loopback.

    What a trusted proxy says of its client becomes `request.client`; nobody else is believed.
    """

    def __init__(self, config: Forwarding) -> None:
        self._trusted = TrustedProxies(config.trusted_proxies)
        self._header = config.header
        self._hops = forwarded_for if config.header == "forwarded" else x_forwarded_for

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Set X-Forwarded-For to the client's address and X-Forwarded-Proto to its scheme."""
        headers = request.headers
        scheme = "http"
        if self._trusted and self._trusted.include(request.client):
            said = headers.getall(self._header, [])
            if said:
                request.client = self._trusted.client(request.client, self._hops(said))
            if headers.getall("X-Forwarded-Proto", []) == ["https"]:
                scheme = "https"
        names = "\n".join(headers).lower()
        if "forwarded" in names or "x-real-ip" in names:
            for name in {name for name in headers if _is_claim(name.lower())}:
                headers.popall(name, None)
        if request.client:
            headers["X-Forwarded-For"] = request.client
        headers["X-Forwarded-Proto"] = scheme
        return await call_next(request)


def _is_claim(name: str) -> bool:
    return name.startswith("x-forwarded-") or name in {"forwarded", "x-real-ip"}

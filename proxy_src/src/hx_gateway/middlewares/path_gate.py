"""Lets through what is under /v1/ for every parser, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hx_gateway.target import check_host, check_target, origin_form

if TYPE_CHECKING:
    from hx_gateway.message import Request, Response
    from hx_gateway.middleware import Handler


class PathGate:
    """Checks Host and the raw target; absolute-form becomes origin-form, nothing else is rewritten."""

    async def __call__(self, request: Request, call_next: Handler) -> Response:
        """Pass the request on, or raise RefusedHostError, RefusedTargetError or NotFoundError."""
        host = check_host(request.headers.getall("Host", []), request.version)
        request.target = origin_form(request.target, host)
        check_target(request.target)
        return await call_next(request)

"""Errors the gateway makes itself, and their shape on the wire.

The shape is OpenAI's, so that the official clients raise the exception a user expects:
`{"error": {"message": ..., "type": ..., "param": null, "code": ..., "request_id": ...}}`.
Messages are constants: nothing a client or an upstream sent is ever repeated in them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

JSON = "application/json; charset=utf-8"


class GatewayError(Exception):
    """An answer other than what was asked for. Subclasses say which."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "api_error"
    code: ClassVar[str] = "internal_error"
    message: ClassVar[str] = "The gateway failed to handle the request."
    headers: ClassVar[dict[str, str]] = {}
    close: ClassVar[bool] = False
    """Close the connection: what follows on it cannot be trusted or is not worth reading."""

    def __init__(self, *args: object, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(*args)
        self.own_headers = headers or {}
        """Headers of this one answer, beside those that all of its class have."""


class MalformedRequestError(GatewayError):
    """The request is not valid HTTP/1.1 (RFC 9112)."""

    status = 400
    type = "invalid_request_error"
    code = "malformed_request"
    message = "The request is not valid HTTP."
    close = True


class RefusedTargetError(GatewayError):
    """The request target could be read in two ways, or names another host."""

    status = 400
    type = "invalid_request_error"
    code = "invalid_target"
    message = "The request target is not acceptable."
    close = True


class RefusedHostError(GatewayError):
    """The Host header is missing, doubled or malformed (RFC 9112 section 3.2)."""

    status = 400
    type = "invalid_request_error"
    code = "invalid_host"
    message = "The Host header is missing or not acceptable."
    close = True


class DoubledCredentialError(GatewayError):
    """A header that carries a credential stands more than once: parsers differ on which counts."""

    status = 400
    type = "invalid_request_error"
    code = "doubled_credential"
    message = "The request has more than one credential of a kind."
    close = True


class RefusedMethodError(GatewayError):
    """CONNECT and TRACE (RFC 9110 sections 9.3.6 and 9.3.8), which no part of an API needs."""

    status = 400
    type = "invalid_request_error"
    code = "method_refused"
    message = "The method is not accepted."
    close = True


class RefusedUpgradeError(GatewayError):
    """An offer to speak another protocol, such as WebSocket, which the gateway does not pass on.

    400 and not 501: OpenAI's clients repeat what was answered with 5xx. The connection is closed, because a client
    may already be speaking the other protocol on it.
    """

    status = 400
    type = "invalid_request_error"
    code = "upgrade_refused"
    message = "This gateway speaks HTTP/1.1 only: WebSockets and other upgrades are not passed on."
    close = True


class RequestTimeoutError(GatewayError):
    """The client took longer than `limits.header_timeout` or `limits.body_timeout` (RFC 9110 section 15.5.9)."""

    status = 408
    type = "timeout_error"
    code = "request_timeout"
    message = "The request did not arrive in time."
    close = True


class TooManyStreamsError(GatewayError):
    """A client address has as many requests under way as `limits.streams_per_client` allows."""

    status = 429
    type = "rate_limit_error"
    code = "too_many_concurrent_requests"
    message = "Too many requests at the same time from this address."
    headers: ClassVar[dict[str, str]] = {"Retry-After": "1"}


class TooManyConnectionsError(GatewayError):
    """A client address has as many connections as `limits.connections_per_client` allows."""

    status = 429
    type = "rate_limit_error"
    code = "too_many_connections"
    message = "Too many connections from this address."
    headers: ClassVar[dict[str, str]] = {"Retry-After": "1"}
    close = True


class OverloadedError(GatewayError):
    """The gateway has as many connections as `limits.connections` allows."""

    status = 503
    type = "server_error"
    code = "overloaded"
    message = "The gateway has too many connections."
    headers: ClassVar[dict[str, str]] = {"Retry-After": "1"}
    close = True


class InvalidCredentialError(GatewayError):
    """A credential that is not a token (RFC 6750 section 2.1)."""

    status = 401
    type = "authentication_error"
    code = "invalid_api_key"
    message = "The API key is malformed: expected `Authorization: Bearer KEY`."
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": 'Bearer error="invalid_token"'}


class InvalidSessionError(GatewayError):
    """A session id that is doubled or not one word of safe characters."""

    status = 400
    type = "invalid_request_error"
    code = "invalid_session_id"
    message = "X-HX-Session-Id must be up to 128 letters, digits, `.`, `_`, `:` or `-`."


class SessionLimitError(GatewayError):
    """A session has made as many requests, or taken as many tokens, as `sessions` allows."""

    status = 429
    type = "rate_limit_error"
    code = "session_limit_exceeded"
    message = "This session has reached its limit; begin another one."
    headers: ClassVar[dict[str, str]] = {"x-should-retry": "false"}  # OpenAI's clients would repeat it


class NotFoundError(GatewayError):
    """The path is not one this gateway serves."""

    status = 404
    type = "invalid_request_error"
    code = "unknown_url"
    message = "Unknown URL: this gateway serves /v1/, /healthz and /readyz."


class MethodNotAllowedError(GatewayError):
    """A health address asked with a method that is neither GET nor HEAD."""

    status = 405
    type = "invalid_request_error"
    code = "method_not_allowed"
    message = "Only GET and HEAD are allowed here."
    headers: ClassVar[dict[str, str]] = {"Allow": "GET, HEAD"}


class BodyTooLargeError(GatewayError):
    """A body is larger than `limits.body_max`, or than `limits.body_read_max` if it has to be read."""

    status = 413
    type = "invalid_request_error"
    code = "request_too_large"
    message = "The request body is larger than the gateway accepts here."
    close = True


class RefusedCodingError(GatewayError):
    """A content coding on a body that LiteLLM would read as JSON without decoding it (RFC 9110 section 15.5.16)."""

    status = 415
    type = "invalid_request_error"
    code = "coding_refused"
    message = "A JSON body must be sent without a content coding."
    headers: ClassVar[dict[str, str]] = {"Accept-Encoding": "identity"}


class RefusedFormError(GatewayError):
    """A form for an address that takes JSON: LiteLLM would serve it, and no limit would know its model and tokens."""

    status = 415
    type = "invalid_request_error"
    code = "form_refused"
    message = "This address takes JSON, not a form."


class ExpectationError(GatewayError):
    """An Expect header with anything but 100-continue (RFC 9110 section 10.1.1)."""

    status = 417
    type = "invalid_request_error"
    code = "expectation_failed"
    message = "The only expectation this gateway meets is 100-continue."
    close = True


class RequestLimitError(GatewayError):
    """A limit on requests; `Retry-After` says when it lets the next one pass."""

    status = 429
    type = "requests"
    code = "rate_limit_exceeded"
    message = "Rate limit reached for requests. Please try again later."


class TokenLimitError(GatewayError):
    """A limit on tokens, to which the prompt and the longest answer the request allows are charged beforehand."""

    status = 429
    type = "tokens"
    code = "rate_limit_exceeded"
    message = "Rate limit reached for tokens. Please try again later, or ask for less."


class ConcurrencyLimitError(GatewayError):
    """A limit on requests at a time."""

    status = 429
    type = "requests"
    code = "rate_limit_exceeded"
    message = "Rate limit reached for concurrent requests. Please try again when one has finished."


class LimitsUnavailableError(GatewayError):
    """The limits cannot be counted, and `rate_limits.on_store_failure` is `fail_closed`."""

    status = 503
    code = "limits_unavailable"
    message = "The gateway cannot check its rate limits."
    headers: ClassVar[dict[str, str]] = {"Retry-After": "2"}


class UpstreamError(Exception):
    """What the failures of an upstream have in common."""

    upstream: str = ""
    """Address of the server that failed, `HOST:PORT`."""
    unsent: bool = False
    """Nothing of the request reached the server, and its body can be sent again."""


class UpstreamUnreachableError(UpstreamError, GatewayError):
    """No connection to the upstream could be made."""

    unsent = True

    status = 502
    code = "upstream_unreachable"
    message = "The upstream is not reachable."


class UpstreamBrokenError(UpstreamError, GatewayError):
    """The upstream closed the connection early or did not speak HTTP."""

    status = 502
    code = "upstream_broken"
    message = "The upstream did not give a valid answer."


class NotCachedError(GatewayError):
    """The client wants a kept answer or none (RFC 9111 section 5.2.1.7), and none may be used."""

    status = 504
    type = "invalid_request_error"
    code = "not_cached"
    message = "No kept answer can be used, and only-if-cached was asked for."


class UpstreamTimeoutError(UpstreamError, GatewayError):
    """The upstream took longer than a configured timeout."""

    status = 504
    type = "timeout_error"
    code = "upstream_timeout"
    message = "The upstream took too long to answer."


def error_body(error: type[GatewayError] | GatewayError, request_id: str) -> bytes:
    """Return the JSON body of `error`; `request_id` may be empty, then it is null."""
    return orjson.dumps(
        {
            "error": {
                "message": error.message,
                "type": error.type,
                "param": None,
                "code": error.code,
                "request_id": request_id or None,
            }
        }
    )

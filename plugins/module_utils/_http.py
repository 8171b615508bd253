# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

import http.client
import json
import signal
import ssl
import typing as t
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from ansible.module_utils.urls import open_url

if t.TYPE_CHECKING:
    from types import FrameType

# A readiness answer or a list of models is a few kilobytes; anything far beyond is not the service.
MAX_BODY = 8 * 1024 * 1024


def http_argument_spec() -> dict[str, t.Any]:
    """Options of the doc fragment hx.gateway._http."""
    return {
        "url": {"type": "str", "default": "http://127.0.0.1:4000"},
        "validate_certs": {"type": "bool", "default": True},
        "ca_path": {"type": "path"},
        "client_cert": {"type": "path"},
        "client_key": {"type": "path", "no_log": False},
        "use_proxy": {"type": "bool", "default": False},
        "request_timeout": {"type": "float", "default": 10},
    }


def check_url(url: str) -> str:
    """Return what is wrong with the base URL of a service; empty when nothing is."""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        return "url must be an http or https URL with a host and a valid port"
    if parts.username or parts.password or parts.query or parts.fragment:
        return "url must hold neither credentials nor a query; use api_key for the key"
    return ""


def password_in(url: str) -> set[str]:
    """Return the password in a URL, where one was written into it: it must not be shown when the URL is refused."""
    try:
        return set(filter(None, [urlsplit(url).password]))
    except ValueError:
        return set()


def check_key(key: str) -> str:
    """Return what is wrong with a key that travels in a header; empty when nothing is."""
    if key.isascii() and key.isprintable() and key.strip() == key != "":
        return ""
    return "api_key must be printable ASCII without spaces around it"


class HttpError(Exception):
    """No whole HTTP answer came; the message says why in plain words."""


class LostConnectionError(HttpError):
    """The connection was refused or broke; the request may or may not have been heard."""


class _Expired(BaseException):
    """The time of a request is over. Not an Exception, so that no library in between takes it for one of its own."""


@dataclass(frozen=True)
class Answer:
    """A whole HTTP answer."""

    status: int
    body: bytes
    content_type: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def json(self) -> t.Any:
        """Decode the body; HttpError says what came instead of JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            if not self.body.strip():
                what = "an empty body"
            elif "html" in self.content_type or self.body.lstrip()[:1] == b"<":
                what = "an HTML page"
            else:
                what = "a body that is not JSON, or only a part of it"
            raise HttpError(f"the service answered {self.status} with {what}") from error


@contextmanager
def deadline(seconds: float) -> t.Iterator[None]:
    """Interrupt the block when its time is over.

    A socket's timeout starts again with every byte: a peer that sends one a second would hold the module for ever.
    """

    def expire(_signal: int, _frame: FrameType | None) -> None:
        raise _Expired

    before = signal.signal(signal.SIGALRM, expire)
    # Repeated, since an exception that strikes inside of a finaliser is dropped.
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001), 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _read(response: t.Any) -> Answer:
    """Read a response, also an unsuccessful one, to its end."""
    body = response.read(MAX_BODY + 1)
    if len(body) > MAX_BODY:
        raise HttpError(f"the answer is larger than {MAX_BODY} bytes")
    # Reading a given number of bytes does not complain when the connection ends before the announced length.
    announced = response.headers.get("Content-Length", "")
    if announced.isdigit() and len(body) < int(announced):
        raise LostConnectionError("the connection was closed in the middle of the answer")
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(int(response.status), body, headers.get("content-type", "").lower(), headers)


# The first match counts; a RemoteDisconnected is a ConnectionResetError and an HTTPException.
_EXPLANATIONS: tuple[tuple[type[BaseException], str], ...] = (
    (ConnectionRefusedError, "the connection was refused; nothing listens there"),
    (ConnectionResetError, "the connection was closed before an answer came"),
    (BrokenPipeError, "the connection was closed before an answer came"),
    (http.client.IncompleteRead, "the connection was closed in the middle of the answer"),
    (http.client.HTTPException, "the answer is not HTTP"),
    (TimeoutError, "the service did not answer in time"),
)


def _explain(error: BaseException) -> str:
    """Say in plain words why no answer came."""
    if isinstance(error, URLError) and isinstance(error.reason, BaseException):
        return _explain(error.reason)
    for kind, explanation in _EXPLANATIONS:
        if isinstance(error, kind):
            return explanation
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the TLS certificate was not accepted: {error.verify_message}"
    return f"the TLS connection failed: {text}" if isinstance(error, ssl.SSLError) else text


def _is_loss(error: BaseException) -> bool:
    """Tell whether the connection itself was refused or broke, as it does while a service restarts."""
    if isinstance(error, URLError) and isinstance(error.reason, BaseException):
        return _is_loss(error.reason)
    return isinstance(error, (ConnectionError, http.client.IncompleteRead))


class HttpClient:
    """Asks one HTTP service; every way in which an answer can fail to come becomes an HttpError."""

    def __init__(self, params: dict[str, t.Any]) -> None:
        self.base = params["url"].rstrip("/")
        self.timeout: float = params["request_timeout"]
        self.options = {
            name: params[name] for name in ("validate_certs", "ca_path", "client_cert", "client_key", "use_proxy")
        }

    def get(self, path: str, *, headers: dict[str, str] | None = None, remaining: float | None = None) -> Answer:
        """GET one path."""
        return self.request("GET", path, headers=headers, remaining=remaining)

    def request(
        self,
        method: str,
        path: str,
        *,
        body: t.Any = None,
        headers: dict[str, str] | None = None,
        remaining: float | None = None,
    ) -> Answer:
        """Send one request; a body other than None is sent as JSON.

        Redirects are answers, not followed: a service that redirects is not the one that was meant.
        """
        # The last attempt of a wait gets a second: its answer should not be "too late" where there is a better one.
        seconds = self.timeout if remaining is None else min(self.timeout, max(1.0, remaining))
        try:
            with deadline(seconds):
                return self._request(method, path, body, headers or {}, seconds)
        except _Expired:
            raise HttpError(f"the service did not answer within {seconds:g} s") from None
        except HttpError:
            raise
        # ansible.module_utils raises its own errors for TLS on top of those of the standard library.
        except Exception as error:
            kind = LostConnectionError if _is_loss(error) else HttpError
            raise kind(_explain(error)) from error

    def _request(self, method: str, path: str, body: t.Any, headers: dict[str, str], seconds: float) -> Answer:
        content = None if body is None else json.dumps(body).encode()
        kind = {} if content is None else {"Content-Type": "application/json"}
        try:
            with open_url(
                self.base + path,
                method=method,
                data=content,
                headers={"Accept": "application/json", **kind, **headers},
                timeout=seconds,
                follow_redirects="none",
                http_agent="hx.gateway",
                use_netrc=False,
                **self.options,
            ) as response:
                return _read(response)
        except HTTPError as error:
            with error:
                return _read(error)

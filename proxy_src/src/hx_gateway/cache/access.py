"""Whether a key is good, and may use a model: what answers of LiteLLM have shown, or what it says when asked."""

from __future__ import annotations

import asyncio
import enum
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson
from multidict import CIMultiDict

from hx_gateway.errors import GatewayError
from hx_gateway.message import BytesBody
from hx_gateway.middlewares.credentials import HEADERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from hx_gateway.message import Request
    from hx_gateway.upstream.base import UpstreamClient

QUESTION: Final = "/v1/models"
"""The cheapest call that proves both: LiteLLM authenticates it (revoked, expired and blocked keys get 4xx), spends
nothing, counts it for no limit, and lists the models the key may use."""

REFUSALS: Final = frozenset({400, 401, 403})
"""What LiteLLM answers a key it does not know: 401, without a database 400."""

_KEYS: Final = 8192
_MODELS: Final = 64
"""Keys, and models of each, that are remembered; more are asked for again."""
_LARGEST: Final = 4 << 20
"""Bytes of a list of models that are read."""
_PATIENCE: Final = 10.0
"""Seconds LiteLLM has for its answer."""


class Verdict(enum.Enum):
    """What LiteLLM says of a key and a model."""

    GOOD = "good"
    REFUSED = "refused"
    """The key is not good."""
    UNLISTED = "unlisted"
    """The key is good; the model is not among those listed for it. It may still match a wildcard."""
    UNKNOWN = "unknown"
    """LiteLLM did not say."""


class KeyAccess:
    """Remembers for each key when it was last proven good, model by model.

    A proof is as old as the request that brought it, since that is when LiteLLM looked at the key.
    """

    def __init__(self, upstream: UpstreamClient, ttl: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._upstream = upstream
        self._ttl = ttl
        self._clock = clock
        self._proofs: OrderedDict[str, dict[str, float]] = OrderedDict()
        self._asking: dict[str, asyncio.Task[_Listing]] = {}

    def is_known(self, request: Request, *, grace: float = 0) -> bool:
        """Say whether the key was proven good for the model within the time allowed, and `grace` seconds more."""
        proofs = self._proofs.get(request.key)
        if proofs is None:
            return False
        proven = proofs.get(request.model)
        return proven is not None and self._clock() - proven < self._ttl + grace

    def now(self) -> float:
        """Return the time to give to `prove` for a request that is sent now."""
        return self._clock()

    def prove(self, request: Request, asked_at: float) -> None:
        """Remember that LiteLLM gave a good answer to `request`, sent at `asked_at`."""
        proofs = self._proofs.get(request.key)
        if proofs is None:
            proofs = self._proofs[request.key] = {}
            if len(self._proofs) > _KEYS:
                self._proofs.popitem(last=False)
        else:
            self._proofs.move_to_end(request.key)
        proofs[request.model] = max(asked_at, proofs.get(request.model, asked_at))
        if len(proofs) > _MODELS:
            del proofs[next(iter(proofs))]

    def disprove(self, request: Request, *, model_only: bool = False) -> None:
        """Forget what was known of the key, or of its use of this model: LiteLLM has refused it."""
        if model_only:
            self._proofs.get(request.key, {}).pop(request.model, None)
        else:
            self._proofs.pop(request.key, None)

    async def ask(self, request: Request) -> Verdict:
        """Ask LiteLLM with the credential of `request`; those who ask meanwhile for the same key share the answer."""
        key = request.key
        task = self._asking.get(key)
        if task is None:
            headers = CIMultiDict([(name, request.headers[name]) for name in HEADERS if name in request.headers])
            headers["x-request-id"] = request.id
            task = asyncio.create_task(self._listing(headers))
            self._asking[key] = task
            task.add_done_callback(lambda _: self._asking.pop(key))
        listing = await asyncio.shield(task)
        if listing.verdict is Verdict.REFUSED:
            self.disprove(request)
        if listing.verdict is not Verdict.GOOD:
            return listing.verdict
        proofs = self._proofs.get(key, {})
        for model in proofs:
            if model in listing.models:
                proofs[model] = max(proofs[model], listing.asked_at)
        if request.model not in listing.models:
            return Verdict.UNLISTED
        self.prove(request, listing.asked_at)
        return Verdict.GOOD

    async def _listing(self, headers: CIMultiDict[str]) -> _Listing:
        asked_at = self._clock()
        try:
            async with asyncio.timeout(_PATIENCE):
                status, body = await self._fetch(headers)
            if status == 200:
                return _Listing(Verdict.GOOD, _names(orjson.loads(body)), asked_at)
        except (GatewayError, TimeoutError, orjson.JSONDecodeError):
            return _Listing(Verdict.UNKNOWN, frozenset(), asked_at)
        refused = status in REFUSALS
        return _Listing(Verdict.REFUSED if refused else Verdict.UNKNOWN, frozenset(), asked_at)

    async def _fetch(self, headers: CIMultiDict[str]) -> tuple[int, bytes]:
        answer = await self._upstream.send("GET", QUESTION, headers, BytesBody(b""))
        try:
            body = bytearray(answer.take() or b"")
            if not body:
                async for piece in answer:
                    body += piece
                    if len(body) > _LARGEST:
                        break
        finally:
            await answer.aclose()
        return answer.status, bytes(body)


class _Listing(NamedTuple):
    verdict: Verdict
    models: frozenset[str]
    asked_at: float


def _names(document: Any) -> frozenset[str]:
    """Return the ids in a list of models, as OpenAI's API gives it; none for anything else."""
    data = document.get("data") if isinstance(document, dict) else None
    if not isinstance(data, list):
        return frozenset()
    return frozenset(item["id"] for item in data if isinstance(item, dict) and isinstance(item.get("id"), str))

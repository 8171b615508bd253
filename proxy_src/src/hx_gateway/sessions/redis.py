"""Sessions kept in Redis, for all gateways that use the same server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hx_gateway.sessions.store import Begun
from hx_gateway.stores.errors import StoreReplyError
from hx_gateway.stores.script import Script

if TYPE_CHECKING:
    import asyncio

    from hx_gateway.config.sessions import Sessions
    from hx_gateway.stores.redis import Redis

_PREFIX: Final = "hx:session:"

_BEGIN: Final = Script("""
local found = redis.call('HMGET', KEYS[1], 'r', 't', 'u')
local requests, tokens = tonumber(found[1]) or 0, tonumber(found[2]) or 0
local most_requests, most_tokens = tonumber(ARGV[1]), tonumber(ARGV[2])
local refused = ''
if most_requests > 0 and requests >= most_requests then refused = 'requests'
elseif most_tokens > 0 and tokens >= most_tokens then refused = 'tokens'
else
  requests = redis.call('HINCRBY', KEYS[1], 'r', 1)
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return {requests, tokens, found[3] or '', refused}
""")

_END: Final = Script("""
redis.call('HINCRBY', KEYS[1], 't', ARGV[1])
if ARGV[2] ~= '' then redis.call('HSET', KEYS[1], 'u', ARGV[2]) end
if ARGV[4] ~= '0' then redis.call('HINCRBY', KEYS[1], 'r', ARGV[4]) end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
""")


class RedisSessions:
    """A hash for each session: `r` requests, `t` tokens, `u` upstream."""

    def __init__(self, redis: Redis, config: Sessions) -> None:
        self._redis = redis
        self._ttl = int(config.ttl * 1000)
        self._begin = (config.max_requests, config.max_tokens, self._ttl)

    def ask(self, name: str) -> asyncio.Future[Any]:
        """Begin to count a request; to be given to `begin`. Raises StoreUnavailableError."""
        return self._redis.send(_BEGIN.named((_PREFIX + name,), self._begin))

    async def begin(self, name: str, asked: asyncio.Future[Any] | None = None) -> Begun:
        """Count a request, in one round trip. Raises StoreUnavailableError."""
        if asked is None:
            asked = self.ask(name)
        try:
            requests, tokens, upstream, refused = await asked
        except StoreReplyError as error:
            found = await self._redis.teach(error, _BEGIN, (_PREFIX + name,), self._begin)
            requests, tokens, upstream, refused = found
        return Begun(requests, tokens, upstream.decode("latin-1"), refused.decode())

    def end(self, name: str, tokens: int, upstream: str) -> None:
        """Add what a request took."""
        self._redis.post_script(_END, (_PREFIX + name,), (tokens, upstream, self._ttl, 0))

    def add(self, name: str, tokens: int, upstream: str) -> None:
        """Begin a session."""
        self._redis.post_script(_END, (_PREFIX + name,), (tokens, upstream, self._ttl, 1))

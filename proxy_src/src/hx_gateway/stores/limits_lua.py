"""The scripts that count in Redis. Each is one atomic step, by the server's clock, on keys that expire."""

from __future__ import annotations

from typing import Final

from hx_gateway.stores.limits_base import WAIT_FOR_PLACE
from hx_gateway.stores.limits_bucket import HIGHEST
from hx_gateway.stores.script import Script

_COMMON: Final = f"""
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function keep(key, drain, value)
  if value > 0 then
    value = math.min(value, {HIGHEST})
    local lasts = string.format('%.0f', math.ceil(value / drain))
    redis.call('SET', key, string.format('%.0f %.0f', value, now), 'PX', lasts)
  else
    redis.call('DEL', key)
  end
end
local function level(key, drain)
  local state = redis.call('GET', key)
  if not state then return 0 end
  local was, last = string.match(state, '^(%d+) (%d+)$')
  was, last = tonumber(was), tonumber(last)
  if last > now then
    keep(key, drain, was)
    return was
  end
  return math.max(0, was - drain * (now - last))
end
"""
"""A counter's value is its level and the millisecond that was at; it expires when it would be empty.

A clock that was set back drains nothing, and draining goes on from there.
"""

TAKE: Final = Script(f"""{_COMMON}
local lease, tokens, holder = tonumber(ARGV[1]), tonumber(ARGV[#ARGV - 1]), ARGV[#ARGV]
local buckets, refused, longest = {{}}, -1, 0
for i, key in ipairs(KEYS) do
  local at = 4 * i - 2
  local bucket = {{kind = ARGV[at], drain = tonumber(ARGV[at + 1]), unit = tonumber(ARGV[at + 2])}}
  bucket.most = tonumber(ARGV[at + 3])
  bucket.cost = bucket.unit * (bucket.kind == 't' and tokens or 1)
  local wait = 0
  if bucket.kind == 'c' then
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    bucket.level = redis.call('ZCARD', key)
    if bucket.level + bucket.cost > bucket.most then wait = {WAIT_FOR_PLACE} end
  else
    bucket.level = level(key, bucket.drain)
    local over = bucket.level + bucket.cost - bucket.most
    if bucket.cost > 0 and over > 0 then wait = math.ceil(over / bucket.drain) end
  end
  if wait > longest then refused, longest = i - 1, wait end
  buckets[i] = bucket
end
local reply = {{refused, longest}}
for i, key in ipairs(KEYS) do
  local bucket = buckets[i]
  if refused < 0 and bucket.cost > 0 then
    bucket.level = bucket.level + bucket.cost
    if bucket.kind == 'c' then
      redis.call('ZADD', key, now + lease, holder)
      redis.call('PEXPIRE', key, lease)
    else
      keep(key, bucket.drain, bucket.level)
    end
  end
  reply[2 * i + 1] = math.max(0, math.floor((bucket.most - bucket.level) / bucket.unit))
  reply[2 * i + 2] = bucket.kind == 'c' and 0 or math.ceil(bucket.level / bucket.drain)
end
return reply
""")
"""KEYS: the counters. ARGV: lease in ms, then kind, drain, unit and most of each counter, then tokens and holder.

Returns the place of the counter that refuses or -1, ms to wait for it, then remaining and ms to reset of each.
"""

SETTLE: Final = Script(f"""{_COMMON}
local levels = tonumber(ARGV[1])
for i, key in ipairs(KEYS) do
  if i <= levels then
    local drain = tonumber(ARGV[2 * i])
    keep(key, drain, level(key, drain) + tonumber(ARGV[2 * i + 1]))
  else
    redis.call('ZREM', key, ARGV[levels + i + 1])
  end
end
""")
"""KEYS: the counters of tokens, then those of which a place is freed, once for each place.

ARGV: how many there are of the former, drain and change of the level of each, then the holder of each place.
"""

RENEW: Final = Script("""
local time = redis.call('TIME')
local till = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[1]
for i, key in ipairs(KEYS) do
  redis.call('ZADD', key, till, ARGV[i + 1])
  redis.call('PEXPIRE', key, ARGV[1])
end
""")
"""KEYS: the counters of which a place is held. ARGV: lease in ms, then the holder for each."""

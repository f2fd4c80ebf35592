"""The scripts that a Redis server runs for the store: each is one atomic decision.

Keys, all below `stepwire:`, with `member` for `<namespace>/<id>` (an id holds no slash):

- `stream:<member>`: a hash, the record. It expires by itself.
- `names:<namespace>`: a sorted set, all scores 0, of the ids of living streams.
- `expiry`: a sorted set of members by the time at which their record expires, in
  milliseconds since 1970. It tells which names to take out.
- `claims:<owner>`: the set of members that others ask this owner for.

Epochs and steps are compared as doubles, which are exact up to 2^53. The scripts make the
names of some keys themselves, so they do not run on a Redis Cluster.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from service.checkpoint.store import END

PREFIX = "stepwire:"


class Script(NamedTuple):
    text: str
    sha: str
    """What the server knows it by, once it has run it."""


def _script(text: str) -> Script:
    text = _SHARED + text
    return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


_SHARED = f"""
local prefix, END = '{PREFIX}', '{END}'

local function milliseconds()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function unclaim(stream, owner, member)
  redis.call('HDEL', stream, 'claimant')
  redis.call('SREM', prefix .. 'claims:' .. owner, member)
end
"""

_STORE = """
-- Below 0, 0 or above, as a number or a string stands to another. Lua's own < compares
-- strings as the server's locale does, which other servers and stores do not.
local function compare(a, b)
  if a == b then return 0 end
  if type(a) == 'number' then return a - b end
  for i = 1, math.min(#a, #b) do
    if a:byte(i) ~= b:byte(i) then return a:byte(i) - b:byte(i) end
  end
  return #a - #b
end

local function compare_fences(epoch, owner, other_epoch, other_owner)
  local order = compare(tonumber(epoch), tonumber(other_epoch))
  return order ~= 0 and order or compare(owner, other_owner)
end

local stream, id, member = KEYS[1], ARGV[1], ARGV[2]
local epoch, owner, step, released, keep_for = ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local known = redis.call('HMGET', stream, 'epoch', 'owner', 'step', 'claimant')

if known[1] then
  local fences = compare_fences(epoch, owner, known[1], known[2])
  if %s then return 0 end
  if known[4] and (fences ~= 0 or released == '1' or step == END) then
    unclaim(stream, known[2], member)
  end
end

redis.call('HSET', stream, 'epoch', epoch, 'owner', owner, 'step', step, 'released', released,
           'token_hash', ARGV[8], 'model', ARGV[9], 'version', ARGV[10], 'checkpoint', ARGV[11])
if step == END then
  redis.call('ZREM', KEYS[2], id)
elseif known[3] == false or known[3] == END then
  redis.call('ZADD', KEYS[2], 0, id)
end
redis.call('ZADD', KEYS[3], milliseconds() + keep_for, member)
redis.call('PEXPIRE', stream, keep_for)
return 1
"""

# KEYS: stream, names, expiry. ARGV: id, member, epoch, owner, step, released, keep_for,
# token_hash, model, version, checkpoint. Returns 1 if the record is stored, otherwise 0.
WRITE = _script(
    _STORE % "fences < 0 or (fences == 0 and compare(tonumber(step), tonumber(known[3])) < 0)"
)
CREATE = _script(_STORE % "known[3] ~= END or fences <= 0")
# Beside them: the epoch and owner seen.
REPLACE = _script(_STORE % "known[1] ~= ARGV[12] or known[2] ~= ARGV[13]")

# KEYS: stream. ARGV: member, the epoch and owner seen, the new epoch and owner.
# Returns the record as HMGET does, or nil.
TAKE = _script("""
local known = redis.call('HMGET', KEYS[1], 'epoch', 'owner', 'step')
if known[1] ~= ARGV[2] or known[2] ~= ARGV[3] or known[3] == END then return false end
unclaim(KEYS[1], known[2], ARGV[1])
redis.call('HSET', KEYS[1], 'epoch', ARGV[4], 'owner', ARGV[5], 'released', '0')
return redis.call('HMGET', KEYS[1], 'epoch', 'owner', 'token_hash', 'checkpoint', 'released')
""")

# KEYS: stream. ARGV: member, claimant. The set of claims lasts as long as the last record.
CLAIM = _script("""
local known = redis.call('HMGET', KEYS[1], 'owner', 'step', 'released')
if not known[1] or known[2] == END or known[3] == '1' then return 0 end
local claims = prefix .. 'claims:' .. known[1]
redis.call('HSET', KEYS[1], 'claimant', ARGV[2])
redis.call('SADD', claims, ARGV[1])
local left = math.max(redis.call('PTTL', KEYS[1]), redis.call('PTTL', claims))
redis.call('PEXPIRE', claims, left)
return 1
""")

# KEYS: claims. ARGV: owner. Returns members; takes out those whose record has expired.
CLAIMED = _script("""
local claimed = {}
for _, member in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local known = redis.call('HMGET', prefix .. 'stream:' .. member, 'owner', 'claimant')
  if known[1] == ARGV[1] and known[2] then
    table.insert(claimed, member)
  else
    redis.call('SREM', KEYS[1], member)
  end
end
return claimed
""")

# KEYS: names. ARGV: namespace, id to begin behind, limit. Returns {id, model, version, step,
# released} of each; takes out names whose record has expired.
LIST = _script("""
local found, after, limit = {}, ARGV[2], tonumber(ARGV[3])
while #found < limit do
  local ids = redis.call('ZRANGEBYLEX', KEYS[1], '(' .. after, '+', 'LIMIT', 0, limit - #found)
  if #ids == 0 then break end
  for _, id in ipairs(ids) do
    local known = redis.call('HMGET', prefix .. 'stream:' .. ARGV[1] .. '/' .. id,
                             'model', 'version', 'step', 'released')
    if known[1] and known[3] ~= END then
      table.insert(found, {id, known[1], known[2], known[3], known[4]})
    else
      redis.call('ZREM', KEYS[1], id)
    end
  end
  after = ids[#ids]
end
return found
""")

# KEYS: expiry. ARGV: limit. A record that lives longer than its entry says keeps its name.
SWEEP = _script("""
local now = milliseconds()
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])) do
  local left = redis.call('PTTL', prefix .. 'stream:' .. member)
  if left >= 0 then
    redis.call('ZADD', KEYS[1], now + left, member)
  else
    local namespace, id = member:match('^(.*)/([^/]*)$')
    redis.call('ZREM', KEYS[1], member)
    redis.call('ZREM', prefix .. 'names:' .. namespace, id)
  end
end
return 0
""")

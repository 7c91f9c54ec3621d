"""What the scripts of `scripts` begin with, in Lua.

Under the prefix there are:

    call:ID            what is known of a call; `request` and `key` only until somebody begins it
    text:ID            its text so far, piece by piece; gone once it has ended
    holders:ID         the processes that wait for it
    asked:QUESTION     the calls that ask the same, oldest first
    under-way:CALLER   the calls of a caller that have not ended
    spent:CALLER       what a caller's calls have used
    ended, sizes, bytes    the ended calls by time, and how much they take
    alive:PROCESS      there for as long as a process renews it
    inbox:PROCESS      the channel that a process listens to, and by that is known for alive
"""

from mcp_grok.completions.store import BOUNDS

BOUNDS_IN_FORCE = f"""
local AGE, IDLE, ENTRIES, BYTES = {BOUNDS.age:.0f}, {BOUNDS.idle:.0f}, {BOUNDS.entries}, {BOUNDS.bytes}
"""

FUNCTIONS = r"""
local prefix = KEYS[1]

local function key(kind, name) return prefix .. ':' .. kind .. ':' .. name end
local function asked(question) return key('asked', redis.sha1hex(question)) end
local function under_way(caller) return key('under-way', redis.sha1hex(caller)) end

local function now()
  local time = redis.call('TIME')
  return tonumber(time[1]) + tonumber(time[2]) / 1e6
end

local function alive(process)
  return redis.call('EXISTS', key('alive', process)) == 1
    and redis.call('PUBSUB', 'NUMSUB', key('inbox', process))[2] > 0
end

local function held(id)
  for _, process in ipairs(redis.call('SMEMBERS', key('holders', id))) do
    if alive(process) then return true end
  end
  return false
end

local function tell(id, message)
  for _, process in ipairs(redis.call('SMEMBERS', key('holders', id))) do
    redis.call('PUBLISH', key('inbox', process), message)
  end
end

local function forget(id)
  local call = redis.call('HMGET', key('call', id), 'question', 'caller')
  if call[1] then
    redis.call('ZREM', asked(call[1]), id)
    redis.call('SREM', under_way(call[2]), id)
  end
  redis.call('DEL', key('call', id), key('text', id), key('holders', id))
  redis.call('ZREM', prefix .. ':ended', id)
  redis.call('DECRBY', prefix .. ':bytes', redis.call('HGET', prefix .. ':sizes', id) or 0)
  redis.call('HDEL', prefix .. ':sizes', id)
end

local function trim(time)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', prefix .. ':ended', '-inf', time - AGE)) do forget(id) end
  while redis.call('ZCARD', prefix .. ':ended') > ENTRIES
      or tonumber(redis.call('GET', prefix .. ':bytes') or 0) > BYTES do
    local oldest = redis.call('ZRANGE', prefix .. ':ended', 0, 0)[1]
    if not oldest then break end
    forget(oldest)
  end
end

-- An outcome replaces none but that the call was lost, which may have been said too soon.
local function finish(id, outcome, answered, lost)
  local call = key('call', id)
  local before = redis.call('HMGET', call, 'question', 'caller', 'outcome', 'lost')
  if not before[1] or (before[3] and (before[4] ~= '1' or lost == '1')) then return 0 end
  local time = now()
  redis.call('HSET', call, 'outcome', outcome, 'answered', answered, 'lost', lost, 'ended_at', time)
  if before[3] or lost == '1' then redis.call('HSET', call, 'abandoned', '1') end
  redis.call('HDEL', call, 'request', 'key')
  redis.call('DEL', key('text', id))
  redis.call('SREM', under_way(before[2]), id)
  redis.call('ZADD', prefix .. ':ended', time, id)
  redis.call('INCRBY', prefix .. ':bytes', #outcome - (redis.call('HGET', prefix .. ':sizes', id) or 0))
  redis.call('HSET', prefix .. ':sizes', id, #outcome)
  redis.call('EXPIRE', call, AGE)
  tell(id, '{"what":"ended","of":"' .. id .. '"}')
  trim(time)
  return 1
end
"""

"""What is done in Redis at one stroke, in Lua: the calls of many processes, who waits for them, how they ended.

Each script begins with `lua`, which says what is where.
"""

QUEUE = r"""
local id, process, lifetime = ARGV[1], ARGV[2], math.ceil(ARGV[3] + AGE)
local question, caller, began_at = ARGV[4], ARGV[5], ARGV[6]
redis.call('HSET', key('call', id), 'queued_at', now(), 'question', question, 'caller', caller, 'began_at', began_at,
  unpack(ARGV, 7))
redis.call('SADD', key('holders', id), process)
redis.call('ZADD', asked(question), began_at, id)
redis.call('SADD', under_way(caller), id)
for _, name in ipairs({key('call', id), key('holders', id), asked(question), under_way(caller)}) do
  redis.call('EXPIRE', name, lifetime)
end
"""
"""A call that waits to be begun."""

BEGIN = r"""
local id, process = ARGV[1], ARGV[2]
local call = key('call', id)
local known = redis.call('HMGET', call, 'request', 'key', 'model', 'question', 'caller', 'began_at', 'queued_at')
if not known[1] then return false end
redis.call('HSET', call, 'runner', process)
redis.call('HDEL', call, 'request', 'key')
known[7] = tostring(now() - known[7])
return known
"""
"""Gives the request of a call, to one process and once: that is what keeps a call from being sent again."""

TEXT = r"""
local id, number, piece = ARGV[1], ARGV[2], ARGV[3]
if redis.call('EXISTS', key('call', id)) == 1 then
  redis.call('HSET', key('text', id), number, piece)
  redis.call('EXPIRE', key('text', id), AGE)
end
tell(id, '{"what":"text","of":"' .. id .. '","number":' .. number .. ',"piece":' .. piece .. '}')
"""
"""A piece of the text, as JSON."""

THOUGHT = r"""
tell(ARGV[1], '{"what":"thought","of":"' .. ARGV[1] .. '","piece":' .. ARGV[2] .. '}')
"""

SENT = r"""
if redis.call('EXISTS', key('call', ARGV[1])) == 1 then redis.call('HSET', key('call', ARGV[1]), 'sent', '1') end
tell(ARGV[1], '{"what":"sent","of":"' .. ARGV[1] .. '"}')
"""

FINISH = r"""
local id, outcome, answered, lost, kept, abandoned = unpack(ARGV, 1, 6)
local model, question, caller, began_at, notes = unpack(ARGV, 7, 11)
local call = key('call', id)
if redis.call('HEXISTS', call, 'question') == 0 then
  redis.call('HSET', call, 'model', model, 'question', question, 'caller', caller, 'began_at', began_at,
    'notes', notes, 'abandoned', '1')
  redis.call('ZADD', asked(question), began_at, id)
  redis.call('EXPIRE', asked(question), AGE)
end
if kept ~= '' then redis.call('HSET', call, 'kept', kept, 'abandoned', abandoned) end
if finish(id, outcome, answered, lost) == 0 then return 0 end
local spent = key('spent', redis.sha1hex(caller))
if #ARGV > 11 then redis.call('HSETNX', spent, 'since', now()) end
for place = 12, #ARGV, 2 do redis.call('HINCRBYFLOAT', spent, ARGV[place], ARGV[place + 1]) end
return 1
"""
"""How a call ended. One of which nothing is known any more, as after a loss of data, is left to whoever asks again."""

STOP = r"""
local id, outcome, abandoned = ARGV[1], ARGV[2], ARGV[3]
local call = key('call', id)
local known = redis.call('HMGET', call, 'question', 'runner', 'outcome')
if not known[1] or known[3] then return end
if abandoned == '1' then redis.call('HSET', call, 'abandoned', '1') end
if not known[2] then
  finish(id, outcome, '0', '0')
  return
end
redis.call('HSET', call, 'stop', '1')
redis.call('PUBLISH', key('inbox', known[2]), '{"what":"stop","of":"' .. id .. '"}')
"""
"""Stops a call: ends one that nobody has begun, and tells whoever runs it."""

TAKE = r"""
local question, process, lost = ARGV[1], ARGV[2], ARGV[3]
local best, best_rank = '', 0
local time = now()
for _, id in ipairs(redis.call('ZRANGE', asked(question), 0, -1)) do
  local call = redis.call('HMGET', key('call', id),
    'question', 'outcome', 'abandoned', 'kept', 'stop', 'runner', 'answered', 'lost', 'ended_at')
  local ended = call[2]
  if not call[1] then
    redis.call('ZREM', asked(question), id)
  elseif call[3] ~= '1' and (call[4] == '1' or held(id)) then
    -- Somebody waits for it, or has its id.
  elseif ended and call[8] ~= '1' and tonumber(call[9]) < time - IDLE then
    -- Nobody has come back for it for too long.
  elseif ended or not call[5] then
    local rank = call[7] == '1' and 3 or ended and 1 or 2
    if not ended and call[6] and not alive(call[6]) then
      finish(id, lost, '0', '1')
      rank = 1
    end
    if rank > best_rank then best, best_rank = id, rank end
  end
end
if best_rank > 0 then
  redis.call('HSET', key('call', best), 'abandoned', '0')
  if best_rank == 2 then
    redis.call('SADD', key('holders', best), process)
  else
    redis.call('HSET', key('call', best), 'kept', '1')
  end
end
return best
"""
"""The best of the abandoned calls that asked this, given to one process and once. A call is abandoned, too, when all
that waited for it are dead."""

TWIN = r"""
for _, id in ipairs(redis.call('ZRANGE', asked(ARGV[1]), 0, -1)) do
  local call = redis.call('HMGET', key('call', id), 'question', 'outcome', 'kept', 'stop', 'began_at')
  if call[1] and not call[2] and call[3] ~= '1' and not call[4] then return call[5] end
end
return false
"""
"""When the oldest call began that asks this, runs, and is waited for."""

READ = r"""
local id, known_pieces, process = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local names = {'model', 'question', 'caller', 'began_at', 'notes', 'kept', 'abandoned', 'sent', 'stop', 'outcome',
  'ended_at', 'runner', 'queued_at'}
local call = redis.call('HMGET', key('call', id), unpack(names))
if not call[1] then return false end
if process ~= '' and not call[10] then
  redis.call('SADD', key('holders', id), process)
  redis.call('EXPIRE', key('holders', id), AGE)
end
local found = {}
for place, name in ipairs(names) do
  if call[place] then
    found[#found + 1] = name
    found[#found + 1] = call[place]
  end
end
local text = {}
if redis.call('HLEN', key('text', id)) > known_pieces then text = redis.call('HGETALL', key('text', id)) end
local runner = call[12] and (alive(call[12]) and 'alive' or 'dead') or 'none'
return {found, text, runner, tostring(now() - (call[13] or now()))}
"""
"""A call as it is now; a process that is named waits for it from now on."""

LEAVE = r"""
local id, process, abandoned = ARGV[1], ARGV[2], ARGV[3]
redis.call('SREM', key('holders', id), process)
if abandoned == '1' and redis.call('EXISTS', key('call', id)) == 1 then
  redis.call('HSET', key('call', id), 'abandoned', '1')
end
"""
"""A process waits for a call no more."""

FORGET = r"""
local call = redis.call('HMGET', key('call', ARGV[1]), 'kept', 'abandoned')
redis.call('SREM', key('holders', ARGV[1]), ARGV[2])
if call[1] ~= '1' and call[2] ~= '1' then forget(ARGV[1]) end
"""
"""An outcome is delivered, and nobody may ask for it again."""

ATTENDED = r"""
local found = {}
for place, id in ipairs(ARGV) do
  local call = redis.call('HMGET', key('call', id), 'question', 'kept', 'abandoned', 'stop')
  local attended = not call[1] or (call[3] ~= '1' and (call[2] == '1' or held(id)))
  found[place] = call[4] and 'stop' or attended and 'yes' or 'no'
end
return found
"""
"""Of each call, whether anybody may still want it."""

UNDER_WAY = r"""
local count = 0
for _, id in ipairs(redis.call('SMEMBERS', under_way(ARGV[1]))) do
  local call = redis.call('HMGET', key('call', id), 'question', 'outcome', 'runner')
  if not call[1] or call[2] then
    redis.call('SREM', under_way(ARGV[1]), id)
  elseif not call[3] or alive(call[3]) then
    count = count + 1
  end
end
return count
"""
"""How many calls of a caller run."""

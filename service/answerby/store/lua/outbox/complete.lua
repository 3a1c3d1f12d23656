--[[ End a delivery, if the caller still holds the lease. The fencing token decides, not the clock. The answer of the
platform is noted in the life of its connector, for all workers, and the attempt in the record of the request.
KEYS[1] zset due  KEYS[2] zset queue  KEYS[3] zset ages  KEYS[4] hash entries  KEYS[5] hash meta  KEYS[6] hash leases
KEYS[7] stream dead letters  KEYS[8] hash life  KEYS[9] counter  KEYS[10] list deliveries of the request
ARGV[1]  MessagePack map, see answerby/store/outbox.py: CompleteCall
Returns 'lost', or what became of the connector: 'same' | 'held' | 'rests' | 'back'
--]]
-- uses urgency.lua

local c = cmsgpack.unpack(ARGV[1])
local target, kind, life = c.target, c.kind, KEYS[8]
local token, effect_id = string.match(redis.call('HGET', KEYS[6], target) or '', '^(%d+) (.*)$')
if token ~= c.token then return 'lost' end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function whole(number) return string.format('%.0f', number) end
local members = redis.call('ZRANGEBYLEX', KEYS[2], '[' .. target .. ':', '(' .. target .. ';')
local digest = string.match(members[1] or '', '^[^:]*:[^:]*:([^:]*):') or '-'
local attempts, _, number = string.match(redis.call('HGET', KEYS[5], effect_id) or '', '^(%d+) (%S+) (.*)$')
if not attempts then attempts, number = '0', '' end

-- The oldest first among those of one urgency.
local function score_of_head(head)
  local id = string.match(head, '^[^:]*:[^:]*:[^:]*:(.*)$') or head
  return tonumber(redis.call('ZSCORE', KEYS[3], id) or now) - urgency(redis.call('HGET', KEYS[4], id))
end

-- An effect without a write needs no retry when a newer entry that replaces the effect already waits.
local function replaced()
  if c.unknown or digest == '-' then return false end
  for i = 2, #members do
    if string.match(members[i], '^[^:]*:[^:]*:([^:]*):') == digest then return true end
  end
  return false
end

-- The platform answers again: what waited for it is due at once, but for writes that may still be under way.
local function release()
  for _, waiting in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. whole(now), '+inf')) do
    if waiting ~= target and redis.call('HEXISTS', KEYS[6], waiting) == 0 then
      local head = redis.call('ZRANGEBYLEX', KEYS[2], '[' .. waiting .. ':', '(' .. waiting .. ';', 'LIMIT', 0, 1)[1]
      local id = head and string.match(head, '^[^:]*:[^:]*:[^:]*:(.*)$')
      local settled = id and string.match(redis.call('HGET', KEYS[5], id) or '', '^%d+ U@(%d+) ')
      if settled and tonumber(settled) > now then
        redis.call('ZADD', KEYS[1], settled, waiting)
      elseif head then
        redis.call('ZADD', KEYS[1], whole(score_of_head(head)), waiting)
      end
    end
  end
end

-- From now on one attempt at a time. Answers to attempts from before say nothing of what comes.
local function one_at_a_time()
  redis.call('HSET', life, 'window', 1, 'epoch', redis.call('GET', KEYS[9]) or '0')
end

local function rest(wait)
  local before = tonumber(redis.call('HGET', life, 'until') or '0')
  redis.call('HSET', life, 'until', whole(math.max(before, now + wait)))
  one_at_a_time()
end

local function note()
  if c.answer == 'none' then return 'same' end
  local held = redis.call('HMGET', life, 'epoch', 'window', 'openings', 'hold')
  local early = held[1] and tonumber(token) <= tonumber(held[1])
  if c.answer == 'good' then
    redis.call('HSET', life, 'good_at', whole(now))
    if early then return 'same' end
    local was_away = held[3] or held[4]
    redis.call('HDEL', life, 'fails', 'openings', 'until', 'hold', 'hold_mark', 'hold_at', 'probe_at', 'why')
    if held[2] then
      local window = tonumber(held[2]) + 1
      if window > c.full then redis.call('HDEL', life, 'window', 'epoch')
      else redis.call('HSET', life, 'window', window) end
    end
    if was_away then
      release()
      return 'back'
    end
    return 'same'
  end
  redis.call('HSET', life, 'why', c.reason)
  if c.answer == 'wait' then
    rest(c.platform_wait)
    return early and 'same' or 'rests'
  end
  if early then return 'same' end
  if c.answer == 'held' then
    redis.call('HSET', life, 'hold_mark', c.mark, 'probe_at', whole(now + c.probe))
    if held[4] then return 'same' end
    redis.call('HSET', life, 'hold', c.reason, 'hold_at', whole(now))
    one_at_a_time()
    return 'held'
  end
  local fails = redis.call('HINCRBY', life, 'fails', 1)
  if not held[3] and fails < c.threshold then return 'same' end
  local openings = redis.call('HINCRBY', life, 'openings', 1)
  rest(math.min(c.rest_most, c.rest_first * 2 ^ math.min(openings - 1, 30)))
  return 'rests'
end

-- The same end several times in a row is one line with a count.
local function record()
  if c.record == '' then return end
  local last = redis.call('LINDEX', KEYS[10], -1)
  local first, count, same = string.match(last or '', '^(%d+) %d+ (%d+) (.*)$')
  local line = whole(now) .. ' ' .. whole(now) .. ' 1 ' .. c.record
  if same == c.record then
    redis.call('LSET', KEYS[10], -1, first .. ' ' .. whole(now) .. ' ' .. (tonumber(count) + 1) .. ' ' .. c.record)
  else
    redis.call('RPUSH', KEYS[10], line)
    redis.call('LTRIM', KEYS[10], -c.records, -1)
  end
end

redis.call('HDEL', KEYS[6], target)
local became = note()
record()
local again = (kind == 'retry' and not replaced()) or kind == 'held'
if again then
  local flag = '-'
  if c.unknown then flag = c.settle > 0 and 'U@' .. whole(now + c.settle) or 'U' end
  -- An attempt that the platform refused for the whole connector is none of the entry's own.
  if kind == 'held' then attempts = whole(math.max(0, tonumber(attempts) - 1)) end
  redis.call('HSET', KEYS[5], effect_id, attempts .. ' ' .. flag .. ' ' .. number)
else
  if kind == 'dead' then
    local entry = redis.call('HGET', KEYS[4], effect_id) or ''
    redis.call('XADD', KEYS[7], '*', 'c', c.connector, 'e', entry, 'u', number, 'a', attempts, 'w', c.reason)
  end
  if members[1] then redis.call('ZREM', KEYS[2], members[1]) end
  redis.call('ZREM', KEYS[3], effect_id)
  redis.call('HDEL', KEYS[4], effect_id)
  redis.call('HDEL', KEYS[5], effect_id)
  table.remove(members, 1)
end
if #members == 0 then
  redis.call('ZREM', KEYS[1], target)
elseif again then
  local wait = c.wait
  -- While the platform is away, its rest is the wait of every entry.
  if became == 'rests' and c.answer == 'bad' then
    wait = math.max(c.settle, tonumber(redis.call('HGET', life, 'until')) - now)
  end
  redis.call('ZADD', KEYS[1], whole(now + wait), target)
else
  redis.call('ZADD', KEYS[1], whole(score_of_head(members[1])), target)
end
return became

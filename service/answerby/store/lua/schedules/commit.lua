--[[ Commit one firing of a schedule with its effects and follow-ups: all of it or nothing, once per occurrence.
KEYS[1]  hash   schedules     KEYS[2]  hash   claims    KEYS[3] list decisions of the schedule
KEYS[4]  stream decision log  KEYS[5]  counter of the decision log
KEYS[6]  stream intake
KEYS[7]  hash   outbox entries  KEYS[8] hash outbox meta  KEYS[9] counter  KEYS[10] set connectors
KEYS[11..] for each connector: zset due, zset queue, zset ages
ARGV[1]  MessagePack map, see answerby/store/schedules.py: FiringCall   ARGV[2] decision JSON
Returns the log sequence, or false when this occurrence or a later one has been committed
--]]
-- uses counts.lua
-- uses urgency.lua

-- A write to a key of another type would end the script with a part of the commit done. The length of each key ends it
-- here, where nothing is written yet.
local lengths = { 'HLEN', 'HLEN', 'LLEN', 'XLEN', 'STRLEN', 'XLEN', 'HLEN', 'HLEN', 'STRLEN', 'SCARD' }
for i, key in ipairs(KEYS) do redis.call(lengths[i] or 'ZCARD', key) end
for _, key in ipairs({ KEYS[5], KEYS[9] }) do
  if not counts(key) then return redis.error_reply('WRONGTYPE a counter is no number') end
end

local c = cmsgpack.unpack(ARGV[1])
local decision = ARGV[2]
local held = redis.call('HGET', KEYS[1], c.schedule)
local since, seen, sequence = string.match(held or '', '^(%d+) (%d+) (%d+)$')
if not since or since ~= c.since or tonumber(sequence) ~= c.sequence - 1 then return false end

redis.call('HSET', KEYS[1], c.schedule, c.time .. ' ' .. seen .. ' ' .. string.format('%d', c.sequence))
redis.call('HDEL', KEYS[2], c.schedule)
redis.call('RPUSH', KEYS[3], decision)
redis.call('LTRIM', KEYS[3], -c.kept, -1)
local log_sequence = redis.call('INCR', KEYS[5])
redis.call('XADD', KEYS[4], '*', 'n', log_sequence, 'r', c.request_id, 'p', '', 'u', '', 'd', decision)

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local key = 11
for _, box in ipairs(c.outbox) do
  local due, queue, ages = KEYS[key], KEYS[key + 1], KEYS[key + 2]
  key = key + 3
  redis.call('SADD', KEYS[10], box[1])
  for _, entry in ipairs(box[2]) do
    local effect_id, body = entry[1], entry[2]
    if redis.call('HSETNX', KEYS[7], effect_id, body) == 1 then
      local order = string.format('%016d', redis.call('INCR', KEYS[9]))
      redis.call('HSET', KEYS[8], effect_id, '0 - ')
      redis.call('ZADD', queue, 0, c.target .. ':' .. order .. ':-:' .. effect_id)
      redis.call('ZADD', ages, now, effect_id)
      redis.call('ZADD', due, 'NX', now - urgency(body), c.target)
    end
  end
end
for _, event in ipairs(c.follow_ups) do
  redis.call('XADD', KEYS[6], '*', 'e', event)
end
return log_sequence

--[[ Commit one decision: all of it or nothing. Every check comes before the first write.
KEYS[1]  hash   request: s state JSON, v version, n number
KEYS[2]  list   events of the request
KEYS[3]  list   decisions of the request
KEYS[4]  string idempotency record "payload-hash sequence request-id"
KEYS[5]  stream decision log      KEYS[6]  counter of the decision log
KEYS[7]  zset   request index     KEYS[8]  hash   request facets
KEYS[9]  zset   timers            KEYS[10] hash   timer data       KEYS[11] hash timer claims
KEYS[12] counter request serial of the number prefix
KEYS[13] stream intake
KEYS[14] hash   outbox entries    KEYS[15] hash   outbox meta      KEYS[16] counter  KEYS[17] set connectors
KEYS[18] hash   newest: connector and supersedes digest -> sequence of the newest decision that has such an effect
KEYS[19..] zset windows, one for each mark; then for each connector: zset due, zset queue, zset ages
ARGV[1]  MessagePack map, see answerby/store/requests/commit.py: CommitCall
ARGV[2]  event JSON   ARGV[3] state JSON   ARGV[4] decision JSON   ARGV[5] facets JSON
Returns { "committed", number, log sequence, log entry } | { "version_conflict" }
      | { "duplicate", payload hash, sequence, request id, number }
--]]
-- uses counts.lua
-- uses end_claim.lua
-- uses urgency.lua

local c = cmsgpack.unpack(ARGV[1])
local event, state, decision, facets = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local request_id = c.request_id

-- A write to a key of another type would end the script with a part of the commit done. The length of each key that is
-- written later ends it here, where nothing is written yet. The script reads the other keys first anyway.
redis.call('LLEN', KEYS[2])
redis.call('XLEN', KEYS[5])
if not counts(KEYS[6]) then return redis.error_reply('WRONGTYPE the counter of the decision log is no number') end
redis.call('ZCARD', KEYS[7])
redis.call('HLEN', KEYS[8])
if c.timer ~= '' or #c.cancel > 0 or #c.arm_due > 0 then
  redis.call('ZCARD', KEYS[9])
  redis.call('HLEN', KEYS[10])
  redis.call('HLEN', KEYS[11])
end
if c.number_prefix ~= '' and not counts(KEYS[12]) then
  return redis.error_reply('WRONGTYPE the counter of request numbers is no number')
end
if c.stream_ack ~= '' or #c.follow_ups > 0 then redis.call('XLEN', KEYS[13]) end
if #c.outbox > 0 then
  redis.call('HLEN', KEYS[14])
  redis.call('HLEN', KEYS[15])
  if not counts(KEYS[16]) then return redis.error_reply('WRONGTYPE the counter of the tenant is no number') end
  redis.call('SCARD', KEYS[17])
  redis.call('HLEN', KEYS[18])
end
for i = 19, #KEYS do redis.call('ZCARD', KEYS[i]) end

-- A timer that was armed again meanwhile has another due time and stays.
local function consume_timer()
  if c.timer == '' then return end
  local score = redis.call('ZSCORE', KEYS[9], c.timer)
  if score and tonumber(score) == c.timer_due then
    redis.call('ZREM', KEYS[9], c.timer)
    redis.call('HDEL', KEYS[10], c.timer)
  end
  end_claim(KEYS[11], request_id, c.timer_token)
end

local function acknowledge()
  if c.stream_ack ~= '' then
    redis.call('XACK', KEYS[13], c.group, c.stream_ack)
  end
end

local held = redis.call('HMGET', KEYS[1], 'v', 'n')
local number = held[2] or ''
local record = redis.call('GET', KEYS[4])
if record then
  local hash, sequence, owner = string.match(record, '^(%S+) (%d+) (.*)$')
  if not hash then return redis.error_reply('UNREADABLE idempotency record ' .. KEYS[4]) end
  if hash == c.payload_hash then
    acknowledge()
    consume_timer()
  end
  return { 'duplicate', hash, tonumber(sequence), owner, number }
end
if held[1] and not tonumber(held[1]) then return redis.error_reply('UNREADABLE version of ' .. KEYS[1]) end
if tonumber(held[1] or '0') ~= c.expected then
  return { 'version_conflict' }
end
if redis.call('LLEN', KEYS[3]) ~= c.sequence - 1 then
  return redis.error_reply('SEQUENCE decision ' .. c.sequence .. ' does not follow the stored ones')
end

if number == '' and c.number_prefix ~= '' then
  number = c.number_prefix .. '-' .. string.format('%03d', redis.call('INCR', KEYS[12]))
end
redis.call('HSET', KEYS[1], 's', state, 'v', c.version, 'n', number)
redis.call('RPUSH', KEYS[2], event)
redis.call('RPUSH', KEYS[3], decision)
redis.call('SET', KEYS[4], c.payload_hash .. ' ' .. c.sequence .. ' ' .. request_id, 'PX', c.idempotency_ms)
local log_sequence = redis.call('INCR', KEYS[6])
local log_entry = redis.call('XADD', KEYS[5], '*', 'n', log_sequence, 'r', request_id, 'p', c.priority, 'u', number, 'd', decision)
redis.call('ZADD', KEYS[7], 'NX', c.created, request_id)
redis.call('HSET', KEYS[8], request_id, facets)

consume_timer()
if #c.cancel > 0 then
  redis.call('ZREM', KEYS[9], unpack(c.cancel))
  redis.call('HDEL', KEYS[10], unpack(c.cancel))
end
if #c.arm_due > 0 then
  redis.call('ZADD', KEYS[9], unpack(c.arm_due))
  redis.call('HSET', KEYS[10], unpack(c.arm_data))
end

local key = 19
for _, mark in ipairs(c.marks) do
  local at, remove, oldest = mark[1], mark[2], mark[3]
  if remove then
    redis.call('ZREM', KEYS[key], request_id)
  else
    redis.call('ZADD', KEYS[key], 'LT', at, request_id)
    redis.call('ZREMRANGEBYSCORE', KEYS[key], '-inf', string.format('(%.0f', oldest))
    redis.call('PEXPIRE', KEYS[key], c.window_ms)
  end
  key = key + 1
end

-- Drop waiting entries of this target that a newer entry replaces. Entries that may have been sent stay.
local function supersede(queue, ages, digest)
  for _, member in ipairs(redis.call('ZRANGEBYLEX', queue, '[' .. c.target .. ':', '(' .. c.target .. ';')) do
    local old_digest, effect_id = string.match(member, '^[^:]*:[^:]*:([^:]*):(.*)$')
    local meta = old_digest == digest and redis.call('HGET', KEYS[15], effect_id)
    if meta and string.match(meta, '^%d+ %-') then
      redis.call('ZREM', queue, member)
      redis.call('ZREM', ages, effect_id)
      redis.call('HDEL', KEYS[14], effect_id)
      redis.call('HDEL', KEYS[15], effect_id)
    end
  end
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, box in ipairs(c.outbox) do
  local due, queue, ages = KEYS[key], KEYS[key + 1], KEYS[key + 2]
  key = key + 3
  redis.call('SADD', KEYS[17], box[1])
  for _, entry in ipairs(box[2]) do
    local effect_id, digest, body = entry[1], entry[2], entry[3]
    if digest ~= '-' then
      supersede(queue, ages, digest)
      redis.call('HSET', KEYS[18], box[1] .. ' ' .. digest, c.sequence)
    end
    if redis.call('HSETNX', KEYS[14], effect_id, body) == 1 then
      local order = string.format('%016d', redis.call('INCR', KEYS[16]))
      redis.call('HSET', KEYS[15], effect_id, '0 - ' .. number)
      redis.call('ZADD', queue, 0, c.target .. ':' .. order .. ':' .. digest .. ':' .. effect_id)
      redis.call('ZADD', ages, now, effect_id)
      -- A target that is leased or waits for its next attempt keeps its place.
      local place, before = now - urgency(body), tonumber(redis.call('ZSCORE', due, c.target) or 'inf')
      if before == math.huge or (before <= now and place < before) then redis.call('ZADD', due, place, c.target) end
    end
  end
end
for _, event in ipairs(c.follow_ups) do
  redis.call('XADD', KEYS[13], '*', 'e', event)
end
acknowledge()
return { 'committed', number, log_sequence, log_entry }

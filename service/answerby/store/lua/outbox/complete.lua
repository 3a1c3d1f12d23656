--[[ End a delivery, if the caller still holds the lease. The fencing token decides, not the clock.
KEYS[1] zset due  KEYS[2] zset queue  KEYS[3] zset ages  KEYS[4] hash entries  KEYS[5] hash meta  KEYS[6] hash leases
KEYS[7] stream dead letters
ARGV[1] target  ARGV[2] token  ARGV[3] done | dead | retry  ARGV[4] reason  ARGV[5] wait of a retry, ms
ARGV[6] 1 when the outcome is unknown  ARGV[7] connector
Returns 1, or 0 when the lease was lost
--]]
local target, kind = ARGV[1], ARGV[3]
local token, effect_id = string.match(redis.call('HGET', KEYS[6], target) or '', '^(%d+) (.*)$')
if token ~= ARGV[2] then return 0 end

local time = redis.call('TIME')
local next_attempt = time[1] * 1000 + math.floor(time[2] / 1000)
local members = redis.call('ZRANGEBYLEX', KEYS[2], '[' .. target .. ':', '(' .. target .. ';')
local digest = string.match(members[1] or '', '^[^:]*:[^:]*:([^:]*):') or '-'
local attempts, _, number = string.match(redis.call('HGET', KEYS[5], effect_id) or '', '^(%d+) (%S+) (.*)$')
if not attempts then attempts, number = '0', '' end

-- An effect without a write needs no retry when a newer entry that replaces the effect already waits.
local function replaced()
  if ARGV[6] == '1' or digest == '-' then return false end
  for i = 2, #members do
    if string.match(members[i], '^[^:]*:[^:]*:([^:]*):') == digest then return true end
  end
  return false
end

redis.call('HDEL', KEYS[6], target)
if kind == 'retry' then
  next_attempt = next_attempt + tonumber(ARGV[5])
end
if kind == 'retry' and not replaced() then
  redis.call('HSET', KEYS[5], effect_id, attempts .. (ARGV[6] == '1' and ' U ' or ' - ') .. number)
else
  if kind == 'dead' then
    local entry = redis.call('HGET', KEYS[4], effect_id) or ''
    redis.call('XADD', KEYS[7], '*', 'c', ARGV[7], 'e', entry, 'u', number, 'a', attempts, 'w', ARGV[4])
  end
  if members[1] then redis.call('ZREM', KEYS[2], members[1]) end
  redis.call('ZREM', KEYS[3], effect_id)
  redis.call('HDEL', KEYS[4], effect_id)
  redis.call('HDEL', KEYS[5], effect_id)
  table.remove(members, 1)
end
if #members > 0 then
  redis.call('ZADD', KEYS[1], next_attempt, target)
else
  redis.call('ZREM', KEYS[1], target)
end
return 1

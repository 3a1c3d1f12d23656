--[[ Lease the first entry of each target that is due. A leased target is hidden until the lease ends.
KEYS[1] zset due  KEYS[2] zset queue  KEYS[3] hash entries  KEYS[4] hash meta  KEYS[5] hash leases  KEYS[6] counter
ARGV[1] how many  ARGV[2] length of the lease, ms
Returns a list of { entry JSON or '', number, attempts before, token, 1 when an earlier attempt may have arrived,
target, effect id }
--]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local leased = {}
for _, target in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])) do
  local head = redis.call('ZRANGEBYLEX', KEYS[2], '[' .. target .. ':', '(' .. target .. ';', 'LIMIT', 0, 1)[1]
  if not head then
    redis.call('ZREM', KEYS[1], target)
  else
    -- A member that cannot be read has no entry, and the caller gives it up.
    local effect_id = string.match(head, '^[^:]*:[^:]*:[^:]*:(.*)$') or head
    local meta = redis.call('HGET', KEYS[4], effect_id)
    local attempts, flag, number = string.match(meta or '', '^(%d+) (%S+) (.*)$')
    -- Without its mark nobody knows whether the effect has arrived.
    if not attempts then attempts, flag, number = '0', 'U', '' end
    local token = redis.call('INCR', KEYS[6])
    redis.call('HSET', KEYS[5], target, token .. ' ' .. effect_id)
    redis.call('HSET', KEYS[4], effect_id, (tonumber(attempts) + 1) .. ' L ' .. number)
    redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), target)
    -- The mark is still L, so the holder died or stalled. The effect may have arrived.
    local unknown = flag == '-' and 0 or 1
    local entry = redis.call('HGET', KEYS[3], effect_id) or ''
    leased[#leased + 1] = { entry, number, tonumber(attempts), token, unknown, target, effect_id }
  end
end
return leased

--[[ Lease the first entry of each target that is due, the most urgent first. A leased target is hidden until the lease
ends. Nothing is leased while the connector is paused, held, or rests.
KEYS[1] zset due  KEYS[2] zset queue  KEYS[3] hash entries  KEYS[4] hash meta  KEYS[5] hash leases  KEYS[6] counter
KEYS[7] hash life of the connector
ARGV[1] how many  ARGV[2] length of the lease, ms  ARGV[3] mark of the settings
ARGV[4] interval of attempts while held, ms  ARGV[5] most leases in a second, 0: no limit
Returns { ready | paused | held | resting, wait until the next lease in ms, list of
{ entry JSON or '', number, attempts before, token, 1 when an earlier attempt may have arrived, target, effect id } }
--]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local free, length = tonumber(ARGV[1]), tonumber(ARGV[2])
local life = redis.call('HMGET', KEYS[7], 'pause', 'hold', 'hold_mark', 'probe_at', 'until', 'window')
local standing = 'ready'

if life[1] then return { 'paused', 0, {} } end
if life[2] then
  if life[3] ~= ARGV[3] then
    -- The settings have changed since, such as the token. One attempt shows whether the platform takes it.
    redis.call('HDEL', KEYS[7], 'hold', 'hold_mark', 'hold_at', 'probe_at')
  else
    local wait = tonumber(life[4]) - now
    if wait > 0 then return { 'held', wait, {} } end
    free, standing = math.min(free, 1), 'held'
  end
end
if life[5] then
  local wait = tonumber(life[5]) - now
  if wait > 0 then return { 'resting', wait, {} } end
end
if life[6] then
  -- After a wait one attempt goes first; each good answer lets one more go at a time.
  local flying = 0
  for _, target in ipairs(redis.call('HKEYS', KEYS[5])) do
    local score = redis.call('ZSCORE', KEYS[1], target)
    if score and tonumber(score) > now then flying = flying + 1 end
  end
  free = math.min(free, tonumber(life[6]) - flying)
end
local rate, tokens = tonumber(ARGV[5]) / 1000, nil
if rate > 0 then
  local filled = redis.call('HMGET', KEYS[7], 'tokens', 'filled')
  local most = math.max(1, rate * 1000)
  tokens = math.min(most, tonumber(filled[1] or most) + rate * math.max(0, now - tonumber(filled[2] or now)))
  if tokens < 1 then return { standing, math.ceil((1 - tokens) / rate), {} } end
  free = math.min(free, math.floor(tokens))
end
if free <= 0 then return { standing, 0, {} } end

local leased = {}
for _, target in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, free)) do
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
    redis.call('ZADD', KEYS[1], now + length, target)
    -- The mark is still L, so the holder died or stalled. The effect may have arrived.
    local unknown = flag == '-' and 0 or 1
    local entry = redis.call('HGET', KEYS[3], effect_id) or ''
    leased[#leased + 1] = { entry, number, tonumber(attempts), token, unknown, target, effect_id }
  end
end
if tokens then
  redis.call('HSET', KEYS[7], 'tokens', string.format('%.6f', tokens - #leased), 'filled', string.format('%.0f', now))
end
if standing == 'held' and #leased > 0 then
  redis.call('HSET', KEYS[7], 'probe_at', string.format('%.0f', now + tonumber(ARGV[4])))
end
return { standing, 0, leased }

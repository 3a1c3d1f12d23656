--[[ Take or renew the right to poll for a connector. The first claim notes the start of the connector.
KEYS[1] hash poll  KEYS[2] counter  KEYS[3] hash life of the connector
ARGV[1] token of the caller, or 0  ARGV[2] lease, ms  ARGV[3] look back of the first poll, ms
ARGV[4] mark of the settings
Returns { token, cursor, page, since ms, complete ms, ms until the platform takes calls }, or { 0, ms until the lease of the holder ends }
--]]
-- uses counts.lua
if not counts(KEYS[2]) then return redis.error_reply('WRONGTYPE the counter of the tenant is no number') end
local held = redis.call('HMGET', KEYS[1], 'token', 'until', 'cursor', 'page', 'since', 'complete')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local token = held[1] or '0'
if token == '0' or token ~= ARGV[1] then
  local left = tonumber(held[2] or '0') - now
  if left > 0 then return { 0, left } end
  token = tostring(redis.call('INCR', KEYS[2]))
end
local since = held[5] or string.format('%.0f', now - tonumber(ARGV[3]))
redis.call('HSET', KEYS[1], 'token', token, 'until', string.format('%.0f', now + tonumber(ARGV[2])), 'since', since)
local rest = tonumber(redis.call('HGET', KEYS[3], 'until') or '0') - now
-- Other settings, such as another token, are tried at once.
local hold = redis.call('HMGET', KEYS[1], 'hold_mark', 'probe_at')
if hold[1] == ARGV[4] then rest = math.max(rest, tonumber(hold[2] or '0') - now) end
return { tonumber(token), held[3] or '', tonumber(held[4] or '0'), tonumber(since), tonumber(held[6] or since), math.max(0, rest) }

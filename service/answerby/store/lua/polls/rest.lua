--[[ Let all workers keep a wait that the platform set. A longer wait from before stays.
KEYS[1] hash life of the connector
ARGV[1] wait, ms
Returns 1
--]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local before = tonumber(redis.call('HGET', KEYS[1], 'until') or '0')
redis.call('HSET', KEYS[1], 'until', string.format('%.0f', math.max(before, now + tonumber(ARGV[1]))))
return 1

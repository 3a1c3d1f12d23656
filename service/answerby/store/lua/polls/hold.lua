--[[ Note that the platform refuses the polls of a connector, if the caller still has the right to poll.
KEYS[1] hash poll
ARGV[1] token  ARGV[2] reason  ARGV[3] mark of the settings  ARGV[4] interval of polls while held, ms
Returns 1 when the connector was not held with these settings before, or 0
--]]
local held = redis.call('HMGET', KEYS[1], 'token', 'hold', 'hold_mark')
if held[1] ~= ARGV[1] then return 0 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], 'probe_at', string.format('%.0f', now + tonumber(ARGV[4])))
if held[2] and held[3] == ARGV[3] then return 0 end
redis.call('HSET', KEYS[1], 'hold', ARGV[2], 'hold_mark', ARGV[3], 'hold_at', string.format('%.0f', now))
return 1

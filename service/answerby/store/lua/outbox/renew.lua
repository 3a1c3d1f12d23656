--[[ Keep a lease longer.
KEYS[1] zset due  KEYS[2] hash leases
ARGV[1] target  ARGV[2] token  ARGV[3] length from now, ms
Returns 1, or 0 when the lease is no longer held
--]]
local token = string.match(redis.call('HGET', KEYS[2], ARGV[1]) or '', '^(%d+) ')
if token ~= ARGV[2] then return 0 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), ARGV[1])
return 1

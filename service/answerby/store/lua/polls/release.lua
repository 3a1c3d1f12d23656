--[[ End the right to poll early, so that another worker goes on at once.
KEYS[1] hash poll
ARGV[1] token
Returns 1, or 0 when another worker polls now
--]]
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'until', 0)
return 1

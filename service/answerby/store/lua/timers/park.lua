--[[ Take a timer that cannot be read out of its place. The timer of the request's state takes the place, if there is one.
KEYS[1] zset timers  KEYS[2] hash timer data  KEYS[3] hash claims
ARGV[1] member  ARGV[2] payload as claimed, '' for none  ARGV[3] token  ARGV[4] request id
ARGV[5] due of the timer in place, ms  ARGV[6] Timer JSON in place, '' for none
Returns 1, or 0 when the timer was armed again meanwhile
--]]
-- uses end_claim.lua

local parked = 0
if (redis.call('HGET', KEYS[2], ARGV[1]) or '') == ARGV[2] then
  parked = 1
  if ARGV[6] ~= '' then
    redis.call('ZADD', KEYS[1], ARGV[5], ARGV[1])
    redis.call('HSET', KEYS[2], ARGV[1], ARGV[6])
  else
    redis.call('ZREM', KEYS[1], ARGV[1])
    redis.call('HDEL', KEYS[2], ARGV[1])
  end
end
end_claim(KEYS[3], ARGV[4], ARGV[3])
return parked

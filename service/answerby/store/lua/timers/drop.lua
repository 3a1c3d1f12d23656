--[[ Remove a claimed timer whose event needs no commit (again), if the timer is still the claimed one.
KEYS[1] zset timers  KEYS[2] hash timer data  KEYS[3] hash claims
ARGV[1] member  ARGV[2] due, ms  ARGV[3] token  ARGV[4] request id
Returns 1 when removed, 0 when the timer was gone or armed again
--]]
-- uses end_claim.lua

local removed = 0
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if score and tonumber(score) == tonumber(ARGV[2]) then
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('HDEL', KEYS[2], ARGV[1])
  removed = 1
end
end_claim(KEYS[3], ARGV[4], ARGV[3])
return removed

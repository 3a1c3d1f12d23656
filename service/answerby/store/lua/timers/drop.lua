--[[ Remove a claimed timer whose event needs no commit (again), if the timer is still the claimed one.
KEYS[1] zset timers  KEYS[2] hash timer data  KEYS[3] hash claims
ARGV[1] member  ARGV[2] due, ms  ARGV[3] token  ARGV[4] request id
Returns 1 when removed, 0 when the timer was gone or armed again
--]]
local removed = 0
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if score and tonumber(score) == tonumber(ARGV[2]) then
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('HDEL', KEYS[2], ARGV[1])
  removed = 1
end
local claim = redis.call('HGET', KEYS[3], ARGV[4])
local token, left, expiry = string.match(claim or '', '^(%d+) (%d+) (%d+)$')
if token == ARGV[3] then
  if tonumber(left) <= 1 then
    redis.call('HDEL', KEYS[3], ARGV[4])
  else
    redis.call('HSET', KEYS[3], ARGV[4], token .. ' ' .. (tonumber(left) - 1) .. ' ' .. expiry)
  end
end
return removed

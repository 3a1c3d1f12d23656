--[[ Put a dead entry back into its queue, behind the waiting entries. The mark is unknown: read before write. An entry
that a newer decision of its request replaced stays dead.
KEYS[1] stream dead letters  KEYS[2] zset due  KEYS[3] zset queue  KEYS[4] zset ages
KEYS[5] hash entries  KEYS[6] hash meta  KEYS[7] counter  KEYS[8] hash newest of the request
ARGV[1] dead letter id  ARGV[2] target  ARGV[3] supersedes digest  ARGV[4] effect id  ARGV[5] entry JSON  ARGV[6] number
ARGV[7] connector  ARGV[8] sequence of the decision
Returns 1, 0 when there is no such dead letter, or the negative sequence of the newer decision
--]]
-- uses urgency.lua

if ARGV[3] ~= '-' then
  local newest = tonumber(redis.call('HGET', KEYS[8], ARGV[7] .. ' ' .. ARGV[3]) or '0')
  if newest > tonumber(ARGV[8]) then return -newest end
end
if redis.call('XDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call('HSETNX', KEYS[5], ARGV[4], ARGV[5]) == 1 then
  local order = string.format('%016d', redis.call('INCR', KEYS[7]))
  redis.call('HSET', KEYS[6], ARGV[4], '0 U ' .. ARGV[6])
  redis.call('ZADD', KEYS[3], 0, ARGV[2] .. ':' .. order .. ':' .. ARGV[3] .. ':' .. ARGV[4])
  redis.call('ZADD', KEYS[4], now, ARGV[4])
  redis.call('ZADD', KEYS[2], 'NX', string.format('%.0f', now - urgency(ARGV[5])), ARGV[2])
end
return 1

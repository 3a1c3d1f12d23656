--[[ Claim one firing of a schedule, so that one worker at a time goes through the requests for it.
KEYS[1] hash schedules  KEYS[2] hash claims  KEYS[3] counter
ARGV[1] schedule  ARGV[2] since, ms, as returned by look  ARGV[3] length of the claim, ms, by the server's clock
Returns a token, or false when the schedule has fired meanwhile or another worker has the claim
--]]
local held = redis.call('HGET', KEYS[1], ARGV[1])
if not held or string.match(held, '^%d+') ~= ARGV[2] then return false end
local time = redis.call('TIME')
local clock = time[1] * 1000 + math.floor(time[2] / 1000)
local claim = redis.call('HGET', KEYS[2], ARGV[1])
local expiry = claim and tonumber(string.match(claim, '(%d+)$'))
if expiry and expiry > clock then return false end
local token = redis.call('INCR', KEYS[3])
redis.call('HSET', KEYS[2], ARGV[1], token .. ' ' .. string.format('%d', clock + tonumber(ARGV[3])))
return token

--[[ Add the findings of a worker, unless another trial has begun meanwhile.
KEYS[1] candidate  KEYS[2] hash counts  KEYS[3] list differences
ARGV[1] token of the trial  ARGV[2] differences kept, at most  ARGV[3] distinct counts, at most
ARGV[4] how many counts follow  then name, count, ...  then DifferenceKept JSON, ...
Returns 1 when added, 0 when not
--]]
-- uses fields.lua

if fields(redis.call('GET', KEYS[1])).token ~= ARGV[1] then return 0 end
local room = tonumber(ARGV[3]) - redis.call('HLEN', KEYS[2])
local last = 4 + 2 * tonumber(ARGV[4])
for i = 5, last, 2 do
  local name = ARGV[i]
  if redis.call('HEXISTS', KEYS[2], name) == 0 then
    room = room - 1
    if room < 0 then name = 'other' end
  end
  -- A count that is no number begins anew.
  if not tonumber(redis.call('HGET', KEYS[2], name) or '0') then redis.call('HDEL', KEYS[2], name) end
  redis.call('HINCRBY', KEYS[2], name, ARGV[i + 1])
end
for i = last + 1, #ARGV do redis.call('LPUSH', KEYS[3], ARGV[i]) end
redis.call('LTRIM', KEYS[3], 0, tonumber(ARGV[2]) - 1)
return 1

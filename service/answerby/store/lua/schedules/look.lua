--[[ Return the record of each schedule of a rulebook. A new schedule counts from now on. Other records are deleted.
KEYS[1] hash schedules
ARGV[1] now, ms  ARGV[2] generation of the rulebook  ARGV[3..] ids of its schedules
Returns { id, "since-ms generation sequence", ... }
--]]
local generation = tonumber(ARGV[2])
local wanted = {}
for i = 3, #ARGV do wanted[ARGV[i]] = true end
local known = {}
local held = redis.call('HGETALL', KEYS[1])
for i = 1, #held, 2 do
  local since, seen, sequence = string.match(held[i + 1], '^(%d+) (%d+) (%d+)$')
  known[held[i]] = true
  -- A record that cannot be read stays. The caller mends a wanted one. A worker that still follows an older rulebook must
  -- not delete the records of a newer rulebook.
  if since and tonumber(seen) < generation then
    if wanted[held[i]] then
      redis.call('HSET', KEYS[1], held[i], since .. ' ' .. ARGV[2] .. ' ' .. sequence)
    else
      redis.call('HDEL', KEYS[1], held[i])
    end
  end
end
for i = 3, #ARGV do
  if not known[ARGV[i]] then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[1] .. ' ' .. ARGV[2] .. ' 0')
  end
end
local reply = {}
for i = 3, #ARGV do
  reply[#reply + 1] = ARGV[i]
  reply[#reply + 1] = redis.call('HGET', KEYS[1], ARGV[i])
end
return reply

--[[ Store the heartbeat of a worker. Return the active and the staged revision and the heartbeats of all workers.
KEYS[1] hash workers  KEYS[2] active  KEYS[3] staged  KEYS[4] problem
ARGV[1] worker  ARGV[2] Heartbeat JSON; "": only read  ARGV[3] longest silence of a worker before its removal, ms
Returns { now, active or "", staged or "", problem or "", worker, "ms Heartbeat JSON", worker, ... }
--]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[2] ~= '' then
  redis.call('HSET', KEYS[1], ARGV[1], string.format('%d', now) .. ' ' .. ARGV[2])
end
local reply = {
  string.format('%d', now),
  redis.call('GET', KEYS[2]) or '',
  redis.call('GET', KEYS[3]) or '',
  redis.call('GET', KEYS[4]) or '',
}
local workers = redis.call('HGETALL', KEYS[1])
for i = 1, #workers, 2 do
  local heard = tonumber(string.match(workers[i + 1], '^(%d+) '))
  -- The caller takes a heartbeat without its time away.
  if heard and now - heard > tonumber(ARGV[3]) then
    redis.call('HDEL', KEYS[1], workers[i])
  else
    reply[#reply + 1] = workers[i]
    reply[#reply + 1] = workers[i + 1]
  end
end
return reply

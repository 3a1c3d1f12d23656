--[[ Read all data for the decision on one event. Changes nothing.
KEYS[1] hash   request: s state JSON, n number
KEYS[2] string idempotency record "payload-hash sequence request-id"
KEYS[3] list   decisions of the request
KEYS[4..] zset windows, one for each query
ARGV[1]        request id
ARGV[2,3; ..]  for each window: from, to (epoch us, inclusive)
Returns { state or false, number or false, record or false, stored decision or false, count, ... }
--]]
local request = redis.call('HMGET', KEYS[1], 's', 'n')
local record = redis.call('GET', KEYS[2])
local decision = false
if record then
  local sequence, owner = string.match(record, '^%S+ (%d+) (.*)$')
  if owner == ARGV[1] then
    decision = redis.call('LINDEX', KEYS[3], tonumber(sequence) - 1)
  end
end
local reply = { request[1], request[2], record, decision }
for i = 4, #KEYS do
  local from, to = ARGV[2 * (i - 3)], ARGV[2 * (i - 3) + 1]
  local count = redis.call('ZCOUNT', KEYS[i], from, to)
  local own = redis.call('ZSCORE', KEYS[i], ARGV[1])
  if own and tonumber(own) >= tonumber(from) and tonumber(own) <= tonumber(to) then
    count = count - 1
  end
  reply[#reply + 1] = count
end
return reply

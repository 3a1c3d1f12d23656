--[[ Count the waiting entries of the intake stream. Changes nothing.
KEYS[1] stream intake
ARGV[1] group
Returns { unread, pending, oldest stream id or false }
--]]
if redis.call('EXISTS', KEYS[1]) == 0 then return { 0, 0, false } end
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  if group[2] == ARGV[1] then
    local pending = redis.call('XPENDING', KEYS[1], ARGV[1])
    local unread = redis.call('XRANGE', KEYS[1], '(' .. group[8], '+', 'COUNT', 1)[1]
    local oldest = pending[1] > 0 and pending[2] or (unread and unread[1])
    local lag = group[12]
    if not lag then lag = #redis.call('XRANGE', KEYS[1], '(' .. group[8], '+', 'COUNT', 10000) end
    return { lag, pending[1], oldest or false }
  end
end
return { 0, 0, false }

--[[ Drop delivered and acknowledged intake entries. Pending and unread entries stay.
KEYS[1] stream intake
ARGV[1] group
Returns how many were dropped
--]]
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local oldest
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local pending = redis.call('XPENDING', KEYS[1], group[2])
  local kept = pending[1] > 0 and pending[2] or group[8]
  local ms, seq = string.match(kept, '^(%d+)-(%d+)$')
  ms, seq = tonumber(ms), tonumber(seq)
  if not oldest or ms < oldest[1] or (ms == oldest[1] and seq < oldest[2]) then oldest = { ms, seq, kept } end
end
if not oldest then return 0 end
return redis.call('XTRIM', KEYS[1], 'MINID', '=', oldest[3])

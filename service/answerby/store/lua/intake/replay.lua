--[[ Put a dead intake entry back into the stream. The event keeps its id.
KEYS[1] stream dead letters  KEYS[2] stream intake
ARGV[1] dead letter id
Returns 1, or 0 when there is no such dead letter
--]]
local entry = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not entry then return 0 end
for i = 1, #entry[2], 2 do
  if entry[2][i] == 'e' then redis.call('XADD', KEYS[2], '*', 'e', entry[2][i + 1]) end
end
redis.call('XDEL', KEYS[1], ARGV[1])
return 1

--[[ Acknowledge an intake entry and keep it as a dead letter, in one call.
KEYS[1] stream intake  KEYS[2] stream dead letters
ARGV[1] group  ARGV[2] stream id  ARGV[3] payload  ARGV[4] reason  ARGV[5] deliveries
Returns 1, or 0 when the entry was no longer pending
--]]
if redis.call('XACK', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
redis.call('XADD', KEYS[2], '*', 'i', ARGV[2], 'e', ARGV[3], 'w', ARGV[4], 'n', ARGV[5])
return 1

--[[ Put a record in place of one that cannot be read, unless it was replaced meanwhile.
KEYS[1] the key of the record
ARGV[1] record as read  ARGV[2] record in its place
Returns 1 when it was put there
--]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1

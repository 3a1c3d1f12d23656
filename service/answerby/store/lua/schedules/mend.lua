--[[ Put a record in place of one that cannot be read, unless it was replaced meanwhile.
KEYS[1] hash schedules
ARGV[1] schedule  ARGV[2] record as read  ARGV[3] record in its place
Returns the record that is there now
--]]
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
return redis.call('HGET', KEYS[1], ARGV[1])

--[[ Give up an activation, or take away a record that cannot be read, if the key still holds it.
KEYS[1] staged, or the key of the record
ARGV[1] Staged JSON of the caller, or the record as read
Returns 1 when the key held it
--]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])

--[[ Give up an activation, if the activation is still the caller's.
KEYS[1] staged
ARGV[1] Staged JSON of the caller
Returns 1 when the activation was given up
--]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])

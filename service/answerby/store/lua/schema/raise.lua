--[[ Raise the schema version of the store, never lower it.
KEYS[1] schema version  ARGV[1] version
Returns the version after the call
--]]
local found = tonumber(redis.call('GET', KEYS[1]) or '0')
local wanted = tonumber(ARGV[1])
if wanted > found then
  redis.call('SET', KEYS[1], ARGV[1])
  return wanted
end
return found

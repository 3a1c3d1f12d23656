--[[ Read decisions after a position. Changes nothing.
KEYS[1] stream decision log  KEYS[2] counter of the log
ARGV[1] stream id after which to read  ARGV[2] how many
Returns { counter or false, entry, entry, ... }; an entry is { stream id, { field, value, ... } }
--]]
local entries = redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2])
table.insert(entries, 1, redis.call('GET', KEYS[2]))
return entries

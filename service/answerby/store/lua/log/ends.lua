--[[ The retained part of the decision log. Changes nothing.
KEYS[1] stream decision log  KEYS[2] counter of the log
Returns { counter or false, first entry or false, last entry or false }
--]]
return {
  redis.call('GET', KEYS[2]),
  redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1] or false,
  redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1] or false,
}

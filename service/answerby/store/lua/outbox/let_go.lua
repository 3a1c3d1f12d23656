--[[ Let a connector go on after a pause or a hold. One attempt goes first.
KEYS[1] hash life  KEYS[2] counter  KEYS[3] hash poll
Returns 1 when it was paused, held or resting, or 0
--]]
local before = redis.call('HMGET', KEYS[1], 'pause', 'hold', 'until')
redis.call('HDEL', KEYS[1], 'pause', 'hold', 'hold_mark', 'hold_at', 'probe_at', 'until', 'fails', 'openings', 'why')
local polls = redis.call('HDEL', KEYS[3], 'hold', 'hold_mark', 'hold_at', 'probe_at') > 0
if not (before[1] or before[2] or before[3]) then return polls and 1 or 0 end
redis.call('HSET', KEYS[1], 'window', 1, 'epoch', redis.call('GET', KEYS[2]) or '0')
return 1

--[[ Store the events of a page and its cursor, in one call. A repeat of the call changes nothing.
KEYS[1] hash poll  KEYS[2] stream intake
ARGV[1] token  ARGV[2] pages stored before  ARGV[3] cursor after the page  ARGV[4] lease, ms
ARGV[5] 1 when nothing comes after the page, else 0  ARGV[6..] event JSON
Returns 1, or 0 when another worker polls now
--]]
redis.call('XLEN', KEYS[2])
local held = redis.call('HMGET', KEYS[1], 'token', 'page')
if held[1] ~= ARGV[1] then return 0 end
local page = tonumber(held[2] or '0')
if page == tonumber(ARGV[2]) + 1 then return 1 end
if page ~= tonumber(ARGV[2]) then return 0 end
for i = 6, #ARGV do redis.call('XADD', KEYS[2], '*', 'e', ARGV[i]) end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], 'cursor', ARGV[3], 'page', page + 1, 'until', string.format('%.0f', now + tonumber(ARGV[4])))
redis.call('HDEL', KEYS[1], 'hold', 'hold_mark', 'hold_at', 'probe_at')
if ARGV[5] == '1' then redis.call('HSET', KEYS[1], 'complete', string.format('%.0f', now)) end
return 1

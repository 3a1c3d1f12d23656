--[[ Find the time of the next possible claim. A claimed request counts from the end of its claim on. Changes nothing.
KEYS[1] zset timers  KEYS[2] hash claims
Returns { epoch ms, clock }, or an empty list when no timer is armed
--]]
local time = redis.call('TIME')
local clock = time[1] * 1000 + math.floor(time[2] / 1000)
local earliest = false

local function reply()
  return earliest and { string.format('%d', earliest), string.format('%d', clock) } or {}
end

local offset = 0
while true do
  local page = redis.call('ZRANGE', KEYS[1], offset, offset + 199, 'WITHSCORES')
  for i = 1, #page, 2 do
    local due = tonumber(page[i + 1])
    -- The timers are sorted by due time, so no later timer can be earlier. One after the year 9999 never comes.
    if due > 253402300799999 or (earliest and due >= earliest) then return reply() end
    local claim = redis.call('HGET', KEYS[2], string.match(page[i], '^[^\31]*\31(.*)$') or '')
    local expiry = claim and tonumber(string.match(claim, '(%d+)$'))
    if expiry and expiry > clock and expiry > due then due = expiry end
    if not earliest or due < earliest then earliest = math.max(due, 0) end
  end
  if #page < 400 then return reply() end
  offset = offset + 200
end

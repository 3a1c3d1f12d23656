--[[ Claim due timers, earliest first. All due timers of one request go to one claimant, so they stay in order.
KEYS[1] zset timers  KEYS[2] hash timer data  KEYS[3] hash claims  KEYS[4] counter
ARGV[1] limit of due times, ms, '' for none  ARGV[2] how many  ARGV[3] length of the claim, ms
The server's clock decides what is due, so a worker with a wrong clock cannot fire early. A limit only lowers it.
Returns { clock, token, member, due, timer JSON or false, member, ... }, or an empty list
--]]
local time = redis.call('TIME')
local clock = time[1] * 1000 + math.floor(time[2] / 1000)
local limit = tonumber(ARGV[2])
local latest = math.min(tonumber(ARGV[1]) or clock, clock)
local counts, members = {}, {}
local offset = 0
while #members < limit do
  local page = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%d', latest), 'WITHSCORES', 'LIMIT', offset, 200)
  if #page == 0 then break end
  for i = 1, #page, 2 do
    local member = page[i]
    local request_id = string.match(member, '^[^\31]*\31(.*)$') or ''
    if counts[request_id] == nil then
      local claim = redis.call('HGET', KEYS[3], request_id)
      local expiry = claim and tonumber(string.match(claim, '(%d+)$'))
      counts[request_id] = not (expiry and expiry > clock) and 0
    end
    if counts[request_id] and #members < limit then
      counts[request_id] = counts[request_id] + 1
      members[#members + 1] = { member, page[i + 1] }
    end
  end
  offset = offset + #page / 2
end
if #members == 0 then return {} end

local token = redis.call('INCR', KEYS[4])
local expiry = string.format('%d', clock + tonumber(ARGV[3]))
local reply = { string.format('%d', clock), token }
for request_id, count in pairs(counts) do
  if count and count > 0 then
    redis.call('HSET', KEYS[3], request_id, token .. ' ' .. count .. ' ' .. expiry)
  end
end
for _, member in ipairs(members) do
  reply[#reply + 1] = member[1]
  reply[#reply + 1] = member[2]
  reply[#reply + 1] = redis.call('HGET', KEYS[2], member[1])
end
return reply

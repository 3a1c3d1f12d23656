--[[ Scan the request index, newest first, for requests that pass a filter. Changes nothing.
KEYS[1] zset request index  KEYS[2] hash request facets
ARGV[1] request id before the next one, or ''  ARGV[2] how many to find  ARGV[3] how many to look at
ARGV[4] JSON list of five lists of wanted values, in the order of the facets; an empty list wants any
Returns { 1 when the end was reached, last id looked at or '', found id, ... } or { -1 } when the start is unknown
--]]
local start = 0
if ARGV[1] ~= '' then
  local rank = redis.call('ZREVRANK', KEYS[1], ARGV[1])
  if not rank then return { -1 } end
  start = rank + 1
end
local wanted = {}
for i, values in ipairs(cjson.decode(ARGV[4])) do
  if #values > 0 then
    wanted[i] = {}
    for _, value in ipairs(values) do wanted[i][value] = true end
  end
end

-- A request whose facets cannot be read passes. The caller looks at its state.
local function passes(raw)
  local readable, facets = pcall(cjson.decode, raw or '')
  if not readable or type(facets) ~= 'table' then return true end
  for i, values in pairs(wanted) do
    if not values[facets[i]] then return false end
  end
  return true
end

local limit, budget = tonumber(ARGV[2]), tonumber(ARGV[3])
local reply = { 0, ARGV[1] }
while budget > 0 do
  local page = redis.call('ZREVRANGE', KEYS[1], start, start + math.min(budget, 200) - 1)
  if #page == 0 then
    reply[1] = 1
    return reply
  end
  local facets = redis.call('HMGET', KEYS[2], unpack(page))
  for i, request_id in ipairs(page) do
    if passes(facets[i]) then
      if #reply - 2 == limit then return reply end
      reply[#reply + 1] = request_id
    end
    reply[2] = request_id
  end
  start = start + #page
  budget = budget - #page
end
return reply

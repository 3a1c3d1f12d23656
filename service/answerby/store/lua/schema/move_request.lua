--[[ Move the keys of one request from the layout of schema 1 to that of schema 2. Doing it again changes nothing.
KEYS[1] hash request, KEYS[2] list events, KEYS[3] list decisions: the old names
KEYS[4], KEYS[5], KEYS[6]: the new names, in the same order
Returns how many keys moved
--]]
-- Under the old names the request "a:ev" has the name of the events of the request "a". The types tell them apart.
local types = { 'hash', 'list', 'list' }
local moved = 0
for i = 1, 3 do
  if redis.call('TYPE', KEYS[i])['ok'] == types[i] and redis.call('EXISTS', KEYS[i + 3]) == 0 then
    redis.call('RENAME', KEYS[i], KEYS[i + 3])
    moved = moved + 1
  end
end
return moved

--[[ Return every kept revision of one moment, newest upload first. Changes nothing.
KEYS[1] zset order  KEYS[2] hash revisions  KEYS[3] hash authors  KEYS[4] hash verdicts
Returns { revision, Revision JSON or false, authors or false, Verdict JSON or false, ... }
--]]
local reply = {}
for _, name in ipairs(redis.call('ZREVRANGE', KEYS[1], 0, -1)) do
  reply[#reply + 1] = name
  for i = 2, 4 do reply[#reply + 1] = redis.call('HGET', KEYS[i], name) end
end
return reply

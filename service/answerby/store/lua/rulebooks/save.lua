--[[ Keep a revision, or store the time of another upload. Drop the oldest when there are too many.
KEYS[1] hash revisions  KEYS[2] hash files  KEYS[3] hash authors  KEYS[4] zset order  KEYS[5] hash seen
KEYS[6] zset seen:age  KEYS[7] active  KEYS[8] hash verdicts  KEYS[9] staged  KEYS[10] candidate
ARGV[1] revision  ARGV[2] Revision JSON  ARGV[3] files  ARGV[4] author  ARGV[5] digest of the files  ARGV[6] now, us
ARGV[7] how many revisions to keep  ARGV[8] how many digests to remember
ARGV[9] "1": revisions without a verdict wait for an approver and go last
Always kept: the active revision, the one before, the staged one, the candidate, and the latest upload.
Returns 1 for a new revision, 0 for a known one
--]]
-- uses fields.lua

local revision = ARGV[1]
local new = redis.call('HSETNX', KEYS[1], revision, ARGV[2])
if new == 1 then
  redis.call('HSET', KEYS[2], revision, ARGV[3])
  redis.call('HSET', KEYS[3], revision, ARGV[4])
else
  local authors = redis.call('HGET', KEYS[3], revision) or ''
  if not string.find('\n' .. authors .. '\n', '\n' .. ARGV[4] .. '\n', 1, true) then
    redis.call('HSET', KEYS[3], revision, authors .. '\n' .. ARGV[4])
  end
end
redis.call('ZADD', KEYS[4], ARGV[6], revision)
redis.call('HSET', KEYS[5], ARGV[5], revision)
redis.call('ZADD', KEYS[6], ARGV[6], ARGV[5])
local forgotten = redis.call('ZRANGE', KEYS[6], 0, -1 - tonumber(ARGV[8]))
for _, digest in ipairs(forgotten) do
  redis.call('ZREM', KEYS[6], digest)
  redis.call('HDEL', KEYS[5], digest)
end

local stays = { [revision] = true }
local active = redis.call('GET', KEYS[7])
if active then
  local pointer = fields(active)
  stays[pointer.revision or ''] = true
  if pointer.previous and pointer.previous[1] then stays[pointer.previous[1]] = true end
end
local staged = redis.call('GET', KEYS[9])
if staged then stays[fields(staged).revision or ''] = true end
local candidate = redis.call('GET', KEYS[10])
if candidate then stays[fields(candidate).revision or ''] = true end
local excess = redis.call('ZCARD', KEYS[4]) - tonumber(ARGV[7])
for pass = 1, 2 do
  if excess <= 0 then break end
  for _, old in ipairs(redis.call('ZRANGE', KEYS[4], 0, -1)) do
    if excess <= 0 then break end
    local waits = ARGV[9] == '1' and redis.call('HEXISTS', KEYS[8], old) == 0
    if not stays[old] and (pass == 2 or not waits) then
      redis.call('ZREM', KEYS[4], old)
      for _, key in ipairs({ KEYS[1], KEYS[2], KEYS[3], KEYS[8] }) do redis.call('HDEL', key, old) end
      excess = excess - 1
    end
  end
end
return new

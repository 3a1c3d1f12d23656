--[[ Store an approver's verdict on a revision. Authors cannot approve, and the active revision cannot be refused.
KEYS[1] active  KEYS[2] hash revisions  KEYS[3] hash verdicts  KEYS[4] hash authors  KEYS[5] list history
ARGV[1] revision  ARGV[2] name of the approver  ARGV[3] "1" approved, "0" refused  ARGV[4] Verdict JSON
ARGV[5] Activation JSON  ARGV[6] longest history
Returns "ok", "gone", "own" or "active"
--]]
-- uses fields.lua

if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 0 then return 'gone' end
if ARGV[3] == '1' then
  local authors = redis.call('HGET', KEYS[4], ARGV[1]) or ''
  if string.find('\n' .. authors .. '\n', '\n' .. ARGV[2] .. '\n', 1, true) then return 'own' end
elseif fields(redis.call('GET', KEYS[1])).revision == ARGV[1] then
  return 'active'
end
redis.call('HSET', KEYS[3], ARGV[1], ARGV[4])
redis.call('LPUSH', KEYS[5], ARGV[5])
redis.call('LTRIM', KEYS[5], 0, tonumber(ARGV[6]) - 1)
return 'ok'

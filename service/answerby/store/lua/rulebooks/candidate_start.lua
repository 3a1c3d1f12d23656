--[[ Start the trial of a revision that is kept, in place of the trial before it.
KEYS[1] candidate  KEYS[2] hash revisions  KEYS[3] active  KEYS[4] hash counts  KEYS[5] list differences
ARGV[1] revision  ARGV[2] Candidate JSON
Returns "ok", "gone" or "active"
--]]
-- uses fields.lua

if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 0 then return 'gone' end
if fields(redis.call('GET', KEYS[3])).revision == ARGV[1] then return 'active' end
redis.call('SET', KEYS[1], ARGV[2])
redis.call('DEL', KEYS[4], KEYS[5])
return 'ok'

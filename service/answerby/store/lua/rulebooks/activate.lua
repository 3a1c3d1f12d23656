--[[ Move the pointer to a kept revision, unless another caller moved the pointer meanwhile.
KEYS[1] active  KEYS[2] hash revisions  KEYS[3] hash verdicts  KEYS[4] list history  KEYS[5] staged
ARGV[1] revision  ARGV[2] generation that must be active, 0: none  ARGV[3] Pointer JSON  ARGV[4] Activation JSON
ARGV[5] "1": an approval is required  ARGV[6] longest history  ARGV[7] Staged JSON of the caller, "" for none
Returns "ok", "moved", "gone", "waiting" or "rejected"
--]]
-- uses fields.lua

local active = redis.call('GET', KEYS[1])
local generation = fields(active).generation or 0
if generation ~= tonumber(ARGV[2]) then return 'moved' end
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 0 then return 'gone' end
local verdict = redis.call('HGET', KEYS[3], ARGV[1])
local approved = verdict and fields(verdict).approved
if verdict and not approved then return 'rejected' end
if ARGV[5] == '1' and not approved then return 'waiting' end
redis.call('SET', KEYS[1], ARGV[3])
redis.call('LPUSH', KEYS[4], ARGV[4])
redis.call('LTRIM', KEYS[4], 0, tonumber(ARGV[6]) - 1)
if ARGV[7] ~= '' and redis.call('GET', KEYS[5]) == ARGV[7] then redis.call('DEL', KEYS[5]) end
return 'ok'

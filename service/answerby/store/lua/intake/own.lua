--[[ Return entries that a consumer took before without acknowledgement. The call counts as one more delivery.
KEYS[1] stream intake
ARGV[1] group  ARGV[2] consumer  ARGV[3] how many
Returns a list of { stream id, payload, deliveries }
--]]
local reply = redis.call('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', ARGV[3], 'STREAMS', KEYS[1], '0')
local entries = {}
for _, entry in ipairs(reply and reply[1][2] or {}) do
  -- A deleted entry comes without fields. claim_stale reports the entry as lost.
  if entry[2] then
    local pending = redis.call('XPENDING', KEYS[1], ARGV[1], entry[1], entry[1], 1)[1]
    entries[#entries + 1] = { entry[1], entry[2][2], pending[4] }
  end
end
return entries

--[[ Take over the entries of dead consumers. An entry with too many deliveries becomes a dead letter in the same call.
KEYS[1] stream intake  KEYS[2] stream dead letters
ARGV[1] group  ARGV[2] consumer  ARGV[3] idle for at least, ms  ARGV[4] how many  ARGV[5] most deliveries  ARGV[6] cursor
Returns { next cursor, { { stream id, payload, deliveries }, ... }, { poisoned id, ... }, { lost id, ... } }
--]]
local claimed = redis.call('XAUTOCLAIM', KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[6], 'COUNT', ARGV[4])
local entries, poisoned = {}, {}
for _, entry in ipairs(claimed[2]) do
  local id, payload = entry[1], entry[2][2]
  local deliveries = redis.call('XPENDING', KEYS[1], ARGV[1], id, id, 1)[1][4]
  if deliveries > tonumber(ARGV[5]) then
    local reason = 'delivered ' .. (deliveries - 1) .. ' times without a result'
    redis.call('XADD', KEYS[2], '*', 'i', id, 'e', payload, 'w', reason, 'n', deliveries - 1)
    redis.call('XACK', KEYS[1], ARGV[1], id)
    poisoned[#poisoned + 1] = id
  else
    entries[#entries + 1] = { id, payload, deliveries }
  end
end
return { claimed[1], entries, poisoned, claimed[3] }

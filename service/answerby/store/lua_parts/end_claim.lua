-- Ends the part of one timer in the claim of its request, if the token still fits. The last part ends the claim.
local function end_claim(claims, request_id, wanted)
  local token, left, expiry = string.match(redis.call('HGET', claims, request_id) or '', '^(%d+) (%d+) (%d+)$')
  if token ~= wanted then return end
  if tonumber(left) <= 1 then
    redis.call('HDEL', claims, request_id)
  else
    redis.call('HSET', claims, request_id, token .. ' ' .. (tonumber(left) - 1) .. ' ' .. expiry)
  end
end

-- How far an entry goes ahead of others that are due, ms: by the priority of its request, whatever its age. An entry
-- that was tried and failed goes behind all that were not, so that one bad entry holds up no other.
local function urgency(entry)
  local rank = string.match(entry or '', '^{"rank":(%d),')
  return (10 - tonumber(rank or '9')) * 1e12
end

-- Whether a key can be counted up: it is missing or holds a number. A key of another type ends the script.
local function counts(key)
  return string.match(redis.call('GET', key) or '0', '^%d+$') ~= nil
end

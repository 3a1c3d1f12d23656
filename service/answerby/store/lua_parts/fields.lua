-- The fields of a JSON record. A record that cannot be read has no fields. Whoever reads it next reports it.
local function fields(raw)
  local readable, found = pcall(cjson.decode, raw or '')
  return readable and type(found) == 'table' and found or {}
end

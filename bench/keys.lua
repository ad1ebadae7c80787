-- Each request carries the next of the keys in KEYS_FILE.
local keys = {}
for key in io.lines(os.getenv("KEYS_FILE")) do keys[#keys + 1] = key end
local at = 0
request = function()
  at = at % #keys + 1
  return wrk.format("GET", "/inventory/items", { ["x-api-key"] = keys[at] })
end

-- Each request carries the next of the keys in KEYS_FILE; PATHS paths are taken in turn, METHOD and BODY_BYTES say the rest.
local keys = {}
for key in io.lines(os.getenv("KEYS_FILE")) do keys[#keys + 1] = key end
local header = os.getenv("KEY_HEADER") or "x-api-key"
local method = os.getenv("METHOD") or "GET"
local path = os.getenv("REQUEST_PATH") or "/inventory/items"
local routes = tonumber(os.getenv("ROUTES") or "0")
local body = string.rep("x", tonumber(os.getenv("BODY_BYTES") or "0"))
if body == "" then body = nil end
local at = 0
local route = 0
request = function()
  at = at % #keys + 1
  local target = path
  if routes > 0 then
    -- A prime step, so that keys and routes don't go in step.
    route = (route + 7) % routes
    target = "/r" .. route .. "/items"
  end
  return wrk.format(method, target, { [header] = keys[at] }, body)
end

-- The same checks as Latchkey's, in nginx's Lua: a key known by its SHA-256, its state and expiry, the route's scopes,
-- identity for the upstream, a request id. What it finds goes into variables that nginx.conf passes on and logs.
local ffi = require "ffi"
ffi.cdef [[ unsigned char *SHA256(const unsigned char *d, size_t n, unsigned char *md); ]]

local checks = {}
local keys = {}
local digest = ffi.new("unsigned char[32]")
local routes = {}

local function sha256 (text)
  ffi.C.SHA256(text, #text, digest)
  return ffi.string(digest, 32)
end

-- Of a line: key, id, user, scopes separated by spaces, expiry in seconds since 1970 or 0, revoked or active; by tabs.
function checks.load (file)
  for line in io.lines(file) do
    local key, id, user, scopes, expires, state = line:match("^([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)$")
    local held = {}
    for scope in scopes:gmatch("%S+") do held[scope] = true end
    keys[sha256(key)] = { id = id, user = user, scopes = scopes, held = held, expires = tonumber(expires), revoked = state == "revoked" }
  end
end

function checks.route (name, method, id, scope)
  routes[name] = routes[name] or {}
  routes[name][method] = { id = id, scope = scope }
end

local function refuse (status, code)
  ngx.status = status
  ngx.header["content-type"] = "application/problem+json"
  ngx.say('{"type":"about:blank","status":', status, ',"code":"', code, '","requestId":"', ngx.var.request_id_shown, '"}')
  return ngx.exit(status)
end

function checks.access ()
  local var = ngx.var
  local given = var.http_x_request_id
  var.request_id_shown = given and #given <= 128 and not given:find("[^%w%._%-]") and given or var.request_id
  local route = routes[var.route_group][var.request_method]
  if not route then return refuse(405, "method_not_allowed") end
  var.route_id = route.id
  local secret = var.http_x_api_key
  if not secret then return refuse(401, "missing_key") end
  if #secret > 72 or not secret:find("^sk_live_%w+$") then return refuse(401, "invalid_key") end
  local key = keys[sha256(secret)]
  if not key then return refuse(401, "invalid_key") end
  var.key_id = key.id
  if key.revoked then return refuse(401, "key_revoked") end
  if key.expires > 0 and key.expires <= ngx.time() then return refuse(401, "key_expired") end
  if not key.held[route.scope] then return refuse(403, "insufficient_scope") end
  var.key_user = key.user
  var.key_scopes = key.scopes
end

return checks

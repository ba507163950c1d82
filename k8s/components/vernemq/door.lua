-- Asks the door about each connection once, in the words of EMQX' HTTP authentication, and gives VerneMQ the list of topics that
-- came with the answer. What the list does not name is denied.
require "auth/auth_commons"

POOL = "door"
http.ensure_pool({ pool_id = POOL, size = 20 })

local function read(file)
  local handle = io.open(file, "r")
  if handle == nil then return nil end
  local text = handle:read("*l")
  handle:close()
  return text
end

URL = "http://auth:3001/mqtt/authn"
AUTHORIZATION = os.getenv("DOOR_AUTHORIZATION") or read("/secrets/broker/AUTHORIZATION")

function auth_on_register(reg)
  if reg.username == nil or reg.password == nil then return false end
  local question = json.encode({
    username = reg.username,
    password = reg.password,
    clientid = reg.client_id,
    peerhost = reg.addr,
  })
  local answer = http.post(POOL, URL, question, {
    ["content-type"] = "application/json",
    authorization = AUTHORIZATION,
  })
  if not answer or answer.status ~= 200 then return false end
  local body = json.decode(http.body(answer.ref))
  if not body or body.result ~= "allow" then return false end
  local publish, subscribe = {}, {}
  for _, rule in ipairs(body.acl) do
    if rule.permission == "allow" then
      if rule.action ~= "subscribe" then table.insert(publish, { pattern = rule.topic }) end
      if rule.action ~= "publish" then table.insert(subscribe, { pattern = rule.topic }) end
    end
  end
  cache_insert(reg.mountpoint, reg.client_id, reg.username, publish, subscribe)
  return true
end

-- MQTT 5 goes through the same questions under other names.
function auth_on_register_m5(reg) return auth_on_register(reg) end
function auth_on_publish_m5(pub) return false end
function auth_on_subscribe_m5(sub) return false end

hooks = {
  auth_on_register = auth_on_register,
  auth_on_publish = auth_on_publish,
  auth_on_subscribe = auth_on_subscribe,
  on_unsubscribe = on_unsubscribe,
  on_client_gone = on_client_gone,
  on_client_offline = on_client_offline,
  auth_on_register_m5 = auth_on_register_m5,
  auth_on_publish_m5 = auth_on_publish_m5,
  auth_on_subscribe_m5 = auth_on_subscribe_m5,
}

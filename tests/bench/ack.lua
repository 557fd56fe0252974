-- wrk script: each request is a slash command of its own, with its own trigger_id, and signed for it (Slack v0).
--   SLACK_SECRET  the signing secret
--   BENCH_HOOKS   origin of the response_urls
--   BENCH_TEAMS   how many workspaces the commands come from (1)
-- Ends with one line of JSON.
local ffi = require("ffi")
ffi.cdef [[
const void *EVP_sha256(void);
unsigned char *HMAC(const void *digest, const void *key, int key_size, const char *data, size_t size,
                    unsigned char *mac, unsigned int *mac_size);
]]
local crypto = ffi.load("libcrypto.so.3")
local sha256, secret = crypto.EVP_sha256(), os.getenv("SLACK_SECRET")
local hooks = (os.getenv("BENCH_HOOKS") or "https://hooks.slack.com"):gsub(":", "%%3A")
local teams = tonumber(os.getenv("BENCH_TEAMS") or "1")

local pair = {}
for byte = 0, 255 do
  pair[byte] = ("%02x"):format(byte)
end
local mac, hex = ffi.new("unsigned char[32]"), {}
local function sign(text)
  crypto.HMAC(sha256, secret, #secret, text, #text, mac, nil)
  for i = 1, 32 do
    hex[i] = pair[mac[i - 1]]
  end
  return table.concat(hex, "", 1, 32)
end

-- In wrk's own Lua state: gives each thread its number and one word that no other run has.
local threads = 0
function setup(thread)
  threads = threads + 1
  thread:set("thread_number", threads)
end

local form, count, run = {}, 0, nil
function init()
  run = ("%d.%d"):format(os.time(), thread_number)
  for team = 0, teams - 1 do
    form[team] = table.concat({
      "token=gIkuvaNzQIHg97ATvDxqgjtO", "team_id=" .. (team == 0 and "T0SIM1" or "T0BENCH" .. team),
      "team_domain=example-engineering", "enterprise_name=Example%20Works%20%26%20Sons",
      "channel_id=C0DEPLOY", "channel_name=deploys-production", "user_id=U0ADA", "user_name=ada.lovelace",
      "command=%2Fh", "text=help", "api_app_id=A0123456789", "is_enterprise_install=false",
      "response_url=" .. hooks .. "/commands/T0SIM1/5678901234567/" .. run .. "abcdefghijklmnopqrstu",
      "trigger_id=" .. run .. "." }, "&")
  end
end

local head = "POST /slack/commands HTTP/1.1\r\nHost: 127.0.0.1\r\n" ..
  "User-Agent: Slackbot 1.0 (+https://api.slack.com/robots)\r\nAccept-Encoding: gzip,deflate\r\n" ..
  "Accept: application/json,*/*\r\nContent-Type: application/x-www-form-urlencoded\r\n"

function request()
  count = count + 1
  local body, now = form[count % teams] .. count, os.time()
  return ("%sX-Slack-Signature: v0=%s\r\nX-Slack-Request-Timestamp: %d\r\nContent-Length: %d\r\n\r\n%s"):format(
    head, sign(("v0:%d:%s"):format(now, body)), now, #body, body)
end

function done(summary, latency)
  local e = summary.errors
  io.write(('{"requests": %d, "per_s": %.1f, "p50_us": %d, "p99_us": %d, "not_2xx": %d, "broken": %d}\n'):format(
    summary.requests, summary.requests / summary.duration * 1e6, latency:percentile(50), latency:percentile(99),
    e.status, e.connect + e.read + e.write + e.timeout))
end

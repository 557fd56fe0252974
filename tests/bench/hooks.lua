-- wrk script: webhooks of GitHub that were written down before, each once. It ends by SIGINT.
--   BENCH_HOOKS_FILE  lines of DELIVERY TAB HOOK TAB SIGNATURE TAB BODY
--   BENCH_THREADS     how many threads share them
-- Ends with one line of JSON.
local threads = 0
function setup(thread)
  thread:set("thread_number", threads)
  threads = threads + 1
end

local head = "POST /webhooks/github HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: GitHub-Hookshot/044aadd\r\nAccept: */*\r\n" ..
  "Content-Type: application/json\r\nX-GitHub-Event: push\r\n"
local requests, sent = {}, 0

function init()
  local n = 0
  if thread_number == 0 then
    sent = -1 -- wrk asks the first one for a sample
  end
  for line in io.lines(os.getenv("BENCH_HOOKS_FILE")) do
    if n % tonumber(os.getenv("BENCH_THREADS")) == thread_number then
      local delivery, hook, signature, body = line:match("^(%S+)\t(%S+)\t(%S+)\t(.*)$")
      requests[#requests + 1] = ("%sX-GitHub-Delivery: %s\r\nX-GitHub-Hook-ID: %s\r\nX-Hub-Signature-256: sha256=%s\r\nContent-Length: %d\r\n\r\n%s"):format(
        head, delivery, hook, signature, #body, body)
    end
    n = n + 1
  end
end

-- Asked before each request: when all were sent, nothing more is.
function delay()
  return sent < #requests and 0 or 600000
end

function request()
  sent = sent + 1
  return requests[math.max(1, math.min(sent, #requests))]
end

function done(summary, latency)
  local e = summary.errors
  io.write(('{"requests": %d, "p50_us": %d, "p99_us": %d, "not_2xx": %d, "broken": %d}\n'):format(
    summary.requests, latency:percentile(50), latency:percentile(99), e.status, e.connect + e.read + e.write)) -- who waits for nothing times out
end

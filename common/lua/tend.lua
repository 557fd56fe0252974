-- tend(run, actor, epoch, nonce, lease_ms or '0'): renews the lease where asked, and tells each lane's newest entry.
-- {'gen'} | {'stale'} | {'ok', now, newest urgent id or '', newest bulk id or '', length urgent, length bulk}
local run, actor, epoch, nonce, lease_ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local gen = generation(run)
if not gen then return {'gen'} end
if not holds(actor, gen, epoch, nonce) then return {'stale'} end
local now = now_ms()
if lease_ms > 0 then call('HSET', p .. actor .. ':own', 'until', int(now + lease_ms)) end
local function newest(mailbox)
  local entry = call('XREVRANGE', p .. mailbox, '+', '-', 'COUNT', 1)
  return entry[1] and entry[1][1] or ''
end
return {'ok', int(now), newest(actor), newest(actor .. ':bulk'), call('XLEN', p .. actor), call('XLEN', p .. actor .. ':bulk')}

-- tend(run, actor, epoch, nonce, lease_ms or '0'): renews the lease where asked, and tells each lane's newest entry.
-- {'gen'} | {'stale'} | {'ok', now, newest urgent id or '', newest bulk id or '', length urgent, length bulk,
-- oldest urgent id or '', oldest bulk id or '', dead letters of all actors}
local run, actor, epoch, nonce, lease_ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local gen = generation(run)
if not gen then return {'gen'} end
if not holds(actor, gen, epoch, nonce) then return {'stale'} end
local now = now_ms()
if lease_ms > 0 then call('HSET', p .. actor .. ':own', 'until', int(now + lease_ms)) end
local function first(command, from, to, mailbox)
  local entry = call(command, p .. mailbox, from, to, 'COUNT', 1)
  return entry[1] and entry[1][1] or ''
end
local function newest(mailbox) return first('XREVRANGE', '+', '-', mailbox) end
local function oldest(mailbox) return first('XRANGE', '-', '+', mailbox) end
local bulk = actor .. ':bulk'
return {'ok', int(now), newest(actor), newest(bulk), call('XLEN', p .. actor), call('XLEN', p .. bulk), oldest(actor), oldest(bulk), call('XLEN', p .. 'dead')}

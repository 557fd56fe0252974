-- tend(run, actor, epoch, nonce, lease_ms or '0'): renews the lease where asked, and tells each lane's newest entry.
-- {'gen'} | {'stale'} | {'ok', now, newest urgent id or '', newest bulk id or '', length urgent, length bulk,
-- oldest urgent id or '', oldest bulk id or '', dead letters of all actors}
local run, actor, epoch, nonce, lease_ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local gen = generation(run)
if not gen then return {'gen'} end
if not holds(actor, gen, epoch, nonce) then return {'stale'} end
local now = now_ms()
if lease_ms > 0 then call('HSET', p .. actor .. ':own', 'until', int(now + lease_ms)) end
local function id_at(command, from, to, mailbox)
  return call(command, p .. mailbox, from, to, 'COUNT', 1)[1][1]
end
-- Most mailboxes are empty at most sweeps.
local function look(mailbox)
  local length = call('XLEN', p .. mailbox)
  if length == 0 then return '', 0, '' end
  return id_at('XREVRANGE', '+', '-', mailbox), length, id_at('XRANGE', '-', '+', mailbox)
end
local newest, length, oldest = look(actor)
local newest_bulk, length_bulk, oldest_bulk = look(actor .. ':bulk')
return {'ok', int(now), newest, newest_bulk, length, length_bulk, oldest, oldest_bulk, call('XLEN', p .. 'dead')}

-- tick(run, actor, epoch, nonce, limit): moves due timers into the mailbox.
-- {'gen'} | {'stale'} | {'ok', now, next due or '', (id, bytes)...}
local run, actor, epoch, nonce = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local gen = generation(run)
if not gen then return {'gen'} end
if not holds(actor, gen, epoch, nonce) then return {'stale'} end
local now = now_ms()
local due = call('ZRANGEBYSCORE', p .. actor .. ':timers', '-inf', int(now), 'LIMIT', 0, tonumber(ARGV[5]))
local out = {'ok', int(now), ''}
for _, name in ipairs(due) do
  local bytes = call('HGET', p .. actor .. ':tm', name)
  call('ZREM', p .. actor .. ':timers', name)
  call('HDEL', p .. actor .. ':tm', name)
  if bytes then
    out[#out + 1] = append(gen, actor, actor, bytes)
    out[#out + 1] = bytes
  end
end
local next_due = call('ZRANGE', p .. actor .. ':timers', 0, 0, 'WITHSCORES')
out[3] = next_due[2] or ''
return out

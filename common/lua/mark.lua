-- mark(run, actor, epoch, nonce, (id, ms)...): about to start calls that must not be repeated; each until now + ms.
-- {'gen'} | {'stale'} | {'ok', now, 1 or 0 for each (0: no longer owed)}
local run, actor, epoch, nonce = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local gen = generation(run)
if not gen then return {'gen'} end
if not holds(actor, gen, epoch, nonce) then return {'stale'} end
local now = now_ms()
local out = {'ok', int(now)}
for i = 5, #ARGV, 2 do
  if call('HEXISTS', p .. actor .. ':fx', ARGV[i]) == 1 then
    call('HSET', p .. actor .. ':fx:started', ARGV[i], epoch .. ':' .. int(now + tonumber(ARGV[i + 1])))
    out[#out + 1] = 1
  else
    out[#out + 1] = 0
  end
end
return out

-- settle(run, actor, epoch, nonce, (id, answer)...): an effect is done; its answer is a message of its own actor. An empty
-- answer needs no message.
-- {'gen'} | {'stale'} | {'ok', now, entry id or '' for each ('' also: was settled before)}
local run, actor, epoch, nonce = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local gen = generation(run)
if not gen then return {'gen'} end
if not holds(actor, gen, epoch, nonce) then return {'stale'} end
local out = {'ok', int(now_ms())}
for i = 5, #ARGV, 2 do
  local id = ''
  call('HDEL', p .. actor .. ':fx:started', ARGV[i])
  if call('HDEL', p .. actor .. ':fx', ARGV[i]) == 1 and ARGV[i + 1] ~= '' then
    id = append(gen, actor, actor, ARGV[i + 1])
  end
  out[#out + 1] = id
end
return out

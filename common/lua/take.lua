-- take(run, actor, nonce, endpoint, lease_ms): ownership of one (shard, actor), if nobody holds it.
-- {'gen'} | {'held', remaining_ms} |
-- {'mine', epoch, gen, now, clean, last urgent id, last bulk id, next timer or '', nonce of the owner before or ''}
local run, actor, nonce, endpoint, lease_ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local gen = generation(run)
if not gen then return {'gen'} end
local key = p .. actor .. ':own'
local own = call('HMGET', key, 'epoch', 'nonce', 'gen', 'until')
local now, till = now_ms(), tonumber(own[4]) or 0
if till > now and own[3] == gen and own[2] ~= nonce then
  -- Longer than any lease lasts: the server's clock went back. Who lives renews it before the time that is left now.
  if till - now > longest_ms then
    till = now + longest_ms
    call('HSET', key, 'until', int(till))
  end
  return {'held', int(till - now)}
end
local epoch = int((tonumber(own[1]) or 0) + 1)
local clean = (till == 0 or own[2] == nonce) and '1' or '0'
call('HSET', key, 'epoch', epoch, 'nonce', nonce, 'gen', gen, 'endpoint', endpoint, 'until', int(now + lease_ms), 'seq', 0)

-- The last id ever given, also when the stream is empty: what comes next is known from it.
local function last_id(mailbox)
  if call('EXISTS', p .. mailbox) == 0 then return '0-0' end
  local info = call('XINFO', 'STREAM', p .. mailbox)
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then return info[i + 1] end
  end
  return '0-0'
end
local due = call('ZRANGE', p .. actor .. ':timers', 0, 0, 'WITHSCORES')
return {'mine', epoch, gen, int(now), clean, last_id(actor), last_id(actor .. ':bulk'), due[2] or '', own[2] or ''}

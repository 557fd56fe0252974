-- commit(run, actor, epoch, nonce, seq, ops...): acknowledges messages and records all that they caused, or nothing.
-- seq counts the commits of this owner: one that was refused makes every later one refuse too.
--   M lane id counted    acknowledge; what follows belongs to it and is skipped if it was handled before
--   S mailbox bytes      send              T name delay_ms bytes   arm a timer        C name   cancel it
--   K key ttl_ms bytes   store             D key                   forget             F id bytes   owe an effect
--   X reason bytes       dead letter       Y id                    forget the count of tries
--   A installation max bytes   one more entry of the installation's audit
--   W max bytes            the message's last: one more entry of the story (common/story.h), with the ids of what it sent
-- {'gen'} | {'stale'} | {'order'} | {'ok', now, {M: 1 or 0; S: id, endpoint}}
local run, actor, epoch, nonce, seq = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local gen = generation(run)
if not gen then return {'gen'} end
local own_key = p .. actor .. ':own'
if not holds(actor, gen, epoch, nonce) then return {'stale'} end
if call('HGET', own_key, 'seq') ~= seq then return {'order'} end
call('HSET', own_key, 'seq', seq + 1)
local now = now_ms()
local out, live, mailbox, sent, i, n = {}, true, '', '', 6, #ARGV
local arity = {M = 3, S = 2, T = 3, C = 1, K = 3, D = 1, F = 2, X = 2, Y = 1, A = 3, W = 2}
while i <= n do
  local op = ARGV[i]
  local a, b, c = ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  i = i + 1 + arity[op]
  if op == 'M' then
    live, mailbox = call('XDEL', p .. a, b) == 1, a
    out[#out + 1] = live and 1 or 0
    sent = ''
    if live and c ~= '' then call('HINCRBY', p .. 'owed', c, -1) end
  elseif live then
    if op == 'S' then
      local id, endpoint = append(gen, a, actor_of(a), b)
      out[#out + 1] = id
      out[#out + 1] = endpoint
      sent = sent .. ' s' .. a .. '=' .. id
    elseif op == 'T' then
      call('ZADD', p .. actor .. ':timers', now + tonumber(b), a)
      call('HSET', p .. actor .. ':tm', a, c)
    elseif op == 'C' then
      call('ZREM', p .. actor .. ':timers', a)
      call('HDEL', p .. actor .. ':tm', a)
    elseif op == 'K' then
      if b == '0' then
        call('SET', p .. actor .. ':s:' .. a, c)
      else
        call('SET', p .. actor .. ':s:' .. a, c, 'PX', b)
      end
    elseif op == 'D' then
      call('DEL', p .. actor .. ':s:' .. a)
    elseif op == 'F' then
      call('HSET', p .. actor .. ':fx', a, b)
    elseif op == 'X' then
      call('XADD', p .. 'dead', 'MAXLEN', '~', 10000, '*', 'actor', actor, 'reason', a, 'lane', mailbox, 'm', b)
    elseif op == 'A' then
      call('XADD', p .. 'audit:' .. a, 'MAXLEN', '~', b, '*', 'm', c)
      call('SADD', p .. 'audits', a)
    elseif op == 'W' then
      call('XADD', p .. 'story', 'MAXLEN', '~', a, '*', 'm', b .. sent)
    elseif op == 'Y' then
      call('HDEL', p .. actor .. ':tries', a)
    end
  end
end
return {'ok', int(now), out}

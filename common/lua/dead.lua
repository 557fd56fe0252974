-- dead(id, mailbox or '', bytes, counted, installation, max, entry): an operator's hand on one dead letter. With a mailbox it
-- is owed again, under an id of the current generation, else forgotten; either goes into the audit of the installation.
-- counted: the installation that owes one command more, or ''
-- {'ok', id of the entry or ''} | {'gone'}: somebody was faster | {'gen'}: no process ever ran here, so nobody would handle it
local id, mailbox, bytes, counted, inst, max, entry = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local gen = call('HGET', p .. 'gen', 'gen')
if mailbox ~= '' and not gen then return {'gen'} end
if #call('XRANGE', p .. 'dead', id, id) == 0 then return {'gone'} end
-- The letter goes after: what a script did before a command of it fails stays done.
local new = ''
if mailbox ~= '' then
  new = append(gen, mailbox, actor_of(mailbox), bytes)
  if counted ~= '' then call('HINCRBY', p .. 'owed', counted, 1) end
end
call('XDEL', p .. 'dead', id)
call('XADD', p .. 'audit:' .. inst, 'MAXLEN', '~', max, '*', 'm', entry)
call('SADD', p .. 'audits', inst)
return {'ok', new}

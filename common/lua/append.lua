-- append(run, owed_max (0: memory is full), (retry, dedupe, dedupe_ms, limit, mailbox, bytes)...): what a door takes in.
-- limit: an installation whose owed commands are counted; '<N', only while the mailbox holds fewer; or ''
-- {'gen'} | {'ok', now, (what, id, endpoint)...}; what: 'new', 'dup' (seen before), 'shed' (too much owed already)
local gen = generation(ARGV[1])
if not gen then return {'gen'} end
local owed_max = tonumber(ARGV[2])
local out = {'ok', int(now_ms())}
for i = 3, #ARGV, 6 do
  local retry, dedupe, ms, inst, mailbox, bytes = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], ARGV[i + 5]
  local most = tonumber(inst:match('^<(%d+)$'))
  local seen = dedupe ~= '' and call('GET', p .. 'seen:' .. dedupe)
  local what, id, endpoint = 'new', '', ''
  if seen then
    -- A door that lost the answer asks again: the entry is there, so for it this is no duplicate.
    what, id = retry == '1' and 'new' or 'dup', seen
    -- Written again, so that a WAIT behind this asks for what comes after the entry.
    if retry == '1' then call('SET', p .. 'seen:' .. dedupe, id, 'KEEPTTL') end
  elseif owed_max == 0 or most and call('XLEN', p .. mailbox) >= most then
    what = 'shed'
  elseif not most and inst ~= '' and (tonumber(call('HGET', p .. 'owed', inst)) or 0) >= owed_max then
    what = 'shed'
  else
    id, endpoint = append(gen, mailbox, actor_of(mailbox), bytes)
    if inst ~= '' and not most then call('HINCRBY', p .. 'owed', inst, 1) end
    if dedupe ~= '' then call('SET', p .. 'seen:' .. dedupe, id, 'PX', ms) end
  end
  out[#out + 1] = what
  out[#out + 1] = id
  out[#out + 1] = endpoint
end
return out

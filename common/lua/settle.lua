-- settle(run, actor, epoch, nonce, story_max, (id, answer, story)...): an effect is done; its answer is a message of its own
-- actor, and `story` one more entry of the story (common/story.h). An empty one of either is none.
-- {'gen'} | {'stale'} | {'ok', now, entry id or '' for each ('' also: was settled before)}
local run, actor, epoch, nonce = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local gen = generation(run)
if not gen then return {'gen'} end
if not holds(actor, gen, epoch, nonce) then return {'stale'} end
local out = {'ok', int(now_ms())}
for i = 6, #ARGV, 3 do
  local id, story = '', ARGV[i + 2]
  call('HDEL', p .. actor .. ':fx:started', ARGV[i])
  if call('HDEL', p .. actor .. ':fx', ARGV[i]) == 1 then
    if ARGV[i + 1] ~= '' then
      id = append(gen, actor, actor, ARGV[i + 1])
      if story ~= '' then story = story .. ' s' .. actor .. '=' .. id end
    end
    if story ~= '' then call('XADD', p .. 'story', 'MAXLEN', '~', ARGV[5], '*', 'm', story) end
  end
  out[#out + 1] = id
end
return out

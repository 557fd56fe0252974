-- release(run, actor, epoch, nonce): gives the lease back, so that another may take it at once.
local gen = generation(ARGV[1])
if gen and holds(ARGV[2], gen, ARGV[3], ARGV[4]) then
  call('HSET', p .. ARGV[2] .. ':own', 'until', '0', 'endpoint', '')
  return {'ok'}
end
return {'stale'}

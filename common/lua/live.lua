-- live(actor, endpoint, ttl_ms): KEYS[1] is 'sw:live:'. Stands in the set of living processes; ttl 0 leaves it.
-- {now, endpoint, ...}: every living process of the actor.
local key, endpoint, ttl = p .. ARGV[1], ARGV[2], tonumber(ARGV[3])
local now = now_ms()
if ttl > 0 then
  call('ZADD', key, now + ttl, endpoint)
else
  call('ZREM', key, endpoint)
end
call('ZREMRANGEBYSCORE', key, '-inf', now)
local live = call('ZRANGE', key, 0, -1)
table.insert(live, 1, int(now))
return live

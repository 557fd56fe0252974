-- live(actor, endpoint, ttl_ms, known): KEYS[1] is 'sw:'. Stands in the set of living processes and says which keys it knows
-- (sw_keys_known); ttl 0 leaves it. {now, endpoint, ...}: every living process of the actor.
local living, keys, endpoint, ttl = p .. 'live:' .. ARGV[1], p .. 'keys:' .. ARGV[1], ARGV[2], tonumber(ARGV[3])
local now = now_ms()
if ttl > 0 then
  call('ZADD', living, now + ttl, endpoint)
  call('HSET', keys, endpoint, ARGV[4])
else
  call('ZREM', living, endpoint)
end
call('ZREMRANGEBYSCORE', living, '-inf', now)
-- The server's clock went back: who lives says so again, who does not would count for as long as it went.
call('ZREMRANGEBYSCORE', living, '(' .. int(now + longest_ms), '+inf')
local live = call('ZRANGE', living, 0, -1)
-- Those that ended without a word said what they knew, too.
if call('HLEN', keys) > #live then
  for _, e in ipairs(call('HKEYS', keys)) do
    if not call('ZSCORE', living, e) then call('HDEL', keys, e) end
  end
end
table.insert(live, 1, int(now))
return live

-- source(word, installation): KEYS[1] is 'sw:src:<source>'; word is SADD or SREM. Every change raises sw:sources, so that whoever
-- keeps what it looked up knows that it is out of date. 1: changed
local changed = call(ARGV[1], p, ARGV[2])
if changed == 1 then call('INCR', 'sw:sources') end
return changed

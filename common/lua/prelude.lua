#!lua
-- Every script begins with this. KEYS[1] is the shard's prefix, "sw:{17}:", which carries the hash tag of all its keys.
local p = KEYS[1]
local call = redis.call
local longest_ms = 60000 -- the most that SLIPWAY_LEASE_MS may say

local function now_ms()
  local t = call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

local function int(n)
  return string.format('%.0f', n)
end

-- The first caller that brings another run id than the one stored raises the shard's generation and writes nothing else:
-- a Redis that came back may be older than what was said before.
local function generation(run)
  local g = call('HMGET', p .. 'gen', 'run', 'gen')
  if g[1] == run then return g[2] end
  call('HSET', p .. 'gen', 'run', run, 'gen', int(math.max((tonumber(g[2]) or 0) + 1, now_ms())))
  return nil
end

-- The lease is held by (epoch, nonce) in the generation in which it was taken, or the caller is stale.
local function holds(actor, gen, epoch, nonce)
  local own = call('HMGET', p .. actor .. ':own', 'epoch', 'nonce', 'gen')
  return own[1] == epoch and own[2] == nonce and own[3] == gen
end

-- Appends to an actor's mailbox; the entry's id and where its owner listens.
local endpoints = {}
local function append(gen, mailbox, actor, bytes)
  local id = call('XADD', p .. mailbox, gen .. '-*', 'm', bytes)
  if endpoints[actor] == nil then
    endpoints[actor] = call('HGET', p .. actor .. ':own', 'endpoint') or ''
  end
  return id, endpoints[actor]
end

local function actor_of(mailbox)
  return string.match(mailbox, '^[^:]+')
end

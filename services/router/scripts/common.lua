-- What every script shares. KEYS[1] = d:{tenant}:epoch, ARGV[1] = the epoch expected, ARGV[2] = now in ms.
--
-- All keys of a tenant begin with d:{tenant}: and so live in one slot of a cluster.
--   epoch          run_id of this very process once everything below is complete; "wipe:<run_id>:<nonce>" and
--                  "fill:<run_id>:<nonce>" while somebody rebuilds
--   rebuilder      the rebuilder's lease
--   agents         set of the agents known
--   a:<agent>      hash: capacity, duty (0 or 1), groups ",12,13,", skills ",en,vip,", idle (ms: last given something,
--                  or came on duty), kinds (the kinds below that she may serve, joined by newlines)
--   l:<agent>      hash ticket -> version: her load, reservations included
--   ga:<group>     set of the agents of a group, on duty or not
--   gk:<group>     set of the kinds of a group seen so far
--   g:<kind>       zset of the agents who may serve this kind, are on duty and have room; lowest score first:
--                  load relative to capacity in steps of 1/8000, then longest idle
--   q:<kind>       zset of the tickets that wait, score = created_ms - class * aging_ms, so one that has waited an
--                  aging period stands where one of the next class arrives: nothing starves, nothing is scored anew
--   t:<ticket>     "version|state|agent|score|since|kind", state R reserved, A assigned, W waits, G gone (1 hour)
--   h:<ticket>     "agent|version|since": a place held for a ticket that is somebody else's still; counts to her load (another.lua)
--   r              zset of reservations not confirmed, by expiry; "h<ticket>" stands for a place held
-- A kind is "<group>:<skills>", skills sorted and joined by commas: tickets that the same people can take.
local P = string.sub(KEYS[1], 1, -6)
local NOW = tonumber(ARGV[2])
local RESERVED_MS = 10000 -- an unconfirmed reservation is looked at after this
local TOMBSTONE_S = 3600

-- Full scripts want a complete tenant; those that only write down what rows say may run while it is filled.
local function warm(while_filling)
    local epoch = redis.call('GET', KEYS[1])
    if not epoch then return false end
    if epoch == ARGV[1] then return true end
    local filling = 'fill:' .. ARGV[1] .. ':'
    return while_filling and string.sub(epoch, 1, #filling) == filling
end

local function ticket_read(ticket)
    local text = redis.call('GET', P .. 't:' .. ticket)
    if not text then return nil end
    local version, state, agent, score, since, kind = string.match(text, '^(%d+)|(%a)|(%d+)|(-?%d+)|(%d+)|(.*)$')
    return {version = tonumber(version), state = state, agent = agent, score = score, since = tonumber(since), kind = kind}
end

local function ticket_write(ticket, version, state, agent, score, since, kind)
    local text = string.format('%.0f|%s|%s|%s|%.0f|%s', version, state, agent, score, since, kind)
    if state == 'G' then
        redis.call('SET', P .. 't:' .. ticket, text, 'EX', TOMBSTONE_S)
    else
        redis.call('SET', P .. 't:' .. ticket, text)
    end
end

-- Agents are read once a call.
local agents = {}
local function agent_get(id)
    local a = agents[id]
    if a then return a end
    local h = redis.call('HMGET', P .. 'a:' .. id, 'capacity', 'duty', 'groups', 'skills', 'idle', 'kinds')
    a = {id = id, known = h[1] and true or false, capacity = tonumber(h[1] or 0), duty = h[2] == '1', groups = h[3] or ',',
         skills = h[4] or ',', idle = tonumber(h[5] or 0), kinds = {}}
    for kind in string.gmatch(h[6] or '', '[^\n]+') do a.kinds[#a.kinds + 1] = kind end
    a.load = redis.call('HLEN', P .. 'l:' .. id)
    agents[id] = a
    return a
end

local function agent_has_room(a) return a.duty and a.load < a.capacity end

-- Puts her where her load, capacity and duty belong.
local function agent_place(a)
    if agent_has_room(a) then
        local idle = math.max(0, a.idle - 1577836800000) -- since 2020, so that it fits below 1e12
        local score = string.format('%.0f', math.floor(a.load * 8000 / a.capacity) * 1e12 + idle)
        for _, kind in ipairs(a.kinds) do redis.call('ZADD', P .. 'g:' .. kind, score, a.id) end
    else
        for _, kind in ipairs(a.kinds) do redis.call('ZREM', P .. 'g:' .. kind, a.id) end
    end
end

local function agent_may(a, group, skills)
    if not string.find(a.groups, ',' .. group .. ',', 1, true) then return false end
    for skill in string.gmatch(skills, '[^,]+') do
        if not string.find(a.skills, ',' .. skill .. ',', 1, true) then return false end
    end
    return true
end

local function load_add(agent, ticket, version)
    local a = agent_get(agent)
    if redis.call('HSET', P .. 'l:' .. agent, ticket, version) == 1 then a.load = a.load + 1 end
    return a
end

local function load_remove(agent, ticket)
    local a = agent_get(agent)
    if redis.call('HDEL', P .. 'l:' .. agent, ticket) == 1 then a.load = a.load - 1 end
    return a
end

local function hold_read(ticket)
    local agent, version, since = string.match(redis.call('GET', P .. 'h:' .. ticket) or '', '^(%d+)|(%d+)|?(%d*)$')
    return agent and {agent = agent, version = tonumber(version), since = tonumber(since) or 0}
end

local function hold_write(ticket, agent, version)
    redis.call('SET', P .. 'h:' .. ticket, string.format('%s|%.0f|%.0f', agent, version, NOW))
    redis.call('ZADD', P .. 'r', string.format('%.0f', NOW + RESERVED_MS), 'h' .. ticket)
end

-- Her, if the ticket has not become hers: she has a place more.
local function hold_end(ticket, held, becomes)
    redis.call('DEL', P .. 'h:' .. ticket)
    redis.call('ZREM', P .. 'r', 'h' .. ticket)
    if becomes ~= held.agent then return load_remove(held.agent, ticket) end
end

-- The first ticket of a kind: who may serve it? Looked up once, kept up by agents_set.
local kinds_known = {}
local function kind_know(kind)
    if kinds_known[kind] then return end
    kinds_known[kind] = true
    local group, skills = string.match(kind, '^(%d+):(.*)$')
    if redis.call('SADD', P .. 'gk:' .. group, kind) == 0 then return end
    for _, id in ipairs(redis.call('SMEMBERS', P .. 'ga:' .. group)) do
        local a = agent_get(id)
        if agent_may(a, group, skills) then
            a.kinds[#a.kinds + 1] = kind
            redis.call('HSET', P .. 'a:' .. id, 'kinds', table.concat(a.kinds, '\n'))
            agent_place(a)
        end
    end
end

local function kind_waiting(kind) return redis.call('ZCARD', P .. 'q:' .. kind) > 0 end

-- Who of those with room stands first, or nil.
local function kind_first(kind) return redis.call('ZRANGE', P .. 'g:' .. kind, 0, 0)[1] end

local function reserve(a, ticket, version, score, kind)
    load_add(a.id, ticket, version)
    a.idle = NOW
    redis.call('HSET', P .. 'a:' .. a.id, 'idle', string.format('%.0f', NOW))
    ticket_write(ticket, version, 'R', a.id, score, NOW, kind)
    redis.call('ZADD', P .. 'r', string.format('%.0f', NOW + RESERVED_MS), ticket)
    agent_place(a)
end

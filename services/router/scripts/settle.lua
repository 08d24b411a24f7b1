-- What the rows of some tickets say now. ARGV[3] = "0"; "1": also end reservations, and places held, made on these very versions, if
-- they have expired (the row was read after that). Then (ticket, version, state, agent, score, since, kind) each: state A with its
-- agent, W with score, since and kind, G neither load nor waiting. Version 0 with G: there is no such ticket.
-- A version that is not newer changes nothing; the same one is only made whole.
-- Returns agents worth a take: they have room, and tickets that they may serve wait.
if not warm(true) then return 'COLD' end
local ends_expired = ARGV[3] == '1'
local left = {}  -- agents that lost something
local moved = {} -- agents to place anew
local queued = {} -- kinds that got something
for i = 4, #ARGV, 7 do
    local ticket, version, state, agent, score, since, kind =
        ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], tonumber(ARGV[i + 5]), ARGV[i + 6]
    local t = ticket_read(ticket)
    local newer
    if not t then
        newer = version > 0
    elseif version > t.version then
        newer = true
    elseif version == t.version then
        newer = t.state ~= 'R' or (ends_expired and NOW - t.since >= RESERVED_MS)
        if newer and t.state == 'W' and state == 'W' and t.kind == kind then since = t.since end
    end
    if newer then
        local held = not (t and t.version == 0) and hold_read(ticket) -- never for one that is new
        if held and (version > held.version or (ends_expired and NOW - held.since >= RESERVED_MS)) then
            local a = hold_end(ticket, held, state == 'A' and agent)
            if a then left[a.id], moved[a.id] = true, true end
            held = nil
        end
        if t and (t.state == 'R' or t.state == 'A') and not (state == 'A' and t.agent == agent) and not (held and held.agent == t.agent) then
            local a = load_remove(t.agent, ticket)
            left[a.id], moved[a.id] = true, true
        end
        if t and t.state == 'R' then redis.call('ZREM', P .. 'r', ticket) end
        if t and t.state == 'W' and not (state == 'W' and t.kind == kind) then redis.call('ZREM', P .. 'q:' .. t.kind, ticket) end
        if state == 'A' then
            local a = agent_get(agent)
            local before = a.load
            load_add(agent, ticket, version)
            if a.load ~= before then
                moved[agent] = true
                if a.known and (not t or version > t.version) then
                    a.idle = math.max(a.idle, NOW)
                    redis.call('HSET', P .. 'a:' .. agent, 'idle', string.format('%.0f', a.idle))
                end
            end
            ticket_write(ticket, version, 'A', agent, '0', NOW, '')
        elseif state == 'W' then
            kind_know(kind)
            redis.call('ZADD', P .. 'q:' .. kind, score, ticket)
            queued[kind] = true
            ticket_write(ticket, version, 'W', '0', score, since, kind)
        elseif version > 0 then
            ticket_write(ticket, version, 'G', '0', '0', NOW, '')
        else
            redis.call('DEL', P .. 't:' .. ticket)
        end
    end
end
local hints, hinted = {}, {}
local function hint(id)
    if not hinted[id] then
        hinted[id] = true
        hints[#hints + 1] = id
    end
end
for id in pairs(moved) do agent_place(agent_get(id)) end
for id in pairs(left) do
    local a = agent_get(id)
    if agent_has_room(a) then
        for _, kind in ipairs(a.kinds) do
            if kind_waiting(kind) then
                hint(id)
                break
            end
        end
    end
end
for kind in pairs(queued) do
    local first = kind_first(kind)
    if first then hint(first) end
end
return hints

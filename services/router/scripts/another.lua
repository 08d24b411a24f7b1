-- Tickets that somebody has and somebody else is to have: who? ARGV: (ticket, version, from, kind) each.
-- Her place is held as a reservation is; whoever has it now keeps it, and her own place, until the row says otherwise (settle).
-- Asked again about the same ticket, the same one. What nobody confirmed in time PostgreSQL decides (expired, settle).
-- Returns three strings for each: agent ("0": nobody else has room), her load before, her capacity.
if not warm(false) then return 'COLD' end
local answer = {}
for i = 3, #ARGV, 4 do
    local ticket, version, from, kind = ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2], ARGV[i + 3]
    local agent, load, capacity = '0', 0, 0
    local held = hold_read(ticket)
    local t = ticket_read(ticket)
    if held and held.agent ~= from then
        local a = agent_get(held.agent)
        agent, load, capacity = held.agent, math.max(0, a.load - 1), a.capacity
        hold_write(ticket, agent, math.max(version, held.version))
    elseif not held and t and t.state == 'A' and t.agent == from and t.version <= version then
        kind_know(kind)
        local first = redis.call('ZRANGE', P .. 'g:' .. kind, 0, 1)
        local id = first[1]
        if id == from then id = first[2] end
        if id then
            local a = agent_get(id)
            agent, load, capacity = id, a.load, a.capacity
            load_add(id, ticket, version)
            a.idle = NOW
            redis.call('HSET', P .. 'a:' .. id, 'idle', string.format('%.0f', NOW))
            hold_write(ticket, id, version)
            agent_place(a)
        end
    end
    local n = #answer
    answer[n + 1], answer[n + 2], answer[n + 3] = agent, tostring(load), tostring(capacity)
end
return answer

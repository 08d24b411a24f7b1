-- New tickets of one tenant: who gets them? ARGV: (ticket, score, kind) each.
-- Returns four strings for each: agent ("0": nobody), her load before, her capacity, and why:
--   N now; S as said before; F nobody has room; Q others of its kind wait already; X it is known as waiting or gone;
--   H others wait although somebody has room: not reserved, the agent named is worth a take.
if not warm(false) then return 'COLD' end
local answer = {}
local n = 0
for i = 3, #ARGV, 3 do
    local ticket, score, kind = ARGV[i], ARGV[i + 1], ARGV[i + 2]
    local agent, load, capacity, why = '0', 0, 0, 'F'
    local t = ticket_read(ticket)
    if t then
        if t.state == 'R' then -- the same answer, for another while
            ticket_write(ticket, t.version, 'R', t.agent, t.score, NOW, t.kind)
            redis.call('ZADD', P .. 'r', string.format('%.0f', NOW + RESERVED_MS), ticket)
        end
        why = 'X'
        if t.state == 'R' or t.state == 'A' then
            local a = agent_get(t.agent)
            agent, load, capacity, why = t.agent, math.max(0, a.load - 1), a.capacity, 'S'
        end
    else
        kind_know(kind)
        local first = kind_first(kind)
        if kind_waiting(kind) then
            agent, why = first or '0', first and 'H' or 'Q'
        elseif first then
            local a = agent_get(first)
            agent, load, capacity, why = a.id, a.load, a.capacity, 'N'
            reserve(a, ticket, 0, score, kind)
        end
    end
    answer[n + 1], answer[n + 2], answer[n + 3], answer[n + 4] = agent, tostring(load), tostring(capacity), why
    n = n + 4
end
return answer

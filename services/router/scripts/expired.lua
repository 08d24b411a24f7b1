-- Reservations that nobody confirmed in time, at most ARGV[3]; they come again after another while, so that one router
-- looks at a time. Returns (ticket, version, age in ms) each. One whose age is far beyond any replay may be ended even though PostgreSQL does
-- not know the ticket. Places held that came to nothing end here.
if not warm(false) then return 'COLD' end
local answer = {}
for _, ticket in ipairs(redis.call('ZRANGEBYSCORE', P .. 'r', '-inf', string.format('%.0f', NOW), 'LIMIT', 0, ARGV[3])) do
    local held = string.match(ticket, '^h(%d+)$')
    local t = ticket_read(held or ticket)
    if held then
        local h = hold_read(held)
        if h then
            local a = hold_end(held, h, t and (t.state == 'A' or t.state == 'R') and t.agent)
            if a then agent_place(a) end
        end
        redis.call('ZREM', P .. 'r', ticket)
    elseif t and t.state == 'R' then
        redis.call('ZADD', P .. 'r', string.format('%.0f', NOW + RESERVED_MS), ticket)
        local n = #answer
        answer[n + 1], answer[n + 2], answer[n + 3] = ticket, string.format('%.0f', t.version), string.format('%.0f', NOW - t.since)
    else
        redis.call('ZREM', P .. 'r', ticket)
    end
end
return answer

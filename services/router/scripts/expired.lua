-- Reservations, and places held, that nobody confirmed in time, at most ARGV[3]; they come again after another while, so that one
-- router looks at a time. Returns (ticket, version, age in ms) each, a ticket once. One whose age is far beyond any replay may be
-- ended even though PostgreSQL does not know the ticket.
if not warm(false) then return 'COLD' end
local answer, said = {}, {}
local function again(name, ticket, version, since)
    redis.call('ZADD', P .. 'r', string.format('%.0f', NOW + RESERVED_MS), name)
    if said[ticket] then return end
    said[ticket] = true
    local n = #answer
    answer[n + 1], answer[n + 2], answer[n + 3] = ticket, string.format('%.0f', version), string.format('%.0f', NOW - since)
end
for _, name in ipairs(redis.call('ZRANGEBYSCORE', P .. 'r', '-inf', string.format('%.0f', NOW), 'LIMIT', 0, ARGV[3])) do
    local held = string.match(name, '^h(%d+)$')
    local t = ticket_read(held or name)
    local h = held and hold_read(held)
    if h and t then
        again(name, held, h.version, h.since)
    elseif h then
        agent_place(hold_end(held, h, nil))
    elseif not held and t and t.state == 'R' then
        again(name, name, t.version, t.since)
    else
        redis.call('ZREM', P .. 'r', name)
    end
end
return answer

-- Reservations that nobody confirmed in time, at most ARGV[3]; they come again after another while, so that one router
-- looks at a time. Returns (ticket, version, age in ms) each. One whose age is far beyond any replay may be ended even though PostgreSQL does
-- not know the ticket.
if not warm(false) then return 'COLD' end
local answer = {}
for _, ticket in ipairs(redis.call('ZRANGEBYSCORE', P .. 'r', '-inf', string.format('%.0f', NOW), 'LIMIT', 0, ARGV[3])) do
    local t = ticket_read(ticket)
    if t and t.state == 'R' then
        redis.call('ZADD', P .. 'r', string.format('%.0f', NOW + RESERVED_MS), ticket)
        local n = #answer
        answer[n + 1], answer[n + 2], answer[n + 3] = ticket, string.format('%.0f', t.version), string.format('%.0f', NOW - t.since)
    else
        redis.call('ZREM', P .. 'r', ticket)
    end
end
return answer

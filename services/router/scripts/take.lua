-- Somebody may have room: what waits first in the queues that she may serve goes to the least loaded of those who may take it
-- (as a rule to her: nobody else has room, or it would not wait), until nobody has room or `limit` tickets are taken.
-- ARGV[3] = agent, ARGV[4] = limit. Looks only at heads.
-- Returns "more" or "done", then (ticket, version, agent, her load before, her capacity, kind) each.
if not warm(false) then return 'COLD' end
local limit = tonumber(ARGV[4])
local taken = {'done'}
local heads = {} -- kind -> {ticket, score}
local function head_read(kind)
    local head = redis.call('ZRANGE', P .. 'q:' .. kind, 0, 0, 'WITHSCORES')
    heads[kind] = head[1] and {ticket = head[1], score = tonumber(head[2])} or nil
end
local function give(a, kind)
    local ticket = heads[kind].ticket
    local t = ticket_read(ticket)
    redis.call('ZREM', P .. 'q:' .. kind, ticket)
    if t and t.state == 'W' and t.kind == kind then -- what is not has no business in this queue
        local n = #taken
        taken[n + 1], taken[n + 2], taken[n + 3] = ticket, string.format('%.0f', t.version), a.id
        taken[n + 4], taken[n + 5], taken[n + 6] = tostring(a.load), tostring(a.capacity), kind
        reserve(a, ticket, t.version, t.score, kind)
        limit = limit - 1
    end
    head_read(kind)
end
-- The kind whose head stands first of all; `closed` ones are left out.
local function best(kinds, closed)
    local found
    for _, kind in ipairs(kinds) do
        local head = heads[kind]
        if head and not closed[kind] then
            local other = found and heads[found]
            if not found or head.score < other.score or (head.score == other.score and head.ticket < other.ticket) then found = kind end
        end
    end
    return found
end

local her = agent_get(ARGV[3])
for _, kind in ipairs(her.kinds) do head_read(kind) end
local closed = {} -- nobody has room for these; in one call room only shrinks
while limit > 0 do
    local kind = best(her.kinds, closed)
    if not kind then break end
    local first = kind_first(kind)
    if first then give(agent_get(first), kind) else closed[kind] = true end
end
if limit <= 0 then taken[1] = 'more' end
return taken

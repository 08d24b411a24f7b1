-- Some of those who wait in a group, for its fallback. ARGV[3] = group, ARGV[4] = waiting since this or longer, ARGV[5] = limit.
-- Looks at
-- the first of each queue only. Returns how many wait in the group, and (ticket, version) each.
if not warm(false) then return 'COLD' end
local since, limit = tonumber(ARGV[4]), tonumber(ARGV[5])
local answer, all = {'0'}, 0
local kinds = redis.call('SMEMBERS', P .. 'gk:' .. ARGV[3])
local depth = math.max(5, math.floor(200 / math.max(1, #kinds)))
for _, kind in ipairs(kinds) do
    all = all + redis.call('ZCARD', P .. 'q:' .. kind)
    if limit > 0 then
        for _, ticket in ipairs(redis.call('ZRANGE', P .. 'q:' .. kind, 0, math.min(limit, depth) - 1)) do
            local t = ticket_read(ticket)
            if t and t.state == 'W' and t.since <= since then
                local n = #answer
                answer[n + 1], answer[n + 2] = ticket, string.format('%.0f', t.version)
                limit = limit - 1
            end
        end
    end
end
answer[1] = tostring(all)
return answer

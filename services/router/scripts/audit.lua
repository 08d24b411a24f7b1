-- One page of what Redis holds, for the reconciler. ARGV[3] = "l:<agent>" or "q:<kind>", ARGV[4] = cursor, "0" first.
-- What contradicts the ticket's own key is dropped here. Returns the next cursor ("0": that was all) and tickets.
-- With ARGV[3] = "": every container there is, as names.
if not warm(false) then return 'COLD' end
if ARGV[3] == '' then
    local names, groups = {}, {}
    for _, id in ipairs(redis.call('SMEMBERS', P .. 'agents')) do
        names[#names + 1] = 'l:' .. id
        for group in string.gmatch(agent_get(id).groups, '%d+') do groups[group] = true end
    end
    for group in pairs(groups) do
        for _, kind in ipairs(redis.call('SMEMBERS', P .. 'gk:' .. group)) do names[#names + 1] = 'q:' .. kind end
    end
    return names
end
local letter, rest = string.sub(ARGV[3], 1, 1), string.sub(ARGV[3], 3)
local page = redis.call(letter == 'l' and 'HSCAN' or 'ZSCAN', P .. ARGV[3], ARGV[4], 'COUNT', 100)
local answer = {page[1]}
local dropped = false
for i = 1, #page[2], 2 do
    local ticket = page[2][i]
    local t = ticket_read(ticket)
    if letter == 'l' and not (t and (t.state == 'A' or t.state == 'R') and t.agent == rest) then
        local held = hold_read(ticket)
        if not held or held.agent ~= rest then
            load_remove(rest, ticket)
            dropped = true
        end
    elseif letter == 'q' and not (t and t.state == 'W' and t.kind == rest) then
        redis.call('ZREM', P .. 'q:' .. rest, ticket)
    end
    answer[#answer + 1] = ticket -- the dropped ones too: PostgreSQL says where they belong
end
if dropped then agent_place(agent_get(rest)) end
return answer

-- Who is there, from PostgreSQL's truth. ARGV: (agent, capacity, duty, groups ",12,13,", skills ",en,vip,") each.
-- Somebody who is not there any more: capacity 0, duty 0, groups and skills ","; she is forgotten once she
-- holds nothing. Returns agents worth a take, as settle does.
if not warm(true) then return 'COLD' end
local hints = {}
for i = 3, #ARGV, 5 do
    local id, capacity, duty, groups, skills = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
    local a = agent_get(id)
    if not a.duty and duty == '1' then a.idle = NOW end
    for _, kind in ipairs(a.kinds) do redis.call('ZREM', P .. 'g:' .. kind, id) end
    for group in string.gmatch(a.groups, '%d+') do
        if not string.find(groups, ',' .. group .. ',', 1, true) then redis.call('SREM', P .. 'ga:' .. group, id) end
    end
    a.capacity, a.duty, a.groups, a.skills, a.kinds = tonumber(capacity), duty == '1', groups, skills, {}
    for group in string.gmatch(groups, '%d+') do
        redis.call('SADD', P .. 'ga:' .. group, id)
        for _, kind in ipairs(redis.call('SMEMBERS', P .. 'gk:' .. group)) do
            if agent_may(a, group, string.match(kind, '^%d+:(.*)$')) then a.kinds[#a.kinds + 1] = kind end
        end
    end
    table.sort(a.kinds)
    if groups == ',' and a.load == 0 then
        redis.call('SREM', P .. 'agents', id)
        redis.call('DEL', P .. 'a:' .. id)
        agents[id] = nil
    else
        redis.call('SADD', P .. 'agents', id)
        redis.call('HSET', P .. 'a:' .. id, 'capacity', capacity, 'duty', duty, 'groups', groups, 'skills', skills, 'idle',
                   string.format('%.0f', a.idle), 'kinds', table.concat(a.kinds, '\n'))
        agent_place(a)
        if agent_has_room(a) then
            for _, kind in ipairs(a.kinds) do
                if kind_waiting(kind) then
                    hints[#hints + 1] = id
                    break
                end
            end
        end
    end
end
return hints

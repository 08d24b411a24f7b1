-- For the metrics. ARGV[3...] = groups. Returns for each how many wait, since when the first in line has waited (ms, "0": nobody
-- waits), and how many agents have room for something. Then how many reservations are not confirmed.
if not warm(false) then return 'COLD' end
local answer = {}
for i = 3, #ARGV do
    local waiting, oldest, room = 0, 0, 0
    for _, kind in ipairs(redis.call('SMEMBERS', P .. 'gk:' .. ARGV[i])) do
        waiting = waiting + redis.call('ZCARD', P .. 'q:' .. kind)
        local head = redis.call('ZRANGE', P .. 'q:' .. kind, 0, 0)[1]
        local t = head and ticket_read(head)
        if t and (oldest == 0 or t.since < oldest) then oldest = t.since end
        room = math.max(room, redis.call('ZCARD', P .. 'g:' .. kind))
    end
    local n = #answer
    answer[n + 1], answer[n + 2], answer[n + 3] = tostring(waiting), string.format('%.0f', oldest), tostring(room)
end
answer[#answer + 1] = tostring(redis.call('ZCARD', P .. 'r'))
return answer

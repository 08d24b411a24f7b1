-- One rebuilder at a time, fenced by its nonce however long it was frozen. ARGV[1] = run_id, ARGV[3] = verb, ARGV[4] = nonce.
--   begin [force]   OK it is ours now, nothing may be read or written by others; WARM nothing to do; BUSY somebody is at it
--   wipe <cursor>   removes what an older life left; the next cursor; after "0" rows may be settled by everybody
--   keep            OK we still have it
--   finish          OK the tenant is warm
-- LOST: somebody else took it over.
local LEASE_MS = 10000
local run, verb, nonce = ARGV[1], ARGV[3], ARGV[4]
local epoch = redis.call('GET', KEYS[1])
if verb == 'begin' then
    if epoch == run and ARGV[5] ~= 'force' then return 'WARM' end
    local holder = redis.call('GET', P .. 'rebuilder')
    if holder and holder ~= nonce and epoch and string.find(epoch, ':' .. run .. ':', 1, true) then return 'BUSY' end
    redis.call('SET', KEYS[1], 'wipe:' .. run .. ':' .. nonce)
    redis.call('SET', P .. 'rebuilder', nonce, 'PX', LEASE_MS)
    return 'OK'
end
local stage = epoch and string.match(epoch, '^(%a+):')
if not stage or epoch ~= stage .. ':' .. run .. ':' .. nonce then return 'LOST' end
redis.call('SET', P .. 'rebuilder', nonce, 'PX', LEASE_MS)
if verb == 'wipe' and stage == 'wipe' then
    local page = redis.call('SCAN', ARGV[5], 'MATCH', P .. '*', 'COUNT', 300)
    for _, key in ipairs(page[2]) do
        local name = string.sub(key, #P + 1)
        if name == 'r' or name == 'agents' or string.find(name, '^[alqgth]:') or string.find(name, '^g[ak]:') then redis.call('UNLINK', key) end
    end
    if page[1] == '0' then redis.call('SET', KEYS[1], 'fill:' .. run .. ':' .. nonce) end
    return page[1]
elseif verb == 'finish' and stage == 'fill' then
    redis.call('SET', KEYS[1], run)
    redis.call('DEL', P .. 'rebuilder')
end
return 'OK'

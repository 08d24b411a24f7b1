/* The scripts by name, ready to be called. */
#include "router/scripts.h"

const RedisScript *script(ScriptName name) {
    static RedisScript scripts[SCRIPTS];
    static const struct {
        const char *name, *source;
    } known[SCRIPTS] = {
        [SCRIPT_RESERVE] = {"reserve", script_source_reserve},
        [SCRIPT_ANOTHER] = {"another", script_source_another},
        [SCRIPT_SETTLE] = {"settle", script_source_settle},
        [SCRIPT_TAKE] = {"take", script_source_take},
        [SCRIPT_EXPIRED] = {"expired", script_source_expired},
        [SCRIPT_AGENTS_SET] = {"agents_set", script_source_agents_set},
        [SCRIPT_WAITING] = {"waiting", script_source_waiting},
        [SCRIPT_OVERVIEW] = {"overview", script_source_overview},
        [SCRIPT_AUDIT] = {"audit", script_source_audit},
        [SCRIPT_REBUILD] = {"rebuild", script_source_rebuild},
    };
    if (!scripts[name].source)
        redis_script_init(&scripts[name], known[name].name, known[name].source);
    return &scripts[name];
}

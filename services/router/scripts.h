/* Scripts -- the decisions that must be atomic in Redis; scripts/common.lua says what the keys are.
 */
#pragma once

#include "redis/client.h"

typedef enum ScriptName {
    SCRIPT_RESERVE,
    SCRIPT_ANOTHER,
    SCRIPT_SETTLE,
    SCRIPT_TAKE,
    SCRIPT_EXPIRED,
    SCRIPT_AGENTS_SET,
    SCRIPT_WAITING,
    SCRIPT_OVERVIEW,
    SCRIPT_AUDIT,
    SCRIPT_REBUILD,
    SCRIPTS
} ScriptName;

const RedisScript *script(ScriptName name);

extern const char script_source_reserve[], script_source_another[], script_source_settle[],
    script_source_take[], script_source_expired[], script_source_agents_set[],
    script_source_waiting[], script_source_overview[], script_source_audit[],
    script_source_rebuild[];

/* RedisSession -- one Redis command after the other, blocking: for the operator's tool. Same URLs
 * as redis/client.h. */
#pragma once

#include <stddef.h>

#include "base/text.h"
#include "redis/client.h"

typedef struct RedisSession RedisSession;

/* Connects, within timeout_ms (0: 3 s, also for each command). -EINVAL bad URL, -ENOTCONN, with a
 * sentence in *ret_problem. */
int redis_session_open(const char *url, int timeout_ms, RedisSession **ret, Buf *ret_problem);
RedisSession *redis_session_free(RedisSession *s);
DEFINE_FREEP(RedisSession, redis_session)

/* 0, or as a RedisCallback's error. *ret (may be NULL) is set for 0 and -EREMOTEIO and lives until
 * the next call on the session. */
int redis_session_command(RedisSession *s, size_t argc, const Str *argv, const RedisReply **ret);
int redis_session_eval(RedisSession *s, const RedisScript *script, size_t n_keys, size_t argc,
                       const Str *argv, const RedisReply **ret);
const char *redis_session_run_id(const RedisSession *s);
const char *redis_session_run_id_for(const RedisSession *s, Str key);
const char *redis_session_trouble(const RedisSession *s); /* why it is not connected, or "" */

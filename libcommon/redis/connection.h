/* RedisConnection -- one connection to one Redis process, which it keeps trying to have. Of this
 * room only.
 *
 * From hiredis we take the reply parser alone; socket, queue and timers are ours. Its async
 * context frees itself in some of its own error paths and has no timeouts in 0.14, and here both
 * are simple: answers come in the order of the commands, and one timer watches the oldest. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "loop/loop.h"
#include "redis/client.h"
#include "redis/url.h"

typedef struct RedisConnection RedisConnection;

typedef struct RedisConnectionSettings {
    RedisHost host;
    bool is_unix;
    const char *user, *password; /* must outlive the connection */
    int db;
    int timeout_ms;
    size_t max_outstanding, max_bytes;
} RedisConnectionSettings;

typedef struct RedisConnectionEvents {
    void (*up)(void *arg, RedisConnection *c);   /* greeted: redis_connection_run_id() is known */
    void (*down)(void *arg, RedisConnection *c); /* was up; every command has had its error */
} RedisConnectionEvents;

RedisConnection *redis_connection_new(Loop *loop, const RedisConnectionSettings *settings,
                                      const RedisConnectionEvents *events, void *arg);
RedisConnection *redis_connection_free(RedisConnection *c); /* commands get -ECANCELED */

/* `command` is in Redis' protocol already. Returns as redis_command(). */
int redis_connection_send(RedisConnection *c, Str command, RedisCallback cb, void *arg);
bool redis_connection_is_up(const RedisConnection *c);
const char *redis_connection_run_id(const RedisConnection *c); /* "" while not up */
const char *redis_connection_trouble(const RedisConnection *c);
size_t redis_connection_outstanding(const RedisConnection *c);
/* Let go of a reply that freeing would take away: for the blocking session. */
RedisReply *redis_connection_keep_reply(RedisConnection *c);
void redis_reply_release(RedisReply *r);

/* "*3\r\n$3\r\nSET\r\n..." */
void redis_encode(Buf *to, size_t argc, const Str *argv);
void redis_encode_arg(Buf *to, Str arg);

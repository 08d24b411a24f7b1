/* RedisClient -- commands to Redis on the loop, each answered exactly once, whatever happens.
 *
 * Connects and reconnects by itself (50 ms to 2 s between tries). After every connect it reads
 * INFO before anything else is sent, and says connected() with the run_id of the very process it
 * talks to; a server that is loading its file, or a replica, is not connected yet. Commands issued
 * in one turn of the loop leave in one write.
 *
 * URL: redis://[[user]:password@]host[:port][/db], unix:///path/to/socket[?db=n], or
 * redis-cluster://[[user]:password@]host:port,host:port for a Redis Cluster. User and password
 * percent-encoded.
 *
 * One thread: everything is called, and every callback comes, on the loop's thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "loop/loop.h"
#include "redis/reply.h"

typedef struct RedisClient RedisClient;

typedef struct RedisSettings {
    const char *url;
    int timeout_ms;         /* for each command and for connecting; 0: 1000 */
    size_t max_outstanding; /* commands not yet answered; 0: 100,000 */
    size_t max_bytes;       /* bytes not yet written to the socket; 0: 32 MiB */
} RedisSettings;

typedef struct RedisEvents {
    /* With every (re)connect; run_id as redis_run_id(). In a cluster with every node. */
    void (*connected)(void *arg, const char *run_id);
    void (*lost)(void *arg); /* after every pending command got its error */
} RedisEvents;               /* either may be NULL */

/* error 0: the server answered, see reply. -EREMOTEIO: it answered with an error, reply holds its
 * text. Otherwise reply is NULL and nobody knows whether the command was carried out: -ETIMEDOUT,
 * -ENOTCONN (connection lost), -ECANCELED (client freed). May issue commands; must not free the
 * client. */
typedef void (*RedisCallback)(void *arg, const RedisReply *reply, int error);

/* NULL and a sentence in *ret_problem when the URL is no good. Does not wait for the server. */
RedisClient *redis_client_new(Loop *loop, const RedisSettings *settings, const RedisEvents *events,
                              void *arg, Buf *ret_problem);
/* Pending commands get -ECANCELED; lost() does not come. */
RedisClient *redis_client_free(RedisClient *c);
DEFINE_FREEP(RedisClient, redis_client)

/* 0: the callback will come, exactly once, never inside this call. -ENOTCONN: not connected;
 * -ENOBUFS: too much outstanding. Then no callback comes. cb may be NULL. In a cluster the command
 * goes where argv[1] lives (for EVAL and EVALSHA: argv[3]). */
int redis_command(RedisClient *c, RedisCallback cb, void *arg, size_t argc, const Str *argv);

typedef struct RedisScript {
    const char *name; /* for messages */
    const char *source;
    char sha1[41];
} RedisScript;

/* For statics: source must live as long as the script. */
void redis_script_init(RedisScript *s, const char *name, const char *source);
/* EVALSHA with EVAL when the server does not know the script. argv: n_keys keys, then the
 * arguments. Return and callback as redis_command(). */
int redis_eval(RedisClient *c, const RedisScript *s, RedisCallback cb, void *arg, size_t n_keys,
               size_t argc, const Str *argv);

bool redis_connected(const RedisClient *c); /* in a cluster: every slot is served */
/* run_id of the process we are connected to; "" while not. In a cluster use redis_run_id_for(). */
const char *redis_run_id(const RedisClient *c);
/* run_id of the process that holds this key: what redis_run_id() is with one server. */
const char *redis_run_id_for(const RedisClient *c, Str key);
size_t redis_outstanding(const RedisClient *c);
/* Why it is not connected ("connection refused"), "" while it is. */
const char *redis_trouble(const RedisClient *c);

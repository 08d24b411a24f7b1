/* Commands and scripts, for one server or through cluster.c for several. */
#include "redis/client.h"

#include "digest/digest.h"
#include "redis/client_internal.h"
#include "redis/cluster.h"
#include "redis/connection.h"
#include "redis/slots.h"
#include <assert.h>
#include <errno.h>

struct RedisClient {
    Loop *loop;
    RedisUrl url;
    RedisEvents events;
    void *arg;
    RedisConnection *connection; /* one server … */
    RedisCluster *cluster;       /* … or several; neither while being freed */
    Buf command;                 /* scratch */
};

typedef struct Eval {
    RedisClient *client;
    const RedisScript *script;
    RedisCallback cb;
    void *arg;
    size_t argc;
    int slot;
    Buf rest; /* number of keys, keys, arguments, encoded: kept in case the script is unknown */
} Eval;

static void on_up(void *arg, RedisConnection *connection) {
    RedisClient *c = arg;
    if (c->events.connected) c->events.connected(c->arg, redis_connection_run_id(connection));
}

static void on_down(void *arg, RedisConnection *connection) {
    RedisClient *c = arg;
    (void)connection;
    if (c->events.lost) c->events.lost(c->arg);
}

RedisClient *redis_client_new(Loop *loop, const RedisSettings *settings, const RedisEvents *events,
                              void *arg, Buf *ret_problem) {
    static const RedisConnectionEvents ours = {.up = on_up, .down = on_down};
    CLEANUP(redis_client_freep) RedisClient *c = xcalloc(1, sizeof(*c));
    c->loop = loop;
    if (redis_url_parse(settings->url, &c->url, ret_problem) < 0) return NULL;
    if (events) c->events = *events;
    c->arg = arg;
    RedisSettings own = *settings;
    if (!own.timeout_ms) own.timeout_ms = 1000;
    if (!own.max_outstanding) own.max_outstanding = 100000;
    if (!own.max_bytes) own.max_bytes = (size_t)32 << 20;
    if (c->url.kind == REDIS_URL_CLUSTER) {
        c->cluster = redis_cluster_new(loop, &c->url, &own, &c->events, arg);
    } else {
        RedisConnectionSettings s = {.host = c->url.hosts[0],
                                     .is_unix = c->url.kind == REDIS_URL_UNIX,
                                     .user = c->url.user,
                                     .password = c->url.password,
                                     .db = c->url.db,
                                     .timeout_ms = own.timeout_ms,
                                     .max_outstanding = own.max_outstanding,
                                     .max_bytes = own.max_bytes};
        c->connection = redis_connection_new(loop, &s, &ours, c);
    }
    return TAKE(c);
}

static void release(void *arg) {
    RedisClient *c = arg;
    buf_done(&c->command);
    free(c);
}

RedisClient *redis_client_free(RedisClient *c) {
    if (!c) return NULL;
    c->events = (RedisEvents){0};
    RedisConnection *connection = TAKE(c->connection); /* callbacks find nobody to send to */
    RedisCluster *cluster = TAKE(c->cluster);
    (void)redis_connection_free(connection);
    (void)redis_cluster_free(cluster);
    loop_free_later(c->loop, c, release); /* their settings point into us */
    return NULL;
}

static int send_command(RedisClient *c, int slot, RedisCallback cb, void *arg) {
    if (c->connection) return redis_connection_send(c->connection, buf_str(&c->command), cb, arg);
    if (c->cluster) return redis_cluster_send(c->cluster, slot, buf_str(&c->command), cb, arg);
    return -ENOTCONN;
}

/* Which argument is the key: the first, of a script the first of its keys. */
static int slot_of(size_t argc, const Str *argv) {
    bool script =
        argc && (str_eq_nocase(argv[0], STR("EVAL")) || str_eq_nocase(argv[0], STR("EVALSHA")));
    size_t key = script ? 3 : 1;
    if (argc <= key || (script && str_is(argv[2], "0"))) return -1;
    return redis_slot(argv[key]);
}

int redis_command(RedisClient *c, RedisCallback cb, void *arg, size_t argc, const Str *argv) {
    buf_clear(&c->command);
    redis_encode(&c->command, argc, argv);
    return send_command(c, c->cluster ? slot_of(argc, argv) : -1, cb, arg);
}

/* ---- scripts ---- */

void redis_script_init(RedisScript *s, const char *name, const char *source) {
    uint8_t digest[DIGEST_SHA1_BYTES];
    *s = (RedisScript){.name = name, .source = source};
    /* Redis names scripts by SHA-1; nothing secret rests on it. */
    digest_sha1(str(source), digest);
    text_hex(digest, sizeof(digest), s->sha1);
}

static void eval_done(Eval *e, const RedisReply *reply, int error) {
    if (e->cb) e->cb(e->arg, reply, error);
    buf_done(&e->rest);
    free(e);
}

static int eval_send(Eval *e, const char *verb, const char *script, RedisCallback cb) {
    RedisClient *c = e->client;
    buf_clear(&c->command);
    buf_addc(&c->command, '*');
    buf_add_u64(&c->command, e->argc + 3);
    buf_add(&c->command, "\r\n", 2);
    redis_encode_arg(&c->command, str(verb));
    redis_encode_arg(&c->command, str(script));
    buf_add_str(&c->command, buf_str(&e->rest));
    return send_command(c, e->slot, cb, e);
}

static void on_eval(void *arg, const RedisReply *reply, int error) {
    eval_done(arg, reply, error);
}

static void on_evalsha(void *arg, const RedisReply *reply, int error) {
    Eval *e = arg;
    if (error == -EREMOTEIO && str_starts(redis_reply_str(reply), STR("NOSCRIPT"))) {
        int r = eval_send(e, "EVAL", e->script->source, on_eval);
        if (r == 0) return;
        reply = NULL;
        error = r;
    }
    eval_done(e, reply, error);
}

int redis_eval(RedisClient *c, const RedisScript *s, RedisCallback cb, void *arg, size_t n_keys,
               size_t argc, const Str *argv) {
    assert(n_keys <= argc);
    Eval *e = xmalloc(sizeof(*e));
    *e = (Eval){.client = c, .script = s, .cb = cb, .arg = arg, .argc = argc, .slot = -1};
    if (c->cluster && n_keys) e->slot = redis_slot(argv[0]);
    CLEANUP(buf_done) Buf keys = {0};
    buf_add_u64(&keys, n_keys);
    redis_encode_arg(&e->rest, buf_str(&keys));
    for (size_t i = 0; i < argc; i++)
        redis_encode_arg(&e->rest, argv[i]);
    int r = eval_send(e, "EVALSHA", s->sha1, on_evalsha);
    if (r < 0) {
        buf_done(&e->rest);
        free(e);
    }
    return r;
}

/* ---- state ---- */

bool redis_connected(const RedisClient *c) {
    if (c->cluster) return redis_cluster_served(c->cluster);
    return c->connection && redis_connection_is_up(c->connection);
}

const char *redis_run_id(const RedisClient *c) {
    return c->connection ? redis_connection_run_id(c->connection) : "";
}

const char *redis_run_id_for(const RedisClient *c, Str key) {
    if (c->cluster) return redis_cluster_run_id(c->cluster, redis_slot(key));
    return redis_run_id(c);
}

size_t redis_outstanding(const RedisClient *c) {
    if (c->cluster) return redis_cluster_outstanding(c->cluster);
    return c->connection ? redis_connection_outstanding(c->connection) : 0;
}

const char *redis_trouble(const RedisClient *c) {
    if (c->cluster) return redis_cluster_trouble(c->cluster);
    return c->connection ? redis_connection_trouble(c->connection) : "";
}

RedisReply *redis_client_keep_reply(RedisClient *c) {
    if (c->cluster) return redis_cluster_keep_reply(c->cluster);
    return c->connection ? redis_connection_keep_reply(c->connection) : NULL;
}

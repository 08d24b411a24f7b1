/* Commands and scripts for one server; cluster.c has the routing when there are several. */
#include "redis/client.h"

#include "digest/digest.h"
#include "redis/client_internal.h"
#include "redis/connection.h"
#include <assert.h>
#include <errno.h>

struct RedisClient {
    Loop *loop;
    RedisUrl url;
    RedisEvents events;
    void *arg;
    RedisConnection *connection;
    Buf command; /* scratch */
};

typedef struct Eval {
    RedisClient *client;
    const RedisScript *script;
    RedisCallback cb;
    void *arg;
    size_t argc;
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
    RedisConnectionSettings s = {
        .host = c->url.hosts[0],
        .is_unix = c->url.kind == REDIS_URL_UNIX,
        .user = c->url.user,
        .password = c->url.password,
        .db = c->url.db,
        .timeout_ms = settings->timeout_ms ? settings->timeout_ms : 1000,
        .max_outstanding = settings->max_outstanding ? settings->max_outstanding : 100000,
        .max_bytes = settings->max_bytes ? settings->max_bytes : (size_t)32 << 20,
    };
    c->connection = redis_connection_new(loop, &s, &ours, c);
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
    c->connection = redis_connection_free(c->connection);
    loop_free_later(c->loop, c, release); /* the connection's settings point into us */
    return NULL;
}

int redis_command(RedisClient *c, RedisCallback cb, void *arg, size_t argc, const Str *argv) {
    if (!c->connection) return -ENOTCONN; /* being freed */
    buf_clear(&c->command);
    redis_encode(&c->command, argc, argv);
    return redis_connection_send(c->connection, buf_str(&c->command), cb, arg);
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
    if (!c->connection) return -ENOTCONN;
    buf_clear(&c->command);
    buf_addc(&c->command, '*');
    buf_add_u64(&c->command, e->argc + 3);
    buf_add(&c->command, "\r\n", 2);
    redis_encode_arg(&c->command, str(verb));
    redis_encode_arg(&c->command, str(script));
    buf_add_str(&c->command, buf_str(&e->rest));
    return redis_connection_send(c->connection, buf_str(&c->command), cb, e);
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
    *e = (Eval){.client = c, .script = s, .cb = cb, .arg = arg, .argc = argc};
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
    return c->connection && redis_connection_is_up(c->connection);
}

const char *redis_run_id(const RedisClient *c) {
    return c->connection ? redis_connection_run_id(c->connection) : "";
}

const char *redis_run_id_for(const RedisClient *c, Str key) {
    (void)key;
    return redis_run_id(c);
}

size_t redis_outstanding(const RedisClient *c) {
    return c->connection ? redis_connection_outstanding(c->connection) : 0;
}

const char *redis_trouble(const RedisClient *c) {
    return c->connection ? redis_connection_trouble(c->connection) : "";
}

RedisReply *redis_client_keep_reply(RedisClient *c) {
    return c->connection ? redis_connection_keep_reply(c->connection) : NULL;
}

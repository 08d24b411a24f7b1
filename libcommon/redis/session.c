/* A client on a loop of its own, turned until the answer is there. */
#include "redis/session.h"

#include <errno.h>

#include "base/clock.h"
#include "redis/client_internal.h"
#include "redis/connection.h"

struct RedisSession {
    Loop *loop;
    RedisClient *client;
    int64_t timeout_ms;
    RedisReply *reply; /* of the last command */
    int error;
    bool answered;
};

static void on_connected(void *arg, const char *run_id) {
    RedisSession *s = arg;
    (void)run_id;
    if (redis_connected(s->client)) loop_stop(s->loop);
}

RedisSession *redis_session_free(RedisSession *s) {
    if (!s) return NULL;
    redis_reply_release(s->reply);
    s->client = redis_client_free(s->client);
    s->loop = loop_free(s->loop);
    free(s);
    return NULL;
}

/* Waits until every server is there; the client keeps trying. */
static int wait_connected(RedisSession *s) {
    int64_t end = clock_monotonic_ms() + s->timeout_ms, left;
    while (!redis_connected(s->client) && (left = end - clock_monotonic_ms()) > 0)
        loop_run_for(s->loop, left);
    return redis_connected(s->client) ? 0 : -ENOTCONN;
}

int redis_session_open(const char *url, int timeout_ms, RedisSession **ret, Buf *ret_problem) {
    static const RedisEvents events = {.connected = on_connected};
    CLEANUP(redis_session_freep) RedisSession *s = xcalloc(1, sizeof(*s));
    s->timeout_ms = timeout_ms ? timeout_ms : 3000;
    s->loop = loop_new();
    if (!s->loop) {
        buf_adds(ret_problem, "no event loop");
        return -EIO;
    }
    RedisSettings settings = {.url = url, .timeout_ms = (int)s->timeout_ms};
    s->client = redis_client_new(s->loop, &settings, &events, s, ret_problem);
    if (!s->client) return -EINVAL;
    if (wait_connected(s) < 0) {
        buf_printf(ret_problem, "Redis is not to be reached: %s", redis_trouble(s->client));
        return -ENOTCONN;
    }
    *ret = TAKE(s);
    return 0;
}

static void on_reply(void *arg, const RedisReply *reply, int error) {
    RedisSession *s = arg;
    (void)reply;
    s->error = error;
    s->reply = redis_client_keep_reply(s->client);
    s->answered = true;
    loop_stop(s->loop);
}

static int begin(RedisSession *s) {
    redis_reply_release(s->reply);
    s->reply = NULL;
    s->answered = false;
    return wait_connected(s);
}

static int finish(RedisSession *s, int r, const RedisReply **ret) {
    if (r < 0) return r;
    while (!s->answered) /* the client answers every command, in time or with an error */
        loop_run_for(s->loop, 1000);
    if (ret) *ret = s->reply;
    return s->error;
}

int redis_session_command(RedisSession *s, size_t argc, const Str *argv, const RedisReply **ret) {
    int r = begin(s);
    if (r == 0) r = redis_command(s->client, on_reply, s, argc, argv);
    return finish(s, r, ret);
}

int redis_session_eval(RedisSession *s, const RedisScript *script, size_t n_keys, size_t argc,
                       const Str *argv, const RedisReply **ret) {
    int r = begin(s);
    if (r == 0) r = redis_eval(s->client, script, on_reply, s, n_keys, argc, argv);
    return finish(s, r, ret);
}

const char *redis_session_run_id(const RedisSession *s) {
    return redis_run_id(s->client);
}

const char *redis_session_run_id_for(const RedisSession *s, Str key) {
    return redis_run_id_for(s->client, key);
}

const char *redis_session_trouble(const RedisSession *s) {
    return redis_trouble(s->client);
}

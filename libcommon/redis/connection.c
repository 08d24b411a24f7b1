/* Connecting, greeting, the queue of what is not answered yet, and its one timer. */
#include "redis/connection.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <hiredis/hiredis.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "log/log.h"

enum {
    READ_BYTES = 64 * 1024,
    BACKOFF_FIRST_MS = 50,
    BACKOFF_MAX_MS = 2000,
    LOADING_RETRY_MS = 100,
    RUN_ID_ROOM = 64,
};

typedef enum State { STATE_AWAY, STATE_CONNECTING, STATE_GREETING, STATE_UP } State;

typedef struct Request {
    RedisCallback cb;
    void *arg;
    int64_t sent_ms;
    bool reported; /* timed out: its answer, should it come, is dropped */
} Request;

struct RedisConnection {
    Loop *loop;
    RedisConnectionSettings settings;
    RedisConnectionEvents events;
    void *arg;
    State state;
    int fd;
    LoopFd *watch;
    LoopTimer *deadline; /* of connecting, greeting, or the oldest request */
    LoopTimer *retry;    /* connect again; INFO again while the server loads its file */
    int64_t backoff_ms, since_ms;
    redisReader *reader;
    Request *requests; /* a ring, oldest at head */
    size_t size, head, n;
    Buf out;
    size_t written; /* of out */
    bool flush_deferred, freed;
    bool refused;      /* the greeting was answered with a no: trouble says which */
    redisReply *reply; /* the one being given to its callback */
    char run_id[RUN_ID_ROOM];
    char trouble[256];
};

static void go_away(RedisConnection *c, int error, const char *why);

void redis_encode_arg(Buf *to, Str arg) {
    buf_addc(to, '$');
    buf_add_u64(to, arg.n);
    buf_add(to, "\r\n", 2);
    buf_add(to, arg.p, arg.n);
    buf_add(to, "\r\n", 2);
}

void redis_encode(Buf *to, size_t argc, const Str *argv) {
    buf_addc(to, '*');
    buf_add_u64(to, argc);
    buf_add(to, "\r\n", 2);
    for (size_t i = 0; i < argc; i++)
        redis_encode_arg(to, argv[i]);
}

/* ---- the queue of requests ---- */

static Request *request_at(RedisConnection *c, size_t i) {
    return &c->requests[(c->head + i) % c->size];
}

static void request_push(RedisConnection *c, RedisCallback cb, void *arg) {
    if (c->n == c->size) {
        size_t size = c->size ? c->size * 2 : 256;
        Request *bigger = xmalloc(size * sizeof(*bigger));
        for (size_t i = 0; i < c->n; i++)
            bigger[i] = *request_at(c, i);
        free(c->requests);
        c->requests = bigger;
        c->size = size;
        c->head = 0;
    }
    c->requests[(c->head + c->n++) % c->size] = (Request){cb, arg, clock_monotonic_ms(), false};
}

static Request request_pop(RedisConnection *c) {
    Request r = c->requests[c->head];
    c->head = (c->head + 1) % c->size;
    c->n--;
    return r;
}

static void fail_all(RedisConnection *c, int error) {
    while (c->n) {
        Request r = request_pop(c);
        if (!r.reported && r.cb) r.cb(r.arg, NULL, error);
    }
}

/* ---- writing ---- */

static void flush(RedisConnection *c) {
    while (c->written < c->out.n) {
        ssize_t n = send(c->fd, c->out.p + c->written, c->out.n - c->written, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
            go_away(c, -ENOTCONN, strerror(errno));
            return;
        }
        if (n < 0) break;
        c->written += (size_t)n;
    }
    if (c->written == c->out.n) {
        buf_clear(&c->out);
        c->written = 0;
    } else if (c->written > READ_BYTES) { /* keep what is unsent at the front */
        memmove(c->out.p, c->out.p + c->written, c->out.n - c->written);
        c->out.n -= c->written;
        c->written = 0;
    }
    loop_fd_want(c->watch, c->out.n ? LOOP_READ | LOOP_WRITE : LOOP_READ);
}

static void on_turn_end(void *arg) {
    RedisConnection *c = arg;
    c->flush_deferred = false;
    if (!c->freed && c->state >= STATE_GREETING) flush(c);
}

static void enqueue(RedisConnection *c, Str command, RedisCallback cb, void *arg) {
    if (c->n == 0 && c->state == STATE_UP) loop_timer_arm(c->deadline, c->settings.timeout_ms);
    request_push(c, cb, arg);
    buf_add_str(&c->out, command);
    if (c->flush_deferred) return;
    c->flush_deferred = true;
    loop_defer(c->loop, on_turn_end, c);
}

int redis_connection_send(RedisConnection *c, Str command, RedisCallback cb, void *arg) {
    if (c->state != STATE_UP) return -ENOTCONN;
    if (c->n >= c->settings.max_outstanding ||
        c->out.n - c->written + command.n > c->settings.max_bytes)
        return -ENOBUFS;
    enqueue(c, command, cb, arg);
    return 0;
}

/* ---- greeting: AUTH, SELECT, INFO ---- */

static Str info_field(Str info, const char *name) {
    while (info.p) {
        Str value, line = str_cut(info, '\n', &info);
        if (line.n && line.p[line.n - 1] == '\r') line.n--;
        Str key = str_cut(line, ':', &value);
        if (value.p && str_is(key, name)) return value;
    }
    return (Str){NULL, 0};
}

static void ask_info(RedisConnection *c);

static void refuse(RedisConnection *c, const char *what, const RedisReply *reply) {
    char why[200];
    (void)snprintf(why, sizeof(why), "%s%s%.*s", what, reply ? ": " : "",
                   STR_ARG(redis_reply_str(reply)));
    (void)snprintf(c->trouble, sizeof(c->trouble), "%s", why);
    c->refused = true;
    loop_timer_arm(c->deadline, 0); /* goes away there, not in the middle of reading replies */
}

static void on_hello(void *arg, const RedisReply *reply, int error) {
    RedisConnection *c = arg;
    if (error == -EREMOTEIO) refuse(c, "Redis refuses us", reply);
}

static void on_info(void *arg, const RedisReply *reply, int error) {
    RedisConnection *c = arg;
    if (error == -EREMOTEIO) refuse(c, "INFO", reply);
    if (error || c->state != STATE_GREETING) return;
    Str info = redis_reply_str(reply);
    Str run_id = info_field(info, "run_id");
    if (str_is(info_field(info, "loading"), "1")) {
        (void)snprintf(c->trouble, sizeof(c->trouble), "Redis is loading its file");
        c->since_ms = clock_monotonic_ms(); /* it answers: not a failed greeting */
        loop_timer_arm(c->deadline, c->settings.timeout_ms + LOADING_RETRY_MS);
        loop_timer_arm(c->retry, LOADING_RETRY_MS);
        return;
    }
    if (str_is(info_field(info, "role"), "slave") || run_id.n == 0 || run_id.n >= RUN_ID_ROOM) {
        refuse(c,
               run_id.n && run_id.n < RUN_ID_ROOM ? "this Redis is a replica, not a primary"
                                                  : "INFO names no run_id",
               NULL);
        return;
    }
    memcpy(c->run_id, run_id.p, run_id.n);
    c->run_id[run_id.n] = '\0';
    c->state = STATE_UP;
    c->backoff_ms = BACKOFF_FIRST_MS;
    *c->trouble = '\0';
    loop_timer_disarm(c->deadline);
    if (c->events.up) c->events.up(c->arg, c);
}

static void ask_info(RedisConnection *c) {
    CLEANUP(buf_done) Buf b = {0};
    redis_encode(&b, 1, (Str[]){STR("INFO")});
    enqueue(c, buf_str(&b), on_info, c);
}

static void greet(RedisConnection *c) {
    CLEANUP(buf_done) Buf b = {0};
    const RedisConnectionSettings *s = &c->settings;
    c->state = STATE_GREETING;
    if (s->password && *s->password) {
        if (s->user && *s->user)
            redis_encode(&b, 3, (Str[]){STR("AUTH"), str(s->user), str(s->password)});
        else
            redis_encode(&b, 2, (Str[]){STR("AUTH"), str(s->password)});
        enqueue(c, buf_str(&b), on_hello, c);
        buf_clear(&b);
    }
    if (s->db) {
        char db[16];
        (void)snprintf(db, sizeof(db), "%d", s->db);
        redis_encode(&b, 2, (Str[]){STR("SELECT"), str(db)});
        enqueue(c, buf_str(&b), on_hello, c);
    }
    ask_info(c);
}

/* ---- reading ---- */

static void give_replies(RedisConnection *c) {
    void *reply;
    redisReader *reader = c->reader;
    while (c->reader == reader && redisReaderGetReply(reader, &reply) == REDIS_OK) {
        if (!reply) return;
        if (c->n == 0) { /* nothing was asked: not a Redis we understand */
            freeReplyObject(reply);
            go_away(c, -ENOTCONN, "Redis sent an answer to no question");
            return;
        }
        Request r = request_pop(c);
        if (!r.reported && r.cb) {
            int error = ((redisReply *)reply)->type == REDIS_REPLY_ERROR ? -EREMOTEIO : 0;
            c->reply = reply;
            r.cb(r.arg, (const RedisReply *)reply, error);
            reply = c->reply; /* NULL when it was kept */
            c->reply = NULL;
        }
        if (reply) freeReplyObject(reply);
    }
    if (c->reader == reader) go_away(c, -ENOTCONN, "what Redis sent is not its protocol");
}

static void on_connected(RedisConnection *c) {
    int error = 0, one = 1;
    socklen_t n = sizeof(error);
    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0) error = errno;
    if (error) {
        go_away(c, -ENOTCONN, strerror(error));
        return;
    }
    if (!c->settings.is_unix) (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    greet(c);
    loop_fd_want(c->watch, LOOP_READ);
}

static void on_ready(int fd, unsigned what, void *arg) {
    static char chunk[READ_BYTES]; /* one loop, one thread, used up before this returns */
    RedisConnection *c = arg;
    if (c->state == STATE_CONNECTING) {
        on_connected(c);
        return;
    }
    if (what & LOOP_READ) {
        ssize_t n = recv(fd, chunk, sizeof(chunk), 0);
        if (n == 0) {
            go_away(c, -ENOTCONN, "Redis closed the connection");
            return;
        }
        if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
            go_away(c, -ENOTCONN, strerror(errno));
            return;
        }
        if (n > 0) {
            if (redisReaderFeed(c->reader, chunk, (size_t)n) != REDIS_OK) {
                go_away(c, -ENOTCONN, "no memory for an answer of Redis");
                return;
            }
            give_replies(c);
        }
    }
    if ((what & LOOP_WRITE) && c->state >= STATE_GREETING && !c->freed) flush(c);
}

/* ---- connecting ---- */

static int connect_unix(RedisConnection *c) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t n = strnlen(c->settings.host.host, sizeof(to.sun_path) - 1);
    memcpy(to.sun_path, c->settings.host.host, n); /* the URL's parser knows the limit */
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) return -errno;
    return connect(c->fd, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
}

static int connect_tcp(RedisConnection *c) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG}, *list = NULL;
    char port[8];
    int r = -EHOSTUNREACH;
    (void)snprintf(port, sizeof(port), "%d", c->settings.host.port);
    if (getaddrinfo(c->settings.host.host, port, &hints, &list) != 0) return -EADDRNOTAVAIL;
    for (struct addrinfo *a = list; a; a = a->ai_next) {
        c->fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
        if (c->fd < 0) {
            r = -errno;
            continue;
        }
        r = connect(c->fd, a->ai_addr, a->ai_addrlen) < 0 ? -errno : 0;
        if (r == 0 || r == -EINPROGRESS) break;
        (void)close(c->fd);
        c->fd = -1;
    }
    freeaddrinfo(list);
    return r;
}

static void start_connecting(RedisConnection *c) {
    int r = c->settings.is_unix ? connect_unix(c) : connect_tcp(c);
    c->state = STATE_CONNECTING;
    c->refused = false;
    c->since_ms = clock_monotonic_ms();
    if (r < 0 && r != -EINPROGRESS) {
        go_away(c, -ENOTCONN,
                r == -EADDRNOTAVAIL ? "the host's name cannot be resolved" : strerror(-r));
        return;
    }
    c->reader = redisReaderCreate();
    if (!c->reader) abort(); /* out of memory: the policy of memory.h */
    c->watch = loop_fd_new(c->loop, c->fd, on_ready, c);
    loop_fd_want(c->watch, LOOP_WRITE);
    loop_timer_arm(c->deadline, c->settings.timeout_ms);
}

static void on_retry(void *arg) {
    RedisConnection *c = arg;
    if (c->state == STATE_AWAY) start_connecting(c);
    if (c->state == STATE_GREETING) ask_info(c);
}

static void free_reader(void *reader) {
    redisReaderFree(reader);
}

static void close_socket(RedisConnection *c) {
    c->watch = loop_fd_free(c->watch);
    if (c->fd >= 0) (void)close(c->fd);
    c->fd = -1;
    /* We may be inside a callback that reads one of its replies. */
    if (c->reader) loop_free_later(c->loop, c->reader, free_reader);
    c->reader = NULL;
    buf_clear(&c->out);
    c->written = 0;
    *c->run_id = '\0';
    loop_timer_disarm(c->deadline);
}

static void go_away(RedisConnection *c, int error, const char *why) {
    bool was_up = c->state == STATE_UP;
    if (why) (void)snprintf(c->trouble, sizeof(c->trouble), "%s", why);
    log_debug(NULL, "redis %s:%d: %s", c->settings.host.host, c->settings.host.port, c->trouble);
    c->state = STATE_AWAY;
    close_socket(c);
    loop_timer_arm(c->retry, c->backoff_ms);
    c->backoff_ms = c->backoff_ms * 2 < BACKOFF_MAX_MS ? c->backoff_ms * 2 : BACKOFF_MAX_MS;
    fail_all(c, error);
    if (was_up && c->events.down) c->events.down(c->arg, c);
}

/* ---- time ---- */

static void on_deadline(void *arg) {
    RedisConnection *c = arg;
    int64_t now = clock_monotonic_ms(), timeout = c->settings.timeout_ms, next = INT64_MAX;
    if (c->state != STATE_UP) {
        go_away(c, -ENOTCONN, c->refused ? NULL : "no answer to our greeting in time");
        return;
    }
    /* Twice the time without the oldest answer: this connection is dead, or as good as. */
    if (c->n && request_at(c, 0)->sent_ms + 2 * timeout <= now) {
        go_away(c, -ETIMEDOUT, "no answer in time");
        return;
    }
    for (size_t i = 0; i < c->n; i++) { /* in the order sent */
        Request *r = request_at(c, i);
        if (r->reported) continue;
        if (r->sent_ms + timeout > now) {
            next = r->sent_ms + timeout;
            break;
        }
        r->reported = true;
        if (r->cb) r->cb(r->arg, NULL, -ETIMEDOUT); /* may push: i stays right, r does not */
    }
    if (c->n == 0 || c->state != STATE_UP) return;
    int64_t dead = request_at(c, 0)->sent_ms + 2 * timeout;
    if (dead < next) next = dead;
    loop_timer_arm(c->deadline, next > now ? next - now : 0);
}

/* ---- life ---- */

RedisConnection *redis_connection_new(Loop *loop, const RedisConnectionSettings *settings,
                                      const RedisConnectionEvents *events, void *arg) {
    RedisConnection *c = xcalloc(1, sizeof(*c));
    c->loop = loop;
    c->settings = *settings;
    c->events = *events;
    c->arg = arg;
    c->fd = -1;
    c->backoff_ms = BACKOFF_FIRST_MS;
    c->deadline = loop_timer_new(loop, on_deadline, c);
    c->retry = loop_timer_new(loop, on_retry, c);
    (void)snprintf(c->trouble, sizeof(c->trouble), "not connected yet");
    loop_timer_arm(c->retry, 0); /* no callback before the caller has its pointer */
    return c;
}

static void release(void *arg) {
    RedisConnection *c = arg;
    free(c->requests);
    buf_done(&c->out);
    free(c);
}

RedisConnection *redis_connection_free(RedisConnection *c) {
    if (!c) return NULL;
    c->freed = true;
    c->state = STATE_AWAY;
    close_socket(c);
    fail_all(c, -ECANCELED);
    c->deadline = loop_timer_free(c->deadline);
    c->retry = loop_timer_free(c->retry);
    loop_free_later(c->loop, c, release); /* the end of this turn may still know us */
    return NULL;
}

bool redis_connection_is_up(const RedisConnection *c) {
    return c->state == STATE_UP;
}

const char *redis_connection_run_id(const RedisConnection *c) {
    return c->run_id;
}

const char *redis_connection_trouble(const RedisConnection *c) {
    return c->state == STATE_UP ? "" : c->trouble;
}

size_t redis_connection_outstanding(const RedisConnection *c) {
    return c->n;
}

RedisReply *redis_connection_keep_reply(RedisConnection *c) {
    RedisReply *kept = (RedisReply *)(void *)c->reply;
    c->reply = NULL;
    return kept;
}

void redis_reply_release(RedisReply *r) {
    if (r) freeReplyObject(r);
}

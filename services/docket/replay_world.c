/* Everything here asks the servers themselves, so that a replay needs no service's own word. */
#include "docket/replay_world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "docket/workforce_desk.h"

enum { CLOCK_READ_AFTER_MS = 30, LOOK_AGAIN_MS = 5, ANSWER_BYTES_MAX = 4 << 20 };

void replay_world_done(ReplayWorld *w) {
    (void)postgres_session_free(w->postgres);
    (void)kafka_admin_free(w->kafka);
    buf_done(&w->trouble);
}

static void rest(int64_t ms) {
    (void)nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static int trouble(ReplayWorld *w, int r, const char *what) {
    buf_clear(&w->trouble);
    buf_adds(&w->trouble, what);
    return r;
}

/* ---- The clock ---- */

int64_t replay_clock_read(const char *file) {
    int64_t ms = 0;
    FILE *in = fopen(file, "re");
    char text[32] = {0};
    if (in && fgets(text, sizeof(text), in)) ms = strtoll(text, NULL, 10);
    if (in) (void)fclose(in);
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return ms > 0 ? ms : (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int replay_clock_set(ReplayWorld *w, int64_t ms) {
    CLEANUP(buf_done) Buf fresh = {0};
    buf_printf(&fresh, "%s.new", w->clock_file);
    FILE *out = fopen(fresh.p, "we");
    if (!out || fprintf(out, "%lld\n", (long long)ms) < 0 || fclose(out) != 0 ||
        rename(fresh.p, w->clock_file) != 0)
        return trouble(w, -errno, "the clock file cannot be written");
    w->clock_ms = ms;
    rest(CLOCK_READ_AFTER_MS);
    return 0;
}

/* ---- The doors ---- */

static int door_open(const HttpAddress *a) {
    struct timeval patience = {.tv_sec = 15};
    int fd = socket(a->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (connect(fd, (const struct sockaddr *)&a->address, a->address_n) == 0) return fd;
    int r = -errno;
    (void)close(fd);
    return r;
}

static int exchange(const HttpAddress *a, Str request, Buf *in, HttpReply *ret) {
    int fd = door_open(a), r = -EPROTO;
    if (fd < 0) return fd;
    for (size_t at = 0; at < request.n;) {
        ssize_t n = send(fd, request.p + at, request.n - at, MSG_NOSIGNAL);
        if (n <= 0) break;
        at += (size_t)n;
    }
    for (size_t used; r == -EPROTO && in->n < ANSWER_BYTES_MAX;) {
        buf_reserve(in, 65536);
        ssize_t n = recv(fd, in->p + in->n, 65536, 0);
        if (n <= 0) break;
        in->n += (size_t)n;
        HttpReplyResult is = http_reply_read(buf_str(in), ret, &used);
        if (is == HTTP_REPLY_BROKEN) break;
        if (is == HTTP_REPLY_WHOLE) r = 0;
    }
    (void)close(fd);
    return r;
}

int replay_ask(ReplayWorld *w, ReplayDoor door, Str token, const char *method, const char *path,
               Str body, Buf *ret_body) {
    const HttpAddress *a = door == REPLAY_GATE ? &w->gate : &w->desk;
    CLEANUP(buf_done) Buf request = {0}, in = {0}, bearer = {0};
    HttpReply reply = {0};
    buf_printf(&bearer, "Bearer %.*s", STR_ARG(token));
    desk_write(&request, a->host, &(DeskIdentity){.authorization = buf_str(&bearer)}, method, path,
               "application/json", body);
    for (int64_t began = clock_monotonic_ms();;) {
        buf_clear(&in);
        int r = exchange(a, buf_str(&request), &in, &reply);
        bool enough = clock_monotonic_ms() - began > w->wait_ms;
        if (r < 0 && enough) return trouble(w, r, "a door of Docket does not answer");
        if (r == 0 && (enough || (reply.status != 429 && reply.status != 503))) break;
        if (r < 0) reply = (HttpReply){0}; /* what it did all the same its ledger will say */
        rest(reply.retry_after_s > 0 && reply.retry_after_s < 10 ? reply.retry_after_s * 1000
                                                                 : 500);
    }
    buf_clear(ret_body);
    buf_add_str(ret_body, reply.body);
    return reply.status;
}

/* ---- Quiet ---- */

typedef struct Seen {
    int64_t outbox, untold, due, next_ms, versions;
} Seen;

static int look(ReplayWorld *w, Seen *ret) {
    static const char sql[] =
        "SELECT (SELECT count(*) FROM ticket.outbox)::bigint,"
        " count(*) FILTER (WHERE l.seq IS DISTINCT FROM t.version)::bigint,"
        " count(*) FILTER (WHERE l.next_ms <= $2::bigint AND l.state IS NOT NULL)::bigint,"
        " coalesce(min(l.next_ms) FILTER (WHERE l.state IS NOT NULL), 0)::bigint,"
        " coalesce(sum(t.version), 0)::bigint"
        " FROM ticket.tickets t LEFT JOIN sla.lives l"
        " ON l.tenant_id = t.tenant_id AND l.ticket_id = t.id WHERE t.tenant_id = $1::bigint";
    CLEANUP(params_done) Params params = {0};
    const PostgresRows *rows;
    params_i64(&params, w->tenant_id);
    params_i64(&params, w->clock_ms);
    buf_clear(&w->trouble);
    int r = postgres_session_run(w->postgres, sql, &params, &rows, &w->trouble);
    if (r < 0) return r;
    *ret = (Seen){rows_int(rows, 0, 0), rows_int(rows, 0, 1), rows_int(rows, 0, 2),
                  rows_int(rows, 0, 3), rows_int(rows, 0, 4)};
    return 0;
}

static int lag(ReplayWorld *w, int64_t *ret) {
    static const struct {
        const char *topic, *group;
    } read[] = {{"docket.submissions", "docket-router"},
                {"docket.signals", "docket-router-signals"},
                {"docket.events", "docket-sla"}};
    *ret = 0;
    for (size_t i = 0; i < sizeof(read) / sizeof(*read); i++) {
        int64_t n = 0;
        buf_clear(&w->trouble);
        int r = kafka_admin_lag(w->kafka, read[i].topic, read[i].group, &n, &w->trouble);
        if (r < 0) return r;
        *ret += n;
    }
    return 0;
}

/* What is due is a signal before its state is written, a signal is read before its offset is, and
 * its row is told back: so nothing due, then nothing to be read, then nothing new is quiet. */
int replay_quiet(ReplayWorld *w, int64_t *ret_next_ms) {
    Seen before = {0}, after = {0};
    int64_t messages = 0, began = clock_monotonic_ms();
    for (;; rest(LOOK_AGAIN_MS)) {
        int r = look(w, &before);
        bool busy = before.outbox || before.untold || before.due;
        if (r == 0 && !busy) r = lag(w, &messages);
        if (r == 0 && !busy && !messages) r = look(w, &after);
        if (r < 0) return r;
        if (!busy && !messages && memcmp(&before, &after, sizeof(before)) == 0) break;
        if (clock_monotonic_ms() - began < w->wait_ms) continue;
        buf_clear(&w->trouble);
        buf_printf(&w->trouble,
                   "still under way after %lld s: %lld messages, %lld outbox rows, %lld tickets "
                   "of which the scheduler was not told everything, %lld with something due",
                   (long long)(w->wait_ms / 1000), (long long)messages, (long long)before.outbox,
                   (long long)before.untold, (long long)before.due);
        return -ETIMEDOUT;
    }
    *ret_next_ms = after.next_ms;
    return 0;
}

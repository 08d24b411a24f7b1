/* Drives libcommon/outgoing and libcommon/signing for tests: one JSON command a line on standard
 * input, one JSON object a line on standard output; tests/harness/outgoing.py is its other side.
 *
 *   outgoing_driver SETTINGS                      JSON: members of OutgoingSettings
 *   {"op":"post","id":1,"url":...,"lines":[...],"body":...,...}   as OutgoingPost; "late": true
 * when its time is over before it can begin
 *   {"op":"mail","id":2,...}                      as OutgoingMail; "tls": "starttls", "implicit",
 * "none"
 *   {"op":"cancel","id":1}, {"op":"check","url":...}, {"op":"running"}, {"op":"free"}
 *   {"op":"lag"}                                  the longest the loop stood still since it was
 * last asked
 *   {"op":"sign","manner":0,...}                  header lines as webhook_sign() makes them
 *   {"op":"resolve","name":...,"addresses":[...],"ms":0}   what the name resolves to from now on
 * (one answer after the other, the last one stays), and how long it takes: libcurl's getaddrinfo()
 * is ours here
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "outgoing/outgoing.h"
#include "signing/webhook.h"
#include "json/json.h"

enum { NAMES = 32, ADDRESSES = 4, IDS = 1024 };

static Loop *loop;
static Outgoing *outgoing;
static OutgoingRequest *requests[IDS];
static Buf input;
static LoopTimer *beat;
static int64_t last_beat_ms, longest_ms;

/* ---- names ---- */

typedef struct Name {
    char name[64], addresses[ADDRESSES][64];
    size_t n, next;
    int64_t ms;
} Name;

static Name names[NAMES]; /* under the lock: libcurl asks from threads */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

int getaddrinfo(const char *restrict node, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict ret) {
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    char address[64] = "";
    struct timespec wait = {0};
    void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
    memcpy(&real, &symbol, sizeof(real));
    (void)pthread_mutex_lock(&lock);
    for (size_t i = 0; i < NAMES && node; i++) {
        Name *n = &names[i];
        if (strcmp(n->name, node) != 0) continue;
        wait = (struct timespec){.tv_sec = n->ms / 1000, .tv_nsec = n->ms % 1000 * 1000000};
        memcpy(address, n->addresses[n->next], sizeof(address));
        if (n->next + 1 < n->n) n->next++;
    }
    (void)pthread_mutex_unlock(&lock);
    if (wait.tv_sec || wait.tv_nsec) (void)nanosleep(&wait, NULL);
    return real(address[0] ? address : node, service, hints, ret);
}

static void op_resolve(const cJSON *o) {
    const cJSON *list = NULL, *item;
    Str name = {0}, text;
    if (json_get_string(o, "name", &name) <= 0 || json_get_array(o, "addresses", &list) <= 0)
        return;
    (void)pthread_mutex_lock(&lock);
    for (size_t i = 0; i < NAMES; i++) {
        Name *n = &names[i];
        if (n->name[0] && !str_is(name, n->name)) continue;
        *n = (Name){.n = 0};
        (void)snprintf(n->name, sizeof(n->name), "%.*s", STR_ARG(name));
        cJSON_ArrayForEach(item, list) {
            if (n->n < ADDRESSES && json_as_string(item, &text) > 0)
                (void)snprintf(n->addresses[n->n++], sizeof(n->addresses[0]), "%.*s",
                               STR_ARG(text));
        }
        (void)json_get_int(o, "ms", &n->ms);
        break;
    }
    (void)pthread_mutex_unlock(&lock);
    (void)printf("{\"resolves\":true}\n");
}

/* ---- requests ---- */

static int64_t number(const cJSON *o, const char *key) {
    int64_t n = 0;
    (void)json_get_int(o, key, &n);
    return n;
}

static Str text(const cJSON *o, const char *key) {
    Str s = {NULL, 0};
    (void)json_get_string(o, key, &s);
    return s;
}

static void add_text(Buf *b, const char *key, Str value) {
    buf_printf(b, ",\"%s\":", key);
    buf_add_json(b, str_is_text(value) ? value : STR("(no text)"));
}

static void on_result(void *arg, const OutgoingResult *r) {
    static const char *const outcomes[] = {"delivered", "later", "refused"};
    CLEANUP(buf_done) Buf out = {0};
    size_t id = (size_t)((OutgoingRequest **)arg - requests);
    requests[id] = NULL;
    buf_printf(
        &out,
        "{\"id\":%zu,\"outcome\":\"%s\",\"status\":%d,\"retry_after_ms\":%lld,\"doubtful\":%s,"
        "\"cut\":%s,\"response_bytes\":%zu",
        id, outcomes[r->outcome], r->status, (long long)r->retry_after_ms,
        r->doubtful ? "true" : "false", r->cut ? "true" : "false", r->response.n);
    add_text(&out, "reason", r->reason);
    add_text(&out, "response", (Str){r->response.p, r->response.n < 200 ? r->response.n : 200});
    (void)printf("%s}\n", out.p);
}

static void say_refused(size_t id, int r, const Buf *problem) {
    CLEANUP(buf_done) Buf out = {0};
    if (r == 0) return;
    buf_printf(&out, "{\"id\":%zu,\"error\":\"%s\"", id,
               r == -EINVAL    ? "EINVAL"
               : r == -EBUSY   ? "EBUSY"
               : r == -ENOBUFS ? "ENOBUFS"
                               : strerror(-r));
    add_text(&out, "reason", problem->p ? buf_str(problem) : STR(""));
    (void)printf("%s}\n", out.p);
}

static int64_t lease(const cJSON *o) {
    int64_t ms = 0;
    return json_get_int(o, "lease_ms", &ms) > 0 ? clock_monotonic_ms() + ms : 0;
}

static void op_post(const cJSON *o) {
    CLEANUP(buf_done) Buf problem = {0};
    const cJSON *list = NULL, *item;
    Str lines[64];
    size_t id = (size_t)number(o, "id") % IDS;
    OutgoingPost post = {.url = text(o, "url"),
                         .lines = lines,
                         .body = text(o, "body"),
                         .timeout_ms = (int)number(o, "timeout_ms"),
                         .connect_ms = (int)number(o, "connect_ms"),
                         .max_response = (size_t)number(o, "max_response"),
                         .not_after_ms = lease(o)};
    if (json_get_array(o, "lines", &list) > 0) {
        cJSON_ArrayForEach(item, list) {
            if (post.lines_n < 64) (void)json_as_string(item, &lines[post.lines_n++]);
        }
    }
    int r = outgoing_post(outgoing, &post, on_result, &requests[id], &requests[id], &problem);
    say_refused(id, r, &problem);
}

static void op_mail(const cJSON *o) {
    CLEANUP(buf_done) Buf problem = {0};
    size_t id = (size_t)number(o, "id") % IDS;
    Str tls = text(o, "tls");
    OutgoingMail mail = {.host = text(o, "host"),
                         .port = (int)number(o, "port"),
                         .tls = str_is(tls, "none")       ? OUTGOING_TLS_NONE
                                : str_is(tls, "implicit") ? OUTGOING_TLS_IMPLICIT
                                                          : OUTGOING_TLS_STARTTLS,
                         .user = text(o, "user"),
                         .password = text(o, "password"),
                         .from = text(o, "from"),
                         .to = text(o, "to"),
                         .message = text(o, "message"),
                         .timeout_ms = (int)number(o, "timeout_ms"),
                         .connect_ms = (int)number(o, "connect_ms"),
                         .not_after_ms = lease(o)};
    int r = outgoing_mail(outgoing, &mail, on_result, &requests[id], &requests[id], &problem);
    say_refused(id, r, &problem);
}

static void op_check(const cJSON *o) {
    CLEANUP(buf_done) Buf problem = {0}, out = {0}, destination = {0};
    int r = outgoing_check(outgoing, text(o, "url"), &problem);
    (void)outgoing_destination(outgoing, text(o, "url"), &destination);
    buf_printf(&out, "{\"good\":%s", r == 0 ? "true" : "false");
    add_text(&out, "reason", problem.p ? buf_str(&problem) : STR(""));
    add_text(&out, "destination", destination.p ? buf_str(&destination) : STR(""));
    (void)printf("%s}\n", out.p);
}

static void op_sign(const cJSON *o) {
    CLEANUP(buf_done) Buf out = {0};
    Arena *arena = arena_new(0);
    Str lines[WEBHOOK_LINES_MAX];
    WebhookSecrets secrets = {text(o, "current"), text(o, "previous")};
    int n = webhook_sign((WebhookManner)number(o, "manner"), &secrets, text(o, "id"),
                         number(o, "now_ms"), text(o, "body"), arena, lines);
    buf_printf(&out, "{\"n\":%d,\"lines\":[", n);
    for (int i = 0; i < n; i++) {
        if (i) buf_addc(&out, ',');
        buf_add_json(&out, lines[i]);
    }
    (void)printf("%s]}\n", out.p);
    arena_free(arena);
}

/* ---- the loop ---- */

static void on_beat(void *arg) {
    int64_t now = clock_monotonic_ms();
    (void)arg;
    if (now - last_beat_ms > longest_ms) longest_ms = now - last_beat_ms;
    last_beat_ms = now;
    loop_timer_arm(beat, 5);
}

static void run(Str line) {
    CLEANUP(buf_done) Buf why = {0};
    cJSON *o = NULL;
    JsonLimits limits = {.bytes = 64 << 20, .depth = 8, .members = 100};
    if (json_parse(line, &limits, &o, &why) < 0) {
        (void)fprintf(stderr, "outgoing_driver: %s\n", why.p);
        exit(2);
    }
    Str op = text(o, "op");
    if (str_is(op, "post")) op_post(o);
    if (str_is(op, "mail")) op_mail(o);
    if (str_is(op, "check")) op_check(o);
    if (str_is(op, "sign")) op_sign(o);
    if (str_is(op, "resolve")) op_resolve(o);
    if (str_is(op, "running")) (void)printf("{\"running\":%zu}\n", outgoing_running(outgoing));
    if (str_is(op, "cancel")) {
        OutgoingRequest **r = &requests[(size_t)number(o, "id") % IDS];
        (void)printf("{\"cancelled\":%s}\n", *r ? "true" : "false");
        outgoing_cancel(*r);
        *r = NULL;
    }
    if (str_is(op, "free")) {
        outgoing = outgoing_free(outgoing);
        (void)printf("{\"freed\":true}\n");
    }
    if (str_is(op, "lag")) {
        on_beat(NULL);
        (void)printf("{\"ms\":%lld}\n", (long long)longest_ms);
        longest_ms = 0;
    }
    cJSON_Delete(o);
}

static void on_input(int fd, unsigned what, void *arg) {
    char bytes[65536];
    (void)what;
    (void)arg;
    ssize_t n = read(fd, bytes, sizeof(bytes));
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
        loop_stop(loop);
        return;
    }
    buf_add(&input, bytes, (size_t)n);
    Str rest = buf_str(&input);
    for (const char *end; (end = memchr(rest.p, '\n', rest.n));) {
        run((Str){rest.p, (size_t)(end - rest.p)});
        rest = (Str){end + 1, rest.n - (size_t)(end + 1 - rest.p)};
    }
    memmove(input.p, rest.p, rest.n);
    input.n = rest.n;
    (void)fflush(stdout);
}

int main(int argc, char **argv) {
    CLEANUP(buf_done) Buf why = {0};
    cJSON *o = NULL;
    if (argc != 2 || json_parse(str(argv[1]), NULL, &o, &why) < 0) return 2;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    (void)fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
    loop = loop_new();
    outgoing = outgoing_new(
        loop,
        &(OutgoingSettings){.allow = text(o, "allow").p,
                            .ca_file = text(o, "ca_file").p,
                            .helo = text(o, "helo").p,
                            .max_running = (size_t)number(o, "max_running"),
                            .max_per_destination = (size_t)number(o, "max_per_destination"),
                            .max_bytes = (size_t)number(o, "max_bytes"),
                            .max_idle = (size_t)number(o, "max_idle")},
        &why);
    cJSON_Delete(o);
    if (!outgoing) {
        (void)printf("{\"problem\":\"%s\"}\n", why.p);
        loop = loop_free(loop);
        return 0;
    }
    (void)printf("{\"ready\":true}\n");
    beat = loop_timer_new(loop, on_beat, NULL);
    last_beat_ms = clock_monotonic_ms();
    on_beat(NULL);
    LoopFd *in = loop_fd_new(loop, STDIN_FILENO, on_input, NULL);
    loop_fd_want(in, LOOP_READ);
    loop_run(loop);
    in = loop_fd_free(in);
    beat = loop_timer_free(beat);
    outgoing = outgoing_free(outgoing);
    loop_run_for(loop, 1);
    loop = loop_free(loop);
    buf_done(&input);
    return 0;
}

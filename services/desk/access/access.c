/* The part's life, its sweep, and what of a request says where it comes from. */
#include "desk/access/access.h"

#include <errno.h>

#include "access/credential.h"
#include "access/limits.h"
#include "desk/access/basic.h"
#include "desk/access/network.h"
#include "log/log.h"

enum { SWEEP_MS = 60000, SWEEP_ROWS = 5000 };

static const PostgresStatement sweep = {"access_sweep", "SELECT access.sweep($1::integer)"};

typedef struct Sweep {
    Access *access; /* NULL: the desk is stopping */
    PostgresQuery query;
    Params params;
} Sweep;

static void on_swept(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                     const PostgresProblem *problem) {
    Sweep *s = arg;
    (void)results;
    if (outcome != POSTGRES_COMMITTED)
        log_warn(NULL, "What has passed its age stays for another minute: %s", problem->text);
    params_done(&s->params);
    free(s);
}

static void on_sweep(void *arg) {
    Access *a = arg;
    loop_timer_arm(a->sweep, SWEEP_MS);
    Sweep *s = xcalloc(1, sizeof(*s));
    params_i32(&s->params, SWEEP_ROWS);
    s->query = (PostgresQuery){&sweep, &s->params};
    if (postgres_pool_run(a->desk->pool, 0, &s->query, 1, on_swept, s) == 0) return;
    params_done(&s->params);
    free(s);
}

static int access_start(Desk *d, Buf *ret_problem) {
    Access *a = d->access = xcalloc(1, sizeof(*a));
    a->desk = d;
    a->credentials = secrets_new(d->loop, &credential_kind, d->config->postgres_url,
                                 runtime_instance(d->runtime), ret_problem);
    if (!a->credentials) return -EINVAL;
    a->workers = workers_new(d->loop, (size_t)d->config->password_threads,
                             (size_t)d->config->password_waiting);
    if (!a->workers) {
        buf_adds(ret_problem, "no threads for hashing passwords");
        return -EAGAIN;
    }
    a->attempts = limits_new(d->config->sign_ins_per_minute);
    a->shown = shown_new();
    a->sweep = loop_timer_new(d->loop, on_sweep, a);
    loop_timer_arm(a->sweep, SWEEP_MS);
    return 0;
}

static void access_stop(Desk *d) {
    Access *a = d->access;
    if (!a) return;
    loop_timer_free(a->sweep);
    workers_free(a->workers); /* answers those who wait for it */
    a->workers = NULL;
    secrets_free(a->credentials);
    d->access = NULL; /* what still waits for PostgreSQL is told so after this */
    shown_free(a->shown);
    limits_free(a->attempts);
    free(a);
}

const DeskPart access_part = {.name = "access", .start = access_start, .stop = access_stop};

Str access_network(Request *r) {
    char network[NETWORK_BYTES];
    if (r->inside) return STR("");
    Str client = network_client(http_peer(r->exchange), http_header(r->exchange, "X-Forwarded-For"),
                                r->desk->config->trusted_proxies);
    network_of(client, network);
    return (Str){arena_strndup(r->arena, network, strlen(network)), strlen(network)};
}

Str access_cookie(Request *r, const char *name) {
    Str rest = http_header(r->exchange, "Cookie");
    while (rest.p) {
        Str value, key = str_cut(str_trim(str_cut(rest, ';', &rest)), '=', &value);
        if (value.p && str_is(key, name)) return value;
    }
    return (Str){NULL, 0};
}

void access_csrf(Str secret, char ret[44]) {
    CLEANUP(buf_done) Buf text = {0};
    uint8_t hash[DIGEST_SHA256_BYTES];
    buf_adds(&text, "csrf:");
    buf_add_str(&text, secret);
    digest_sha256(buf_str(&text), hash);
    explicit_bzero(text.p, text.n);
    (void)text_base64url(hash, sizeof(hash), ret);
}

/* All who wait are asked for at once; who comes meanwhile is asked for next. */
#include "store/followups.h"

#include <errno.h>
#include <stdlib.h>

#include "postgres/connection.h"

enum { AT_ONCE = 64 };

static const PostgresStatement find_statement = {
    "find_followup_sources",
    "SELECT f.id, f.status, f.source_id, f.contact_hash"
    " FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY i (tenant_id, id, n)"
    " LEFT JOIN LATERAL ticket.followup_source(i.tenant_id, i.id) f ON true ORDER BY i.n"};

typedef struct Wait {
    int64_t tenant_id, ticket_id;
    FollowupDone done;
    void *arg;
} Wait;

struct Followups {
    Loop *loop;
    Connection *postgres;
    Params params;
    Wait asked[AT_ONCE], *waits; /* under way; still to be asked for, oldest first */
    size_t asked_n, waits_n;
    bool pumping, dead;
};

static void pump(void *arg);

static void pump_later(Followups *f) {
    if (f->pumping || f->dead) return;
    f->pumping = true;
    loop_defer(f->loop, pump, f);
}

static FollowupSource source_read(const PostgresRows *rows, size_t row) {
    FollowupSource s = {.known = true};
    if (rows_null(rows, row, 0) || ticket_status_parse(rows_str(rows, row, 1), &s.status) < 0)
        return s;
    s.id = rows_int(rows, row, 0);
    s.source_id = rows_int(rows, row, 2);
    s.contact_hash = rows_str(rows, row, 3);
    return s;
}

static void on_found(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                     const PostgresProblem *problem) {
    Followups *f = arg;
    (void)problem;
    if (f->dead) return;
    size_t n = f->asked_n;
    f->asked_n = 0;
    for (size_t i = 0; i < n; i++) {
        FollowupSource s = {.known = false};
        if (outcome == POSTGRES_COMMITTED) s = source_read(results[0], i);
        f->asked[i].done(f->asked[i].arg, &s);
    }
    if (f->waits_n) pump_later(f);
}

static void take(Followups *f) {
    Params *p = &f->params;
    f->asked_n = f->waits_n < AT_ONCE ? f->waits_n : AT_ONCE;
    memcpy(f->asked, f->waits, f->asked_n * sizeof(*f->asked));
    f->waits_n -= f->asked_n;
    memmove(f->waits, f->waits + f->asked_n, f->waits_n * sizeof(*f->waits));
    params_clear(p);
    params_array(p, PARAM_INT8, f->asked_n);
    for (size_t i = 0; i < f->asked_n; i++)
        params_element_i64(p, f->asked[i].tenant_id);
    params_array(p, PARAM_INT8, f->asked_n);
    for (size_t i = 0; i < f->asked_n; i++)
        params_element_i64(p, f->asked[i].ticket_id);
}

static void pump(void *arg) {
    Followups *f = arg;
    f->pumping = false;
    if (f->dead || f->asked_n || !f->waits_n) return;
    take(f);
    if (connection_run(f->postgres, POSTGRES_READ_ONLY,
                       &(PostgresQuery){&find_statement, &f->params}, 1, on_found, f) < 0)
        on_found(f, POSTGRES_AWAY, NULL, NULL);
}

Followups *followups_new(Loop *loop, const char *postgres_url, const char *application_name,
                         Buf *ret_problem) {
    Followups *f = xcalloc(1, sizeof(*f));
    f->loop = loop;
    f->waits = xcalloc(FOLLOWUPS_WAITING_MAX, sizeof(*f->waits));
    f->postgres = connection_new(
        loop, &(PostgresSettings){.url = postgres_url, .application_name = application_name},
        &(ConnectionEvents){.ready = NULL}, f, ret_problem);
    return f->postgres ? f : followups_free(f);
}

static void destroy(void *p) {
    Followups *f = p;
    params_done(&f->params);
    free(f->waits);
    free(f);
}

Followups *followups_free(Followups *f) {
    if (!f) return NULL;
    f->dead = true;
    f->postgres = connection_free(f->postgres);
    loop_free_later(f->loop, f, destroy);
    return NULL;
}

int followups_ask(Followups *f, int64_t tenant_id, int64_t ticket_id, FollowupDone done,
                  void *arg) {
    if (f->waits_n == FOLLOWUPS_WAITING_MAX) return -ENOBUFS;
    f->waits[f->waits_n++] = (Wait){tenant_id, ticket_id, done, arg};
    pump_later(f);
    return 0;
}

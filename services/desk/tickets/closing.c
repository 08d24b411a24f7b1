/* One tenant at a time: which, then all of them through the changes. */
#include "desk/tickets/closing.h"

#include <stdlib.h>

#include "base/clock.h"
#include "log/log.h"
#include "metrics/metrics.h"

enum {
    TICK_MS = 500,
    PAGE = 100,
    TENANTS_MAX = 4096,
    LOOKS = 20, /* at a tenant, in the time after which its tickets are closed */
    LOOK_MIN_MS = 1000,
    LOOK_MAX_MS = 60 * 1000,
};

static const PostgresStatement fence = {"closing_fence",
                                        "SELECT set_config('docket.tenants', $1::text, true)"};
static const PostgresStatement solved = {"closing_solved",
                                         "SELECT ticket_id, seq FROM desk.ticket_index"
                                         " WHERE tenant_id = $1::bigint AND status = 'solved'"
                                         "   AND updated_at < $2::timestamptz"
                                         " ORDER BY updated_at, ticket_id LIMIT $3::integer"};

typedef struct Tenant {
    int64_t tenant_id, due_ms; /* monotonic */
} Tenant;

struct Closing {
    ClosingParts parts;
    LoopTimer *tick;
    Tenant *tenants;
    size_t tenants_n, at;
    bool running, stopped, dead;
    size_t pending, found; /* changes under way; tickets that were there to close */
    int64_t after_ms, revision;
    Params tenant, params;
    PostgresQuery queries[2];
    Metric *closed;
};

static void destroy(void *p) {
    Closing *c = p;
    params_done(&c->tenant);
    params_done(&c->params);
    free(c->tenants);
    free(c);
}

static void look_end(Closing *c) {
    c->running = false;
    if (c->dead) {
        loop_free_later(c->parts.loop, c, destroy);
        return;
    }
    int64_t pause = c->after_ms / LOOKS;
    if (pause > LOOK_MAX_MS) pause = LOOK_MAX_MS;
    if (pause < LOOK_MIN_MS) pause = LOOK_MIN_MS;
    c->tenants[c->at].due_ms = clock_monotonic_ms() + (c->found == PAGE ? 0 : pause);
}

static void on_closed(void *arg, ChangesOutcome outcome, const TicketEdit *edit,
                      const char *problem) {
    Closing *c = arg;
    (void)problem; /* it is found again */
    if (outcome == CHANGES_STORED && edit->fate == CHANGE_DONE) metric_add(c->closed, 1);
    if (--c->pending == 0) look_end(c);
}

static void on_solved(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                      const PostgresProblem *problem) {
    Closing *c = arg;
    (void)problem; /* looked for again */
    c->found = 0;
    c->pending = 1;
    if (outcome == POSTGRES_COMMITTED && !c->dead) c->found = rows_count(results[1]);
    for (size_t i = 0; i < c->found; i++) {
        CLEANUP(buf_done) Buf reason = {0};
        buf_printf(&reason, "{\"why\":\"auto_closed\",\"after_ms\":%lld}", (long long)c->after_ms);
        TicketEdit edit = {.tenant_id = c->tenants[c->at].tenant_id,
                           .ticket_id = rows_int(results[1], i, 0),
                           .expected_version = (int32_t)rows_int(results[1], i, 1),
                           .cause = cause_new(),
                           .actor_kind = ACTOR_SYSTEM,
                           .actor = STR("system"),
                           .revision = c->revision,
                           .trace = trace_new(),
                           .sets = EDIT_STATUS,
                           .status = TICKET_CLOSED,
                           .reason = buf_str(&reason)};
        if (!changes_ask(c->parts.changes, &edit, on_closed, c)) break; /* people go first */
        c->pending++;
    }
    if (--c->pending == 0) look_end(c);
}

static void look(Closing *c, int64_t tenant_id, const Catalog *catalog) {
    CLEANUP(buf_done) Buf tenants = {0};
    c->after_ms = catalog_close_after_ms(catalog);
    c->revision = catalog_revision(catalog);
    buf_printf(&tenants, "{%lld}", (long long)tenant_id);
    params_clear(&c->tenant);
    params_text(&c->tenant, buf_str(&tenants));
    params_clear(&c->params);
    params_i64(&c->params, tenant_id);
    params_time_ms(&c->params, clock_wall_ms() - c->after_ms);
    params_i32(&c->params, PAGE);
    c->queries[0] = (PostgresQuery){&fence, &c->tenant};
    c->queries[1] = (PostgresQuery){&solved, &c->params};
    c->found = 0;
    c->running =
        postgres_pool_run(c->parts.pool, POSTGRES_READ_ONLY, c->queries, 2, on_solved, c) == 0;
    if (!c->running) look_end(c);
}

/* The tenants there are now; those known keep their time. */
static void follow_tenants(Closing *c) {
    int64_t *ids = xmalloc(TENANTS_MAX * sizeof(*ids));
    size_t n = configuration_tenants(c->parts.configuration, ids, TENANTS_MAX);
    Tenant *tenants = xcalloc(n + 1, sizeof(*tenants));
    for (size_t i = 0; i < n; i++) {
        tenants[i].tenant_id = ids[i];
        if (i < c->tenants_n && c->tenants[i].tenant_id == ids[i]) { /* as a rule */
            tenants[i] = c->tenants[i];
            continue;
        }
        for (size_t k = 0; k < c->tenants_n; k++)
            if (c->tenants[k].tenant_id == ids[i]) tenants[i] = c->tenants[k];
    }
    free(ids);
    free(c->tenants);
    c->tenants = tenants;
    c->tenants_n = n;
}

static void on_tick(void *arg) {
    Closing *c = arg;
    loop_timer_arm(c->tick, TICK_MS);
    if (c->running || c->stopped) return;
    follow_tenants(c);
    int64_t now = clock_monotonic_ms();
    size_t begin = c->at;
    for (size_t k = 0; k < c->tenants_n && !c->running; k++) {
        c->at = (begin + 1 + k) % c->tenants_n;
        const Tenant *t = &c->tenants[c->at];
        const Catalog *catalog = configuration_catalog(c->parts.configuration, t->tenant_id);
        if (catalog && t->due_ms <= now) look(c, t->tenant_id, catalog);
    }
    if (c->running) loop_timer_arm(c->tick, TICK_MS / 10); /* others may be due too */
}

Closing *closing_new(const ClosingParts *parts) {
    Closing *c = xcalloc(1, sizeof(*c));
    c->parts = *parts;
    c->closed = metric_counter("docket_desk_auto_closed_total",
                               "Solved tickets closed by the system, nobody having answered", NULL);
    c->tick = loop_timer_new(parts->loop, on_tick, c);
    loop_timer_arm(c->tick, TICK_MS);
    return c;
}

Closing *closing_free(Closing *c) {
    if (!c || c->dead) return NULL;
    c->dead = true;
    c->tick = loop_timer_free(c->tick);
    if (!c->running) loop_free_later(c->parts.loop, c, destroy); /* else with its last answer */
    return NULL;
}

void closing_stop(Closing *c) {
    c->stopped = true;
}

bool closing_idle(const Closing *c) {
    return !c->running;
}

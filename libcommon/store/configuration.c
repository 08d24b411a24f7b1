/* Follows config.revisions and ticket.agents: a look every second, and at once when PostgreSQL
 * notifies. */
#include "store/configuration.h"

#include "base/clock.h"
#include "log/log.h"
#include "postgres/connection.h"
#include "store/catalog_rows_internal.h"

enum {
    POLL_MS = 1000,
    TENANTS_PER_LOAD = 32,
    TENANTS_MAX = 100000,
};

static const PostgresStatement ask_revisions = {
    "config_revisions",
    "SELECT tenant_id, revision FROM config.current_revisions() ORDER BY tenant_id"};
static const PostgresStatement fence = {"config_fence",
                                        "SELECT set_config('docket.tenants', $1::text, true)"};
static const PostgresStatement ask_documents = {
    "config_documents", "SELECT d.tenant_id, d.body, d.source, d.first_line FROM "
                        "unnest($1::bigint[], $2::bigint[]) w(tenant_id, revision)"
                        " JOIN config.documents d ON d.tenant_id = w.tenant_id AND d.revision = "
                        "w.revision ORDER BY d.tenant_id, d.kind"};
static const PostgresStatement ask_names = {
    "config_names",
    "SELECT tenant_id, kind, name, id FROM config.names WHERE tenant_id = ANY ($1::bigint[])"
    " ORDER BY tenant_id"};
/* Of tenants being loaded all; of the others what changed lately, in case its notification was
 * missed. */
static const PostgresStatement ask_agents = {
    "config_agents", "SELECT tenant_id, agent_id, on_duty, capacity FROM ticket.agents WHERE "
                     "tenant_id = ANY ($1::bigint[])"
                     " AND (tenant_id = ANY ($2::bigint[]) OR changed_at > now() - interval '10 "
                     "seconds') ORDER BY tenant_id, agent_id"};

typedef struct Tenant {
    int64_t id;
    int64_t revision;         /* of the catalog; 0: none yet */
    int64_t wanted_revision;  /* newest that PostgreSQL has */
    int64_t refused_revision; /* would not compile; not tried again */
    const Catalog *catalog;
    AgentDuty *duties;
    size_t duties_n, duties_room;
} Tenant;

struct Configuration {
    Loop *loop;
    Connection *postgres;
    LoopTimer *poll;
    ConfigurationEvents events;
    void *arg;
    Tenant *tenants; /* by id */
    size_t n, room;
    size_t loading[TENANTS_PER_LOAD]; /* places in `tenants` */
    size_t loading_n;
    bool running, again, complete;
};

static void look(void *arg);

static int compare_tenants(const void *a, const void *b) {
    const Tenant *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

static Tenant *tenant_find(const Configuration *c, int64_t id) {
    return c->n ? bsearch(&(Tenant){.id = id}, c->tenants, c->n, sizeof(Tenant), compare_tenants)
                : NULL;
}

static void unref_later(void *p) {
    (void)catalog_unref(p);
}

static void next_look(Configuration *c) {
    c->running = false;
    bool more = c->again;
    c->again = false;
    loop_timer_arm(c->poll, more ? 0 : POLL_MS);
}

/* ---- loading ---- */

static void tenant_compile(Configuration *c, Tenant *t, const PostgresRows *documents,
                           const PostgresRows *names) {
    size_t from, to;
    CLEANUP(buf_done) Buf problems = {0};
    catalog_rows_range(documents, t->id, &from, &to);
    if (from == to)
        return; /* a revision younger than our snapshot of documents: the next look has it */
    const Catalog *catalog =
        catalog_rows_compile(documents, from, to, 1, names, t->id, t->wanted_revision, &problems);
    if (!catalog) {
        t->refused_revision = t->wanted_revision;
        log_error(
            ABOUT(t->id, 0), "revision %lld does not compile, revision %lld stays in force: %s",
            (long long)t->wanted_revision, (long long)t->revision, problems.p ? problems.p : "");
        return;
    }
    if (t->catalog) loop_free_later(c->loop, (void *)t->catalog, unref_later);
    t->catalog = catalog;
    t->revision = t->wanted_revision;
}

/* True when this row says something new. */
static bool duty_put(Tenant *t, AgentDuty duty) {
    for (size_t i = 0; i < t->duties_n; i++) {
        AgentDuty *d = &t->duties[i];
        if (d->agent_id != duty.agent_id) continue;
        if (d->on_duty == duty.on_duty && d->capacity == duty.capacity) return false;
        *d = duty;
        return true;
    }
    if (t->duties_n == t->duties_room) {
        t->duties_room = t->duties_room ? t->duties_room * 2 : 32;
        t->duties = xrealloc(t->duties, t->duties_room * sizeof(*t->duties));
    }
    t->duties[t->duties_n++] = duty;
    return true;
}

static bool is_loading(const Configuration *c, const Tenant *t) {
    for (size_t i = 0; i < c->loading_n; i++)
        if (&c->tenants[c->loading[i]] == t) return true;
    return false;
}

static void agents_apply(Configuration *c, const PostgresRows *agents) {
    for (size_t i = 0; i < c->loading_n; i++)
        c->tenants[c->loading[i]].duties_n = 0;
    for (size_t row = 0; row < rows_count(agents); row++) {
        Tenant *t = tenant_find(c, rows_int(agents, row, 0));
        AgentDuty duty = {rows_int(agents, row, 1), rows_bool(agents, row, 2),
                          (int32_t)rows_int(agents, row, 3)};
        if (!t) continue;
        if (duty_put(t, duty) && !is_loading(c, t) && t->catalog && c->events.agent_changed)
            c->events.agent_changed(c->arg, t->id, &duty);
    }
}

static void loaded(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                   const PostgresProblem *problem) {
    Configuration *c = arg;
    if (outcome != POSTGRES_COMMITTED) {
        if (problem->state[0]) log_warn(NULL, "documents cannot be read: %s", problem->text);
        next_look(c);
        return;
    }
    agents_apply(c, results[3]);
    bool renewed[TENANTS_PER_LOAD], left = false;
    for (size_t i = 0; i < c->loading_n; i++) {
        Tenant *t = &c->tenants[c->loading[i]];
        const Catalog *before = t->catalog;
        tenant_compile(c, t, results[1], results[2]);
        renewed[i] = t->catalog != before;
    }
    for (size_t i = 0; i < c->n; i++) {
        const Tenant *t = &c->tenants[i];
        left = left ||
               (t->wanted_revision != t->revision && t->wanted_revision != t->refused_revision);
    }
    if (left)
        c->again = true;
    else
        c->complete =
            true; /* before anybody is told: whoever waited for it is woken by what follows */
    for (size_t i = 0; i < c->loading_n; i++) {
        const Tenant *t = &c->tenants[c->loading[i]];
        if (renewed[i] && c->events.changed) c->events.changed(c->arg, t->id, t->catalog);
    }
    next_look(c);
}

static void tenant_list(Params *params, const Configuration *c, bool only_loading) {
    params_array(params, PARAM_INT8, only_loading ? c->loading_n : c->n);
    if (only_loading)
        for (size_t i = 0; i < c->loading_n; i++)
            params_element_i64(params, c->tenants[c->loading[i]].id);
    else
        for (size_t i = 0; i < c->n; i++)
            params_element_i64(params, c->tenants[i].id);
}

static void load(Configuration *c) {
    CLEANUP(params_done) Params tenants = {0};
    CLEANUP(params_done) Params documents = {0};
    CLEANUP(params_done) Params names = {0};
    CLEANUP(params_done) Params agents = {0};
    CLEANUP(buf_done) Buf list = {0};
    c->loading_n = 0;
    for (size_t i = 0; i < c->n && c->loading_n < TENANTS_PER_LOAD; i++) {
        const Tenant *t = &c->tenants[i];
        if (t->wanted_revision != t->revision && t->wanted_revision != t->refused_revision)
            c->loading[c->loading_n++] = i;
    }
    buf_addc(&list, '{');
    for (size_t i = 0; i < c->n; i++)
        buf_printf(&list, i ? ",%lld" : "%lld", (long long)c->tenants[i].id);
    buf_addc(&list, '}');
    params_text(&tenants, buf_str(&list));
    tenant_list(&documents, c, true);
    params_array(&documents, PARAM_INT8, c->loading_n);
    for (size_t i = 0; i < c->loading_n; i++)
        params_element_i64(&documents, c->tenants[c->loading[i]].wanted_revision);
    tenant_list(&names, c, true);
    tenant_list(&agents, c, false);
    tenant_list(&agents, c, true);
    PostgresQuery queries[] = {{&fence, &tenants},
                               {&ask_documents, &documents},
                               {&ask_names, &names},
                               {&ask_agents, &agents}};
    if (connection_run(c->postgres, POSTGRES_READ_ONLY, queries, 4, loaded, c) < 0) next_look(c);
}

/* ---- looking ---- */

static void revisions_read(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                           const PostgresProblem *problem) {
    Configuration *c = arg;
    if (outcome != POSTGRES_COMMITTED) {
        if (problem->state[0]) log_warn(NULL, "revisions cannot be read: %s", problem->text);
        next_look(c);
        return;
    }
    for (size_t row = 0; row < rows_count(results[0]); row++) {
        int64_t id = rows_int(results[0], row, 0);
        Tenant *t = tenant_find(c, id);
        if (!t) {
            if (c->n == TENANTS_MAX) continue;
            if (c->n == c->room) {
                c->room = c->room ? c->room * 2 : 32;
                c->tenants = xrealloc(c->tenants, c->room * sizeof(*c->tenants));
            }
            c->tenants[c->n++] = (Tenant){.id = id};
            qsort(c->tenants, c->n, sizeof(*c->tenants), compare_tenants);
            t = tenant_find(c, id);
        }
        t->wanted_revision = rows_int(results[0], row, 1);
    }
    if (c->n == 0) {
        c->complete = true;
        next_look(c);
        return;
    }
    load(c);
}

static void look(void *arg) {
    Configuration *c = arg;
    if (c->running) {
        c->again = true;
        return;
    }
    if (connection_run(c->postgres, POSTGRES_READ_ONLY,
                       &(PostgresQuery){.statement = &ask_revisions}, 1, revisions_read, c) < 0)
        loop_timer_arm(c->poll, POLL_MS);
    else
        c->running = true;
}

static void connected(void *arg) {
    Configuration *c = arg;
    loop_timer_arm(c->poll, 0);
}

static void notified(void *arg, Str channel, Str payload) {
    Configuration *c = arg;
    (void)channel;
    (void)payload; /* what changed is read from the tables, never believed from here */
    if (c->running)
        c->again = true;
    else
        loop_timer_arm(c->poll, 0);
}

Configuration *configuration_new(Loop *loop, const char *postgres_url, const char *application_name,
                                 const ConfigurationEvents *events, void *arg, Buf *ret_problem) {
    Configuration *c = xcalloc(1, sizeof(*c));
    c->loop = loop;
    c->events = *events;
    c->arg = arg;
    c->poll = loop_timer_new(loop, look, c);
    c->postgres = connection_new(
        loop,
        &(PostgresSettings){.url = postgres_url,
                            .application_name = application_name,
                            .setup = "LISTEN docket_config; LISTEN docket_agents"},
        &(ConnectionEvents){.ready = connected, .notified = notified}, c, ret_problem);
    return c->postgres ? c : configuration_free(c);
}

Configuration *configuration_free(Configuration *c) {
    if (!c) return NULL;
    c->postgres = connection_free(c->postgres);
    c->poll = loop_timer_free(c->poll);
    for (size_t i = 0; i < c->n; i++) {
        (void)catalog_unref(c->tenants[i].catalog);
        free(c->tenants[i].duties);
    }
    free(c->tenants);
    free(c);
    return NULL;
}

bool configuration_ready(const Configuration *c) {
    return c->complete;
}

const Catalog *configuration_catalog(const Configuration *c, int64_t tenant_id) {
    const Tenant *t = tenant_find(c, tenant_id);
    return t ? t->catalog : NULL;
}

size_t configuration_tenants(const Configuration *c, int64_t *ret, size_t max) {
    for (size_t i = 0; i < c->n && i < max; i++)
        ret[i] = c->tenants[i].id;
    return c->n;
}

const AgentDuty *configuration_duties(const Configuration *c, int64_t tenant_id, size_t *ret_n) {
    const Tenant *t = tenant_find(c, tenant_id);
    *ret_n = t ? t->duties_n : 0;
    return t ? t->duties : NULL;
}

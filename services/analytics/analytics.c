/* Start in the order of what stands on what, stop in reverse. */
#include "analytics/analytics.h"

#include <errno.h>

#include "analytics/parts.h"
#include "log/log.h"

enum { TICK_MS = 1000 };

/* One a line, so that two new ones do not collide. */
/* clang-format off */
static const AnalyticsPart *const parts[] = {
    &table_part, /* keeping fills it, everybody reads it */
    &keeping_part,
    &radar_part,
    &board_part,
    &export_part,
    &api_part, /* last: what it answers from is there */
    NULL,      /* the end */
};
/* clang-format on */
enum { PARTS = sizeof(parts) / sizeof(*parts) - 1 };

typedef struct Whole {
    Analytics a; /* what the parts see */
    LoopTimer *tick;
} Whole;

static void on_documents(void *arg, int64_t tenant_id, const Catalog *catalog) {
    Whole *w = arg;
    for (int i = 0; i < PARTS; i++)
        if (parts[i]->documents) parts[i]->documents(&w->a, tenant_id, catalog);
}

static void on_tick(void *arg) {
    Whole *w = arg;
    loop_timer_arm(w->tick, TICK_MS);
    if (w->a.draining) return;
    for (int i = 0; i < PARTS; i++)
        if (parts[i]->tick) parts[i]->tick(&w->a);
}

static bool postgres_ok(void *arg, Buf *ret_reason) {
    const Analytics *a = arg;
    return postgres_pool_ready(a->pool, ret_reason);
}

static bool documents_ok(void *arg, Buf *ret_reason) {
    const Analytics *a = arg;
    if (configuration_ready(a->configuration)) return true;
    buf_adds(ret_reason, "the tenants' documents are not read yet");
    return false;
}

static int failed(const char *what, const Buf *problem) {
    log_error(NULL, "%s: %s", what, problem->p ? problem->p : "cannot be made");
    return -EINVAL;
}

int analytics_start(Runtime *runtime, const void *config, void **ret_self) {
    Whole *w = xcalloc(1, sizeof(*w));
    Analytics *a = &w->a;
    CLEANUP(buf_done) Buf problem = {0};
    *ret_self = w; /* from here on analytics_stop() is safe at any point */
    a->runtime = runtime;
    a->loop = runtime_loop(runtime);
    a->settings = config;
    a->instance = runtime_instance(runtime);
    w->tick = loop_timer_new(a->loop, on_tick, w);
    PostgresPoolSettings pool = {
        .postgres = {.url = a->settings->postgres_url,
                     .application_name = a->instance,
                     .statement_timeout_ms = a->settings->statement_ms,
                     .transaction_timeout_ms = a->settings->statement_ms + 5000},
        .connections = (size_t)a->settings->postgres_connections,
        .patience_ms = a->settings->statement_ms,
    };
    a->pool = postgres_pool_new(a->loop, &pool, &problem);
    if (!a->pool) return failed("postgres_url", &problem);
    a->configuration =
        configuration_new(a->loop, a->settings->postgres_url, a->instance,
                          &(ConfigurationEvents){.changed = on_documents}, w, &problem);
    if (!a->configuration) return failed("postgres_url", &problem);
    for (int i = 0; i < PARTS; i++)
        if (parts[i]->start && parts[i]->start(a, &problem) < 0)
            return failed(parts[i]->name, &problem);
    runtime_ready_check(runtime, "postgres", postgres_ok, a);
    runtime_ready_check(runtime, "documents", documents_ok, a);
    loop_timer_arm(w->tick, TICK_MS);
    return 0;
}

bool analytics_drain(void *self) {
    Whole *w = self;
    w->a.draining = true;
    bool drained = true;
    for (int i = 0; i < PARTS; i++)
        if (parts[i]->drained && !parts[i]->drained(&w->a)) drained = false;
    return drained;
}

static void free_memory(void *p) {
    free(p);
}

void analytics_stop(void *self) {
    Whole *w = self;
    if (!w) return;
    w->a.draining = true;
    w->tick = loop_timer_free(w->tick);
    for (int i = PARTS; i-- > 0;)
        if (parts[i]->stop) parts[i]->stop(&w->a);
    w->a.pool = postgres_pool_free(w->a.pool);
    w->a.configuration = configuration_free(w->a.configuration);
    loop_free_later(w->a.loop, w, free_memory); /* its documents may just have been read */
}

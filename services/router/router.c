/* Who knows whom:
 *
 *   lanes ──▶ pipeline ──▶ store, roster, publication        new tickets
 *   signals ─▶ dispatch ─▶ store, roster, publication        tickets that wait
 *          ├─▶ acts ─▶ histories, a store, roster, publication  promises about to be broken
 *          └─▶ problems ─▶ a store, settler, publication      surges that analytics found
 *   upkeep, rebuild ─────▶ turn (a third store), roster      what nobody asks for
 *   configuration ───────▶ presence ─▶ roster                who is there
 *   roster ──── hints ───▶ dispatch;  cold ─▶ rebuild */
#include "router/router.h"

#include <stdlib.h>

#include "base/clock.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "router/acts.h"
#include "router/dispatch.h"
#include "router/lanes.h"
#include "router/pipeline.h"
#include "router/presence.h"
#include "router/problems.h"
#include "router/rebuild.h"
#include "router/settings.h"
#include "router/settler.h"
#include "router/signals.h"
#include "router/turn.h"
#include "router/upkeep.h"

enum {
    STORES = 5,
    STORE_BATCHES = 0,
    STORE_DISPATCH = 1,
    STORE_UPKEEP = 2,
    STORE_ACTS = 3,
    STORE_PROBLEMS = 4,
    HISTORY_CONNECTIONS = 1,
    FLUSH_MS = 2000
};

typedef struct Router {
    Runtime *runtime;
    Loop *loop;
    const RouterSettings *settings;
    Store *stores[STORES];
    PostgresPool *pool; /* what histories read by */
    Histories *histories;
    KafkaProducer *producer;
    Publisher publisher;
    Roster *roster;
    Configuration *configuration;
    Settler *settler;
    Turn *turn;
    Dispatch *dispatch;
    Acts *acts;
    Problems *problems;
    Rebuild *rebuild;
    Upkeep *upkeep;
    Pipeline *pipeline;
    Lanes *lanes;
    Signals *signals;
    bool draining;
    Metric *redis_up;
} Router;

/* ---- What the parts tell each other ---- */

static void on_cold(void *arg, int64_t tenant_id) {
    Router *r = arg;
    if (r->rebuild) rebuild_request(r->rebuild, tenant_id, false);
}

static void on_hint(void *arg, int64_t tenant_id, int64_t agent_id) {
    Router *r = arg;
    if (r->dispatch) dispatch_hint(r->dispatch, tenant_id, agent_id);
}

/* Every tenant, warm or not: says who is there, and finds those that are cold. */
static void sync_everybody(Router *r) {
    enum { TENANTS_MAX = 4096 };
    int64_t *tenants = xmalloc(TENANTS_MAX * sizeof(*tenants));
    size_t n = configuration_tenants(r->configuration, tenants, TENANTS_MAX);
    for (size_t i = 0; i < n; i++)
        presence_sync(r->roster, r->configuration, tenants[i]);
    free(tenants);
}

static void on_redis_connected(void *arg) {
    Router *r = arg;
    log_info(NULL, "Redis is there");
    metric_set(r->redis_up, 1);
    if (!r->rebuild) return;
    rebuild_meet_everybody(r->rebuild);
    sync_everybody(r);
}

static void on_redis_lost(void *arg) {
    Router *r = arg;
    metric_set(r->redis_up, 0);
    log_warn(NULL, "Redis is away, assignment pauses: %s", roster_trouble(r->roster));
}

static void on_documents(void *arg, int64_t tenant_id, const Catalog *catalog) {
    Router *r = arg;
    log_info(ABOUT(tenant_id, 0), "documents of revision %lld",
             (long long)catalog_revision(catalog));
    if (!r->rebuild) return; /* the first ones, still inside configuration_new() */
    rebuild_request(r->rebuild, tenant_id, false); /* or it is warm, and met so */
    if (roster_connected(r->roster)) presence_sync(r->roster, r->configuration, tenant_id);
    if (r->upkeep) upkeep_documents(r->upkeep, tenant_id);
    if (r->pipeline) pipeline_pump(r->pipeline);
}

static void on_agent(void *arg, int64_t tenant_id, const AgentDuty *duty) {
    Router *r = arg;
    if (r->configuration && roster_connected(r->roster))
        presence_changed(r->roster, r->configuration, tenant_id, duty);
}

static void on_warm(void *arg, int64_t tenant_id) {
    (void)arg;
    log_debug(ABOUT(tenant_id, 0), "Redis is warm");
}

static void on_submissions(void *arg) {
    Router *r = arg;
    if (r->pipeline) pipeline_pump(r->pipeline);
}

static void on_revoked(void *arg) {
    Router *r = arg;
    pipeline_revoked(r->pipeline);
}

static int64_t oldest_submission_ms(void *arg) {
    const Router *r = arg;
    if (!r->lanes || !r->pipeline || !lanes_healthy(r->lanes, NULL)) return -1;
    int64_t now = clock_wall_ms();
    int64_t taken = pipeline_oldest_ms(r->pipeline, now), waiting = lanes_oldest_ms(r->lanes, now);
    return taken > waiting ? taken : waiting;
}

/* ---- Ready? ---- */

static bool postgres_ok(void *arg, Buf *ret_reason) {
    const Router *r = arg;
    if (!store_connected(r->stores[STORE_BATCHES], ret_reason)) return false;
    if (configuration_ready(r->configuration)) return true;
    buf_adds(ret_reason, "the tenants' documents are not read yet");
    return false;
}

static bool kafka_ok(void *arg, Buf *ret_reason) {
    const Router *r = arg;
    return kafka_producer_healthy(r->producer, ret_reason) && lanes_healthy(r->lanes, ret_reason) &&
           signals_healthy(r->signals, ret_reason);
}

/* ---- Life ---- */

static int failed(Router *r, const char *what, const Buf *problem) {
    log_error(NULL, "%s: %s", what, problem->p ? problem->p : "cannot be made");
    (void)r;
    return -1;
}

static int open_stores(Router *r, const char *instance, Buf *problem) {
    for (int i = 0; i < STORES; i++) {
        r->stores[i] =
            store_new(r->loop,
                      &(StoreSettings){.postgres_url = r->settings->postgres_url,
                                       .application_name = instance,
                                       .row_level_security = r->settings->row_level_security},
                      problem);
        if (!r->stores[i]) return -1;
    }
    r->pool =
        postgres_pool_new(r->loop,
                          &(PostgresPoolSettings){.postgres = {.url = r->settings->postgres_url,
                                                               .application_name = instance},
                                                  .connections = HISTORY_CONNECTIONS},
                          problem);
    if (!r->pool) return -1;
    r->histories = histories_new(r->loop, r->pool);
    return 0;
}

static int open_producer(Router *r, const char *instance, Buf *problem) {
    const char *topics[] = {r->settings->topic_events, r->settings->topic_dead};
    r->producer = kafka_producer_new(
        r->loop,
        &(KafkaProducerSettings){
            .brokers = r->settings->kafka_brokers,
            .client_id = instance,
            .options = r->settings->kafka_options[0] ? r->settings->kafka_options : NULL,
            .max_bytes = 16 << 20,
            .topics = topics,
            .n_topics = 2},
        problem);
    r->publisher = (Publisher){.loop = r->loop,
                               .producer = r->producer,
                               .instance = instance,
                               .topic_events = r->settings->topic_events,
                               .topic_dead = r->settings->topic_dead};
    return r->producer ? 0 : -1;
}

int router_start(Runtime *runtime, const void *config, void **ret_self) {
    Router *r = xcalloc(1, sizeof(*r));
    *ret_self = r;
    r->runtime = runtime;
    r->loop = runtime_loop(runtime);
    r->settings = config;
    const char *instance = runtime_instance(runtime);
    CLEANUP(buf_done) Buf problem = {0};
    r->redis_up = metric_gauge("docket_router_redis_up",
                               "1: connected; 0: tickets are stored waiting, assigned later", NULL);

    if (open_stores(r, instance, &problem) < 0) return failed(r, "postgres_url", &problem);
    if (open_producer(r, instance, &problem) < 0) return failed(r, "kafka_brokers", &problem);
    r->roster = roster_new(r->loop, r->settings->redis_url, r->settings->redis_ms,
                           &(RosterEvents){on_cold, on_hint, on_redis_connected, on_redis_lost}, r,
                           &problem);
    if (!r->roster) return failed(r, "redis_url", &problem);
    r->configuration =
        configuration_new(r->loop, r->settings->postgres_url, instance,
                          &(ConfigurationEvents){on_documents, on_agent}, r, &problem);
    if (!r->configuration) return failed(r, "postgres_url", &problem);

    r->settler = settler_new(r->loop, r->roster, r->configuration);
    r->turn = turn_new(r->loop, r->stores[STORE_UPKEEP]);
    r->dispatch = dispatch_new(&(DispatchParts){.loop = r->loop,
                                                .store = r->stores[STORE_DISPATCH],
                                                .roster = r->roster,
                                                .settler = r->settler,
                                                .publisher = &r->publisher,
                                                .configuration = r->configuration});
    r->acts = acts_new(&(ActsParts){.loop = r->loop,
                                    .store = r->stores[STORE_ACTS],
                                    .roster = r->roster,
                                    .settler = r->settler,
                                    .publisher = &r->publisher,
                                    .configuration = r->configuration,
                                    .histories = r->histories});
    r->problems = problems_new(&(ProblemsParts){.loop = r->loop,
                                                .store = r->stores[STORE_PROBLEMS],
                                                .settler = r->settler,
                                                .publisher = &r->publisher,
                                                .configuration = r->configuration});
    r->rebuild = rebuild_new(&(RebuildParts){.loop = r->loop,
                                             .turn = r->turn,
                                             .roster = r->roster,
                                             .settler = r->settler,
                                             .configuration = r->configuration,
                                             .warm = on_warm,
                                             .arg = r});
    r->upkeep = upkeep_new(&(UpkeepParts){.loop = r->loop,
                                          .settings = r->settings,
                                          .turn = r->turn,
                                          .roster = r->roster,
                                          .settler = r->settler,
                                          .rebuild = r->rebuild,
                                          .dispatch = r->dispatch,
                                          .publisher = &r->publisher,
                                          .configuration = r->configuration,
                                          .instance = instance,
                                          .oldest_ms = oldest_submission_ms,
                                          .arg = r});
    r->lanes = lanes_new(r->loop, r->settings, instance, &(LanesEvents){on_submissions, on_revoked},
                         r, &problem);
    if (!r->lanes) return failed(r, "kafka_brokers", &problem);
    r->pipeline = pipeline_new(&(PipelineParts){.loop = r->loop,
                                                .settings = r->settings,
                                                .instance = instance,
                                                .lanes = r->lanes,
                                                .store = r->stores[STORE_BATCHES],
                                                .roster = r->roster,
                                                .settler = r->settler,
                                                .publisher = &r->publisher,
                                                .configuration = r->configuration});
    r->signals = signals_new(r->loop, r->settings, instance, r->dispatch, r->acts, r->problems,
                             &r->publisher, &problem);
    if (!r->signals) return failed(r, "kafka_brokers", &problem);
    runtime_ready_check(runtime, "postgres", postgres_ok, r);
    runtime_ready_check(runtime, "kafka", kafka_ok, r);
    return 0;
}

bool router_drain(void *self) {
    Router *r = self;
    if (!r->draining) {
        r->draining = true;
        pipeline_stop(r->pipeline);
        signals_stop(r->signals);
        dispatch_stop(r->dispatch);
        upkeep_stop(r->upkeep);
    }
    return pipeline_idle(r->pipeline) && signals_idle(r->signals) && dispatch_idle(r->dispatch) &&
           upkeep_idle(r->upkeep);
}

void router_stop(void *self) {
    Router *r = self;
    if (!r) return;
    r->draining = true;
    if (r->producer) (void)kafka_producer_flush_for(r->producer, FLUSH_MS);
    /* Callbacks of what is freed here come with "cancelled" and must still find their owners: first
     * those who call out, then those who are called. */
    histories_free(r->histories);
    postgres_pool_free(r->pool);
    r->producer = r->publisher.producer = kafka_producer_free(r->producer);
    r->roster = roster_free(r->roster);
    for (int i = 0; i < STORES; i++)
        store_free(r->stores[i]);
    signals_free(r->signals);
    pipeline_free(r->pipeline);
    lanes_free(r->lanes);
    upkeep_free(r->upkeep);
    rebuild_free(r->rebuild);
    dispatch_free(r->dispatch);
    acts_free(r->acts);
    problems_free(r->problems);
    turn_free(r->turn);
    settler_free(r->settler);
    configuration_free(r->configuration);
    free(r);
}

/* Start in the order of what stands on what, stop in reverse. */
#include "desk/desk.h"

#include <errno.h>

#include "access/limits.h"
#include "desk/access/access.h"
#include "desk/api/routes.h"
#include "desk/api/waiting.h"
#include "desk/files/files.h"
#include "desk/live/live.h"
#include "desk/people/presence.h"
#include "desk/tickets/changes_part.h"
#include "desk/tickets/jobs.h"
#include "desk/tickets/reader.h"
#include "desk/tickets/slas.h"
#include "desk/views/part.h"
#include "log/log.h"
#include "metrics/metrics.h"

enum { FLUSH_MS = 5000 };

/* Every part of the desk with a life of its own: started in this order. */
/* One a line, so that two new ones do not collide. */
/* clang-format off */
static const DeskPart *const parts[] = {
    &access_part,
    &ticket_reader_part,
    &waiting_part,
    &follower_part,
    &changes_part,
    &files_part,
    &jobs_part,
    &presence_part,
    &slas_part,
    &live_part,
};
/* clang-format on */
enum { PARTS = sizeof(parts) / sizeof(*parts) };

static bool postgres_is_ready(void *arg, Buf *reason) {
    return postgres_pool_ready(((Desk *)arg)->pool, reason);
}

static bool configuration_is_ready(void *arg, Buf *reason) {
    if (configuration_ready(((Desk *)arg)->configuration)) return true;
    buf_adds(reason, "the tenants' documents are not read yet");
    return false;
}

static void on_scrape(void *arg) {
    Desk *d = arg;
    metric_set(d->metrics.in_flight, (double)http_server_in_flight(d->http));
    metric_set(d->metrics.running, (double)postgres_pool_running(d->pool));
    metric_set(d->metrics.waiting, (double)postgres_pool_waiting(d->pool));
    metric_set(d->metrics.oldest, (double)postgres_pool_oldest_ms(d->pool) / 1000);
}

static void measure(Desk *d) {
    d->metrics.in_flight =
        metric_gauge("docket_desk_in_flight", "Requests not yet answered.", NULL);
    d->metrics.running =
        metric_gauge("docket_desk_pool_running", "Connections of the pool that are at work.", NULL);
    d->metrics.waiting = metric_gauge("docket_desk_pool_waiting",
                                      "Transactions that wait for a connection of the pool.", NULL);
    d->metrics.oldest = metric_gauge("docket_desk_pool_oldest_seconds",
                                     "How long the oldest of these has waited.", NULL);
    metrics_on_scrape(on_scrape, d);
    d->measured = true;
}

static void on_redis_connected(void *arg, const char *run_id) {
    (void)arg;
    log_info(NULL, "Redis is there (run_id %.8s)", run_id);
}

static void on_redis_lost(void *arg) {
    log_warn(NULL, "Redis is away (%s); work goes on without presence",
             redis_trouble(((Desk *)arg)->redis));
}

static int failed(const char *what, const Buf *problem) {
    log_error(NULL, "%s: %s", what, problem->p ? problem->p : "no reason given");
    return -EINVAL;
}

static int listen_to_all(Desk *d, Buf *problem) {
    const DeskConfig *c = d->config;
    HttpLimits limits = {
        .body_bytes = (size_t)c->body_bytes,
        .large_bytes =
            (size_t)(c->upload_memory > c->upload_bytes ? c->upload_memory : c->upload_bytes),
        .connections = (size_t)c->connections,
        .head_ms = c->head_ms,
        .body_ms = c->body_ms,
        .idle_ms = c->idle_ms};
    d->http = http_server_new(d->loop, &limits, routes_handle, d);
    http_server_limit_bodies(d->http, files_body_limit, d);
    int port;
    int r = http_server_listen(d->http, c->listen, &port);
    if (r < 0) {
        buf_printf(problem, "cannot listen on %s: %s", c->listen, strerror(-r));
        return failed("listen", problem);
    }
    log_info(NULL, "At work on port %d", port);
    return 0;
}

int desk_start(Runtime *r, const void *config, void **ret_self) {
    const DeskConfig *c = config;
    Desk *d = xcalloc(1, sizeof(*d));
    *ret_self = d; /* from here on desk_stop() is safe at any point */
    d->config = c;
    d->runtime = r;
    d->loop = runtime_loop(r);
    const char *instance = runtime_instance(r);
    CLEANUP(buf_done) Buf problem = {0};

    d->keyring = keyring_open(d->loop, c->keyring, &problem);
    if (!d->keyring) return failed("keyring", &problem);
    d->vault = keyring_vault(d->keyring);

    PostgresPoolSettings pool = {
        .postgres = {.url = c->postgres_url,
                     .application_name = instance,
                     .statement_timeout_ms = 5000},
        .connections = (size_t)c->postgres_connections,
        .waiting = (size_t)c->postgres_waiting,
        .patience_ms = c->postgres_patience_ms,
    };
    d->pool = postgres_pool_new(d->loop, &pool, &problem);
    if (!d->pool) return failed("postgres_url", &problem);
    static const ConfigurationEvents configuration_events = {0};
    d->configuration =
        configuration_new(d->loop, c->postgres_url, instance, &configuration_events, d, &problem);
    if (!d->configuration) return failed("postgres_url", &problem);

    static const RedisEvents redis_events = {on_redis_connected, on_redis_lost};
    RedisSettings redis = {.url = c->redis_url, .timeout_ms = (int)c->redis_ms};
    d->redis = redis_client_new(d->loop, &redis, &redis_events, d, &problem);
    if (!d->redis) return failed("redis_url", &problem);
    KafkaProducerSettings producer = {.brokers = c->kafka_brokers,
                                      .options = c->kafka_options[0] ? c->kafka_options : NULL,
                                      .client_id = instance,
                                      .delivery_timeout_ms = (int)c->delivery_ms};
    d->producer = kafka_producer_new(d->loop, &producer, &problem);
    if (!d->producer) return failed("kafka_brokers", &problem);

    d->limits = limits_new(c->requests_per_minute);
    d->routes = routes_new(d);
    for (size_t i = 0; i < PARTS; i++)
        if (parts[i]->start && parts[i]->start(d, &problem) < 0)
            return failed(parts[i]->name, &problem);
    if (listen_to_all(d, &problem) < 0) return -EINVAL;
    measure(d);
    runtime_ready_check(r, "postgres", postgres_is_ready, d);
    runtime_ready_check(r, "configuration", configuration_is_ready, d);
    return 0;
}

bool desk_drain(void *self) {
    Desk *d = self;
    if (!d->draining) {
        d->draining = true;
        http_server_stop_listening(d->http);
        live_drain(d);
    }
    if (http_server_connections(d->http)) return false;
    for (size_t i = 0; i < PARTS; i++)
        if (parts[i]->drained && !parts[i]->drained(d)) return false;
    return true;
}

void desk_stop(void *self) {
    Desk *d = self;
    if (d->producer) {
        size_t left = kafka_producer_flush_for(d->producer, FLUSH_MS);
        if (left) log_warn(NULL, "%zu events had no report from Kafka; the sweep sends them", left);
    }
    if (d->measured) metrics_off_scrape(on_scrape, d);
    /* Whoever calls back goes before what it calls back to. */
    d->http = http_server_free(d->http);
    for (size_t i = PARTS; i-- > 0;)
        if (parts[i]->stop) parts[i]->stop(d);
    postgres_pool_free(d->pool);
    configuration_free(d->configuration);
    redis_client_free(d->redis);
    kafka_producer_free(d->producer);
    routes_free(d->routes);
    limits_free(d->limits);
    keyring_free(d->keyring);
    free(d);
}

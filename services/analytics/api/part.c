/* The port's life. */
#include "analytics/api/api.h"

#include <errno.h>

#include "access/credential.h"
#include "analytics/api/routes.h"
#include "log/log.h"

ApiFamily *api_family(Api *api, const char *name) {
    for (size_t i = 0; i < api->families_n; i++)
        if (!strcmp(api->families[i].name, name)) return &api->families[i];
    return &api->families[0];
}

static void measure(Api *api, const char *name) {
    static const char *const classes[] = {"2xx", "3xx", "4xx", "5xx"};
    if (api->families_n > API_FAMILIES_MAX) return;
    ApiFamily *f = &api->families[api->families_n++];
    f->name = name;
    for (size_t i = 0; i < 4; i++) {
        CLEANUP(buf_done) Buf labels = {0};
        metric_label(&labels, "family", str(name));
        metric_label(&labels, "status", str(classes[i]));
        f->answers[i] =
            metric_counter("docket_analytics_requests_total", "Requests answered.", labels.p);
    }
    CLEANUP(buf_done) Buf labels = {0};
    metric_label(&labels, "family", str(name));
    f->latency = metric_histogram("docket_analytics_request_seconds",
                                  "From a request's first byte to its answer.", labels.p,
                                  metric_latency_s, METRIC_LATENCY_BUCKETS);
}

static int start(Analytics *a, Buf *ret_problem) {
    Api *api = a->api = xcalloc(1, sizeof(*api));
    api->analytics = a;
    api->credentials =
        secrets_new(a->loop, &credential_kind, a->settings->postgres_url, a->instance, ret_problem);
    if (!api->credentials) return -EINVAL;
    api->zones = zone_shelf_new();
    api->limits = limits_new(a->settings->requests_per_minute);
    measure(api, "none");
    for (const ApiTable *const *t = api_surface; *t; t++)
        measure(api, (*t)->family);
    HttpLimits limits = {.body_bytes = 64 << 10,
                         .connections = (size_t)a->settings->connections,
                         .head_ms = a->settings->head_ms,
                         .body_ms = a->settings->body_ms,
                         .idle_ms = a->settings->idle_ms};
    api->http = http_server_new(a->loop, &limits, routes_handle, a);
    int port, r = http_server_listen(api->http, a->settings->listen, &port);
    if (r < 0) {
        buf_printf(ret_problem, "cannot listen on %s: %s", a->settings->listen, strerror(-r));
        return r;
    }
    log_info(NULL, "Reports are asked for on port %d", port);
    return 0;
}

static bool drained(Analytics *a) {
    if (!a->api || !a->api->http) return true;
    http_server_stop_listening(a->api->http);
    return http_server_connections(a->api->http) == 0;
}

static void stop(Analytics *a) {
    Api *api = a->api;
    if (!api) return;
    api->http = http_server_free(api->http);
    report_runs_stop(api);
    secrets_free(api->credentials); /* whoever waits for it is answered, into the void */
    limits_free(api->limits);
    zone_shelf_free(api->zones);
    a->api = NULL;
    free(api);
}

const AnalyticsPart api_part = {.name = "api", .start = start, .drained = drained, .stop = stop};

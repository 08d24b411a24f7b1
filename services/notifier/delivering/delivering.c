/* Its life: two connections, a timer, and whoever can go on goes on. */
#include "notifier/delivering/delivering.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "notifier/delivering/delivering_internal.h"

enum { WAKE_MS = 20 };

void delivering_defaults(DeliveringSettings *ret) {
    *ret = (DeliveringSettings){
        .limits = {.window_max = 512,
                   .concurrency = 8,
                   .running_max = 2000,
                   .held_max = 8192,
                   .held_bytes_max = 2 << 20,
                   .circuit = {.failures = 5,
                               .first_ms = 5000,
                               .most_ms = 10 * 60 * 1000,
                               .probe_ms = 90 * 1000}},
        .lease_margin_ms = 10000,
        .look_ms = 200,
        .retry_first_ms = 5000,
        .retry_most_ms = 4 * 3600 * 1000,
        .pause_after_ms = INT64_C(3) * 24 * 3600 * 1000,
    };
}

static void make_metrics(Delivering *d) {
    static const double buckets[] = {0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5,  1,
                                     2,     5,    10,   30,   60,  600, 3600, 86400};
    for (int w = 0; w < NOTIFY_WAYS; w++)
        for (int s = 0; s < 4; s++) {
            char labels[64];
            static const char *const outcomes[] = {"delivered", "later", "refused", "dropped"};
            (void)snprintf(labels, sizeof(labels), "way=\"%s\",outcome=\"%s\"",
                           notify_way_name((NotifyWay)w), outcomes[s]);
            d->outcomes[w][s] = metric_counter("docket_notifier_deliveries_total",
                                               "Tries to deliver, by how they ended", labels);
        }
    d->doubts = metric_counter("docket_notifier_doubts_total",
                               "Tries that may have arrived though nobody said so", NULL);
    d->late = metric_counter("docket_notifier_late_results_total",
                             "Tries that ended after their lease: they may come twice", NULL);
    d->released = metric_counter("docket_notifier_released_total",
                                 "Deliveries given back without a try", NULL);
    d->tries = metric_counter("docket_notifier_tries_total", "Letters handed to a channel", NULL);
    d->looks =
        metric_counter("docket_notifier_looks_total",
                       "Times that all destinations for which something waits were seen", NULL);
    d->gone = metric_counter("docket_notifier_destinations_forgotten_total",
                             "Destinations that nothing was sent to for a while", NULL);
    d->seconds = metric_histogram("docket_notifier_delivery_seconds",
                                  "From the moment a delivery was due to its end", NULL, buckets,
                                  sizeof(buckets) / sizeof(*buckets));
    d->held = metric_gauge("docket_notifier_held", "Deliveries claimed and not recorded", NULL);
}

static void on_wake(void *arg) {
    Delivering *d = arg;
    loop_timer_arm(d->wake, WAKE_MS);
    metric_set(d->held, (double)destinations_held(d->destinations));
    delivering_pump(d);
}

static void on_stalled(void *arg) {
    Delivering *d = arg;
    sending_pump_stalled(d);
    delivering_pump(d);
}

static void on_ready(void *arg) {
    delivering_pump(arg);
}

/* Statements here always want a few rows out of very many. */
static Connection *connect_to(Delivering *d, Buf *problem) {
    return connection_new(d->loop,
                          &(PostgresSettings){.url = d->settings.postgres_url,
                                              .application_name = d->settings.instance,
                                              .setup = "SET enable_hashjoin = off;"
                                                       "SET enable_mergejoin = off;"
                                                       "SET enable_seqscan = off;"
                                                       "SET enable_bitmapscan = off;"
                                                       "SET enable_sort = off;"
                                                       "SET enable_incremental_sort = off;"
                                                       "SET plan_cache_mode = force_generic_plan;"
                                                       "SET jit = off"},
                          &(ConnectionEvents){.ready = on_ready}, d, problem);
}

Delivering *delivering_new(Loop *loop, const DeliveringSettings *settings,
                           const DeliveringParts *parts, Buf *ret_problem) {
    Delivering *d = xcalloc(1, sizeof(*d));
    d->loop = loop;
    d->settings = *settings;
    d->parts = *parts;
    d->destinations = destinations_new(&settings->limits);
    make_metrics(d);
    d->wake = loop_timer_new(loop, on_wake, d);
    d->stalled_timer = loop_timer_new(loop, on_stalled, d);
    d->claims = connect_to(d, ret_problem);
    d->records = d->claims ? connect_to(d, ret_problem) : NULL;
    if (!d->records) return delivering_free(d);
    d->look_due = true;
    loop_timer_arm(d->wake, 0);
    return d;
}

static void drop_line(TaskLine *l) {
    Task *t;
    while ((t = task_line_take(l)))
        task_free(t);
}

static void drop_waiting(void *arg, Destination *to) {
    (void)arg;
    for (Task *t = to->first, *next; t; t = next) {
        next = t->next;
        t->next = NULL;
        task_free(t);
    }
    to->first = to->last = NULL;
}

static void free_memory(void *p) {
    free(p);
}

Delivering *delivering_free(Delivering *d) {
    if (!d) return NULL;
    d->freeing = true;
    d->claims = connection_free(d->claims);
    d->records = connection_free(d->records);
    d->wake = loop_timer_free(d->wake);
    d->stalled_timer = loop_timer_free(d->stalled_timer);
    destinations_each(d->destinations, drop_waiting, d);
    drop_line(&d->leaders);
    drop_line(&d->gathering);
    drop_line(&d->ended);
    drop_line(&d->recording);
    while (d->under_way) {
        Task *t = d->under_way;
        d->under_way = t->next;
        t->next = NULL;
        task_free(t);
    }
    sending_done(d);
    d->destinations = destinations_free(d->destinations);
    buf_done(&d->look_destination);
    for (size_t i = 0; i < sizeof(d->params) / sizeof(*d->params); i++)
        params_done(&d->params[i]);
    for (size_t i = 0; i < sizeof(d->record_params) / sizeof(*d->record_params); i++)
        params_done(&d->record_params[i]);
    free(d->changed);
    loop_free_later(d->loop, d, free_memory);
    return NULL;
}

/* Never inside itself: what is pumped pumps. */
void delivering_pump(Delivering *d) {
    if (d->pumping || d->freeing) return;
    d->pumping = true;
    recording_pump(d);
    claiming_pump(d);
    d->pumping = false;
}

void delivering_wake(Delivering *d) {
    d->look_due = true;
    delivering_pump(d);
}

bool delivering_ready(const Delivering *d, Buf *ret_reason) {
    const Connection *bad = !connection_ready(d->claims)    ? d->claims
                            : !connection_ready(d->records) ? d->records
                                                            : NULL;
    if (!bad) return true;
    buf_adds(ret_reason, connection_trouble(bad));
    return false;
}

static void give_back(void *arg, Destination *to) {
    sending_release(arg, to, INT64_MAX);
}

bool delivering_drain(Delivering *d) {
    if (!d->draining) {
        d->draining = true;
        destinations_each(d->destinations, give_back, d);
    }
    delivering_pump(d);
    return d->work == DELIVERING_IDLE && !d->leaders.n && !d->gathering.n && d->running == 0 &&
           !d->ended.n && !d->recording.n && !d->recording_runs;
}

#include "sla/telling.h"

#include "base/clock.h"
#include "events/signal.h"
#include "log/log.h"
#include "metrics/metrics.h"

struct Telling {
    const char *topic;
    int64_t late_ms;
    Metric *told[PROMISE_ACTS], *late, *lateness;
};

Telling *telling_new(const char *topic, int64_t late_ms) {
    static const char *const kinds[PROMISE_ACTS] = {"kind=\"warned\"", "kind=\"breached\"",
                                                    "kind=\"escalated\""};
    /* Seconds; what is late after downtime is late by minutes and hours. */
    static const double buckets[] = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2,  0.5,
                                     1,     2,     5,     10,   30,   60,   600, 3600, 86400};
    Telling *t = xcalloc(1, sizeof(*t));
    t->topic = topic;
    t->late_ms = late_ms;
    for (int i = 0; i < PROMISE_ACTS; i++)
        t->told[i] = metric_counter("docket_sla_signals_total", "Signals that Kafka has", kinds[i]);
    t->late = metric_counter("docket_sla_late_total", "Of them those marked late", NULL);
    t->lateness = metric_histogram("docket_sla_lateness_seconds",
                                   "From the instant that a promise was due to the delivery report "
                                   "of its signal",
                                   NULL, buckets, sizeof(buckets) / sizeof(*buckets));
    return t;
}

Telling *telling_free(Telling *t) {
    free(t);
    return NULL;
}

void telling_add(Telling *t, Publication *p, const Story *s, int64_t now_ms, Arena *arena) {
    CLEANUP(buf_done) Buf key = {0};
    CLEANUP(buf_done) Buf message = {0};
    for (size_t i = 0; i < s->moments_n; i++) {
        const PromiseMoment *m = &s->moments[i];
        Signal signal = {.kind = (SignalKind)(SIGNAL_PROMISE_WARNED + (int)m->act),
                         .tenant_id = s->tenant_id,
                         .ticket_id = s->ticket_id,
                         .at_ms = now_ms,
                         .revision = m->revision};
        promise_of_moment(m, now_ms - m->at_ms > t->late_ms, ticket_life_seq(s->life),
                          &signal.promise);
        signal.cause = promise_cause(s->tenant_id, s->ticket_id, m->act, signal.promise.metric,
                                     signal.promise.instance, signal.promise.level);
        buf_clear(&key);
        buf_clear(&message);
        signal_key(&signal, &key);
        signal_encode(&signal, &message);
        publication_add_outbox(p, str(t->topic), arena_str(arena, buf_str(&key)),
                               arena_str(arena, buf_str(&message)));
    }
}

void telling_told(Telling *t, const Story *s, const PromiseMoment *m) {
    int64_t late = clock_wall_ms() - m->at_ms;
    metric_add(t->told[m->act], 1);
    if (late > t->late_ms) metric_add(t->late, 1);
    metric_observe(t->lateness, (double)late / 1000);
    log_debug(ABOUT(s->tenant_id, s->ticket_id), "%s %s %s, %lld ms after it was due",
              promise_act_name(m->act), metric_name(m->metric), m->level, (long long)late);
}

/* Sets under way, and what they leave to be deleted. */
#include "desk/tickets/outgoing.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/crash.h"
#include "log/log.h"
#include "metrics/metrics.h"

enum {
    SETS_MAX = 512,      /* under way */
    DELETES_MAX = 50000, /* beyond: the sweep publishes those once more, which harms nobody */
    COMPANY_MS = 20,     /* a deleted row waits so long for others */
    LET_GO_MS = 10000,   /* Kafka had so long to take a set */
    LET_GO_EVERY_MS = 1000,
};

typedef struct Set {
    Outgoing *outgoing;
    struct Set *next, **link;
    Publication *publication;
    Arena *arena;
    const OutboxRow *rows;
    size_t n;
    int64_t since_ms;
} Set;

struct Outgoing {
    OutgoingSettings settings;
    Publisher publisher;
    Set *sets; /* newest first */
    size_t sets_n;
    OutboxRow *deletes;
    size_t deletes_n, deletes_room;
    bool due;
    LoopTimer *company, *let_go;
    Metric *published, *let_go_total, *seconds;
};

static void set_free(Set *s) {
    *s->link = s->next;
    if (s->next) s->next->link = s->link;
    s->outgoing->sets_n--;
    publication_free(s->publication);
    arena_free(s->arena);
    free(s);
}

static void on_company(void *arg) {
    Outgoing *o = arg;
    o->due = true;
    o->settings.deletable(o->settings.arg);
}

static void delete_add(Outgoing *o, const OutboxRow *row) {
    if (o->deletes_n == DELETES_MAX) return;
    if (o->deletes_n == o->deletes_room) {
        o->deletes_room = o->deletes_room ? 2 * o->deletes_room : 256;
        o->deletes = xrealloc(o->deletes, o->deletes_room * sizeof(*o->deletes));
    }
    o->deletes[o->deletes_n++] =
        (OutboxRow){.tenant_id = row->tenant_id, .outbox_id = row->outbox_id};
}

static void on_published(void *arg) {
    Set *s = arg;
    Outgoing *o = s->outgoing;
    CRASH_POINT("after-outbox-publish");
    metric_add(o->published, (double)s->n);
    metric_observe(o->seconds, (double)(clock_monotonic_ms() - s->since_ms) / 1000);
    for (size_t i = 0; i < s->n; i++)
        delete_add(o, &s->rows[i]);
    set_free(s);
    if (!loop_timer_armed(o->company)) loop_timer_arm(o->company, COMPANY_MS);
    o->settings.deletable(o->settings.arg);
}

void outgoing_send(Outgoing *o, const OutboxRow *rows, size_t n, Arena *arena) {
    if (n == 0 || o->sets_n >= SETS_MAX || !kafka_producer_healthy(o->settings.producer, NULL)) {
        if (n) metric_add(o->let_go_total, (double)n);
        arena_free(arena);
        return;
    }
    Set *s = xcalloc(1, sizeof(*s));
    *s = (Set){.outgoing = o,
               .next = o->sets,
               .link = &o->sets,
               .publication = publication_new(&o->publisher),
               .arena = arena,
               .rows = rows,
               .n = n,
               .since_ms = clock_monotonic_ms()};
    if (o->sets) o->sets->link = &s->next;
    o->sets = s;
    o->sets_n++;
    for (size_t i = 0; i < n; i++)
        publication_add_outbox(s->publication, rows[i].topic, rows[i].key, rows[i].message);
    publication_start(s->publication, on_published, s);
    if (!loop_timer_armed(o->let_go)) loop_timer_arm(o->let_go, LET_GO_EVERY_MS);
}

static void on_let_go(void *arg) {
    Outgoing *o = arg;
    int64_t now = clock_monotonic_ms();
    size_t rows = 0;
    for (Set *s = o->sets, *next; s; s = next) {
        next = s->next;
        if (now - s->since_ms < LET_GO_MS) continue;
        rows += s->n;
        set_free(s);
    }
    if (rows) {
        log_warn(NULL, "Kafka did not take %zu outbox rows in time; a sweep sends them", rows);
        metric_add(o->let_go_total, (double)rows);
    }
    if (o->sets) loop_timer_arm(o->let_go, LET_GO_EVERY_MS);
}

size_t outgoing_deletes(const Outgoing *o) {
    return o->deletes_n;
}

bool outgoing_delete_due(const Outgoing *o) {
    return o->due;
}

size_t outgoing_take(Outgoing *o, OutboxRow *ret, size_t max) {
    size_t n = o->deletes_n < max ? o->deletes_n : max;
    if (n) memcpy(ret, o->deletes, n * sizeof(*ret));
    if (n) memmove(o->deletes, o->deletes + n, (o->deletes_n - n) * sizeof(*o->deletes));
    o->deletes_n -= n;
    if (o->deletes_n == 0) o->due = false;
    return n;
}

bool outgoing_idle(const Outgoing *o) {
    return o->sets_n == 0 && o->deletes_n == 0;
}

Outgoing *outgoing_new(const OutgoingSettings *settings) {
    Outgoing *o = xcalloc(1, sizeof(*o));
    o->settings = *settings;
    o->publisher = (Publisher){.loop = settings->loop,
                               .producer = settings->producer,
                               .instance = settings->instance,
                               .topic_events = settings->topic_events,
                               .topic_dead = ""}; /* nothing of ours goes there */
    o->company = loop_timer_new(settings->loop, on_company, o);
    o->let_go = loop_timer_new(settings->loop, on_let_go, o);
    o->published = metric_counter("docket_desk_outbox_published_total",
                                  "Outbox rows that Kafka has taken", NULL);
    o->let_go_total = metric_counter("docket_desk_outbox_left_total",
                                     "Outbox rows left to a sweep, Kafka being away", NULL);
    o->seconds = metric_histogram("docket_desk_publish_seconds",
                                  "From a commit to Kafka's report on what it caused", NULL,
                                  metric_latency_s, METRIC_LATENCY_BUCKETS);
    return o;
}

Outgoing *outgoing_free(Outgoing *o) {
    if (!o) return NULL;
    for (Set *s = o->sets, *next; s; s = next) {
        next = s->next;
        set_free(s);
    }
    loop_timer_free(o->company);
    loop_timer_free(o->let_go);
    free(o->deletes);
    free(o);
    return NULL;
}

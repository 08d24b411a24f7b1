/* Records, their headers, and producing them until every one is confirmed. */
#include "publish/publication.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "events/dead.h"
#include "events/headers.h"
#include "log/log.h"
#include "metrics/metrics.h"

enum { HEADERS_MAX = 10, RETRY_MS = 50 };

typedef enum RecordState { RECORD_WAITS, RECORD_FLIES, RECORD_DONE } RecordState;

typedef struct Record {
    Publication *publication;
    const char *topic;
    Str key, value;
    KafkaHeader *headers;
    size_t headers_n;
    RecordState state;
} Record;

struct Publication {
    const Publisher *publisher;
    Arena *arena;
    Record *records;
    size_t n, room;
    size_t next; /* first that may still have to be produced */
    size_t flying, done_n;
    bool started, abandoned, finishing; /* finishing: finish() is deferred */
    LoopTimer *retry;
    LoopCallback done;
    void *arg;
};

static Metric *retries_metric(void) {
    return metric_counter("docket_publish_retries_total",
                          "Records that Kafka did not confirm and that were produced again", NULL);
}

Publication *publication_new(const Publisher *publisher) {
    Publication *p = xcalloc(1, sizeof(*p));
    p->publisher = publisher;
    p->arena = arena_new(64 * 1024);
    (void)retries_metric();
    return p;
}

static void publication_destroy(Publication *p) {
    loop_timer_free(p->retry);
    arena_free(p->arena);
    free(p->records);
    free(p);
}

Publication *publication_free(Publication *p) {
    if (!p) return NULL;
    p->abandoned = true;
    /* Else with its last report, or when what is deferred comes. */
    if (p->flying == 0 && !p->finishing) publication_destroy(p);
    return NULL;
}

static Record *record_add(Publication *p) {
    assert(!p->started);
    if (p->n == p->room) {
        p->room = p->room ? 2 * p->room : 64;
        p->records = xrealloc(p->records, p->room * sizeof(*p->records));
    }
    Record *r = &p->records[p->n++];
    *r = (Record){.publication = p};
    r->headers = arena_alloc(p->arena, HEADERS_MAX * sizeof(*r->headers));
    return r;
}

static void header(Record *r, const char *name, Str value) {
    assert(r->headers_n < HEADERS_MAX);
    r->headers[r->headers_n++] = (KafkaHeader){name, value};
}

static void header_i64(Record *r, const char *name, int64_t value) {
    header(r, name, str(arena_printf(r->publication->arena, "%lld", (long long)value)));
}

static void event_headers(Record *r, const EventHeader *headers, size_t n) {
    for (size_t i = 0; i < n; i++)
        header(r, headers[i].name, headers[i].value);
}

void publication_add_event(Publication *p, const LedgerRow *row) {
    CLEANUP(buf_done) Buf message = {0};
    if (ledger_event_encode(row, p->arena, &message) < 0) {
        /* A row that our own store wrote: its ledger has it, its event would be nonsense. */
        log_error(ABOUT(row->tenant_id, row->ticket_id), "ledger row %d makes no event", row->seq);
        return;
    }
    Record *r = record_add(p);
    r->topic = p->publisher->topic_events;
    r->key = str(arena_printf(p->arena, "%lld", (long long)row->ticket_id));
    r->value = arena_str(p->arena, buf_str(&message));
    EventHeader headers[EVENT_HEADERS_MAX];
    event_headers(r, headers, event_headers_of_row(row, p->arena, headers));
}

void publication_add_outbox(Publication *p, Str topic, Str key, Str message) {
    Record *r = record_add(p);
    r->topic = arena_strndup(p->arena, topic.p, topic.n);
    r->key = key;
    r->value = message;
    EventHeader headers[EVENT_HEADERS_MAX];
    event_headers(r, headers, event_headers_of_message(message, p->arena, headers));
}

void publication_add_dead(Publication *p, const KafkaMessage *m, int64_t tenant_id,
                          int64_t ticket_id, const char *reason, int64_t now_ms) {
    Record *r = record_add(p);
    char at[25];
    clock_format_ms(now_ms, at);
    r->topic = p->publisher->topic_dead;
    r->key = m->key;
    r->value = m->value;
    header(r, DEAD_HEADER_REASON, str(arena_strndup(p->arena, reason, strlen(reason))));
    header(r, DEAD_HEADER_TOPIC, arena_str(p->arena, m->topic));
    header_i64(r, DEAD_HEADER_PARTITION, m->partition);
    header_i64(r, DEAD_HEADER_OFFSET, m->offset);
    header(r, DEAD_HEADER_AT, str(arena_strndup(p->arena, at, strlen(at))));
    header(r, DEAD_HEADER_BY, str(p->publisher->instance));
    if (tenant_id) header_i64(r, DEAD_HEADER_TENANT, tenant_id);
    if (ticket_id) header_i64(r, DEAD_HEADER_TICKET, ticket_id);
    Str trace = kafka_message_header(m, "traceparent");
    if (trace.p) header(r, "traceparent", arena_str(p->arena, trace));
}

size_t publication_size(const Publication *p) {
    return p->n;
}

static void finish(void *arg) {
    Publication *p = arg;
    p->finishing = false;
    if (p->abandoned) {
        if (p->flying == 0) publication_destroy(p);
        return;
    }
    p->started = false;
    p->done(p->arg);
}

static void pump(void *arg);

static void retry_later(Publication *p) {
    if (!p->retry) p->retry = loop_timer_new(p->publisher->loop, pump, p);
    if (!loop_timer_armed(p->retry)) loop_timer_arm(p->retry, RETRY_MS);
}

static void on_report(void *arg, int error, int32_t partition, int64_t offset) {
    (void)partition, (void)offset;
    Record *r = arg;
    Publication *p = r->publication;
    p->flying--;
    if (p->abandoned) {
        if (p->flying == 0 && !p->finishing) publication_destroy(p);
        return;
    }
    if (error == 0 || error == -EMSGSIZE) {
        if (error)
            log_error(NULL, "a record of %zu bytes is too big for %s and stays unpublished",
                      r->value.n, r->topic);
        r->state = RECORD_DONE;
        if (++p->done_n == p->n) finish(p);
        return;
    }
    if (error == -ECANCELED) return; /* the producer is gone, and so are we soon */
    r->state = RECORD_WAITS;
    metric_add(retries_metric(), 1);
    if ((size_t)(r - p->records) < p->next) p->next = (size_t)(r - p->records);
    log_warn(NULL, "Kafka did not confirm a record for %s (%s), producing it again", r->topic,
             strerror(-error));
    retry_later(p);
}

static void pump(void *arg) {
    Publication *p = arg;
    if (!p->publisher->producer) return; /* the process ends: a replay publishes again */
    for (; p->next < p->n; p->next++) {
        Record *r = &p->records[p->next];
        if (r->state != RECORD_WAITS) continue;
        int error = kafka_produce_with_headers(
            p->publisher->producer,
            &(KafkaRecord){.topic = r->topic, .partition = -1, .key = r->key, .value = r->value},
            r->headers, r->headers_n, on_report, r);
        if (error == -EMSGSIZE) {
            log_error(NULL, "a record of %zu bytes is too big for %s and stays unpublished",
                      r->value.n, r->topic);
            r->state = RECORD_DONE;
            p->done_n++;
            continue;
        }
        if (error < 0) { /* full, or no broker: nothing was taken */
            retry_later(p);
            return;
        }
        r->state = RECORD_FLIES;
        p->flying++;
    }
    if (p->done_n == p->n && p->flying == 0 && !p->finishing) { /* nothing to wait for */
        p->finishing = true;
        loop_defer(p->publisher->loop, finish, p);
    }
}

void publication_start(Publication *p, LoopCallback done, void *arg) {
    assert(!p->started);
    p->started = true;
    p->done = done;
    p->arg = arg;
    p->next = 0;
    pump(p);
}

void publication_clear(Publication *p) {
    assert(!p->started && p->flying == 0);
    p->n = p->next = p->done_n = 0;
    arena_reset(p->arena);
}

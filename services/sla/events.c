/* docket.events, in batches: what is not newer than what is known is passed over unread; offsets
 * move once the lives are kept. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "events/event_head.h"
#include "sla/sla_internal.h"

enum { RELEASE_MS = 4000, GATHER_MS = 5, TAKE_AT_ONCE = 64, BATCH_BYTES = 16 << 20 };

static void store_offsets(Sla *s) {
    for (int32_t i = 0; i < PARTITIONS_MAX; i++) {
        if (!s->next_ending[i]) continue;
        if (!batch_lost(s->batch, i))
            (void)kafka_consumer_store(s->consumer, str(s->settings->topic_events), i,
                                       s->next_ending[i]);
        s->next_ending[i] = 0;
    }
}

static void on_done(void *arg) {
    Sla *s = arg;
    CRASH_POINT("after-follow");
    store_offsets(s);
    s->oldest_ms = 0;
    sla_turn_over(s);
}

static void take_in(Sla *s, const KafkaMessage *m) {
    EventHead head;
    if (event_head_read(m->value, &head) < 0) {
        metric_add(s->poison, 1);
        log_error(NULL, "what lies in %s [%d] at %lld is no event", s->settings->topic_events,
                  (int)m->partition, (long long)m->offset);
        return;
    }
    TicketClock known;
    if (clocks_get(s->clocks, head.tenant_id, head.ticket_id, &known) && head.seq &&
        (int32_t)head.seq <= known.seq) {
        metric_add(s->old, 1);
        return;
    }
    Arena *arena = batch_arena(s->batch);
    Event *event = arena_alloc(arena, sizeof(*event));
    const char *problem = NULL;
    if (event_decode(m->value, arena, event, &problem) < 0) {
        /* Its ledger row is as it should be: the next event finds that one missing. */
        metric_add(s->poison, 1);
        log_error(ABOUT(head.tenant_id, head.ticket_id), "an event cannot be read: %s", problem);
        return;
    }
    if (event->at_ms && (!s->oldest_ms || event->at_ms < s->oldest_ms)) s->oldest_ms = event->at_ms;
    story_add(batch_story(s->batch, event->tenant_id, event->ticket_id, m->partition), event,
              arena);
}

bool events_begin(Sla *s) {
    KafkaMessage some[TAKE_AT_ONCE];
    size_t taken = 0, bytes = 0, k;
    batch_clear(s->batch);
    while (taken < (size_t)s->settings->batch_max && bytes < BATCH_BYTES &&
           (k = kafka_consumer_take(s->consumer, some, TAKE_AT_ONCE)) > 0) {
        for (size_t i = 0; i < k; i++) {
            /* Of a partition that was lost nothing is believed, nor its offset moved. */
            if (shares_owns(&s->shares, some[i].partition)) {
                take_in(s, &some[i]);
                s->next_ending[some[i].partition] = some[i].offset + 1;
            }
            bytes += some[i].value.n;
            kafka_message_done(&some[i]);
        }
        taken += k;
    }
    if (taken == 0) return false;
    metric_add(s->events, (double)taken);
    s->work = WORK_EVENTS;
    batch_run(s->batch, BATCH_EVENTS, on_done, s);
    return true;
}

/* ---- The group ---- */

static void on_readable(void *arg) {
    sla_pump(arg);
}

static void on_assigned(void *arg, size_t n) {
    Sla *s = arg;
    int32_t partitions[PARTITIONS_MAX];
    n = kafka_consumer_partitions(s->consumer, partitions, PARTITIONS_MAX);
    shares_assign(&s->shares, partitions, n < PARTITIONS_MAX ? n : PARTITIONS_MAX);
    s->assigned = true;
    s->claimed = s->load_done = s->revoking = false;
    s->lost_since_ms = 0;
    log_info(NULL, "following %zu partitions of %s", n, s->settings->topic_events);
    sla_pump(s);
}

static void on_revoked(void *arg) {
    Sla *s = arg;
    s->revoking = true;
    s->assigned = false;
    shares_revoke(&s->shares);
    sla_pump(s);
}

static void on_alarm(void *arg, const char *text) {
    Sla *s = arg;
    metric_add(s->alarms, 1);
    log_error(NULL, "the follower of %s needs an operator: %s", s->settings->topic_events, text);
    s->find_due = true; /* events may be lost: the ledger is not */
}

int events_open(Sla *s, Buf *ret_problem) {
    const char *topic = s->settings->topic_events;
    s->consumer = kafka_consumer_new(
        s->loop,
        &(KafkaConsumerSettings){
            .brokers = s->settings->kafka_brokers,
            .group = s->settings->group,
            .topics = &topic,
            .n_topics = 1,
            .client_id = s->instance,
            .options = s->settings->kafka_options[0] ? s->settings->kafka_options : NULL,
            .start = KAFKA_START_EARLIEST,
            .reset = KAFKA_RESET_EARLIEST,
            .gather_ms = GATHER_MS,
            .max_ready = 2 * (size_t)s->settings->batch_max + TAKE_AT_ONCE,
            .release_ms = RELEASE_MS},
        &(KafkaConsumerEvents){on_readable, on_assigned, on_revoked, on_alarm}, s, ret_problem);
    return s->consumer ? 0 : -1;
}

/* What was lost comes again from the last offsets stored. */
void events_rejoin(Sla *s) {
    CLEANUP(buf_done) Buf problem = {0};
    log_warn(NULL, "joining the group anew");
    s->consumer = kafka_consumer_free(s->consumer);
    s->assigned = s->claimed = s->revoking = false;
    s->lost_since_ms = 0;
    shares_revoke(&s->shares);
    memset(s->next_ending, 0, sizeof(s->next_ending));
    if (events_open(s, &problem) < 0) runtime_fail(s->runtime, "%s", problem.p);
}

bool events_healthy(const Sla *s, Buf *ret_reason) {
    return kafka_consumer_healthy(s->consumer, ret_reason);
}

/* The order of effects, and what each death in between leaves:
 *
 *   1 take       express lane first, bulk with what it leaves
 *   2 decide     decode and classify, one revision a tenant and batch; undecodable: a dead letter
 * with step 6 3 reserve    Redis names an agent for each new ticket, for 10 s <after-reservation>
 *                died here: nothing is stored; the replay is given the same agent
 *   4 store      one transaction, undone by PostgreSQL itself when a reservation in it is older
 * than 2.5 s <before-store>; a row refused for ever is bisected out and becomes a dead letter
 * <after-commit> died here: the replay is told the rows as stored, and goes on with step 5 from
 * them 5 settle     Redis is told what the rows say, not what was decided 6 publish    events of
 * the rows, dead letters; until Kafka has confirmed all of them  <after-publish> died here:
 * published again, consumers know (ticket, seq) 7 offsets    <before-offset> stored in the order
 * the batches were taken; committed to Kafka within a second
 *
 * Two batches are under way at most: one in PostgreSQL, one before it or behind. Only one is in
 * PostgreSQL, and offsets wait for the batch before. */
#include "router/pipeline.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/crash.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "router/batch_internal.h"

enum { DOCUMENTS_LOOK_MS = 50 };

const PipelineMetrics *pipeline_metrics(void) {
    static PipelineMetrics m;
    if (m.stored) return &m;
    static const double sizes[] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 4000};
    static const char *const steps[BATCH_STAGES] = {
        [BATCH_DECIDING] = "step=\"decide\"",   [BATCH_RESERVING] = "step=\"reserve\"",
        [BATCH_READY] = "step=\"wait_store\"",  [BATCH_STORING] = "step=\"store\"",
        [BATCH_FOLLOWING] = "step=\"publish\"", [BATCH_DONE] = "step=\"wait_order\""};
    m.batch_size = metric_histogram("docket_router_batch_submissions", "Submissions of one batch",
                                    NULL, sizes, sizeof(sizes) / sizeof(sizes[0]));
    for (int i = BATCH_DECIDING; i < BATCH_STAGES; i++)
        m.step[i] = metric_histogram("docket_router_step_seconds", "Time of one step of a batch",
                                     steps[i], metric_latency_s, METRIC_LATENCY_BUCKETS);
    m.latency =
        metric_histogram("docket_router_accepted_to_stored_seconds",
                         "From the gate's acceptance of a submission to its ticket's commit", NULL,
                         metric_latency_s, METRIC_LATENCY_BUCKETS);
    m.oldest_age = metric_gauge("docket_router_oldest_submission_age_seconds",
                                "Age of the oldest submission taken and not yet stored", NULL);
    static const char submissions[] = "docket_router_submissions_total";
    m.received[LANE_EXPRESS] = metric_counter(submissions, "Submissions taken", "lane=\"express\"");
    m.received[LANE_BULK] = metric_counter(submissions, "Submissions taken", "lane=\"bulk\"");
    static const char tickets[] = "docket_router_tickets_total";
    static const char tickets_help[] = "What became of submissions";
    m.stored = metric_counter(tickets, tickets_help, "fate=\"stored\"");
    m.replayed = metric_counter(tickets, tickets_help, "fate=\"replayed\"");
    m.aliased = metric_counter(tickets, tickets_help, "fate=\"aliased\"");
    m.conflicts = metric_counter("docket_router_id_conflicts_total",
                                 "Ids claimed by two causes: an alarm", NULL);
    m.dead = metric_counter("docket_router_dead_letters_total", "Messages given to docket.dead",
                            "topic=\"submissions\"");
    static const char placed[] = "docket_router_placed_total";
    m.assigned = metric_counter(placed, "New tickets by their first place", "place=\"agent\"");
    m.queued = metric_counter(placed, "New tickets by their first place", "place=\"queue\"");
    m.retries = metric_counter("docket_router_store_retries_total",
                               "Batches that PostgreSQL did not take at once", NULL);
    m.late = metric_counter("docket_router_reservations_late_total",
                            "Transactions undone because a reservation in them had run out", NULL);
    return &m;
}

void batch_enter(Batch *b, BatchStage stage) {
    int64_t now = clock_monotonic_us();
    const PipelineMetrics *m = pipeline_metrics();
    if (b->stage != BATCH_FREE)
        metric_observe(m->step[b->stage], (double)(now - b->stage_since_us) / 1e6);
    b->stage = stage;
    b->stage_since_us = now;
}

static void batch_begin(Batch *b, size_t max) {
    Pipeline *p = b->pipeline;
    const PipelineMetrics *m = pipeline_metrics();
    b->messages = arena_alloc(b->arena, max * sizeof(*b->messages));
    b->messages_n =
        lanes_take(p->parts.lanes, b->messages, max, (size_t)p->parts.settings->batch_bytes);
    if (b->messages_n == 0) {
        arena_reset(b->arena);
        return;
    }
    for (size_t i = 0; i < b->messages_n; i++)
        metric_add(m->received[b->messages[i].lane], 1);
    metric_observe(m->batch_size, (double)b->messages_n);
    b->number = p->next_number++;
    batch_enter(b, BATCH_DECIDING);
    batch_decide(b);
}

static Batch *batch_free_one(Pipeline *p) {
    for (int i = 0; i < BATCHES; i++)
        if (p->batch[i].stage == BATCH_FREE) return &p->batch[i];
    return NULL;
}

bool pipeline_idle(const Pipeline *p) {
    for (int i = 0; i < BATCHES; i++)
        if (p->batch[i].stage != BATCH_FREE) return false;
    return true;
}

/* Full, or nothing else to do: at once. Else a little later, so that the batch behind a running one
 * is worth its transaction. */
void pipeline_pump(Pipeline *p) {
    if (p->stopped || p->revoking) return;
    if (!configuration_ready(p->parts.configuration)) { /* "readable" comes once: look again */
        loop_timer_arm(p->wait, DOCUMENTS_LOOK_MS);
        return;
    }
    for (Batch *b; (b = batch_free_one(p)) != NULL;) {
        size_t ready = lanes_ready(p->parts.lanes);
        size_t max = (size_t)p->parts.settings->batch_max;
        if (ready == 0) return;
        if (ready < max && !pipeline_idle(p)) {
            if (!loop_timer_armed(p->wait))
                loop_timer_arm(p->wait, p->parts.settings->batch_wait_ms);
            return;
        }
        batch_begin(b, max);
        if (b->stage == BATCH_FREE) return; /* what was ready was taken back */
    }
}

/* The batch has had its chance to fill: one more, whatever its size. */
static void on_waited(void *arg) {
    Pipeline *p = arg;
    Batch *b = batch_free_one(p);
    if (b && !p->stopped && !p->revoking && configuration_ready(p->parts.configuration) &&
        lanes_ready(p->parts.lanes) > 0)
        batch_begin(b, (size_t)p->parts.settings->batch_max);
    pipeline_pump(p);
}

static void batch_clear(Batch *b) {
    for (size_t i = 0; i < b->messages_n; i++)
        kafka_message_done(&b->messages[i].message);
    for (size_t i = 0; i < b->tenants_n; i++)
        catalog_unref(b->tenants[i].catalog);
    b->messages_n = b->decisions_n = b->tickets_n = 0;
    b->tenants_n = b->asking_n = b->ranges_n = b->conflicts_seen = 0;
    b->tries = b->lates = 0;
    publication_clear(b->publication);
    arena_reset(b->arena);
    batch_enter(b, BATCH_FREE);
}

void batch_finish(Batch *b) {
    Pipeline *p = b->pipeline;
    batch_enter(b, BATCH_DONE);
    for (bool found = true; found;) { /* this one, and one that waited for it */
        found = false;
        for (int i = 0; i < BATCHES; i++) {
            Batch *done = &p->batch[i];
            if (done->stage != BATCH_DONE || done->number != p->next_done) continue;
            CRASH_POINT("before-offset");
            lanes_store(p->parts.lanes, done->messages, done->messages_n);
            batch_clear(done);
            p->next_done++;
            found = true;
        }
    }
    if (p->revoking && pipeline_idle(p)) {
        p->revoking = false;
        lanes_release(p->parts.lanes);
    }
    pipeline_pump(p);
}

void pipeline_revoked(Pipeline *p) {
    if (pipeline_idle(p))
        lanes_release(p->parts.lanes);
    else
        p->revoking = true;
}

void pipeline_stop(Pipeline *p) {
    p->stopped = true;
    lanes_pause(p->parts.lanes);
}

int64_t pipeline_oldest_ms(const Pipeline *p, int64_t now_ms) {
    int64_t oldest = 0;
    for (int i = 0; i < BATCHES; i++) {
        const Batch *b = &p->batch[i];
        if (b->stage == BATCH_FREE || b->stage > BATCH_STORING || !b->oldest_accepted_ms) continue;
        if (!oldest || b->oldest_accepted_ms < oldest) oldest = b->oldest_accepted_ms;
    }
    return oldest && now_ms > oldest ? now_ms - oldest : 0;
}

static void on_scrape(void *arg) {
    metric_set(pipeline_metrics()->oldest_age,
               (double)pipeline_oldest_ms(arg, clock_wall_ms()) / 1000);
}

Pipeline *pipeline_new(const PipelineParts *parts) {
    Pipeline *p = xcalloc(1, sizeof(*p));
    p->parts = *parts;
    p->wait = loop_timer_new(parts->loop, on_waited, p);
    for (int i = 0; i < BATCHES; i++) {
        p->batch[i].pipeline = p;
        p->batch[i].arena = arena_new(256 * 1024);
        p->batch[i].publication = publication_new(parts->publisher);
    }
    (void)pipeline_metrics();
    metrics_on_scrape(on_scrape, p);
    return p;
}

Pipeline *pipeline_free(Pipeline *p) {
    if (!p) return NULL;
    metrics_off_scrape(on_scrape, p);
    loop_timer_free(p->wait);
    ids_free(p->ids);
    for (int i = 0; i < BATCHES; i++) {
        Batch *b = &p->batch[i];
        loop_timer_free(b->timer);
        publication_free(b->publication);
        for (size_t k = 0; k < b->messages_n; k++)
            kafka_message_done(&b->messages[k].message);
        for (size_t k = 0; k < b->tenants_n; k++)
            catalog_unref(b->tenants[k].catalog);
        arena_free(b->arena);
    }
    free(p);
    return NULL;
}

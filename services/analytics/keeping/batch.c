/* Stages, each ending by calling the next; whatever failed is read again by a timer.
 *
 * Crash points: before-keep, nothing is written yet; after-keep, it is committed, and the offsets
 * are not stored. */
#include "analytics/keeping/batch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "following/tickets.h"
#include "log/log.h"
#include "metrics/metrics.h"

enum { RETRY_FIRST_MS = 50, RETRY_LAST_MS = 2000, PARAMS = 3 };

typedef enum KeepStage { STAGE_IDLE, STAGE_READ, STAGE_LEDGER, STAGE_WRITE } KeepStage;

struct KeepBatch {
    KeepBatchParts parts;
    KeepKind kind;
    KeepStage stage;
    Arena *arena;
    FollowedTickets *tickets;
    Story **stories; /* by place */
    const Story **some;
    size_t room, some_n;
    History *asked;
    StoryTold *telling;
    size_t asked_n;
    Windows *windows;
    /* Those of the batch: as claimed, then as read. */
    KeptPartition *partitions;
    size_t partitions_n;
    bool lost[SHARES_MAX_PARTITIONS];
    int64_t asked_tenant; /* whose documents are known to be the newest, or not; 0: nobody's */
    bool newest;
    Params params[PARAMS];
    LoopTimer *retry;
    int64_t retry_ms;
    LoopCallback done;
    void *arg;
    bool freed;
    Metric *retries, *rebuilt, *fenced, *broken, *size, *seconds, *tickets_kept;
    int64_t since_us;
};

static void stage_read(KeepBatch *b);
static void stage_ledger(KeepBatch *b);
static void stage_write(KeepBatch *b);

/* ---- Its tickets ---- */

static size_t count(const KeepBatch *b) {
    return followed_tickets_count(b->tickets);
}

Story *keep_batch_story(KeepBatch *b, int64_t tenant_id, int64_t ticket_id, int32_t partition) {
    bool fresh;
    size_t place = followed_tickets_place(b->tickets, tenant_id, ticket_id, &fresh);
    if (!fresh) return b->stories[place];
    if (place >= b->room) {
        b->room = b->room ? b->room * 2 : 256;
        b->stories = xrealloc(b->stories, b->room * sizeof(*b->stories));
        b->some = xrealloc(b->some, b->room * sizeof(*b->some));
    }
    Story *s = arena_zalloc(b->arena, sizeof(*s));
    *s = (Story){.tenant_id = tenant_id, .ticket_id = ticket_id, .partition = partition};
    b->stories[place] = s;
    return s;
}

size_t keep_batch_size(const KeepBatch *b) {
    return count(b);
}

Arena *keep_batch_arena(KeepBatch *b) {
    return b->arena;
}

bool keep_batch_running(const KeepBatch *b) {
    return b->stage != STAGE_IDLE;
}

bool keep_batch_waiting(const KeepBatch *b) {
    return b->stage != STAGE_IDLE && b->retry_ms && loop_timer_armed(b->retry);
}

static void reset_stories(KeepBatch *b) {
    for (size_t i = 0; i < count(b); i++)
        story_reset(b->stories[i]);
}

void keep_batch_clear(KeepBatch *b) {
    assert(b->stage == STAGE_IDLE);
    reset_stories(b);
    followed_tickets_clear(b->tickets);
    windows_clear(b->windows);
    arena_reset(b->arena);
}

/* ---- Trying again ---- */

/* From the beginning: nobody knows what has become of it. */
static void try_later(KeepBatch *b, const char *problem) {
    b->retry_ms = b->retry_ms ? b->retry_ms * 2 : RETRY_FIRST_MS;
    if (b->retry_ms > RETRY_LAST_MS) b->retry_ms = RETRY_LAST_MS;
    metric_add(b->retries, 1);
    if (problem && *problem) log_warn(NULL, "will be tried again: %s", problem);
    loop_timer_arm(b->retry, b->retry_ms);
}

static void on_retry(void *arg) {
    KeepBatch *b = arg;
    if (b->stage != STAGE_IDLE) stage_read(b);
}

void keep_batch_wake(KeepBatch *b) {
    if (loop_timer_armed(b->retry)) loop_timer_arm(b->retry, 0);
}

static void run(KeepBatch *b, unsigned flags, const PostgresQuery *queries, size_t n,
                PostgresDone done) {
    if (connection_run(b->parts.postgres, flags, queries, n, done, b) < 0) try_later(b, NULL);
}

/* ---- Whose they are ---- */

static KeptPartition *partition_of(KeepBatch *b, int32_t partition) {
    for (size_t i = 0; i < b->partitions_n; i++)
        if (b->partitions[i].partition == partition) return &b->partitions[i];
    return NULL;
}

static void lose(KeepBatch *b, int32_t partition) {
    if (b->lost[partition]) return;
    b->lost[partition] = true;
    metric_add(b->fenced, 1);
    log_warn(NULL, "partition %d of the events is somebody else's by now", (int)partition);
    shares_lost(b->parts.shares, partition);
}

/* What PostgreSQL says of all partitions. */
static void look_at_partitions(KeepBatch *b, const PostgresRows *rows) {
    for (size_t i = 0; i < b->partitions_n; i++) {
        KeptPartition *p = &b->partitions[i];
        bool ours = false;
        for (size_t row = 0; row < rows_count(rows) && !ours; row++) {
            ours = rows_int(rows, row, 0) == p->partition && rows_int(rows, row, 1) == p->epoch;
            if (ours) p->change = rows_int(rows, row, 2);
        }
        if (!ours) lose(b, p->partition);
    }
}

/* ---- Reading ---- */

/* The documents at hand are the newest that PostgreSQL has. */
static bool has_newest(const KeepBatch *b, int64_t tenant_id, const PostgresRows *revisions) {
    const JudgedTenant *t = tenants_find(b->parts.tenants, tenant_id);
    for (size_t row = 0; row < rows_count(revisions); row++)
        if (rows_int(revisions, row, 0) == tenant_id)
            return t && catalog_revision(t->catalog) >= rows_int(revisions, row, 1);
    return true;
}

static void begin(KeepBatch *b, Story *s, const Kept *kept, const PostgresRows *revisions) {
    if (b->lost[s->partition]) {
        s->fate = STORY_OLD;
    } else if (b->kind == KEEP_EVENTS) {
        if (s->tenant_id != b->asked_tenant) { /* runs of one tenant are the rule */
            b->asked_tenant = s->tenant_id;
            b->newest = has_newest(b, s->tenant_id, revisions);
        }
        story_go_on(s, kept, tenants_find(b->parts.tenants, s->tenant_id), b->newest, b->arena);
    } else {
        s->kept_seq = kept->seq;
        s->fate = STORY_LEDGER;
    }
}

static void on_read(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                    const PostgresProblem *problem) {
    KeepBatch *b = arg;
    if (b->freed) return;
    if (outcome != POSTGRES_COMMITTED) {
        try_later(b, problem->state[0] ? problem->text : NULL);
        return;
    }
    b->retry_ms = 0;
    const PostgresRows *states = results[2], *revisions = results[3];
    look_at_partitions(b, results[1]);
    b->asked_tenant = 0;
    for (size_t row = 0; row < rows_count(states); row++)
        begin(b, b->stories[rows_int(states, row, 0)],
              &(Kept){.seq = (int32_t)rows_int(states, row, 1),
                      .revision = rows_int(states, row, 2),
                      .sheet = rows_str(states, row, 3),
                      .life = rows_str(states, row, 4)},
              revisions);
    for (size_t i = 0; i < count(b); i++)
        if (b->stories[i]->fate == STORY_UNREAD) begin(b, b->stories[i], &(Kept){0}, revisions);
    stage_ledger(b);
}

static void stage_read(KeepBatch *b) {
    b->stage = STAGE_READ;
    reset_stories(b);
    windows_clear(b->windows);
    const Story *const *all = (const Story *const *)b->stories;
    keeping_tenants_params(&b->params[0], all, count(b));
    keeping_states_params(&b->params[1], all, count(b));
    run(b, POSTGRES_READ_ONLY,
        (PostgresQuery[]){{&keeping_tenants_statement, &b->params[0]},
                          {&keeping_partitions_statement, NULL}, /* before what hangs on them */
                          {&keeping_states_statement, &b->params[1]},
                          {&keeping_revisions_statement, &b->params[0]}},
        4, on_read);
}

/* ---- The ledger ---- */

static void on_histories(void *arg, HistoriesOutcome outcome, const char *problem) {
    KeepBatch *b = arg;
    if (b->freed) return;
    if (outcome != HISTORIES_DONE) {
        try_later(b, problem);
        return;
    }
    b->retry_ms = 0;
    for (size_t i = 0; i < b->asked_n; i++) {
        Story *s = b->telling[i].story;
        History *h = &b->asked[i];
        bool told = h->fate == HISTORY_TOLD && s->told == 0;
        s->record.life = TAKE(h->life);
        s->fate = told ? STORY_TOLD : STORY_GONE;
        if (told && s->record.sheet->seq < s->kept_seq) s->fate = STORY_GONE;
        if (told || h->fate == HISTORY_NO_TICKET) continue;
        metric_add(b->broken, 1);
        log_error(ABOUT(s->tenant_id, s->ticket_id), "it has no figures: %s",
                  h->problem ? h->problem : "its ledger cannot be told");
    }
    metric_add(b->rebuilt, (double)b->asked_n);
    stage_ledger(b);
}

static void stage_ledger(KeepBatch *b) {
    b->stage = STAGE_LEDGER;
    b->asked_n = 0;
    for (size_t i = 0; i < count(b); i++)
        b->asked_n += b->stories[i]->fate == STORY_LEDGER;
    if (b->asked_n == 0) {
        stage_write(b);
        return;
    }
    if (b->asked_n > HISTORIES_TICKETS_MAX) b->asked_n = HISTORIES_TICKETS_MAX;
    b->asked = arena_alloc(b->arena, b->asked_n * sizeof(*b->asked));
    b->telling = arena_alloc(b->arena, b->asked_n * sizeof(*b->telling));
    for (size_t i = 0, k = 0; k < b->asked_n; i++) {
        Story *s = b->stories[i];
        if (s->fate != STORY_LEDGER) continue;
        record_done(&s->record);
        s->tallies_n = 0;
        b->telling[k] = (StoryTold){s, b->arena};
        b->asked[k] = (History){.tenant_id = s->tenant_id,
                                .ticket_id = s->ticket_id,
                                .upto_ms = NEVER,
                                .row = story_follow,
                                .row_arg = &b->telling[k]};
        k++;
    }
    histories_lives(b->parts.histories, b->asked, b->asked_n, on_histories, b);
}

/* ---- Keeping ---- */

static void finish(void *arg) {
    KeepBatch *b = arg;
    if (b->freed) return;
    b->stage = STAGE_IDLE;
    metric_observe(b->seconds, (double)(clock_monotonic_us() - b->since_us) / 1e6);
    b->done(b->arg);
}

static bool was_held(const PostgresRows *held, int32_t partition) {
    for (size_t row = 0; row < rows_count(held); row++)
        if (rows_int(held, row, 0) == partition) return true;
    return false;
}

/* Those of the partitions that were held; true: these are all. */
static bool tell_what_is_kept(KeepBatch *b, const PostgresRows *held) {
    KeptPartition changed[SHARES_MAX_PARTITIONS];
    size_t changed_n = 0, n = 0;
    bool all = true;
    for (size_t i = 0; i < b->partitions_n; i++) {
        KeptPartition *p = &b->partitions[i];
        if (!was_held(held, p->partition)) continue;
        p->change++;
        changed[changed_n++] = *p;
    }
    for (size_t i = 0; i < b->some_n; i++)
        if (was_held(held, b->some[i]->partition))
            b->some[n++] = b->some[i];
        else
            all = false;
    metric_add(b->tickets_kept, (double)n);
    if (b->parts.kept) b->parts.kept(b->parts.arg, changed, changed_n, b->some, n);
    return all;
}

static void on_written(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                       const PostgresProblem *problem) {
    KeepBatch *b = arg;
    if (b->freed) return;
    if (outcome != POSTGRES_COMMITTED) {
        if (outcome == POSTGRES_REFUSED) metric_add(b->broken, 1);
        try_later(b, problem->state[0] ? problem->text : NULL);
        return;
    }
    b->retry_ms = 0;
    CRASH_POINT("after-keep");
    if (tell_what_is_kept(b, results[1]))
        finish(b);
    else
        stage_read(b); /* what was kept is old then, and what is lost is seen */
}

/* Partitions in which something is to be kept come first. */
static size_t partitions_to_write(KeepBatch *b) {
    size_t n = 0;
    assert(b->partitions);
    for (size_t i = 0; i < b->some_n; i++) {
        KeptPartition *p = partition_of(b, b->some[i]->partition);
        if (p < &b->partitions[n]) continue;
        KeptPartition first = b->partitions[n];
        b->partitions[n++] = *p;
        *p = first;
    }
    return n;
}

static void stage_write(KeepBatch *b) {
    b->stage = STAGE_WRITE;
    b->some_n = 0;
    for (size_t i = 0; i < count(b); i++) {
        Story *s = b->stories[i];
        if (s->fate != STORY_TOLD) continue;
        b->some[b->some_n++] = s;
        for (size_t k = 0; k < s->tallies_n; k++)
            windows_add(b->windows, s->tenant_id, s->partition, &s->tallies[k]);
    }
    if (b->some_n == 0) {
        loop_defer(b->parts.loop, finish, b);
        return;
    }
    size_t n = partitions_to_write(b);
    for (size_t i = 0; i < n && b->kind == KEEP_EVENTS; i++)
        b->partitions[i].next_offset =
            b->parts.next_offset(b->parts.arg, b->partitions[i].partition);
    CRASH_POINT("before-keep");
    keeping_tenants_params(&b->params[0], b->some, b->some_n);
    keeping_write_params(&b->params[2], b->some, b->some_n, b->windows, b->partitions, n);
    run(b, 0,
        (PostgresQuery[]){{&keeping_tenants_statement, &b->params[0]},
                          {&keeping_write_statement, &b->params[2]}},
        2, on_written);
}

/* ---- Life ---- */

void keep_batch_run(KeepBatch *b, KeepKind kind, LoopCallback done, void *arg) {
    assert(b->stage == STAGE_IDLE);
    bool seen[SHARES_MAX_PARTITIONS] = {false};
    b->kind = kind;
    b->done = done;
    b->arg = arg;
    b->retry_ms = 0;
    b->since_us = clock_monotonic_us();
    memset(b->lost, 0, sizeof(b->lost));
    metric_observe(b->size, (double)count(b));
    b->partitions = arena_alloc(b->arena, SHARES_MAX_PARTITIONS * sizeof(*b->partitions));
    b->partitions_n = 0;
    for (size_t i = 0; i < count(b); i++) {
        int32_t p = b->stories[i]->partition;
        if (seen[p]) continue;
        seen[p] = true;
        b->partitions[b->partitions_n++] =
            (KeptPartition){.partition = p, .epoch = shares_epoch(b->parts.shares, p)};
    }
    b->stage = STAGE_READ;
    if (count(b))
        loop_timer_arm(b->retry, 0); /* nothing comes back inside this call */
    else
        loop_defer(b->parts.loop, finish, b);
}

KeepBatch *keep_batch_new(const KeepBatchParts *parts) {
    static const double sizes[] = {1, 3, 10, 30, 100, 300, 1000, 3000, 10000};
    KeepBatch *b = xcalloc(1, sizeof(*b));
    b->parts = *parts;
    b->arena = arena_new(256 << 10);
    b->tickets = followed_tickets_new();
    b->windows = windows_new();
    b->retry = loop_timer_new(parts->loop, on_retry, b);
    b->retries = metric_counter("docket_analytics_retries_total",
                                "Batches that had to be tried again", NULL);
    b->rebuilt =
        metric_counter("docket_analytics_rebuilt_total",
                       "Tickets told anew from the ledger: gaps, new documents, found", NULL);
    b->fenced = metric_counter("docket_analytics_fenced_total",
                               "Partitions found to be somebody else's before a write", NULL);
    b->broken = metric_counter("docket_analytics_broken_total",
                               "Tickets that could not be told or kept: needs a look", NULL);
    b->tickets_kept =
        metric_counter("docket_analytics_kept_total", "Rows of figures written", NULL);
    b->size = metric_histogram("docket_analytics_batch_tickets", "Tickets of a batch", NULL, sizes,
                               sizeof(sizes) / sizeof(*sizes));
    b->seconds =
        metric_histogram("docket_analytics_batch_seconds", "From taking a batch to its end", NULL,
                         metric_latency_s, METRIC_LATENCY_BUCKETS);
    return b;
}

static void free_memory(void *p) {
    KeepBatch *b = p;
    reset_stories(b);
    for (int i = 0; i < PARAMS; i++)
        params_done(&b->params[i]);
    free(b->stories);
    free((void *)b->some);
    followed_tickets_free(b->tickets);
    windows_free(b->windows);
    arena_free(b->arena);
    free(b);
}

KeepBatch *keep_batch_free(KeepBatch *b) {
    if (!b) return NULL;
    b->freed = true;
    loop_timer_free(b->retry);
    loop_free_later(b->parts.loop, b, free_memory);
    return NULL;
}

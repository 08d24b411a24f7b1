/* Stages, each ending by calling the next; what failed is asked again by a timer. */
#include "sla/batch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "following/tickets.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "sla/recent.h"
#include "sla/statements.h"
#include "sla/telling.h"

enum { RETRY_FIRST_MS = 50, RETRY_LAST_MS = 2000, STUCK_MS = 1000, PARAMS = 5 };

typedef enum Stage { STAGE_IDLE, STAGE_READ, STAGE_LEDGER, STAGE_SIGNALS, STAGE_WRITE } Stage;

struct Batch {
    BatchParts parts;
    BatchKind kind;
    Stage stage;
    bool reread; /* some row was newer than thought: all of them are read */
    Arena *arena;
    FollowedTickets *tickets; /* their places in `stories` */
    Story **stories;
    size_t n, room;
    Story **some; /* of the query that runs */
    size_t some_n;
    History *asked;
    size_t asked_n;
    Share *shares; /* of this batch */
    size_t shares_n;
    uint64_t lost[SHARES_MAX_PARTITIONS / 64];
    Params params[PARAMS];
    Recent *recent;
    Buf scratch;
    Publication *publication;
    Telling *telling;
    LoopTimer *retry;
    int64_t retry_ms;
    int64_t now_ms; /* as the batch judges */
    LoopCallback done;
    void *arg;
    bool freed;
    Metric *retries, *rebuilt, *fenced, *broken, *size, *seconds, *read, *remembered;
    int64_t since_us;
};

static void stage_read(Batch *b);
static void stage_ledger(Batch *b);
static void stage_signals(Batch *b);
static void stage_write(Batch *b);

/* ---- Its tickets ---- */

static void grow(Batch *b) {
    b->room = b->room ? b->room * 2 : 256;
    b->stories = xrealloc(b->stories, b->room * sizeof(*b->stories));
    b->some = xrealloc(b->some, b->room * sizeof(*b->some));
}

Story *batch_story(Batch *b, int64_t tenant_id, int64_t ticket_id, int32_t partition) {
    bool fresh;
    size_t place = followed_tickets_place(b->tickets, tenant_id, ticket_id, &fresh);
    if (!fresh) return b->stories[place];
    if (b->n == b->room) grow(b);
    Story *s = arena_zalloc(b->arena, sizeof(*s));
    *s = (Story){.tenant_id = tenant_id, .ticket_id = ticket_id, .partition = partition};
    TicketClock clock;
    if (clocks_get(b->parts.clocks, tenant_id, ticket_id, &clock)) s->known_seq = clock.seq;
    b->stories[b->n++] = s;
    return s;
}

size_t batch_size(const Batch *b) {
    return b->n;
}

Arena *batch_arena(Batch *b) {
    return b->arena;
}

bool batch_running(const Batch *b) {
    return b->stage != STAGE_IDLE;
}

bool batch_waiting(const Batch *b) {
    return b->stage != STAGE_IDLE && b->retry_ms && loop_timer_armed(b->retry);
}

bool batch_lost(const Batch *b, int32_t partition) {
    return partition >= 0 && partition < SHARES_MAX_PARTITIONS &&
           b->lost[partition / 64] >> (partition % 64) & 1;
}

static void forget_lives(Batch *b) {
    for (size_t i = 0; i < b->n; i++)
        b->stories[i]->life = ticket_life_free(b->stories[i]->life);
}

void batch_clear(Batch *b) {
    assert(b->stage == STAGE_IDLE);
    forget_lives(b);
    b->n = 0;
    followed_tickets_clear(b->tickets);
    memset(b->lost, 0, sizeof(b->lost));
    publication_clear(b->publication);
    arena_reset(b->arena);
}

/* ---- Trying again ---- */

static void try_later(Batch *b, const char *problem) {
    b->retry_ms = b->retry_ms ? b->retry_ms * 2 : RETRY_FIRST_MS;
    if (b->retry_ms > RETRY_LAST_MS) b->retry_ms = RETRY_LAST_MS;
    metric_add(b->retries, 1);
    if (problem && *problem) log_warn(NULL, "will be tried again: %s", problem);
    loop_timer_arm(b->retry, b->retry_ms);
}

static void on_retry(void *arg) {
    Batch *b = arg;
    switch (b->stage) {
    case STAGE_READ:
        stage_read(b);
        break;
    case STAGE_LEDGER:
        stage_ledger(b);
        break;
    case STAGE_WRITE:
        stage_write(b);
        break;
    case STAGE_SIGNALS: /* sees to it itself */
    case STAGE_IDLE:
        break;
    }
}

void batch_wake(Batch *b) {
    if (loop_timer_armed(b->retry)) loop_timer_arm(b->retry, 0);
}

static void run(Batch *b, unsigned flags, const PostgresQuery *queries, size_t n,
                PostgresDone done) {
    if (connection_run(b->parts.postgres, flags, queries, n, done, b) < 0) try_later(b, NULL);
}

/* ---- Reading ---- */

static const JudgedTenant *tenant_of(const Batch *b, const Story *s) {
    return tenants_find(b->parts.tenants, s->tenant_id);
}

static void lose(Batch *b, int32_t partition) {
    if (batch_lost(b, partition)) return;
    b->lost[partition / 64] |= UINT64_C(1) << (partition % 64);
    metric_add(b->fenced, 1);
    log_warn(NULL, "partition %d of the events is somebody else's by now", (int)partition);
    shares_lost(b->parts.shares, partition);
}

/* Those of our partitions that the rows do not name belong to somebody else. */
static void look_for_lost(Batch *b, const PostgresRows *held) {
    for (size_t i = 0; i < b->shares_n; i++) {
        bool ours = false;
        for (size_t row = 0; row < rows_count(held) && !ours; row++)
            ours = rows_int(held, row, 0) == b->shares[i].partition;
        if (!ours) lose(b, b->shares[i].partition);
    }
    for (size_t i = 0; i < b->n; i++) {
        Story *s = b->stories[i];
        if (!batch_lost(b, s->partition)) continue;
        s->life = ticket_life_free(s->life);
        s->fate = STORY_OLD;
    }
}

static void tell_newer(Batch *b, const PostgresRows *rows) {
    for (size_t row = 0; row < rows_count(rows); row++) {
        Story *s = b->some[rows_int(rows, row, 0)];
        LedgerRow ledger = sla_ledger_row(rows, row);
        Event *event = arena_alloc(b->arena, sizeof(*event));
        if (event_of_row(&ledger, b->arena, event) == 0)
            followed_rows_add(&s->rows, event, b->arena);
    }
}

/* Documents may be in force that have not been heard of here: then only the ledger can tell. */
static void ask_the_ledger(Batch *b, const PostgresRows *revisions) {
    for (size_t row = 0; row < rows_count(revisions); row++) {
        const JudgedTenant *t = tenants_find(b->parts.tenants, rows_int(revisions, row, 0));
        if (t && catalog_revision(t->catalog) >= rows_int(revisions, row, 1)) continue;
        for (size_t i = 0; i < b->n; i++) {
            Story *s = b->stories[i];
            if (s->tenant_id != rows_int(revisions, row, 0) || !s->life) continue;
            s->life = ticket_life_free(s->life);
            s->fate = STORY_LEDGER;
        }
    }
}

static void on_read(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                    const PostgresProblem *problem) {
    Batch *b = arg;
    if (b->freed) return;
    if (outcome != POSTGRES_COMMITTED) {
        try_later(b, problem->state[0] ? problem->text : NULL);
        return;
    }
    b->retry_ms = 0;
    if (b->kind == BATCH_DUE) {
        tell_newer(b, results[2]);
        look_for_lost(b, results[3]);
        int64_t theirs = b->parts.test_clock ? NEVER : rows_time_ms(results[5], 0, 0);
        b->now_ms = clock_wall_ms();
        if (theirs < b->now_ms) b->now_ms = theirs;
    }
    for (size_t i = 0; i < b->some_n; i++) /* until it is found */
        if (b->some[i]->fate == STORY_UNREAD)
            (b->some[i])->fate =
                b->some[i]->rows || b->kind == BATCH_FOUND ? STORY_LEDGER : STORY_GONE;
    const PostgresRows *states = results[1];
    for (size_t row = 0; row < rows_count(states); row++) {
        Story *s = b->some[rows_int(states, row, 0)];
        if (batch_lost(b, s->partition)) continue;
        story_go_on(s,
                    &(Kept){.seq = (int32_t)rows_int(states, row, 1),
                            .revision = rows_int(states, row, 3),
                            .over = rows_null(states, row, 2),
                            .state = rows_str(states, row, 2)},
                    tenant_of(b, s));
    }
    if (b->kind == BATCH_DUE) ask_the_ledger(b, results[4]);
    stage_ledger(b);
}

/* Without asking PostgreSQL: it begins with these rows, or was kept a moment ago. */
static bool begin_from_memory(Batch *b, Story *s) {
    Kept kept;
    if (b->kind != BATCH_EVENTS || b->reread) return false;
    if (story_is_new(s)) {
        story_begin(s, tenant_of(b, s));
        return true;
    }
    if (!s->known_seq ||
        !recent_get(b->recent, s->tenant_id, s->ticket_id,
                    shares_epoch(b->parts.shares, s->partition), s->known_seq, &kept))
        return false;
    story_go_on(s, &kept, tenant_of(b, s));
    metric_add(b->remembered, 1);
    return true;
}

static void stage_read(Batch *b) {
    b->stage = STAGE_READ;
    b->some_n = 0;
    for (size_t i = 0; i < b->n; i++) {
        Story *s = b->stories[i];
        s->life = ticket_life_free(s->life);
        s->fate = STORY_UNREAD;
        if (!begin_from_memory(b, s)) b->some[b->some_n++] = s;
    }
    if (b->some_n == 0) {
        stage_ledger(b);
        return;
    }
    metric_add(b->read, (double)b->some_n);
    const Story *const *some = (const Story *const *)b->some;
    PostgresQuery queries[6] = {{&sla_tenants_statement, &b->params[0]},
                                {&sla_states_statement, &b->params[1]}};
    size_t n = 2;
    sla_tenants_params(&b->params[0], some, b->some_n);
    sla_states_params(&b->params[1], some, b->some_n);
    if (b->kind == BATCH_DUE) {
        sla_newer_params(&b->params[2], some, b->some_n);
        queries[n++] = (PostgresQuery){&sla_newer_statement, &b->params[2]};
        sla_hold_params(&b->params[3], b->shares, b->shares_n);
        queries[n++] = (PostgresQuery){&sla_look_statement, &b->params[3]};
        queries[n++] = (PostgresQuery){&sla_revisions_statement, &b->params[0]};
        if (!b->parts.test_clock) queries[n++] = (PostgresQuery){&sla_clock_statement, NULL};
    }
    run(b, POSTGRES_READ_ONLY, queries, n, on_read);
}

/* ---- The ledger ---- */

static void on_histories(void *arg, HistoriesOutcome outcome, const char *problem) {
    Batch *b = arg;
    if (b->freed) return;
    if (outcome != HISTORIES_DONE) {
        try_later(b, problem);
        return;
    }
    b->retry_ms = 0;
    for (size_t i = 0; i < b->asked_n; i++) {
        Story *s = b->some[i];
        History *h = &b->asked[i];
        s->life = TAKE(h->life);
        s->fate = h->fate == HISTORY_TOLD ? STORY_TOLD : STORY_GONE;
        if (h->fate != HISTORY_BROKEN) continue;
        metric_add(b->broken, 1);
        log_error(ABOUT(s->tenant_id, s->ticket_id), "its promises cannot be kept: %s", h->problem);
    }
    metric_add(b->rebuilt, (double)b->asked_n);
    stage_ledger(b);
}

static void stage_ledger(Batch *b) {
    b->stage = STAGE_LEDGER;
    b->some_n = 0;
    for (size_t i = 0; i < b->n && b->some_n < HISTORIES_TICKETS_MAX; i++)
        if (b->stories[i]->fate == STORY_LEDGER) b->some[b->some_n++] = b->stories[i];
    if (b->some_n == 0) {
        stage_signals(b);
        return;
    }
    b->asked_n = b->some_n;
    b->asked = arena_alloc(b->arena, b->asked_n * sizeof(*b->asked));
    for (size_t i = 0; i < b->asked_n; i++)
        b->asked[i] = (History){.tenant_id = b->some[i]->tenant_id,
                                .ticket_id = b->some[i]->ticket_id,
                                .upto_ms = NEVER};
    histories_lives(b->parts.histories, b->asked, b->asked_n, on_histories, b);
}

/* ---- Signals ---- */

static void judge(Batch *b, Story *s) {
    ticket_life_judge(s->life, b->now_ms);
    s->moments_n = ticket_life_due(s->life, b->arena, &s->moments);
    telling_add(b->telling, b->publication, s, b->now_ms, b->arena);
}

static void on_reports(void *arg) {
    Batch *b = arg;
    if (b->freed) return;
    if (publication_size(b->publication)) CRASH_POINT("after-report");
    for (size_t i = 0; i < b->n; i++) {
        Story *s = b->stories[i];
        for (size_t k = 0; k < s->moments_n; k++) {
            telling_told(b->telling, s, &s->moments[k]);
            ticket_life_mark(s->life, &s->moments[k]);
        }
    }
    stage_write(b);
}

static void stage_signals(Batch *b) {
    b->stage = STAGE_SIGNALS;
    if (b->kind != BATCH_DUE) {
        stage_write(b);
        return;
    }
    for (size_t i = 0; i < b->n; i++) {
        Story *s = b->stories[i];
        if (s->fate == STORY_OLD && s->life) s->fate = STORY_TOLD; /* judged, that is news enough */
        if (s->fate == STORY_TOLD) judge(b, s);
    }
    if (publication_size(b->publication)) CRASH_POINT("before-signal");
    publication_start(b->publication, on_reports, b);
    if (publication_size(b->publication)) CRASH_POINT("after-signal");
}

/* ---- Writing ---- */

static void finish(void *arg) {
    Batch *b = arg;
    if (b->freed) return;
    b->stage = STAGE_IDLE;
    metric_observe(b->seconds, (double)(clock_monotonic_us() - b->since_us) / 1e6);
    b->done(b->arg);
}

static void keep_in_mind(Batch *b) {
    int64_t now = clock_wall_ms();
    for (size_t i = 0; i < b->n; i++) {
        Story *s = b->stories[i];
        if (batch_lost(b, s->partition) || s->fate == STORY_GONE ||
            (s->fate == STORY_TOLD && ticket_life_over(s->life))) {
            clocks_drop(b->parts.clocks, s->tenant_id, s->ticket_id);
            recent_drop(b->recent, s->tenant_id, s->ticket_id);
            continue;
        }
        if (s->fate == STORY_TOLD)
            recent_put(b->recent, s->tenant_id, s->ticket_id,
                       shares_epoch(b->parts.shares, s->partition), &s->kept);
        else if (s->known_seq || !s->life)
            continue;
        int64_t next = ticket_life_next_ms(s->life);
        if (b->kind == BATCH_DUE && next <= now) {
            /* PostgreSQL's clock is behind ours: by that much we wait. And nothing may make us ask
             * the same again at once. */
            next += now - b->now_ms;
            if (next <= now) next = now + (s->moments_n ? 1 : STUCK_MS);
        }
        (void)clocks_put(b->parts.clocks,
                         &(TicketClock){.tenant_id = s->tenant_id,
                                        .ticket_id = s->ticket_id,
                                        .seq = ticket_life_seq(s->life),
                                        .partition = (uint16_t)s->partition,
                                        .priority = (uint8_t)ticket_life_priority(s->life),
                                        .next_ms = next});
    }
}

static void on_written(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                       const PostgresProblem *problem) {
    Batch *b = arg;
    if (b->freed) return;
    if (outcome != POSTGRES_COMMITTED) {
        if (outcome == POSTGRES_REFUSED) metric_add(b->broken, 1);
        try_later(b, problem->state[0] ? problem->text : NULL);
        return;
    }
    b->retry_ms = 0;
    if (b->kind == BATCH_DUE) CRASH_POINT("after-state");
    look_for_lost(b, results[1]);
    int64_t expected = 0;
    for (size_t i = 0; i < b->some_n; i++)
        expected += !batch_lost(b, b->some[i]->partition);
    if (rows_affected(results[2]) < expected && !b->reread && b->kind != BATCH_DUE) {
        b->reread = true;
        stage_read(b);
        return;
    }
    keep_in_mind(b);
    finish(b);
}

static void stage_write(Batch *b) {
    b->stage = STAGE_WRITE;
    b->some_n = 0;
    for (size_t i = 0; i < b->n; i++) {
        Story *s = b->stories[i];
        if (s->fate != STORY_TOLD) continue;
        story_settle(s, &b->scratch, b->arena);
        b->some[b->some_n++] = s;
    }
    if (b->some_n == 0) {
        keep_in_mind(b);
        loop_defer(b->parts.loop, finish, b);
        return;
    }
    const Story *const *some = (const Story *const *)b->some;
    sla_tenants_params(&b->params[0], some, b->some_n);
    sla_hold_params(&b->params[1], b->shares, b->shares_n);
    sla_write_params(&b->params[2], some, b->some_n, b->shares, b->shares_n);
    run(b, 0,
        (PostgresQuery[]){{&sla_tenants_statement, &b->params[0]},
                          {&sla_hold_statement, &b->params[1]},
                          {&sla_write_statement, &b->params[2]}},
        3, on_written);
}

/* ---- Life ---- */

void batch_run(Batch *b, BatchKind kind, LoopCallback done, void *arg) {
    assert(b->stage == STAGE_IDLE);
    bool seen[SHARES_MAX_PARTITIONS] = {false};
    b->kind = kind;
    b->done = done;
    b->arg = arg;
    b->reread = false;
    b->retry_ms = 0;
    b->since_us = clock_monotonic_us();
    metric_observe(b->size, (double)b->n);
    b->shares = arena_alloc(b->arena, SHARES_MAX_PARTITIONS * sizeof(*b->shares));
    b->shares_n = 0;
    for (size_t i = 0; i < b->n; i++) {
        int32_t p = b->stories[i]->partition;
        if (p < 0 || p >= SHARES_MAX_PARTITIONS || seen[p]) continue;
        seen[p] = true;
        b->shares[b->shares_n++] = (Share){p, shares_epoch(b->parts.shares, p)};
    }
    b->stage = STAGE_READ;
    loop_timer_arm(b->retry, 0); /* nothing comes back inside this call */
}

Batch *batch_new(const BatchParts *parts) {
    static const double sizes[] = {1, 3, 10, 30, 100, 300, 1000, 3000, 10000};
    Batch *b = xcalloc(1, sizeof(*b));
    b->parts = *parts;
    b->arena = arena_new(256 * 1024);
    b->tickets = followed_tickets_new();
    b->recent = recent_new();
    b->publication = publication_new(parts->publisher);
    b->telling = telling_new(parts->topic_signals, parts->late_ms);
    b->retry = loop_timer_new(parts->loop, on_retry, b);
    b->retries = metric_counter("docket_sla_retries_total",
                                "Stages of a batch that had to be tried again", NULL);
    b->rebuilt =
        metric_counter("docket_sla_rebuilt_total",
                       "Lives told anew from the ledger: gaps, new documents, lost states", NULL);
    b->fenced = metric_counter("docket_sla_fenced_total",
                               "Partitions found to be somebody else's before a write", NULL);
    b->broken = metric_counter("docket_sla_broken_total",
                               "Lives that could not be told or kept: needs a look", NULL);
    b->read = metric_counter("docket_sla_states_read_total",
                             "Tickets of batches whose state was asked of PostgreSQL", NULL);
    b->remembered = metric_counter("docket_sla_states_remembered_total",
                                   "Tickets of batches whose state was still in memory", NULL);
    b->size = metric_histogram("docket_sla_batch_tickets", "Tickets of a batch", NULL, sizes,
                               sizeof(sizes) / sizeof(*sizes));
    b->seconds = metric_histogram("docket_sla_batch_seconds", "From taking a batch to its end",
                                  NULL, metric_latency_s, METRIC_LATENCY_BUCKETS);
    return b;
}

static void free_memory(void *p) {
    Batch *b = p;
    forget_lives(b);
    for (int i = 0; i < PARAMS; i++)
        params_done(&b->params[i]);
    free(b->stories);
    free(b->some);
    followed_tickets_free(b->tickets);
    recent_free(b->recent);
    buf_done(&b->scratch);
    telling_free(b->telling);
    arena_free(b->arena);
    free(b);
}

Batch *batch_free(Batch *b) {
    if (!b) return NULL;
    b->freed = true;
    publication_free(b->publication);
    loop_timer_free(b->retry);
    loop_free_later(b->parts.loop, b, free_memory);
    return NULL;
}

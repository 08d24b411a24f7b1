/* The queue of edits, and the Stores that work on it: each takes a batch, or deletes what was
 * published, or sweeps what somebody left. */
#include "desk/tickets/changes.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/crash.h"
#include "desk/tickets/gathering.h"
#include "desk/tickets/outgoing.h"
#include "log/log.h"
#include "metrics/metrics.h"

enum {
    RETRY_MS = 50,
    SWEEP_EVERY_MS = 1000,
    SWEEP_PAGE = 200,
    SWEEP_AGE_MS = 2000,
    LOOK_MAX = 512, /* edits looked at for one batch */
};

struct ChangesWait {
    Changes *changes;
    ChangesWait *next;
    Arena *arena;
    TicketEdit edit;
    ChangesDone done; /* NULL: forgotten */
    void *arg;
    int64_t since_ms;
    size_t bytes;
};

typedef struct Slot { /* one Store and what it is at */
    Changes *changes;
    Store *store;
    GatheringStep step;
    Arena *arena;
    LoopTimer *retry;
    ChangesWait *waits[CHANGES_BATCH];
    TicketEdit edits[CHANGES_BATCH];
    size_t n, at, window; /* edits: answered up to `at`, asking for `window` */
    int64_t tried_ms;
    OutboxRow rows[GATHERING_DELETES];
    size_t rows_n;
} Slot;

struct Changes {
    ChangesParts parts;
    Slot *slots;
    size_t running;
    ChangesWait *first, **last;
    size_t waiting, bytes;
    bool woken, dead, ending, sweep_due, sweeping;
    Outgoing *outgoing;
    LoopTimer *tick;
    Metric *fates[CHANGE_WORN_OUT + 1], *refused, *away, *full, *waiting_now, *batch_size, *seconds,
        *swept;
};

static void wake(Changes *c);

/* ---- A life's end: when the last Store has called back ---- */

static void destroy(void *p) {
    Changes *c = p;
    for (size_t i = 0; i < c->parts.stores_n; i++) {
        loop_timer_free(c->slots[i].retry);
        arena_free(c->slots[i].arena);
    }
    free(c->slots);
    free(c);
}

static void end_if_last(Changes *c) {
    if (!c->dead || c->ending || c->running || c->woken) return;
    c->ending = true;
    loop_free_later(c->parts.loop, c, destroy);
}

/* The Store is free again. */
static void slot_end(Slot *s) {
    Changes *c = s->changes;
    s->step = GATHERING_NOTHING;
    c->running--;
    if (c->dead)
        end_if_last(c);
    else
        wake(c);
}

/* ---- Answering ---- */

static void wait_free(ChangesWait *w) {
    w->changes->bytes -= w->bytes;
    arena_free(w->arena);
    free(w);
}

static void answer(ChangesWait *w, ChangesOutcome outcome, const TicketEdit *edit,
                   const char *problem) {
    Changes *c = w->changes;
    if (outcome == CHANGES_STORED) metric_add(c->fates[edit->fate], 1);
    if (outcome == CHANGES_REFUSED) metric_add(c->refused, 1);
    if (outcome == CHANGES_AWAY) metric_add(c->away, 1);
    metric_observe(c->seconds, (double)(clock_monotonic_ms() - w->since_ms) / 1000);
    if (w->done) w->done(w->arg, outcome, edit, problem);
    wait_free(w);
}

/* ---- Storing a batch ---- */

static void store_window(Slot *s);

static void on_retry(void *arg) {
    store_window(arg);
}

static void give_up(Slot *s, const char *problem) {
    for (; s->at < s->n; s->at++)
        answer(s->waits[s->at], CHANGES_AWAY, &s->edits[s->at], problem);
    slot_end(s);
}

/* The arena with what lies in the outbox goes over to those who publish it. */
static void publish(Slot *s, size_t from, size_t n) {
    size_t all = 0;
    for (size_t i = from; i < from + n; i++)
        all += s->edits[i].outbox_n;
    OutboxRow *rows = arena_alloc(s->arena, (all + 1) * sizeof(*rows));
    size_t k = 0;
    for (size_t i = from; i < from + n; i++)
        for (size_t m = 0; m < s->edits[i].outbox_n; m++)
            rows[k++] = s->edits[i].outbox[m];
    outgoing_send(s->changes->outgoing, rows, all, TAKE(s->arena));
    s->arena = arena_new(0);
}

static void answer_window(Slot *s, ChangesOutcome outcome, const char *problem) {
    size_t from = s->at, n = s->window;
    s->at += n;
    if (outcome != CHANGES_STORED) {
        for (size_t i = from; i < from + n; i++)
            answer(s->waits[i], outcome, &s->edits[i], problem);
        return;
    }
    CRASH_POINT("after-commit");
    for (size_t i = from; i < from + n; i++)
        answer(s->waits[i], outcome, &s->edits[i], NULL);
    if (!s->changes->dead) publish(s, from, n);
}

static void on_stored(void *arg, StoreOutcome outcome, const char *problem) {
    Slot *s = arg;
    switch (gathering_after(outcome, s->window, clock_monotonic_ms() - s->tried_ms)) {
    case GATHERING_ANSWER:
        answer_window(s, CHANGES_STORED, NULL);
        break;
    case GATHERING_ONE_BY_ONE:
        s->window = 1;
        store_window(s);
        return;
    case GATHERING_REFUSE:
        log_error(ABOUT(s->edits[s->at].tenant_id, s->edits[s->at].ticket_id),
                  "PostgreSQL refuses a change: %s", problem ? problem : "?");
        answer_window(s, CHANGES_REFUSED, problem);
        break;
    case GATHERING_AGAIN:
        if (s->changes->dead)
            give_up(s, "the desk ends");
        else
            loop_timer_arm(s->retry, RETRY_MS);
        return;
    case GATHERING_GIVE_UP:
        log_warn(NULL, "PostgreSQL did not take %zu changes: %s", s->n - s->at,
                 problem ? problem : "?");
        give_up(s, problem);
        return;
    }
    if (s->at == s->n) {
        slot_end(s);
    } else if (s->changes->dead) {
        give_up(s, "the desk ends");
    } else {
        s->tried_ms = clock_monotonic_ms();
        store_window(s);
    }
}

static void store_window(Slot *s) {
    store_edit_tickets(s->store, s->edits + s->at, s->window, s->arena, on_stored, s);
}

static bool is_in_batch(const Slot *s, const ChangesWait *w) {
    for (size_t i = 0; i < s->n; i++)
        if (s->edits[i].ticket_id == w->edit.ticket_id &&
            s->edits[i].tenant_id == w->edit.tenant_id)
            return true;
    return false;
}

static void begin_batch(Slot *s) {
    Changes *c = s->changes;
    int64_t now = clock_monotonic_ms();
    size_t looked = 0;
    s->n = s->at = 0;
    for (ChangesWait **link = &c->first; *link && s->n < CHANGES_BATCH && looked < LOOK_MAX;) {
        ChangesWait *w = *link;
        looked++;
        if (is_in_batch(s, w)) { /* only one of them can win: the next batch tells the other */
            link = &w->next;
            continue;
        }
        *link = w->next;
        if (!*link) c->last = link;
        c->waiting--;
        if (now - w->since_ms > GATHERING_QUEUED_MS) {
            answer(w, CHANGES_AWAY, &w->edit, "it has waited for too long");
            continue;
        }
        s->waits[s->n] = w;
        s->edits[s->n++] = w->edit;
    }
    metric_set(c->waiting_now, (double)c->waiting);
    if (s->n == 0) {
        slot_end(s);
        return;
    }
    metric_observe(c->batch_size, (double)s->n);
    s->window = s->n;
    s->tried_ms = now;
    store_window(s);
}

/* ---- Deleting, sweeping ---- */

static void on_deleted(void *arg, StoreOutcome outcome, const char *problem) {
    (void)outcome, (void)problem; /* what stays is swept, and known to consumers by its seq */
    Slot *s = arg;
    CRASH_POINT("after-outbox-delete");
    slot_end(s);
}

static void on_taken(void *arg, StoreOutcome outcome, const char *problem) {
    (void)problem;
    Slot *s = arg;
    Changes *c = s->changes;
    c->sweeping = false;
    if (!c->dead && outcome == STORE_DONE && s->rows_n) {
        metric_add(c->swept, (double)s->rows_n);
        OutboxRow *rows = arena_alloc(s->arena, s->rows_n * sizeof(*rows));
        memcpy(rows, s->rows, s->rows_n * sizeof(*rows));
        c->sweep_due = s->rows_n == SWEEP_PAGE;
        outgoing_send(c->outgoing, rows, s->rows_n, TAKE(s->arena));
        s->arena = arena_new(0);
    }
    slot_end(s);
}

static void begin(Slot *s, GatheringStep step) {
    Changes *c = s->changes;
    s->step = step;
    c->running++;
    arena_reset(s->arena);
    switch (step) {
    case GATHERING_STORE:
        begin_batch(s);
        break;
    case GATHERING_DELETE:
        s->rows_n = outgoing_take(c->outgoing, s->rows, GATHERING_DELETES);
        store_outbox_delete(s->store, s->rows, s->rows_n, on_deleted, s);
        break;
    case GATHERING_SWEEP:
        c->sweep_due = false;
        c->sweeping = true;
        s->rows_n = 0;
        store_outbox_take(s->store, c->parts.sweep_age_ms, s->rows, SWEEP_PAGE, &s->rows_n,
                          s->arena, on_taken, s);
        break;
    case GATHERING_NOTHING:
        break;
    }
}

/* ---- Who does what ---- */

static void pump(void *arg) {
    Changes *c = arg;
    c->woken = false;
    if (c->dead) {
        end_if_last(c);
        return;
    }
    for (size_t i = 0; i < c->parts.stores_n; i++) {
        Slot *s = &c->slots[i];
        if (s->step != GATHERING_NOTHING) continue;
        GatheringStep step = gathering_next(
            &(GatheringLoad){.waiting = c->waiting,
                             .deletes = outgoing_deletes(c->outgoing),
                             .delete_due = outgoing_delete_due(c->outgoing),
                             .sweep_due = c->sweep_due && !c->sweeping,
                             .producer_healthy = kafka_producer_healthy(c->parts.producer, NULL)});
        if (step == GATHERING_NOTHING) break;
        begin(s, step);
    }
}

/* At the turn's end: what is asked within one turn goes into one batch. */
static void wake(Changes *c) {
    if (c->woken) return;
    c->woken = true;
    loop_defer(c->parts.loop, pump, c);
}

static void on_deletable(void *arg) {
    wake(arg);
}

static void on_tick(void *arg) {
    Changes *c = arg;
    c->sweep_due = true;
    loop_timer_arm(c->tick, SWEEP_EVERY_MS);
    wake(c);
}

/* ---- Asking ---- */

static Str copy(Arena *a, Str s, size_t *bytes) {
    *bytes += s.n;
    return s.p ? arena_str(a, s) : s;
}

static void copy_edit(ChangesWait *w, const TicketEdit *from) {
    Arena *a = w->arena;
    TicketEdit *e = &w->edit;
    size_t *n = &w->bytes;
    *e = *from;
    Str *const texts[] = {&e->actor,
                          &e->kind,
                          &e->category,
                          &e->subject,
                          &e->external_id,
                          &e->custom_fields,
                          &e->satisfaction,
                          &e->note,
                          &e->reason,
                          &e->personal,
                          &e->comment.body,
                          &e->comment.channel,
                          &e->comment.attachments,
                          &e->comment.mentions,
                          &e->comment.personal};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        *texts[i] = copy(a, *texts[i], n);
    Str *tags = arena_alloc(a, (e->tags_n + 1) * sizeof(*tags));
    for (size_t i = 0; i < e->tags_n; i++)
        tags[i] = copy(a, from->tags[i], n);
    e->tags = tags;
    int64_t *files = arena_alloc(a, (e->files_n + 1) * sizeof(*files));
    for (size_t i = 0; i < e->files_n; i++)
        files[i] = from->files[i];
    e->files = files;
}

ChangesWait *changes_ask(Changes *c, const TicketEdit *edit, ChangesDone done, void *arg) {
    if (c->waiting >= CHANGES_WAITING_MAX || c->bytes >= CHANGES_WAITING_BYTES) {
        metric_add(c->full, 1);
        return NULL;
    }
    ChangesWait *w = xcalloc(1, sizeof(*w));
    *w = (ChangesWait){.changes = c,
                       .arena = arena_new(1024),
                       .done = done,
                       .arg = arg,
                       .since_ms = clock_monotonic_ms(),
                       .bytes = sizeof(*w) + 1024};
    copy_edit(w, edit);
    c->bytes += w->bytes;
    c->waiting++;
    *c->last = w;
    c->last = &w->next;
    metric_set(c->waiting_now, (double)c->waiting);
    wake(c);
    return w;
}

void changes_forget(ChangesWait *w) {
    w->done = NULL;
}

void changes_publish(Changes *c, const OutboxRow *rows, size_t n) {
    Arena *arena = arena_new(1024);
    OutboxRow *copies = arena_alloc(arena, (n + 1) * sizeof(*copies));
    for (size_t i = 0; i < n; i++)
        copies[i] = (OutboxRow){.tenant_id = rows[i].tenant_id,
                                .outbox_id = rows[i].outbox_id,
                                .topic = arena_str(arena, rows[i].topic),
                                .key = arena_str(arena, rows[i].key),
                                .message = arena_str(arena, rows[i].message)};
    outgoing_send(c->outgoing, copies, n, arena);
}

bool changes_idle(const Changes *c) {
    return c->running == 0 && c->waiting == 0 && outgoing_idle(c->outgoing);
}

bool changes_healthy(const Changes *c, Buf *ret_reason) {
    for (size_t i = 0; i < c->parts.stores_n; i++)
        if (store_connected(c->parts.stores[i], NULL)) return true;
    (void)store_connected(c->parts.stores[0], ret_reason);
    return false;
}

/* ---- Life ---- */

static void make_metrics(Changes *c) {
    static const char *const names[] = {"done",    "replayed",  "overtaken",
                                        "illegal", "no_ticket", "worn_out"};
    static const double sizes[] = {1, 2, 4, 8, 16, 32, 64};
    static const char changes[] = "docket_desk_changes_total";
    static const char help[] = "Changes of tickets asked of PostgreSQL, by what became of them";
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        CLEANUP(buf_done) Buf labels = {0};
        metric_label(&labels, "fate", str(names[i]));
        c->fates[i] = metric_counter(changes, help, labels.p);
    }
    c->refused = metric_counter(changes, help, "fate=\"refused\"");
    c->away = metric_counter(changes, help, "fate=\"away\"");
    c->full = metric_counter(changes, help, "fate=\"full\"");
    c->waiting_now =
        metric_gauge("docket_desk_changes_waiting", "Changes that wait for a free Store", NULL);
    c->batch_size = metric_histogram("docket_desk_changes_batch_size", "Changes committed at once",
                                     NULL, sizes, 7);
    c->seconds =
        metric_histogram("docket_desk_change_seconds", "From asking for a change to its answer",
                         NULL, metric_latency_s, METRIC_LATENCY_BUCKETS);
    c->swept = metric_counter("docket_desk_outbox_swept_total",
                              "Outbox rows published for a writer that did not", NULL);
}

Changes *changes_new(const ChangesParts *parts) {
    assert(parts->stores_n >= 1 && parts->stores_n <= CHANGES_STORES_MAX);
    Changes *c = xcalloc(1, sizeof(*c));
    c->parts = *parts;
    if (!c->parts.sweep_age_ms) c->parts.sweep_age_ms = SWEEP_AGE_MS;
    c->last = &c->first;
    c->outgoing = outgoing_new(&(OutgoingSettings){.loop = parts->loop,
                                                   .producer = parts->producer,
                                                   .instance = parts->instance,
                                                   .topic_events = parts->topic_events,
                                                   .deletable = on_deletable,
                                                   .arg = c});
    c->slots = xcalloc(parts->stores_n, sizeof(*c->slots));
    for (size_t i = 0; i < parts->stores_n; i++) {
        Slot *s = &c->slots[i];
        s->changes = c;
        s->store = parts->stores[i];
        s->arena = arena_new(0);
        s->retry = loop_timer_new(parts->loop, on_retry, s);
    }
    make_metrics(c);
    c->tick = loop_timer_new(parts->loop, on_tick, c);
    loop_timer_arm(c->tick, SWEEP_EVERY_MS);
    return c;
}

Changes *changes_free(Changes *c) {
    if (!c || c->dead) return NULL;
    c->dead = true;
    c->tick = loop_timer_free(c->tick);
    while (c->first) {
        ChangesWait *w = c->first;
        c->first = w->next;
        answer(w, CHANGES_AWAY, &w->edit, "the desk ends");
    }
    c->outgoing = outgoing_free(c->outgoing);
    for (size_t i = 0; i < c->parts.stores_n; i++) {
        if (!loop_timer_armed(c->slots[i].retry)) continue;
        loop_timer_disarm(c->slots[i].retry);
        give_up(&c->slots[i], "the desk ends");
    }
    end_if_last(c);
    return NULL;
}

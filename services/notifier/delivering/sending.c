/* What was claimed goes to its channel, as fast as its destination takes it. */
#include <errno.h>
#include <stdlib.h>

#include "base/cause.h"
#include "base/clock.h"
#include "base/crash.h"
#include "notifier/delivering/delivering_internal.h"

enum {
    STALLED_MS = 20,
    RETRY_KEY_MS = 30000,
    DOCUMENTS_MS = 500,
    URGENT_FASTER = 10,
    ARENA_BYTES = 8192
};

/* ---- Lines ---- */

void task_line_add(TaskLine *l, Task *t) {
    t->next = NULL;
    if (l->last)
        l->last->next = t;
    else
        l->first = t;
    l->last = t;
    l->n++;
}

Task *task_line_take(TaskLine *l) {
    Task *t = l->first;
    if (!t) return NULL;
    l->first = t->next;
    if (!l->first) l->last = NULL;
    l->n--;
    t->next = NULL;
    return t;
}

static void task_drop_letter(Task *t) {
    Delivering *d = t->owner;
    catalog_unref(t->catalog);
    t->catalog = NULL;
    if (!t->arena) return;
    arena_reset(t->arena);
    if (d->spare_n < sizeof(d->spare) / sizeof(*d->spare))
        d->spare[d->spare_n++] = t->arena;
    else
        arena_free(t->arena);
    t->arena = NULL;
}

void task_free(Task *t) {
    for (Task *rest; t; t = rest) {
        rest = t->rest;
        task_drop_letter(t);
        free(t->reason);
        free(t);
    }
}

static uint64_t dice(void) {
    uint64_t r;
    random_bytes(&r, sizeof(r));
    return r;
}

/* ---- Its end ---- */

static void end(Task *t, const Delivered *said, bool doubt_ends) {
    Delivering *d = t->owner;
    BackoffPlan plan = {.first_ms = d->settings.retry_first_ms,
                        .most_ms = d->settings.retry_most_ms};
    if (t->row.urgent) {
        plan.first_ms = plan.first_ms / URGENT_FASTER + 1;
        plan.most_ms = plan.most_ms / URGENT_FASTER + 1;
    }
    t->end = TASK_TRIED;
    t->verdict = verdict_of(&plan, &(VerdictTry){t->attempts, t->expires_ms, doubt_ends}, said,
                            clock_wall_ms(), dice());
    t->status = said->status;
    t->dead = said->destination_dead;
    if (said->reason.n)
        t->reason = xstrndup(said->reason.p, said->reason.n < 300 ? said->reason.n : 300);
    if (t->verdict.state == VERDICT_DROPPED) {
        CLEANUP(buf_done) Buf reason = {0};
        buf_printf(&reason, "%s after %u tries: %s",
                   said->doubtful && doubt_ends ? "nobody knows whether it arrived" : "given up",
                   t->attempts, t->reason ? t->reason : "");
        free(t->reason);
        t->reason = xstrndup(reason.p, reason.n);
    }
    task_drop_letter(t);
    recording_add(d, t);
}

static void release(Task *t) {
    t->end = TASK_RELEASED;
    t->verdict = (Verdict){.state = VERDICT_WAITING, .due_ms = t->due_ms};
    task_drop_letter(t);
    recording_add(t->owner, t);
}

/* Nobody wants to hear it any more. */
static void drop(Task *t) {
    CLEANUP(buf_done) Buf reason = {0};
    buf_printf(&reason, "given up after %u tries: its time was over", t->attempts - 1);
    t->end = TASK_RELEASED;
    t->verdict = (Verdict){.state = VERDICT_DROPPED};
    t->reason = xstrndup(reason.p, reason.n);
    task_drop_letter(t);
    recording_add(t->owner, t);
}

/* Without having been sent: refused, or later. */
static void end_unsent(Task *t, OutgoingOutcome outcome, int64_t later_ms, const Buf *problem) {
    end(t,
        &(Delivered){.outcome = outcome,
                     .retry_after_ms = later_ms,
                     .destination_fine = true,
                     .reason = problem->p ? buf_str(problem) : STR("")},
        false);
}

static void on_delivered(void *arg, const Delivered *said) {
    Task *t = arg;
    Delivering *d = t->owner;
    Destination *to = t->destination;
    const ChannelKind *kind = d->parts.channels[t->row.way]->kind;
    if (said->outcome == OUTGOING_DELIVERED) CRASH_POINT("after-send");
    *t->self = t->next;
    if (t->next) t->next->self = t->self;
    t->next = NULL;
    end(t, said, kind->doubt_ends);
    int64_t asked =
        said->outcome == OUTGOING_LATER && !said->destination_fine ? said->retry_after_ms : -1;
    d->running--;
    if (destination_ended(d->destinations, to, t->verdict.saw, asked, clock_monotonic_ms(),
                          dice()) &&
        to->circuit.state == CIRCUIT_OPEN) {
        log_info(ABOUT(to->tenant_id, 0), "%.*s is left alone for %lld ms: %s", STR_ARG(to->name),
                 (long long)circuit_wait_ms(&to->circuit, clock_monotonic_ms()),
                 t->reason ? t->reason : "it failed");
        sending_release(d, to, INT64_MAX);
    }
    sending_pump(d, to);
    delivering_pump(d);
}

/* ---- Its beginning ---- */

typedef enum Beginning { BEGUN, BUSY, OVER } Beginning;

static Beginning begin(Task *t) {
    Delivering *d = t->owner;
    Channel *channel = d->parts.channels[t->row.way];
    CLEANUP(buf_done) Buf problem = {0};
    LetterPerson person;
    LetterRow one = t->row, *rows = &one;
    size_t n = 1;
    if (clock_wall_ms() > t->expires_ms) {
        drop(t);
        return OVER;
    }
    t->arena = d->spare_n ? d->spare[--d->spare_n] : arena_new(ARENA_BYTES);
    int r = person_open(d, t, t->arena, &person, &problem);
    if (r < 0) {
        end_unsent(t, r == -ENOKEY ? OUTGOING_LATER : OUTGOING_REFUSED, RETRY_KEY_MS, &problem);
        return OVER;
    }
    const Catalog *catalog = d->parts.catalog(d->parts.arg, t->row.tenant_id);
    if (t->revision > (catalog ? catalog_revision(catalog) : 0)) {
        /* Documents are read within two seconds: who wrote this row knows newer ones. */
        for (Task *k = t; k; k = k->rest)
            k->due_ms = clock_wall_ms() + DOCUMENTS_MS;
        release(t);
        return OVER;
    }
    t->catalog = catalog ? catalog_ref(catalog) : NULL;
    if (t->rest) {
        rows = arena_alloc(t->arena, LETTER_ROWS_MAX * sizeof(*rows));
        n = 0;
        for (const Task *k = t; k && n < LETTER_ROWS_MAX; k = k->rest)
            rows[n++] = k->row;
    }
    r = letter_write(&d->parts.world, catalog, rows, n, t->folded, &person, t->arena, &t->letter,
                     &problem);
    if (r == 0 && !channel) {
        buf_printf(&problem, "nothing is set up to tell by %s", notify_way_name(t->row.way));
        r = -EINVAL;
    }
    if (r < 0) {
        end_unsent(t, OUTGOING_REFUSED, -1, &problem);
        return OVER;
    }
    CRASH_POINT("before-send");
    int64_t last = t->lease_end_ms - d->settings.lease_margin_ms;
    if (clock_monotonic_ms() + channel->kind->timeout_ms > last) {
        release(t);
        return OVER;
    }
    r = channel->kind->send(channel, &t->letter, last, on_delivered, t, &problem);
    if (r == -EBUSY) {
        task_drop_letter(t);
        return BUSY;
    }
    if (r < 0) {
        end_unsent(t, OUTGOING_REFUSED, -1, &problem);
        return OVER;
    }
    t->next = d->under_way;
    t->self = &d->under_way;
    if (t->next) t->next->self = &t->next;
    d->under_way = t;
    d->running++;
    metric_add(d->tries, 1);
    return BEGUN;
}

static void stall(Delivering *d, Destination *to) {
    if (to->stalled) return;
    to->stalled = true;
    if (d->stalled_n == d->stalled_room) {
        d->stalled_room = d->stalled_room ? 2 * d->stalled_room : 64;
        d->stalled = xrealloc(d->stalled, d->stalled_room * sizeof(*d->stalled));
    }
    d->stalled[d->stalled_n++] = to;
    if (!loop_timer_armed(d->stalled_timer)) loop_timer_arm(d->stalled_timer, STALLED_MS);
}

void sending_pump(Delivering *d, Destination *to) {
    while (to->first) {
        int64_t now = clock_monotonic_ms();
        Task *t = to->first;
        if (d->draining) {
            sending_release(d, to, INT64_MAX);
            return;
        }
        if (!destination_begin(d->destinations, to, now)) {
            /* One of its own that ends goes on; else somebody has to come back. */
            if (to->running == 0) stall(d, to);
            return;
        }
        to->first = t->next;
        if (!to->first) to->last = NULL;
        t->next = NULL;
        Beginning began = begin(t);
        if (began == BEGUN) continue;
        (void)destination_ended(d->destinations, to, CIRCUIT_SAW_NOTHING, -1, now, dice());
        if (began == BUSY) { /* it stays the first */
            t->next = to->first;
            to->first = t;
            if (!to->last) to->last = t;
            stall(d, to);
            return;
        }
    }
}

void sending_release(Delivering *d, Destination *to, int64_t lease_before_ms) {
    Task *kept_first = NULL, *kept_last = NULL;
    (void)d;
    for (Task *t = to->first, *next; t; t = next) {
        next = t->next;
        t->next = NULL;
        if (t->lease_end_ms < lease_before_ms) {
            release(t);
        } else {
            if (kept_last)
                kept_last->next = t;
            else
                kept_first = t;
            kept_last = t;
        }
    }
    to->first = kept_first;
    to->last = kept_last;
}

void sending_pump_stalled(Delivering *d) {
    size_t n = d->stalled_n;
    Destination **all = d->stalled;
    d->stalled = NULL;
    d->stalled_n = d->stalled_room = 0;
    for (size_t i = 0; i < n; i++) {
        const Task *t = all[i]->first;
        all[i]->stalled = false;
        if (!t) continue;
        const Channel *c = d->parts.channels[t->row.way];
        int64_t needs = d->settings.lease_margin_ms + (c ? c->kind->timeout_ms : 0);
        sending_release(d, all[i], clock_monotonic_ms() + needs);
        sending_pump(d, all[i]);
    }
    free(all);
}

void sending_add(Delivering *d, Task *t) {
    Destination *to = t->destination;
    t->next = NULL;
    if (to->last)
        to->last->next = t;
    else
        to->first = t;
    to->last = t;
    (void)d;
}

void sending_done(Delivering *d) {
    free(d->stalled);
    while (d->spare_n)
        arena_free(d->spare[--d->spare_n]);
    for (size_t i = 0; i < d->zones_n; i++) {
        free((char *)d->zones[i].name.p);
        zone_free(d->zones[i].zone);
    }
}

/* How tries ended, in batches: each counts only while the row is still under its lease. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/crash.h"
#include "notifier/delivering/delivering_internal.h"
#include "notifier/delivering/statements.h"

enum {
    RETRY_MS = 200,
    OWNER_EXPIRES_MS = 4 * 24 * 3600000,
    CHANGED_MAX = 256 /* destinations told of in one transaction */
};

enum { PART_FENCE, PART_RECORD, PART_FAIL, PART_REVIVE, PART_TELL, PARTS };

static void changed(Delivering *d, Destination *to) {
    if (to->changed) return;
    if (d->changed_n == d->changed_room) {
        d->changed_room = d->changed_room ? 2 * d->changed_room : 64;
        d->changed = xrealloc(d->changed, d->changed_room * sizeof(*d->changed));
    }
    to->changed = true;
    d->changed[d->changed_n++] = to;
}

void recording_add(Delivering *d, Task *t) {
    Destination *to = t->destination;
    if (t->end == TASK_TRIED) {
        metric_add(d->outcomes[t->row.way][t->verdict.state], 1);
        if (t->verdict.doubt) metric_add(d->doubts, 1);
        if (t->verdict.state == VERDICT_DELIVERED)
            metric_observe(d->seconds, (double)(clock_wall_ms() - t->due_ms) / 1000);
        if (t->verdict.state == VERDICT_REFUSED)
            log_warn(ABOUT(t->row.tenant_id, t->row.ticket_id),
                     "delivery %lld by %s is refused: %s", (long long)t->row.delivery_id,
                     notify_way_name(t->row.way), t->reason ? t->reason : "?");
        if (t->dead) to->dead = true;
        if (t->dead || t->verdict.saw == CIRCUIT_SAW_FAILURE ||
            (t->verdict.saw == CIRCUIT_SAW_LIFE && to->told_failing))
            changed(d, to);
    } else {
        metric_add(d->released, 1);
    }
    task_line_add(&d->ended, t);
}

/* ---- Its parameters ---- */

typedef struct Batch { /* what one transaction tells of */
    const Task *rows[RECORD_ROWS + LETTER_ROWS_MAX];
    const Task *how[RECORD_ROWS + LETTER_ROWS_MAX]; /* each ended: as its digest's first one */
    size_t rows_n;
    Destination *failing[CHANGED_MAX], *living[CHANGED_MAX];
    size_t failing_n, living_n;
} Batch;

static bool may_pause(const Destination *to) {
    /* Mail and SMS go through the operator's own gateways: their trouble is nobody's subscription.
     */
    return to->way != NOTIFY_BY_MAIL && to->way != NOTIFY_BY_SMS;
}

static void collect(Delivering *d, Batch *b) {
    b->rows_n = b->failing_n = b->living_n = 0;
    for (const Task *t = d->recording.first; t; t = t->next)
        for (const Task *k = t; k; k = k->rest) {
            b->rows[b->rows_n] = k;
            b->how[b->rows_n++] = t;
        }
    for (size_t i = 0; i < d->changed_n && i < CHANGED_MAX; i++) {
        Destination *to = d->changed[i];
        if (to->dead || to->circuit.failures > 0 || to->circuit.state != CIRCUIT_CLOSED)
            b->failing[b->failing_n++] = to;
        else
            b->living[b->living_n++] = to;
    }
}

static void add_record(Params *p, const Batch *b, Str instance) {
    size_t n = b->rows_n;
    params_clear(p);
    params_array(p, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        params_element_i64(p, b->rows[i]->row.tenant_id);
    params_array(p, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        params_element_i64(p, b->rows[i]->row.delivery_id);
    params_array(p, PARAM_INT4, n);
    for (size_t i = 0; i < n; i++)
        params_element_i32(p, b->rows[i]->lease_no);
    params_array(p, PARAM_TEXT, n);
    for (size_t i = 0; i < n; i++)
        params_element_text(p, str(verdict_state_name(b->how[i]->verdict.state)));
    params_array(p, PARAM_TIME, n);
    for (size_t i = 0; i < n; i++) {
        /* What was not begun keeps its place. */
        int64_t due =
            b->how[i]->end == TASK_RELEASED ? b->rows[i]->due_ms : b->how[i]->verdict.due_ms;
        if (b->how[i]->verdict.state == VERDICT_WAITING)
            params_element_time_ms(p, due);
        else
            params_element_null(p);
    }
    params_array(p, PARAM_INT4, n);
    for (size_t i = 0; i < n; i++)
        if (b->how[i]->end == TASK_TRIED)
            params_element_i32(p, b->how[i]->status);
        else
            params_element_null(p);
    params_array(p, PARAM_TEXT, n);
    for (size_t i = 0; i < n; i++)
        if (b->how[i]->reason)
            params_element_text(p, str(b->how[i]->reason));
        else if (b->how[i]->end == TASK_TRIED)
            params_element_text(p, STR(""));
        else
            params_element_null(p);
    params_array(p, PARAM_INT4, n);
    for (size_t i = 0; i < n; i++)
        params_element_i32(p, b->how[i]->verdict.doubt ? 1 : 0);
    params_array(p, PARAM_INT4, n);
    for (size_t i = 0; i < n; i++)
        params_element_i32(p, b->how[i]->end == TASK_RELEASED ? 1 : 0);
    params_time_ms(p, clock_wall_ms());
    params_text(p, instance);
}

static void add_fence(Params *p, const Batch *b) {
    params_clear(p);
    params_array(p, PARAM_INT8, b->rows_n + b->failing_n + b->living_n);
    for (size_t i = 0; i < b->rows_n; i++)
        params_element_i64(p, b->rows[i]->row.tenant_id);
    for (size_t i = 0; i < b->failing_n; i++)
        params_element_i64(p, b->failing[i]->tenant_id);
    for (size_t i = 0; i < b->living_n; i++)
        params_element_i64(p, b->living[i]->tenant_id);
}

static void add_names(Params *p, Destination *const *all, size_t n) {
    params_clear(p);
    params_array(p, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        params_element_i64(p, all[i]->tenant_id);
    params_array(p, PARAM_TEXT, n);
    for (size_t i = 0; i < n; i++)
        params_element_text(p, all[i]->name);
}

static void add_failing(Params *p, const Delivering *d, const Batch *b) {
    size_t n = b->failing_n;
    int64_t now = clock_monotonic_ms();
    add_names(p, b->failing, n);
    params_array(p, PARAM_INT4, n);
    for (size_t i = 0; i < n; i++)
        params_element_i32(p, b->failing[i]->circuit.failures < INT32_MAX
                                  ? (int32_t)b->failing[i]->circuit.failures + 1
                                  : INT32_MAX);
    params_array(p, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        params_element_i64(p, circuit_wait_ms(&b->failing[i]->circuit, now));
    params_array(p, PARAM_BOOL, n);
    for (size_t i = 0; i < n; i++)
        params_element_bool(p, b->failing[i]->dead);
    params_array(p, PARAM_TEXT, n);
    for (size_t i = 0; i < n; i++) {
        Str why = b->failing[i]->dead ? STR("it said that it is gone for good") : STR("");
        for (size_t k = 0; k < b->rows_n && !why.n; k++)
            if (b->how[k]->destination == b->failing[i] && b->how[k]->reason)
                why = str(b->how[k]->reason);
        params_element_text(p, why);
    }
    params_array(p, PARAM_BOOL, n);
    for (size_t i = 0; i < n; i++)
        params_element_bool(p, may_pause(b->failing[i]));
    params_time_ms(p, clock_wall_ms());
    params_i64(p, d->settings.pause_after_ms);
}

/* ---- The transaction ---- */

static void see_siblings(Delivering *d, const PostgresRows *rows) {
    for (size_t row = 0; row < rows_count(rows); row++) {
        if (!rows_bool(rows, row, 2)) continue;
        Destination *to =
            destinations_find(d->destinations, rows_int(rows, row, 0), rows_str(rows, row, 1));
        if (to) destinations_due(d->destinations, to);
    }
}

static void see_paused(Delivering *d, const PostgresRows *rows) {
    for (size_t row = 0; row < rows_count(rows); row++) {
        Destination *to =
            destinations_find(d->destinations, rows_int(rows, row, 0), rows_str(rows, row, 1));
        if (!to) continue;
        to->told_failing = true;
        if (!rows_bool(rows, row, 2) || to->paused) continue;
        to->paused = true;
        to->dead = false;
        log_warn(ABOUT(to->tenant_id, 0), "%.*s is paused; `docket notify retry` goes on",
                 STR_ARG(to->name));
        sending_release(d, to, INT64_MAX);
    }
}

static void forget_recorded(Delivering *d) {
    Task *t;
    while ((t = task_line_take(&d->recording))) {
        Destination *to = t->destination;
        for (const Task *k = t; k; k = k->rest)
            destination_hold(d->destinations, to, -1, -(long)k->bytes);
        task_free(t);
        if (to->due) destinations_due(d->destinations, to);
    }
}

static void on_recorded(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                        const PostgresProblem *problem) {
    Delivering *d = arg;
    d->recording_runs = false;
    if (outcome != POSTGRES_COMMITTED) {
        d->again = true;
        d->record_at_ms = clock_monotonic_ms() + RETRY_MS;
        if (problem->state[0])
            log_error(NULL, "how deliveries ended is not recorded yet: %s", problem->text);
        return;
    }
    CRASH_POINT("after-record");
    size_t part = PART_RECORD, rows = 0;
    const PostgresRows *recorded = results[part++];
    for (const Task *t = d->recording.first; t; t = t->next)
        for (const Task *k = t; k; k = k->rest)
            rows++;
    size_t found = d->found + rows_count(recorded);
    see_siblings(d, recorded);
    if (d->telling_failing) see_paused(d, results[part++]);
    d->telling_failing = false;
    if (found < rows && !d->second) {
        /* A row that somebody else wrote to in that very moment (`docket notify retry`) is found by
         * a second look only; what was recorded by the first is not again. */
        d->second = true;
        d->found = found;
        delivering_pump(d);
        return;
    }
    if (found < rows && !d->again) {
        metric_add(d->late, (double)(rows - found));
        log_warn(NULL, "%zu tries ended after their lease: others have those deliveries",
                 rows - found);
    }
    d->again = d->second = false;
    d->found = 0;
    forget_recorded(d);
    delivering_pump(d);
}

void recording_pump(Delivering *d) {
    static Batch batch; /* of one call: too large for the stack */
    if (d->recording_runs || clock_monotonic_ms() < d->record_at_ms) return;
    if (!connection_ready(d->records)) return;
    size_t rows = 0;
    for (const Task *t = d->recording.first; t; t = t->next)
        for (const Task *k = t; k; k = k->rest)
            rows++;
    while (d->ended.n && rows < RECORD_ROWS && !d->second) {
        Task *t = task_line_take(&d->ended);
        for (const Task *k = t; k; k = k->rest)
            rows++;
        task_line_add(&d->recording, t);
    }
    if (!d->recording.n) return;
    collect(d, &batch);
    PostgresQuery queries[PARTS];
    size_t n = 0;
    add_fence(&d->record_params[PART_FENCE], &batch);
    queries[n++] = (PostgresQuery){&delivering_fence, &d->record_params[PART_FENCE]};
    add_record(&d->record_params[PART_RECORD], &batch, str(d->settings.instance));
    queries[n++] = (PostgresQuery){&delivering_record, &d->record_params[PART_RECORD]};
    if (batch.failing_n) {
        add_failing(&d->record_params[PART_FAIL], d, &batch);
        queries[n++] = (PostgresQuery){&delivering_fail, &d->record_params[PART_FAIL]};
        params_clear(&d->record_params[PART_TELL]);
        params_time_ms(&d->record_params[PART_TELL], clock_wall_ms());
        params_time_ms(&d->record_params[PART_TELL], clock_wall_ms() + OWNER_EXPIRES_MS);
        queries[n++] = (PostgresQuery){&delivering_tell_owner, &d->record_params[PART_TELL]};
    }
    if (batch.living_n) {
        Params *p = &d->record_params[PART_REVIVE];
        add_names(p, batch.living, batch.living_n);
        params_array(p, PARAM_INT4, batch.living_n);
        for (size_t i = 0; i < batch.living_n; i++)
            params_element_i32(p, batch.living[i]->pace_ms);
        queries[n++] = (PostgresQuery){&delivering_revive, &d->record_params[PART_REVIVE]};
    }
    if (connection_run(d->records, 0, queries, n, on_recorded, d) < 0) return;
    d->recording_runs = true;
    d->telling_failing = batch.failing_n > 0;
    /* What happens to them from here on is another change. Not told after all: the next failure
     * tells it. */
    for (size_t i = 0; i < batch.living_n; i++)
        batch.living[i]->told_failing = batch.living[i]->changed = false;
    for (size_t i = 0; i < batch.failing_n; i++)
        batch.failing[i]->changed = false;
    size_t told = batch.living_n + batch.failing_n;
    d->changed_n -= told;
    if (d->changed_n) memmove(d->changed, d->changed + told, d->changed_n * sizeof(*d->changed));
}

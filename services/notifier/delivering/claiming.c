/* What is due is found, and claimed, as much of it as each destination may have now. One statement
 * at a time, on a connection of its own. */
#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/crash.h"
#include "notifier/delivering/delivering_internal.h"
#include "notifier/delivering/statements.h"

enum {
    LOOK_LEAST_MS = 5,
    EXPIRE_MS = 30000,
    FORGET_MS = 600000,
    RETRY_MS = 200,
    GATHER_MAX = 64,
    TIMEOUT_UNKNOWN_MS = 15000,
    PART_OF_WINDOW = 2 /* less than that part of it is not worth a claim while some are held */
};

enum { /* columns of what was claimed */
       COLUMN_TENANT,
       COLUMN_DELIVERY,
       COLUMN_TICKET,
       COLUMN_SEQ,
       COLUMN_CAUSE,
       COLUMN_NOTIFICATION,
       COLUMN_RECIPIENT,
       COLUMN_WAY,
       COLUMN_URGENT,
       COLUMN_DESTINATION,
       COLUMN_SAID,
       COLUMN_FOLD,
       COLUMN_LEASE_NO,
       COLUMN_ATTEMPTS,
       COLUMN_EXPIRES,
       COLUMN_CREATED,
       COLUMN_DUE,
       COLUMN_PERSONAL,
       COLUMN_EMAIL,
       COLUMN_NAME,
       COLUMN_LOCALE,
       COLUMN_ZONE,
       COLUMN_TENANT_TITLE,
       COLUMN_REVISION,
       COLUMN_LEADER
};

static int way_of(Str name) {
    for (int w = 0; w < NOTIFY_WAYS; w++)
        if (str_is(name, notify_way_name((NotifyWay)w))) return w;
    return -1;
}

int claiming_lease_ms(const Delivering *d, int way) {
    const Channel *c = way >= 0 && way < NOTIFY_WAYS ? d->parts.channels[way] : NULL;
    int timeout = c ? c->kind->timeout_ms : TIMEOUT_UNKNOWN_MS;
    /* One margin ahead of the first byte, for what stands in line; one behind the last. */
    return timeout + 2 * (int)d->settings.lease_margin_ms;
}

/* What failed is tried again a little later; whatever was claimed all the same comes back when its
 * lease is over. */
static bool failed(Delivering *d, PostgresOutcome outcome, const PostgresProblem *problem) {
    d->work = DELIVERING_IDLE;
    if (outcome == POSTGRES_COMMITTED) return false;
    d->retry_at_ms = clock_monotonic_ms() + RETRY_MS;
    if (problem->state[0]) log_warn(NULL, "deliveries are not claimed: %s", problem->text);
    return true;
}

static void fence(Params *p, Destination *const *all, size_t n) {
    params_clear(p);
    params_array(p, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        params_element_i64(p, all[i]->tenant_id);
}

static bool run(Delivering *d, DeliveringWork work, const PostgresStatement *statement,
                PostgresDone done) {
    const PostgresQuery queries[] = {{&delivering_fence, &d->params[0]},
                                     {statement, &d->params[1]}};
    if (connection_run(d->claims, 0, queries, 2, done, d) < 0) return false;
    d->work = work;
    return true;
}

/* ---- Looking ---- */

static void learn(Delivering *d, const PostgresRows *rows, size_t row, int64_t wall, int64_t now) {
    int64_t wait = rows_time_ms(rows, row, 2) - wall;
    if (wait > 0) {
        if (now + wait < d->look_at_ms) d->look_at_ms = now + wait;
        return;
    }
    Destination *to =
        destinations_get(d->destinations, rows_int(rows, row, 0), rows_str(rows, row, 1), now);
    int way = way_of(rows_str(rows, row, 3));
    const Channel *c = way >= 0 ? d->parts.channels[way] : NULL;
    int64_t open_ms = rows_int(rows, row, 5);
    to->way = way;
    to->pace_ms = c && c->kind->pace_ms ? c->kind->pace_ms((NotifyWay)way) : 0;
    to->told_failing = rows_int(rows, row, 4) > 0;
    if (to->paused && !rows_bool(rows, row, 6)) to->circuit = (Circuit){0}; /* somebody mended it */
    to->paused = rows_bool(rows, row, 6);
    to->not_before_ms = open_ms > 0 ? now + open_ms : 0;
    destinations_due(d->destinations, to);
}

static void on_looked(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                      const PostgresProblem *problem) {
    Delivering *d = arg;
    int64_t wall = clock_wall_ms(), now = clock_monotonic_ms();
    if (failed(d, outcome, problem)) return;
    size_t n = rows_count(results[0]);
    /* Not busier with looking than a tenth of the time. */
    int64_t took = now - d->looked_ms;
    if (d->look_at_ms <= now)
        d->look_at_ms = now + (10 * took > d->settings.look_ms ? 10 * took : d->settings.look_ms);
    for (size_t i = 0; i < n; i++)
        learn(d, results[0], i, wall, now);
    d->look_tenant = 0;
    buf_clear(&d->look_destination);
    if (n == LOOK_ROWS) { /* there are more */
        d->look_tenant = rows_int(results[0], n - 1, 0);
        buf_add_str(&d->look_destination, rows_str(results[0], n - 1, 1));
        d->look_due = true;
    } else {
        metric_add(d->looks, 1);
        metric_add(d->gone, (double)destinations_forget(d->destinations, now - FORGET_MS));
    }
    delivering_pump(d);
}

static bool look(Delivering *d, int64_t now) {
    if (!d->look_due && now < d->look_at_ms) return false;
    if (d->look_due && now < d->looked_ms + LOOK_LEAST_MS && !d->look_tenant) return false;
    params_clear(&d->params[1]);
    params_i64(&d->params[1], d->look_tenant);
    params_text(&d->params[1], d->look_destination.p ? buf_str(&d->look_destination) : STR(""));
    params_i32(&d->params[1], LOOK_ROWS);
    if (connection_run(d->claims, POSTGRES_READ_ONLY,
                       &(PostgresQuery){&delivering_look, &d->params[1]}, 1, on_looked, d) < 0)
        return false;
    d->work = DELIVERING_LOOKS;
    d->look_due = false;
    d->looked_ms = now;
    d->look_at_ms = now;
    return true;
}

/* ---- Claiming ---- */

static Str keep(char **at, Str s) {
    if (!s.n) return (Str){NULL, 0};
    Str kept = {*at, s.n};
    memcpy(*at, s.p, s.n);
    (*at)[s.n] = 0;
    *at += s.n + 1;
    return kept;
}

static Task *task_read(Delivering *d, const PostgresRows *rows, size_t row, Destination *to) {
    static const int texts[] = {COLUMN_CAUSE,  COLUMN_NOTIFICATION, COLUMN_RECIPIENT,   COLUMN_SAID,
                                COLUMN_FOLD,   COLUMN_PERSONAL,     COLUMN_EMAIL,       COLUMN_NAME,
                                COLUMN_LOCALE, COLUMN_ZONE,         COLUMN_TENANT_TITLE};
    size_t bytes = 0;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        bytes += rows_str(rows, row, (size_t)texts[i]).n + 1;
    Task *t = xcalloc(1, sizeof(*t) + bytes);
    char *at = t->data;
#define KEEP(column) keep(&at, rows_str(rows, row, column))
    t->owner = d;
    t->destination = to;
    t->bytes = sizeof(*t) + bytes;
    t->row = (LetterRow){.tenant_id = rows_int(rows, row, COLUMN_TENANT),
                         .delivery_id = rows_int(rows, row, COLUMN_DELIVERY),
                         .ticket_id = rows_int(rows, row, COLUMN_TICKET),
                         .seq = rows_int(rows, row, COLUMN_SEQ),
                         .cause = KEEP(COLUMN_CAUSE),
                         .notification = KEEP(COLUMN_NOTIFICATION),
                         .recipient = KEEP(COLUMN_RECIPIENT),
                         .said = KEEP(COLUMN_SAID),
                         .way = (NotifyWay)way_of(rows_str(rows, row, COLUMN_WAY)),
                         .urgent = rows_bool(rows, row, COLUMN_URGENT),
                         .created_ms = rows_time_ms(rows, row, COLUMN_CREATED)};
    t->folded = !rows_null(rows, row, COLUMN_FOLD);
    t->fold = KEEP(COLUMN_FOLD);
    t->personal = KEEP(COLUMN_PERSONAL);
    t->email = KEEP(COLUMN_EMAIL);
    t->person_name = KEEP(COLUMN_NAME);
    t->locale = KEEP(COLUMN_LOCALE);
    t->zone = KEEP(COLUMN_ZONE);
    t->tenant = KEEP(COLUMN_TENANT_TITLE);
#undef KEEP
    t->revision = rows_int(rows, row, COLUMN_REVISION);
    t->lease_no = (int32_t)rows_int(rows, row, COLUMN_LEASE_NO);
    t->attempts = (uint32_t)rows_int(rows, row, COLUMN_ATTEMPTS);
    t->expires_ms = rows_time_ms(rows, row, COLUMN_EXPIRES);
    t->due_ms = rows_time_ms(rows, row, COLUMN_DUE);
    t->lease_end_ms = d->lease_end_ms;
    return t;
}

static void unask(Delivering *d) {
    for (size_t i = 0; i < d->asked_n; i++)
        d->asked[i]->asked = false;
}

static void on_claimed(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                       const PostgresProblem *problem) {
    Delivering *d = arg;
    int64_t now = clock_monotonic_ms();
    unask(d);
    if (failed(d, outcome, problem)) return;
    const PostgresRows *rows = results[1];
    int got[CLAIM_DESTINATIONS] = {0};
    if (rows_count(rows)) CRASH_POINT("after-claim");
    for (size_t row = 0; row < rows_count(rows); row++) {
        Destination *to = destinations_find(d->destinations, rows_int(rows, row, COLUMN_TENANT),
                                            rows_str(rows, row, COLUMN_DESTINATION));
        assert(to); /* it was asked for */
        for (size_t i = 0; i < d->asked_n; i++)
            if (d->asked[i] == to) got[i]++;
        Task *t = task_read(d, rows, row, to);
        destination_hold(d->destinations, to, 1, (long)t->bytes);
        if (t->folded)
            task_line_add(&d->leaders, t);
        else
            sending_add(d, t);
    }
    for (size_t i = 0; i < d->asked_n; i++) {
        Destination *to = d->asked[i];
        to->due = got[i] >= d->asked_for[i];
        if (to->pace_ms) to->not_before_ms = now + to->pace_ms;
        if (to->due) destinations_due(d->destinations, to);
        sending_pump(d, to);
    }
    delivering_pump(d);
}

static bool worth(const Destination *to, size_t room) {
    return room > 0 && (to->held == 0 || to->pace_ms || room * PART_OF_WINDOW >= to->window ||
                        to->window <= DESTINATION_WINDOW_FIRST * 2);
}

static bool claim(Delivering *d, int64_t now) {
    Params *p = &d->params[1];
    size_t rows = 0;
    int lease_ms = 0;
    Destination *to;
    d->asked_n = 0;
    while (d->asked_n < CLAIM_DESTINATIONS && rows < CLAIM_ROWS &&
           (to = destinations_next(d->destinations))) {
        size_t room = destination_room(d->destinations, to, now);
        if (!to->due || !worth(to, room)) continue; /* it comes back when one of its own ended */
        if (room > CLAIM_ROWS - rows) room = CLAIM_ROWS - rows;
        int own_ms = claiming_lease_ms(d, to->way);
        if (own_ms > lease_ms) lease_ms = own_ms;
        to->asked = true;
        d->asked_for[d->asked_n] = (int)room;
        d->asked[d->asked_n++] = to;
        rows += room;
    }
    if (d->asked_n == 0) return false;
    fence(&d->params[0], d->asked, d->asked_n);
    params_clear(p);
    params_array(p, PARAM_INT8, d->asked_n);
    for (size_t i = 0; i < d->asked_n; i++)
        params_element_i64(p, d->asked[i]->tenant_id);
    params_array(p, PARAM_TEXT, d->asked_n);
    for (size_t i = 0; i < d->asked_n; i++)
        params_element_text(p, d->asked[i]->name);
    params_array(p, PARAM_INT4, d->asked_n);
    for (size_t i = 0; i < d->asked_n; i++)
        params_element_i32(p, d->asked_for[i]);
    params_array(p, PARAM_INT4, d->asked_n);
    for (size_t i = 0; i < d->asked_n; i++)
        params_element_i32(p, d->asked[i]->pace_ms);
    params_time_ms(p, clock_wall_ms());
    params_text(p, str(d->settings.instance));
    params_i32(p, lease_ms);
    d->lease_end_ms = clock_monotonic_ms() + lease_ms; /* PostgreSQL's begins later */
    if (run(d, DELIVERING_CLAIMS, &delivering_claim, on_claimed)) return true;
    unask(d);
    for (size_t i = 0; i < d->asked_n; i++)
        destinations_due(d->destinations, d->asked[i]);
    return false;
}

/* ---- Digests ---- */

static Task *leader_of(Delivering *d, int64_t tenant_id, int64_t delivery_id) {
    for (Task *t = d->gathering.first; t; t = t->next)
        if (t->row.tenant_id == tenant_id && t->row.delivery_id == delivery_id) return t;
    return NULL;
}

static void on_gathered(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                        const PostgresProblem *problem) {
    Delivering *d = arg;
    Task *t;
    bool bad = failed(d, outcome, problem);
    for (size_t row = 0; !bad && row < rows_count(results[1]); row++) {
        const PostgresRows *rows = results[1];
        Task *leader =
            leader_of(d, rows_int(rows, row, COLUMN_TENANT), rows_int(rows, row, COLUMN_LEADER));
        if (!leader) continue;
        if (leader->row.delivery_id == rows_int(rows, row, COLUMN_DELIVERY)) {
            leader->lease_no = (int32_t)rows_int(rows, row, COLUMN_LEASE_NO);
            continue;
        }
        Task *one = task_read(d, rows, row, leader->destination), *last = leader;
        one->lease_end_ms = leader->lease_end_ms;
        /* In the order of their numbers. */
        while (last->rest && last->rest->row.delivery_id < one->row.delivery_id)
            last = last->rest;
        one->rest = last->rest;
        last->rest = one;
        destination_hold(d->destinations, leader->destination, 1, (long)one->bytes);
    }
    while ((t = task_line_take(&d->gathering))) {
        if (bad) { /* nobody knows whose they are now: their lease ends by itself */
            destination_hold(d->destinations, t->destination, -1, -(long)t->bytes);
            task_free(t);
            continue;
        }
        sending_add(d, t);
        sending_pump(d, t->destination);
    }
    delivering_pump(d);
}

static bool gather(Delivering *d) {
    Destination *of[GATHER_MAX];
    Params *p = &d->params[1];
    size_t n = 0;
    if (!d->leaders.n) return false;
    while (n < GATHER_MAX && d->leaders.n) {
        Task *t = task_line_take(&d->leaders);
        of[n++] = t->destination;
        task_line_add(&d->gathering, t);
    }
    int lease_ms = 0;
    for (const Task *t = d->gathering.first; t; t = t->next) {
        int own_ms = claiming_lease_ms(d, (int)t->row.way);
        if (own_ms > lease_ms) lease_ms = own_ms;
    }
    fence(&d->params[0], of, n);
    params_clear(p);
    params_array(p, PARAM_INT8, n);
    for (const Task *t = d->gathering.first; t; t = t->next)
        params_element_i64(p, t->row.tenant_id);
    params_array(p, PARAM_INT8, n);
    for (const Task *t = d->gathering.first; t; t = t->next)
        params_element_i64(p, t->row.delivery_id);
    params_time_ms(p, clock_wall_ms());
    params_text(p, str(d->settings.instance));
    params_i32(p, lease_ms);
    for (Task *t = d->gathering.first; t; t = t->next)
        t->lease_end_ms = clock_monotonic_ms() + lease_ms;
    if (run(d, DELIVERING_GATHERS, &delivering_gather, on_gathered)) return true;
    Task *t;
    while ((t = task_line_take(&d->gathering)))
        task_line_add(&d->leaders, t);
    return false;
}

/* ---- What became too old while nothing was sent ---- */

static void on_expired(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                       const PostgresProblem *problem) {
    Delivering *d = arg;
    if (failed(d, outcome, problem)) return;
    if (rows_affected(results[1]) > 0)
        log_warn(NULL, "%lld deliveries were given up: their destinations were left alone too long",
                 (long long)rows_affected(results[1]));
    delivering_pump(d);
}

static void collect_blocked(void *arg, Destination *to) {
    Delivering *d = arg;
    bool blocked = to->paused || to->circuit.state != CIRCUIT_CLOSED;
    if (blocked && d->asked_n < CLAIM_DESTINATIONS) d->asked[d->asked_n++] = to;
}

static bool expire(Delivering *d, int64_t now) {
    Params *p = &d->params[1];
    if (now < d->expire_at_ms) return false;
    d->expire_at_ms = now + EXPIRE_MS;
    d->asked_n = 0;
    destinations_each(d->destinations, collect_blocked, d);
    if (d->asked_n == 0) return false;
    fence(&d->params[0], d->asked, d->asked_n);
    params_clear(p);
    params_array(p, PARAM_INT8, d->asked_n);
    for (size_t i = 0; i < d->asked_n; i++)
        params_element_i64(p, d->asked[i]->tenant_id);
    params_array(p, PARAM_TEXT, d->asked_n);
    for (size_t i = 0; i < d->asked_n; i++)
        params_element_text(p, d->asked[i]->name);
    params_time_ms(p, clock_wall_ms());
    d->asked_n = 0;
    return run(d, DELIVERING_EXPIRES, &delivering_expire, on_expired);
}

/* ---- Whose turn it is ---- */

void claiming_pump(Delivering *d) {
    int64_t now = clock_monotonic_ms();
    if (d->work != DELIVERING_IDLE || !connection_ready(d->claims) || now < d->retry_at_ms) return;
    if (gather(d)) return; /* they are claimed already */
    if (d->draining) return;
    if (look(d, now) || expire(d, now) || claim(d, now)) return;
}

/* The router's batch: number requesters, insert, and read back what was not new. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "store/new_tickets_params.h"

enum { REREADS_MAX = 3 };

/* ---- Numbers for requesters ---- */

static const PostgresStatement lease_statement = {"store_lease_requesters",
                                                  "SELECT nextval('ticket.requester_ids')"};

static int64_t numbers_left(const Store *s) {
    return s->requester_end - s->requester_next + (s->requester_spare ? REQUESTER_BLOCK : 0);
}

/* ---- Reading back ---- */

static NewTicketFate fate_of(const NewTicket *t, const LedgerRow *first) {
    if (t->place.ticket_id != t->submission->ticket_id) return NEW_TICKET_ALIASED;
    return cause_eq(first->cause, t->submission->cause) ? NEW_TICKET_REPLAYED : NEW_TICKET_CONFLICT;
}

/* Rows `from`..`to` of rows_statement are the first ones of this ticket's ledger: those of the
 * cause that made it are published again. */
static void take_rows(NewTicket *t, const PostgresRows *rows, size_t from, size_t to,
                      Arena *arena) {
    LedgerRow *all = arena_alloc(arena, (to - from) * sizeof(*all));
    size_t n = 0;
    for (size_t at = from; at < to; at++) {
        LedgerRow row = ledger_row_read(rows, at, arena);
        if (n == 0 || cause_eq(row.cause, all[0].cause)) all[n++] = row;
    }
    t->rows = all;
    t->rows_n = n;
}

/* A note in the ledger of the ticket that one continues is published with its own rows. */
static void add_noted_rows(NewTicketsJob *job) {
    for (size_t i = 0; i < job->follows_n; i++) {
        NewTicket *t = &job->batch[job->follows[i]];
        if (!job->noted_rows[i].seq || !t->rows_n) continue;
        LedgerRow *rows = arena_alloc(job->arena, (t->rows_n + 1) * sizeof(*rows));
        memcpy(rows, t->rows, t->rows_n * sizeof(*rows));
        rows[t->rows_n++] = job->noted_rows[i];
        t->rows = rows;
    }
}

static void end(Store *s, NewTicketsJob *job) {
    add_noted_rows(job);
    store_request_end(s, STORE_DONE, NULL);
}

static void insert_again(Store *s, NewTicketsJob *job);

static void read_back(Store *s, NewTicketsJob *job);

/* Its id belongs to another submission, and this one was stored under a fresh id before: read that.
 */
static size_t follow_moved(NewTicketsJob *job, const PostgresRows *moved) {
    size_t n = 0;
    for (size_t i = 0; i < rows_count(moved); i++) {
        size_t at = (size_t)rows_int(moved, i, 0) - 1;
        NewTicket *t = &job->batch[job->back[at]];
        if (t->fate != NEW_TICKET_CONFLICT) continue;
        uint32_t index = job->back[at]; /* i ascends, so nothing ahead is overwritten */
        job->back[n] = index;
        job->back_id[n++] = rows_int(moved, i, FIND_MOVED_STORED_AS);
    }
    return n;
}

/* The note in the ledger of the ticket that has its first id is published with its own rows. */
static void add_moved_rows(NewTicketsJob *job, const PostgresRows *moved) {
    for (size_t i = 0; i < rows_count(moved); i++) {
        NewTicket *t = &job->batch[job->back[rows_int(moved, i, 0) - 1]];
        if (!t->instead_of) continue;
        LedgerRow *rows = arena_alloc(job->arena, (t->rows_n + 1) * sizeof(*rows));
        memcpy(rows, t->rows, t->rows_n * sizeof(*rows));
        rows[t->rows_n++] = ledger_row_read(moved, i, job->arena);
        t->rows = rows;
    }
}

static void on_read_back(Store *s, const PostgresRows *const *results) {
    NewTicketsJob *job = s->job;
    const PostgresRows *places = results[1], *rows = results[2], *moved = results[3];
    size_t row = 0, missing = 0;
    assert(rows_count(places) == job->back_n);
    for (size_t i = 0; i < job->back_n; i++) {
        NewTicket *t = &job->batch[job->back[i]];
        bool fresh = job->back_id[i] != t->submission->ticket_id;
        size_t from = row;
        while (row < rows_count(rows) && rows_int(rows, row, 0) == (int64_t)i + 1)
            row++;
        if (rows_null(places, i, 2) || from == row) {
            missing++;
            continue;
        }
        t->place = place_read(places, i, job->arena);
        take_rows(t, rows, from, row, job->arena);
        t->fate = job->stored[job->back[i]] ? NEW_TICKET_STORED
                  : fresh                   ? NEW_TICKET_REPLAYED
                                            : fate_of(t, &t->rows[0]);
    }
    if (missing && ++job->rereads < REREADS_MAX) {
        insert_again(s, job); /* somebody's row went away between the two transactions */
        return;
    }
    if (missing) {
        store_request_end(s, STORE_REFUSED, "a ticket is neither stored nor found");
        return;
    }
    add_moved_rows(job, moved);
    job->back_n = follow_moved(job, moved);
    if (job->back_n)
        read_back(s, job);
    else
        end(s, job);
}

static void read_back(Store *s, NewTicketsJob *job) {
    size_t n = job->back_n;
    int64_t *tenants = arena_alloc(job->arena, n * sizeof(*tenants));
    int64_t *taken = arena_alloc(job->arena, n * sizeof(*taken));
    for (size_t i = 0; i < n; i++) {
        const NewTicket *t = &job->batch[job->back[i]];
        tenants[i] = t->submission->tenant_id;
        taken[i] = t->instead_of ? t->instead_of : t->submission->ticket_id;
    }
    places_params(&s->params[4], tenants, job->back_id, n);
    places_params(&s->params[5], tenants, taken, n);
    params_array(&s->params[5], PARAM_UUID, n);
    for (size_t i = 0; i < n; i++)
        params_element_uuid(&s->params[5], job->batch[job->back[i]].submission->cause);
    store_request_attempt(s, &(Attempt){.queries = {tenants_query(s),
                                                    {&places_statement, &s->params[4]},
                                                    {&rows_statement, &s->params[4]},
                                                    {&find_moved_statement, &s->params[5]}},
                                        .n = 4,
                                        .flags = POSTGRES_READ_ONLY,
                                        .committed = on_read_back});
}

/* ---- Inserting ---- */

typedef struct Wanted {
    const NewTicketsJob *job;
    int64_t tenant_id, id;
} Wanted;

static int compare_order(const void *key, const void *element) {
    const Wanted *w = key;
    const Submission *u = w->job->batch[*(const uint32_t *)element].submission;
    if (w->tenant_id != u->tenant_id) return w->tenant_id < u->tenant_id ? -1 : 1;
    return w->id < u->ticket_id ? -1 : w->id > u->ticket_id;
}

/* A ticket that this transaction stored: its rows are known without asking. */
static void fill_stored(NewTicketsJob *job, uint32_t at, int64_t requester_id, int64_t at_ms) {
    NewTicket *t = &job->batch[at];
    const Submission *u = t->submission;
    LedgerRow *rows = arena_alloc(job->arena, 2 * sizeof(*rows));
    LedgerRow common = {.tenant_id = u->tenant_id,
                        .ticket_id = u->ticket_id,
                        .cause = u->cause,
                        .at_ms = at_ms,
                        .revision = t->revision,
                        .trace = u->trace};
    rows[0] = rows[1] = common;
    rows[0].seq = 1;
    rows[0].kind = LEDGER_TICKET_CREATED;
    rows[0].actor = str(arena_printf(job->arena, "requester:%lld", (long long)requester_id));
    rows[0].payload = job->created[at];
    rows[1].seq = 2;
    rows[1].step = 1;
    rows[1].kind = t->assignee_id ? LEDGER_TICKET_ASSIGNED : LEDGER_TICKET_QUEUED;
    rows[1].actor = STR("router");
    rows[1].payload = job->placed[at];
    t->rows = rows;
    t->rows_n = 2;
    t->fate = NEW_TICKET_STORED;
    t->place = (TicketPlace){.tenant_id = u->tenant_id,
                             .ticket_id = u->ticket_id,
                             .version = 2,
                             .status = t->assignee_id ? TICKET_ASSIGNED : TICKET_NEW,
                             .priority = t->facts.priority,
                             .group_id = t->facts.group_id,
                             .assignee_id = t->assignee_id,
                             .skills = skills_join(t->facts.skills, t->facts.skills_n, job->arena),
                             .created_ms = u->accepted_ms};
}

static void on_inserted(Store *s, const PostgresRows *const *results) {
    NewTicketsJob *job = s->job;
    const PostgresRows *rows = results[job->keys_n ? 3 : 2];
    for (size_t i = 0; i < rows_count(rows); i++) {
        Wanted wanted = {job, rows_int(rows, i, 0), rows_int(rows, i, 1)};
        const uint32_t *found =
            bsearch(&wanted, job->order, job->order_n, sizeof(*job->order), compare_order);
        assert(found);
        job->stored[*found] = true;
        if (rows_int(rows, i, 3) != 2) continue; /* the note's words are PostgreSQL's: read back */
        fill_stored(job, *found, rows_int(rows, i, 2), rows_time_ms(rows, i, 4));
    }
    for (size_t i = 0; job->follows_n && i < rows_count(results[job->follows_at]); i++)
        job->noted_rows[rows_int(results[job->follows_at], i, 0) - 1] =
            ledger_row_read(results[job->follows_at], i, job->arena);
    job->back_n = 0;
    for (size_t i = 0; i < job->n; i++) {
        if (job->batch[i].rows_n) continue;
        job->back[job->back_n] = (uint32_t)i;
        job->back_id[job->back_n++] = job->batch[i].submission->ticket_id;
    }
    if (job->back_n)
        read_back(s, job);
    else
        end(s, job);
}

static void insert_again(Store *s, NewTicketsJob *job) {
    store_request_attempt(s, &job->insert);
}

static void insert(Store *s, NewTicketsJob *job) {
    Attempt *a = &job->insert;
    new_tickets_params(s, job);
    *a = (Attempt){.committed = on_inserted};
    a->queries[a->n++] = tenants_query_bulk(s);
    if (job->keys_n) a->queries[a->n++] = (PostgresQuery){&keys_statement, &s->params[0]};
    a->queries[a->n++] = (PostgresQuery){&requesters_statement, &s->params[1]};
    a->queries[a->n++] = (PostgresQuery){&tickets_statement, &s->params[2]};
    if (job->moved_n || job->follows_n)
        a->queries[a->n++] = (PostgresQuery){&nested_statement, NULL};
    if (job->moved_n) a->queries[a->n++] = (PostgresQuery){&moved_statement, &s->params[3]};
    job->follows_at = a->n;
    if (job->follows_n) a->queries[a->n++] = (PostgresQuery){&follows_statement, &s->params[6]};
    if (job->use_by_ms) a->queries[a->n++] = deadline_query(s, job->use_by_ms);
    store_request_attempt(s, a);
}

static void on_clock(Store *s, const PostgresRows *const *results) {
    (void)results; /* learned already */
    insert(s, s->job);
}

static void on_leased(Store *s, const PostgresRows *const *results) {
    s->requester_spare = rows_int(results[1], 0, 0);
    insert(s, s->job);
}

void store_new_tickets(Store *s, NewTicket *batch, size_t n, Arena *arena, StoreDone done,
                       void *arg) {
    if (!store_request_begin(s, done, arg)) return;
    if (n == 0) {
        store_request_end_soon(s, STORE_DONE, NULL);
        return;
    }
    NewTicketsJob *job = arena_zalloc(arena, sizeof(*job));
    s->job = job;
    job->batch = batch;
    job->n = n;
    job->arena = arena;
    for (size_t i = 0; i < n; i++) {
        batch[i].rows_n = 0;
        job->use_by_ms = deadline_earlier(job->use_by_ms, batch[i].use_by_ms);
    }
    new_tickets_prepare(job);
    if (numbers_left(s) < (int64_t)n)
        store_request_attempt(
            s, &(Attempt){.queries = {{&clock_statement, NULL}, {&lease_statement, NULL}},
                          .n = 2,
                          .committed = on_leased});
    else if (job->use_by_ms && !deadline_possible(s))
        store_request_attempt(
            s, &(Attempt){.queries = {{&clock_statement, NULL}}, .n = 1, .committed = on_clock});
    else
        insert(s, job);
}

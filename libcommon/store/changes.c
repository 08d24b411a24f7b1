/* Changes of existing tickets, optimistically: one transaction reads where the tickets are, here it
 * is decided what becomes of them, a second one writes ticket, ledger row and outbox row of those
 * whose version is still the same. Whoever was overtaken meanwhile is read again. So no lock is
 * ever held while we think. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "store/store_internal.h"

enum { CHANGES_MAX = 1000, ROUNDS_MAX = 20 };

/* What the ledger has of (ticket, cause, step). */
static const PostgresStatement replayed_statement = {
    "store_change_replayed",
    "SELECT i.n, l.tenant_id, l.ticket_id, l.seq, l.cause_id, l.step, l.kind, l.actor, l.at,"
    "       l.revision, l.trace, l.payload"
    " FROM unnest($1::bigint[], $2::bigint[], $3::uuid[], $4::smallint[]) WITH ORDINALITY"
    "   i (tenant_id, id, cause_id, step, n)"
    " CROSS JOIN LATERAL (SELECT coalesce((SELECT a.ticket_id FROM ticket.aliases a"
    "   WHERE a.tenant_id = i.tenant_id AND a.id = i.id), i.id) AS id OFFSET 0) r"
    " CROSS JOIN LATERAL (SELECT * FROM ticket.ledger l WHERE l.tenant_id = i.tenant_id"
    "   AND l.ticket_id = r.id AND l.cause_id = i.cause_id AND l.step = i.step LIMIT 1) l"
    " ORDER BY i.n"};

/* The sub-select locks in the order given, by (tenant, id); a row that changed while we waited for
 * it is compared again, by PostgreSQL itself. */
static const PostgresStatement change_statement = {
    "store_change",
    "WITH input AS (SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::text[],"
    "   $5::bigint[], $6::bigint[], $7::timestamptz[], $8::uuid[], $9::smallint[], $10::text[],"
    "   $11::text[], $12::bigint[], $13::bytea[], $14::jsonb[], $15::bytea[]) WITH ORDINALITY"
    "  i (tenant_id, id, version, status, group_id, assignee_id, at, cause_id, step, kind, actor,"
    "   revision, trace, payload, message, n)),"
    " locked AS (SELECT i.* FROM input i CROSS JOIN LATERAL (SELECT t.id FROM ticket.tickets t"
    "   WHERE t.tenant_id = i.tenant_id AND t.id = i.id AND t.version = i.version"
    "   LIMIT 1 FOR NO KEY UPDATE) t),"
    " changed AS (UPDATE ticket.tickets t SET version = l.version + 1, status = l.status,"
    "   group_id = l.group_id, assignee_id = l.assignee_id, updated_at = l.at FROM locked l"
    "  WHERE t.tenant_id = l.tenant_id AND t.id = l.id RETURNING l.n),"
    " recorded AS (INSERT INTO ticket.ledger (tenant_id, ticket_id, seq, cause_id, step, kind,"
    "   actor, at, revision, trace, payload)"
    "  SELECT tenant_id, id, version + 1, cause_id, step, kind, actor, at, revision, trace, payload"
    "  FROM locked),"
    " outbox AS (INSERT INTO ticket.outbox (tenant_id, topic, key, message)"
    "  SELECT tenant_id, 'docket.events', convert_to(id::text, 'UTF8'), message FROM locked"
    "  RETURNING tenant_id, key, outbox_id)"
    " SELECT l.n, o.outbox_id FROM locked l JOIN changed c ON c.n = l.n"
    "  JOIN outbox o ON o.tenant_id = l.tenant_id AND o.key = convert_to(l.id::text, 'UTF8')"
    "  ORDER BY l.n"};

typedef enum Progress { OPEN, TRYING, SETTLED } Progress;

typedef struct ChangesJob {
    TicketChange *changes;
    size_t n;
    Arena *arena;
    uint32_t *order; /* by (tenant, id), then as given */
    Progress *progress;
    int64_t use_by_ms; /* the earliest, 0: none */
    uint32_t *round;   /* what this round reads, then what it tries: the first of each ticket */
    size_t round_n;
    int rounds;
} ChangesJob;

static void next_round(Store *s, ChangesJob *job);

/* ---- Deciding ---- */

static bool decide(TicketChange *c, int64_t at_ms, Arena *arena) {
    unsigned demands;
    bool note = c->kind == LEDGER_TICKET_NOTED;
    TicketStatus to = note ? c->place.status : c->to_status;
    if (c->expected_version && c->place.version != c->expected_version) {
        c->fate = CHANGE_OVERTAKEN;
        return false;
    }
    if (note) {
        c->to_group_id = c->place.group_id;
        c->to_assignee_id = c->place.assignee_id;
    } else if (ticket_transition(c->place.status, to, c->actor_kind, &demands) < 0 ||
               (demands & DEMANDS_ASSIGNEE && !c->to_assignee_id)) {
        c->fate = CHANGE_ILLEGAL;
        return false;
    }
    CLEANUP(buf_done) Buf payload = {0};
    if (note)
        ledger_payload_noted(c->note, &payload);
    else
        ledger_payload_placed(to, c->to_group_id, c->to_assignee_id, c->reason, &payload);
    c->row = (LedgerRow){.tenant_id = c->tenant_id,
                         .ticket_id = c->place.ticket_id,
                         .seq = c->place.version + 1,
                         .cause = c->cause,
                         .step = c->step,
                         .kind = c->kind,
                         .actor = c->actor,
                         .at_ms = at_ms,
                         .revision = c->revision,
                         .trace = c->trace,
                         .payload = arena_str(arena, buf_str(&payload))};
    c->to_status = to;
    return true;
}

/* ---- Writing ---- */

static void on_written(Store *s, const PostgresRows *const *results) {
    ChangesJob *job = s->job;
    for (size_t i = 0; i < rows_count(results[1]); i++) {
        uint32_t at = job->round[rows_int(results[1], i, 0) - 1];
        TicketChange *c = &job->changes[at];
        c->fate = CHANGE_DONE;
        c->outbox_id = rows_int(results[1], i, 1);
        c->place.version++;
        c->place.status = c->to_status;
        c->place.group_id = c->to_group_id;
        c->place.assignee_id = c->to_assignee_id;
        job->progress[at] = SETTLED;
    }
    next_round(s, job); /* what was overtaken is still TRYING, and is read again */
}

static void write_round(Store *s, ChangesJob *job, const Str *events) {
    Params *p = &s->params[1];
    size_t n = job->round_n;
    params_clear(p);
#define COLUMN(type, write)                                                                        \
    params_array(p, type, n);                                                                      \
    for (size_t i = 0; i < n; i++) {                                                               \
        const TicketChange *c = &job->changes[job->round[i]];                                      \
        (void)c;                                                                                   \
        write;                                                                                     \
    }
    COLUMN(PARAM_INT8, params_element_i64(p, c->tenant_id))
    COLUMN(PARAM_INT8, params_element_i64(p, c->place.ticket_id))
    COLUMN(PARAM_INT4, params_element_i32(p, c->place.version))
    COLUMN(PARAM_TEXT, params_element_text(p, str(ticket_status_name(c->to_status))))
    COLUMN(PARAM_INT8, if (c->to_group_id) params_element_i64(p, c->to_group_id);
           else params_element_null(p))
    COLUMN(PARAM_INT8, if (c->to_assignee_id) params_element_i64(p, c->to_assignee_id);
           else params_element_null(p))
    COLUMN(PARAM_TIME, params_element_time_ms(p, c->row.at_ms))
    COLUMN(PARAM_UUID, params_element_uuid(p, c->cause))
    COLUMN(PARAM_INT2, params_element_i16(p, (int16_t)c->step))
    COLUMN(PARAM_TEXT, params_element_text(p, str(ledger_kind_name(c->kind))))
    COLUMN(PARAM_TEXT, params_element_text(p, c->actor))
    COLUMN(PARAM_INT8, params_element_i64(p, c->revision))
    COLUMN(PARAM_BYTEA, char trace[TRACE_BYTES]; trace_bytes(&c->trace, trace);
           params_element_text(p, (Str){trace, sizeof(trace)}))
    COLUMN(PARAM_JSONB, params_element_text(p, c->row.payload))
    COLUMN(PARAM_BYTEA, params_element_text(p, events[i]))
#undef COLUMN
    Attempt a = {
        .queries = {tenants_query(s), {&change_statement, p}}, .n = 2, .committed = on_written};
    if (job->use_by_ms) a.queries[a.n++] = deadline_query(s, job->use_by_ms);
    request_attempt(s, &a);
}

/* ---- Reading ---- */

static void settle(ChangesJob *job, uint32_t at, ChangeFate fate) {
    job->changes[at].fate = fate;
    job->progress[at] = SETTLED;
}

/* One ticket under two of its ids: the second change waits for the next round. */
static bool is_in_round(const ChangesJob *job, size_t kept, const TicketPlace *place) {
    for (size_t i = 0; i < kept; i++) {
        const TicketPlace *p = &job->changes[job->round[i]].place;
        if (p->ticket_id == place->ticket_id && p->tenant_id == place->tenant_id) return true;
    }
    return false;
}

static void on_read(Store *s, const PostgresRows *const *results) {
    ChangesJob *job = s->job;
    const PostgresRows *places = results[1], *replayed = results[2];
    Str *events = arena_alloc(job->arena, job->round_n * sizeof(*events));
    size_t kept = 0;
    bool aliases = false;
    assert(rows_count(places) == job->round_n);
    for (size_t i = 0; i < job->round_n; i++) {
        TicketChange *c = &job->changes[job->round[i]];
        if (rows_null(places, i, 2)) continue;
        c->place = place_read(places, i, job->arena);
        aliases = aliases || c->place.ticket_id != c->ticket_id;
    }
    for (size_t i = 0; i < rows_count(replayed); i++) {
        uint32_t at = job->round[rows_int(replayed, i, 0) - 1];
        job->changes[at].row = ledger_row_read(replayed, i, job->arena);
        settle(job, at, CHANGE_REPLAYED);
    }
    for (size_t i = 0; i < job->round_n; i++) {
        uint32_t at = job->round[i];
        TicketChange *c = &job->changes[at];
        CLEANUP(buf_done) Buf event = {0};
        if (job->progress[at] == SETTLED) continue;
        if (rows_null(places, i, 2)) {
            settle(job, at, CHANGE_NO_TICKET);
            continue;
        }
        if (aliases && is_in_round(job, kept, &c->place)) continue;
        if (!decide(c, rows_time_ms(places, i, 10), job->arena)) {
            settle(job, at, c->fate);
            continue;
        }
        if (ledger_event_encode(&c->row, job->arena, &event) < 0) { /* assigned to nobody ... */
            c->row = (LedgerRow){.seq = 0};
            settle(job, at, CHANGE_ILLEGAL);
            continue;
        }
        events[kept] = arena_str(job->arena, buf_str(&event));
        job->round[kept++] = at;
    }
    job->round_n = kept;
    if (kept)
        write_round(s, job, events);
    else
        next_round(s, job);
}

/* The first unsettled change of each ticket. */
static void next_round(Store *s, ChangesJob *job) {
    const TicketChange *last = NULL;
    job->round_n = 0;
    for (size_t i = 0; i < job->n; i++) {
        uint32_t at = job->order[i];
        const TicketChange *c = &job->changes[at];
        if (job->progress[at] == SETTLED) continue;
        if (last && last->tenant_id == c->tenant_id && last->ticket_id == c->ticket_id) continue;
        last = c;
        job->progress[at] = TRYING;
        job->round[job->round_n++] = at;
    }
    if (job->round_n == 0) {
        request_end(s, STORE_DONE, NULL);
        return;
    }
    if (++job->rounds > ROUNDS_MAX) {
        request_end(s, STORE_AGAIN, "tickets change faster than they can be read");
        return;
    }
    Params *p = &s->params[0];
    size_t n = job->round_n;
    int64_t *tenants = arena_alloc(job->arena, n * sizeof(*tenants));
    int64_t *ids = arena_alloc(job->arena, n * sizeof(*ids));
    assert(job->changes);
    for (size_t i = 0; i < n; i++) {
        tenants[i] = job->changes[job->round[i]].tenant_id;
        ids[i] = job->changes[job->round[i]].ticket_id;
    }
    places_params(p, tenants, ids, n);
    places_params(&s->params[2], tenants, ids, n);
    p = &s->params[2];
    params_array(p, PARAM_UUID, n);
    for (size_t i = 0; i < n; i++)
        params_element_uuid(p, job->changes[job->round[i]].cause);
    params_array(p, PARAM_INT2, n);
    for (size_t i = 0; i < n; i++)
        params_element_i16(p, (int16_t)job->changes[job->round[i]].step);
    request_attempt(s, &(Attempt){.queries = {tenants_query(s),
                                              {&places_statement, &s->params[0]},
                                              {&replayed_statement, &s->params[2]},
                                              {&clock_statement, NULL}},
                                  .n = 4,
                                  .flags = POSTGRES_READ_ONLY,
                                  .committed = on_read});
}

typedef struct Sorted {
    int64_t tenant_id, ticket_id;
    uint32_t at;
} Sorted;

static int compare(const void *a, const void *b) {
    const Sorted *x = a, *y = b;
    if (x->tenant_id != y->tenant_id) return x->tenant_id < y->tenant_id ? -1 : 1;
    if (x->ticket_id != y->ticket_id) return x->ticket_id < y->ticket_id ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

void store_change_tickets(Store *s, TicketChange *changes, size_t n, Arena *arena, StoreDone done,
                          void *arg) {
    assert(n <= CHANGES_MAX && (changes || n == 0));
    if (!request_begin(s, done, arg)) return;
    if (n == 0) {
        request_end_soon(s, STORE_DONE, NULL);
        return;
    }
    ChangesJob *job = arena_zalloc(arena, sizeof(*job));
    Sorted *sorted = arena_alloc(arena, n * sizeof(*sorted));
    *job = (ChangesJob){.changes = changes, .n = n, .arena = arena};
    s->job = job;
    for (size_t i = 0; i < n; i++) {
        sorted[i] = (Sorted){changes[i].tenant_id, changes[i].ticket_id, (uint32_t)i};
        changes[i].place =
            (TicketPlace){.tenant_id = changes[i].tenant_id, .ticket_id = changes[i].ticket_id};
        changes[i].row = (LedgerRow){.seq = 0};
        changes[i].outbox_id = 0;
        job->use_by_ms = deadline_earlier(job->use_by_ms, changes[i].use_by_ms);
    }
    qsort(sorted, n, sizeof(*sorted), compare);
    job->order = arena_alloc(arena, n * sizeof(*job->order));
    job->round = arena_alloc(arena, n * sizeof(*job->round));
    job->progress = arena_zalloc(arena, n * sizeof(*job->progress));
    for (size_t i = 0; i < n; i++) {
        job->order[i] = sorted[i].at;
        tenants_add(s, sorted[i].tenant_id);
    }
    next_round(s, job);
}

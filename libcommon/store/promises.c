/* Promises: rounds as for any change; and what an earlier life has left. */
#include "store/promises.h"

#include <assert.h>

#include "store/rounds_internal.h"

enum { SEQ_MAX = 8191 }; /* comments and audits are numbered ticket_id * 8192 + seq */

static const PostgresStatement promise_statement = {
    "store_promise",
    "WITH input AS (SELECT * FROM unnest(" ROUND_ARRAYS
    ", $12::text[], $13::bigint[], $14::bigint[], $15::text[]) WITH ORDINALITY i (" ROUND_NAMES
    ", status, group_id, assignee_id, priority, n))," ROUND_LOCKED ","
    " changed AS (UPDATE ticket.tickets t SET version = l.version + 1, status = l.status,"
    "   group_id = l.group_id, assignee_id = l.assignee_id, priority = l.priority,"
    "   updated_at = l.at FROM locked l"
    "  WHERE t.tenant_id = l.tenant_id AND t.id = l.id RETURNING l.n)," ROUND_RECORDED
    " SELECT n FROM changed ORDER BY n"};

static const PostgresStatement acknowledged_statement = {
    "store_acknowledged",
    "SELECT i.n, l.at FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY i (tenant_id, id, n)"
    " CROSS JOIN LATERAL (SELECT * FROM ticket.ledger l WHERE l.tenant_id = i.tenant_id"
    "   AND l.ticket_id = i.id AND l.kind = 'ticket_updated'"
    "   AND l.payload #>> '{reason,why}' = 'acknowledged' ORDER BY l.seq DESC LIMIT 1) l"
    " ORDER BY i.n"};

typedef struct PromisesJob {
    Rounds rounds;
    PromiseChange *changes;
} PromisesJob;

static PromisesJob *job_of(const Rounds *r) {
    return (PromisesJob *)(uintptr_t)r;
}

/* ---- Recording ---- */

static ChangeFate decide(Rounds *r, uint32_t at) {
    PromiseChange *c = &job_of(r)->changes[at];
    unsigned demands;
    if (c->place.version != c->expected_version) return CHANGE_OVERTAKEN;
    if (c->place.version >= SEQ_MAX) return CHANGE_WORN_OUT;
    if (ticket_transition(c->place.status, c->to_status, ACTOR_ROUTER, &demands) < 0 ||
        (demands & DEMANDS_ASSIGNEE && !c->to_assignee_id) ||
        (c->to_status == TICKET_NEW && c->to_assignee_id))
        return CHANGE_ILLEGAL;
    TicketUpdate set = {.status = c->to_status,
                        .group_id = c->to_group_id,
                        .assignee_id = c->to_assignee_id,
                        .priority = c->to_priority};
    if (c->to_status != c->place.status) set.sets |= EDIT_STATUS;
    if (c->to_group_id != c->place.group_id) set.sets |= EDIT_GROUP;
    if (c->to_assignee_id != c->place.assignee_id) set.sets |= EDIT_ASSIGNEE;
    if (c->to_priority != c->place.priority) set.sets |= EDIT_PRIORITY;
    CLEANUP(buf_done) Buf payload = {0};
    promise_payload_write(c->promise, &set, c->reason, &payload);
    c->row.kind = (LedgerKind)(LEDGER_PROMISE_WARNED + (int)c->act);
    c->row.actor = STR("router");
    c->row.revision = c->revision;
    c->row.trace = c->trace;
    c->row.payload = arena_str(r->arena, buf_str(&payload));
    return CHANGE_DONE;
}

static PostgresQuery write(Store *s, Rounds *r) {
    Params *p = &s->params[1];
    size_t n = r->round_n;
    rounds_params(r, p);
#define COLUMN(type, write)                                                                        \
    params_array(p, type, n);                                                                      \
    for (size_t i = 0; i < n; i++) {                                                               \
        const PromiseChange *c = &job_of(r)->changes[r->round[i]];                                 \
        write;                                                                                     \
    }
    COLUMN(PARAM_TEXT, params_element_text(p, str(ticket_status_name(c->to_status))))
    COLUMN(PARAM_INT8, if (c->to_group_id) params_element_i64(p, c->to_group_id);
           else params_element_null(p))
    COLUMN(PARAM_INT8, if (c->to_assignee_id) params_element_i64(p, c->to_assignee_id);
           else params_element_null(p))
    COLUMN(PARAM_TEXT, params_element_text(p, str(ticket_priority_name(c->to_priority))))
#undef COLUMN
    return (PostgresQuery){&promise_statement, p};
}

static void written(Rounds *r, const PostgresRows *rows) {
    for (size_t i = 0; i < rows_count(rows); i++) {
        uint32_t at = r->round[rows_int(rows, i, 0) - 1];
        PromiseChange *c = &job_of(r)->changes[at];
        c->place.version++;
        c->place.status = c->to_status;
        c->place.group_id = c->to_group_id;
        c->place.assignee_id = c->to_assignee_id;
        c->place.priority = c->to_priority;
        rounds_written(r, at);
    }
}

void store_record_promises(Store *s, PromiseChange *changes, size_t n, Arena *arena, StoreDone done,
                           void *arg) {
    assert(n <= PROMISES_MAX && (changes || n == 0));
    if (!store_request_begin(s, done, arg)) return;
    PromisesJob *job = arena_zalloc(arena, sizeof(*job));
    *job = (PromisesJob){.rounds = {.n = n,
                                    .arena = arena,
                                    .decide = decide,
                                    .write = write,
                                    .written = written,
                                    .items = arena_alloc(arena, (n + 1) * sizeof(RoundItem))},
                         .changes = changes};
    for (size_t i = 0; i < n; i++) {
        PromiseChange *c = &changes[i];
        job->rounds.use_by_ms = deadline_earlier(job->rounds.use_by_ms, c->use_by_ms);
        job->rounds.items[i] = (RoundItem){.tenant_id = c->tenant_id,
                                           .ticket_id = c->ticket_id,
                                           .cause = c->cause,
                                           .step = c->step,
                                           .fate = &c->fate,
                                           .place = &c->place,
                                           .row = &c->row};
    }
    rounds_begin(s, &job->rounds);
}

/* ---- Footprints ---- */

typedef struct FootprintsJob {
    Footprint *footprints;
    size_t n;
    Arena *arena;
} FootprintsJob;

static void on_read(Store *s, const PostgresRows *const *results) {
    FootprintsJob *job = s->job;
    const PostgresRows *places = results[1], *found = results[2], *acknowledged = results[3];
    for (size_t i = 0; i < rows_count(places) && i < job->n; i++)
        if (!rows_null(places, i, 2)) job->footprints[i].place = place_read(places, i, job->arena);
    for (size_t i = 0; i < rows_count(found); i++) {
        Footprint *f = &job->footprints[rows_int(found, i, 0) - 1];
        f->row = ledger_row_read(found, i, job->arena);
        f->found = true;
    }
    for (size_t i = 0; i < rows_count(acknowledged); i++)
        job->footprints[rows_int(acknowledged, i, 0) - 1].acknowledged_ms =
            rows_time_ms(acknowledged, i, 1);
    store_request_end(s, STORE_DONE, NULL);
}

void store_footprints(Store *s, Footprint *footprints, size_t n, Arena *arena, StoreDone done,
                      void *arg) {
    if (!store_request_begin(s, done, arg)) return;
    FootprintsJob *job = arena_alloc(arena, sizeof(*job));
    *job = (FootprintsJob){footprints, n, arena};
    s->job = job;
    if (n == 0) {
        store_request_end_soon(s, STORE_DONE, NULL);
        return;
    }
    int64_t *tenants = arena_alloc(arena, n * sizeof(*tenants));
    int64_t *ids = arena_alloc(arena, n * sizeof(*ids));
    for (size_t i = 0; i < n; i++) {
        Footprint *f = &footprints[i];
        f->place = (TicketPlace){.tenant_id = f->tenant_id, .ticket_id = f->ticket_id};
        f->row = (LedgerRow){.seq = 0};
        f->found = false;
        f->acknowledged_ms = 0;
        tenants[i] = f->tenant_id;
        ids[i] = f->ticket_id;
    }
    places_params(&s->params[0], tenants, ids, n);
    Params *p = &s->params[2];
    places_params(p, tenants, ids, n);
    params_array(p, PARAM_UUID, n);
    for (size_t i = 0; i < n; i++)
        params_element_uuid(p, footprints[i].cause);
    params_array(p, PARAM_INT2, n);
    for (size_t i = 0; i < n; i++)
        params_element_i16(p, (int16_t)footprints[i].step);
    tenants_add_all(s, tenants, n);
    store_request_attempt(s, &(Attempt){.queries = {tenants_query(s),
                                                    {&places_statement, &s->params[0]},
                                                    {&footprints_statement, p},
                                                    {&acknowledged_statement, &s->params[0]}},
                                        .n = 4,
                                        .flags = POSTGRES_READ_ONLY,
                                        .committed = on_read});
}

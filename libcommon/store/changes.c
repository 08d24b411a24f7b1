/* Changes of where tickets stand, and notes: what the router and operators do. */
#include <assert.h>

#include "store/rounds_internal.h"

enum { CHANGES_MAX = 1000 };

static const PostgresStatement change_statement = {
    "store_change",
    "WITH input AS (SELECT * FROM unnest(" ROUND_ARRAYS
    ", $12::text[], $13::bigint[], $14::bigint[], $15::bytea[]) WITH ORDINALITY i (" ROUND_NAMES
    ", status, group_id, assignee_id, message, n))," ROUND_LOCKED ","
    " changed AS (UPDATE ticket.tickets t SET version = l.version + 1, status = l.status,"
    "   group_id = l.group_id, assignee_id = l.assignee_id, updated_at = l.at FROM locked l"
    "  WHERE t.tenant_id = l.tenant_id AND t.id = l.id RETURNING l.n)," ROUND_RECORDED ","
    " outbox AS (INSERT INTO ticket.outbox (tenant_id, topic, key, message)"
    "  SELECT tenant_id, 'docket.events', convert_to(id::text, 'UTF8'), message FROM locked"
    "  RETURNING tenant_id, key, outbox_id)"
    " SELECT l.n, o.outbox_id FROM locked l JOIN changed c ON c.n = l.n"
    "  JOIN outbox o ON o.tenant_id = l.tenant_id AND o.key = convert_to(l.id::text, 'UTF8')"
    "  ORDER BY l.n"};

typedef struct ChangesJob {
    Rounds rounds;
    TicketChange *changes;
} ChangesJob;

static ChangeFate decide(Rounds *r, uint32_t at) {
    TicketChange *c = &((ChangesJob *)r)->changes[at];
    unsigned demands;
    bool note = c->kind == LEDGER_TICKET_NOTED;
    TicketStatus to = note ? c->place.status : c->to_status;
    if (c->expected_version && c->place.version != c->expected_version) return CHANGE_OVERTAKEN;
    if (note) {
        c->to_group_id = c->place.group_id;
        c->to_assignee_id = c->place.assignee_id;
    } else if (ticket_transition(c->place.status, to, c->actor_kind, &demands) < 0 ||
               (demands & DEMANDS_ASSIGNEE && !c->to_assignee_id)) {
        return CHANGE_ILLEGAL;
    }
    CLEANUP(buf_done) Buf payload = {0};
    if (note)
        ledger_payload_noted(c->note, &payload);
    else
        ledger_payload_placed(to, c->to_group_id, c->to_assignee_id, c->reason, &payload);
    c->row.kind = c->kind;
    c->row.actor = c->actor;
    c->row.revision = c->revision;
    c->row.trace = c->trace;
    c->row.payload = arena_str(r->arena, buf_str(&payload));
    c->to_status = to;
    return CHANGE_DONE;
}

static PostgresQuery write(Store *s, Rounds *r) {
    Params *p = &s->params[1];
    size_t n = r->round_n;
    rounds_params(r, p);
#define COLUMN(type, write)                                                                        \
    params_array(p, type, n);                                                                      \
    for (size_t i = 0; i < n; i++) {                                                               \
        const TicketChange *c = &((ChangesJob *)r)->changes[r->round[i]];                          \
        (void)c;                                                                                   \
        write;                                                                                     \
    }
    COLUMN(PARAM_TEXT, params_element_text(p, str(ticket_status_name(c->to_status))))
    COLUMN(PARAM_INT8, if (c->to_group_id) params_element_i64(p, c->to_group_id);
           else params_element_null(p))
    COLUMN(PARAM_INT8, if (c->to_assignee_id) params_element_i64(p, c->to_assignee_id);
           else params_element_null(p))
    COLUMN(PARAM_BYTEA, params_element_text(p, r->items[r->round[i]].event))
#undef COLUMN
    return (PostgresQuery){&change_statement, p};
}

static void written(Rounds *r, const PostgresRows *rows) {
    for (size_t i = 0; i < rows_count(rows); i++) {
        uint32_t at = r->round[rows_int(rows, i, 0) - 1];
        TicketChange *c = &((ChangesJob *)r)->changes[at];
        c->outbox_id = rows_int(rows, i, 1);
        c->place.version++;
        c->place.status = c->to_status;
        c->place.group_id = c->to_group_id;
        c->place.assignee_id = c->to_assignee_id;
        rounds_written(r, at);
    }
}

void store_change_tickets(Store *s, TicketChange *changes, size_t n, Arena *arena, StoreDone done,
                          void *arg) {
    assert(n <= CHANGES_MAX && (changes || n == 0));
    if (!store_request_begin(s, done, arg)) return;
    ChangesJob *job = arena_zalloc(arena, sizeof(*job));
    *job = (ChangesJob){.rounds = {.n = n,
                                   .arena = arena,
                                   .decide = decide,
                                   .write = write,
                                   .written = written,
                                   .items = arena_alloc(arena, (n + 1) * sizeof(RoundItem))},
                        .changes = changes};
    for (size_t i = 0; i < n; i++) {
        TicketChange *c = &changes[i];
        c->outbox_id = 0;
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

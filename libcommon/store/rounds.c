/* Reading, deciding, writing, until everything is settled. */
#include "store/rounds_internal.h"

#include <assert.h>
#include <stdlib.h>

enum { ROUNDS_MAX = 20 };

const PostgresStatement footprints_statement = {
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

static void next_round(Store *s, Rounds *r);

/* ---- Writing ---- */

void rounds_params(const Rounds *r, Params *p) {
    size_t n = r->round_n;
    params_clear(p);
#define COLUMN(type, write)                                                                        \
    params_array(p, type, n);                                                                      \
    for (size_t i = 0; i < n; i++) {                                                               \
        const RoundItem *item = &r->items[r->round[i]];                                            \
        write;                                                                                     \
    }
    COLUMN(PARAM_INT8, params_element_i64(p, item->tenant_id))
    COLUMN(PARAM_INT8, params_element_i64(p, item->place->ticket_id))
    COLUMN(PARAM_INT4, params_element_i32(p, item->place->version))
    COLUMN(PARAM_TIME, params_element_time_ms(p, item->row->at_ms))
    COLUMN(PARAM_UUID, params_element_uuid(p, item->cause))
    COLUMN(PARAM_INT2, params_element_i16(p, (int16_t)item->step))
    COLUMN(PARAM_TEXT, params_element_text(p, str(ledger_kind_name(item->row->kind))))
    COLUMN(PARAM_TEXT, params_element_text(p, item->row->actor))
    COLUMN(PARAM_INT8, params_element_i64(p, item->row->revision))
    COLUMN(PARAM_BYTEA, char trace[TRACE_BYTES]; trace_bytes(&item->row->trace, trace);
           params_element_text(p, (Str){trace, sizeof(trace)}))
    COLUMN(PARAM_JSONB, params_element_text(p, item->row->payload))
#undef COLUMN
}

void rounds_written(Rounds *r, uint32_t at) {
    *r->items[at].fate = CHANGE_DONE;
    r->items[at].progress = ROUND_SETTLED;
}

static void on_written(Store *s, const PostgresRows *const *results) {
    Rounds *r = s->job;
    r->written(r, results[1]);
    next_round(s, r); /* what was overtaken is still TRYING, and is read again */
}

static void write_round(Store *s, Rounds *r) {
    Attempt a = {.queries = {tenants_query(s), r->write(s, r)}, .n = 2, .committed = on_written};
    if (r->use_by_ms) a.queries[a.n++] = deadline_query(s, r->use_by_ms);
    store_request_attempt(s, &a);
}

/* ---- Reading ---- */

static void settle(Rounds *r, uint32_t at, ChangeFate fate) {
    *r->items[at].fate = fate;
    r->items[at].progress = ROUND_SETTLED;
    if (fate != CHANGE_REPLAYED) *r->items[at].row = (LedgerRow){.seq = 0};
}

void rounds_refused(Rounds *r, uint32_t at, ChangeFate fate) {
    settle(r, at, fate);
}

/* One ticket under two of its ids: the second change waits for the next round. */
static bool is_in_round(const Rounds *r, size_t kept, const TicketPlace *place) {
    for (size_t i = 0; i < kept; i++) {
        const TicketPlace *p = r->items[r->round[i]].place;
        if (p->ticket_id == place->ticket_id && p->tenant_id == place->tenant_id) return true;
    }
    return false;
}

/* Is it to be written? */
static bool decide(Rounds *r, uint32_t at, int64_t at_ms) {
    RoundItem *item = &r->items[at];
    CLEANUP(buf_done) Buf event = {0};
    *item->row = (LedgerRow){.tenant_id = item->tenant_id,
                             .ticket_id = item->place->ticket_id,
                             .seq = item->place->version + 1,
                             .cause = item->cause,
                             .step = item->step,
                             .at_ms = at_ms};
    ChangeFate fate = r->decide(r, at);
    if (fate == CHANGE_DONE && ledger_event_encode(item->row, r->arena, &event) < 0)
        fate = CHANGE_ILLEGAL; /* assigned to nobody ... */
    if (fate != CHANGE_DONE) {
        settle(r, at, fate);
        return false;
    }
    item->event = arena_str(r->arena, buf_str(&event));
    return true;
}

static void on_read(Store *s, const PostgresRows *const *results) {
    Rounds *r = s->job;
    const PostgresRows *places = results[1], *replayed = results[2];
    size_t kept = 0;
    bool aliases = false;
    assert(rows_count(places) == r->round_n);
    for (size_t i = 0; i < r->round_n; i++) {
        const RoundItem *item = &r->items[r->round[i]];
        if (rows_null(places, i, 2)) continue;
        *item->place = place_read(places, i, r->arena);
        aliases = aliases || item->place->ticket_id != item->ticket_id;
    }
    for (size_t i = 0; i < rows_count(replayed); i++) {
        uint32_t at = r->round[rows_int(replayed, i, 0) - 1];
        *r->items[at].row = ledger_row_read(replayed, i, r->arena);
        settle(r, at, CHANGE_REPLAYED);
    }
    for (size_t i = 0; i < r->round_n; i++) {
        uint32_t at = r->round[i];
        if (r->items[at].progress == ROUND_SETTLED) continue;
        if (rows_null(places, i, 2)) {
            settle(r, at, CHANGE_NO_TICKET);
            continue;
        }
        if (aliases && is_in_round(r, kept, r->items[at].place)) continue;
        if (decide(r, at, rows_time_ms(places, i, 10))) r->round[kept++] = at;
    }
    r->round_n = kept;
    if (kept)
        write_round(s, r);
    else
        next_round(s, r);
}

/* The first unsettled change of each ticket. */
static void next_round(Store *s, Rounds *r) {
    const RoundItem *last = NULL;
    r->round_n = 0;
    for (size_t i = 0; i < r->n; i++) {
        RoundItem *item = &r->items[r->order[i]];
        if (item->progress == ROUND_SETTLED) continue;
        if (last && last->tenant_id == item->tenant_id && last->ticket_id == item->ticket_id)
            continue;
        last = item;
        item->progress = ROUND_TRYING;
        r->round[r->round_n++] = r->order[i];
    }
    if (r->round_n == 0) {
        store_request_end(s, STORE_DONE, NULL);
        return;
    }
    if (++r->rounds > ROUNDS_MAX) {
        store_request_end(s, STORE_AGAIN, "tickets change faster than they can be read");
        return;
    }
    size_t n = r->round_n;
    int64_t *tenants = arena_alloc(r->arena, n * sizeof(*tenants));
    int64_t *ids = arena_alloc(r->arena, n * sizeof(*ids));
    for (size_t i = 0; i < n; i++) {
        tenants[i] = r->items[r->round[i]].tenant_id;
        ids[i] = r->items[r->round[i]].ticket_id;
    }
    places_params(&s->params[0], tenants, ids, n);
    Params *p = &s->params[2];
    places_params(p, tenants, ids, n);
    params_array(p, PARAM_UUID, n);
    for (size_t i = 0; i < n; i++)
        params_element_uuid(p, r->items[r->round[i]].cause);
    params_array(p, PARAM_INT2, n);
    for (size_t i = 0; i < n; i++)
        params_element_i16(p, (int16_t)r->items[r->round[i]].step);
    store_request_attempt(s, &(Attempt){.queries = {tenants_query(s),
                                                    {&places_statement, &s->params[0]},
                                                    {&footprints_statement, p},
                                                    {&clock_statement, NULL}},
                                        .n = 4,
                                        .flags = POSTGRES_READ_ONLY,
                                        .committed = on_read});
}

/* ---- Beginning ---- */

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

void rounds_begin(Store *s, Rounds *r) {
    size_t n = r->n;
    s->job = r;
    if (n == 0) {
        store_request_end_soon(s, STORE_DONE, NULL);
        return;
    }
    Sorted *sorted = arena_alloc(r->arena, n * sizeof(*sorted));
    for (size_t i = 0; i < n; i++) {
        RoundItem *item = &r->items[i];
        sorted[i] = (Sorted){item->tenant_id, item->ticket_id, (uint32_t)i};
        item->progress = ROUND_OPEN;
        *item->place = (TicketPlace){.tenant_id = item->tenant_id, .ticket_id = item->ticket_id};
        *item->row = (LedgerRow){.seq = 0};
    }
    qsort(sorted, n, sizeof(*sorted), compare);
    r->order = arena_alloc(r->arena, n * sizeof(*r->order));
    r->round = arena_alloc(r->arena, n * sizeof(*r->round));
    for (size_t i = 0; i < n; i++) {
        r->order[i] = sorted[i].at;
        tenants_add(s, sorted[i].tenant_id);
    }
    next_round(s, r);
}

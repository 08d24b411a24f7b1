/* What several kinds of requests read back: places of tickets, rows of their ledger. */
#include <errno.h>
#include <stdlib.h>

#include "store/store_internal.h"

/* OFFSET 0 keeps r.id a plain value: the fence lets no condition with a sub-select inside reach an
 * index, for it might tell what is behind the fence. */
const PostgresStatement places_statement = {
    "store_places",
    "SELECT i.n, t.tenant_id, t.id, t.version, t.status, t.priority, t.group_id, t.assignee_id,"
    "       t.skills, t.created_at,"
    "       date_trunc('milliseconds', greatest(" STORE_NOW
    ", t.updated_at) + interval '999 us') AS at"
    " FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY i (tenant_id, id, n)"
    " CROSS JOIN LATERAL (SELECT coalesce((SELECT a.ticket_id FROM ticket.aliases a"
    "   WHERE a.tenant_id = i.tenant_id AND a.id = i.id), i.id) AS id OFFSET 0) r"
    " LEFT JOIN LATERAL (SELECT * FROM ticket.tickets t"
    "   WHERE t.tenant_id = i.tenant_id AND t.id = r.id LIMIT 1) t ON true"
    " ORDER BY i.n"};

const PostgresStatement rows_statement = {
    "store_rows",
    "SELECT i.n, l.tenant_id, l.ticket_id, l.seq, l.cause_id, l.step, l.kind, l.actor, l.at,"
    "       l.revision, l.trace, l.payload"
    " FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY i (tenant_id, id, n)"
    " CROSS JOIN LATERAL (SELECT coalesce((SELECT a.ticket_id FROM ticket.aliases a"
    "   WHERE a.tenant_id = i.tenant_id AND a.id = i.id), i.id) AS id OFFSET 0) r"
    " CROSS JOIN LATERAL (SELECT * FROM ticket.ledger l"
    "   WHERE l.tenant_id = i.tenant_id AND l.ticket_id = r.id AND l.seq <= 3"
    "   ORDER BY l.seq LIMIT 3) l"
    " ORDER BY i.n, l.seq"};

void places_params(Params *p, const int64_t *tenants, const int64_t *ids, size_t n) {
    params_clear(p);
    params_array(p, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        params_element_i64(p, tenants[i]);
    params_array(p, PARAM_INT8, n);
    for (size_t i = 0; i < n; i++)
        params_element_i64(p, ids[i]);
}

static int by_bytes(const void *a, const void *b) {
    const Str *x = a, *y = b;
    size_t n = x->n < y->n ? x->n : y->n;
    int r = n ? memcmp(x->p, y->p, n) : 0;
    return r ? r : (x->n > y->n) - (x->n < y->n);
}

Str skills_join(const Str *skills, size_t n, Arena *arena) {
    if (n == 0) return (Str){"", 0};
    CLEANUP(buf_done) Buf joined = {0};
    Str *sorted = arena_alloc(arena, n * sizeof(*sorted));
    memcpy(sorted, skills, n * sizeof(*sorted));
    qsort(sorted, n, sizeof(*sorted), by_bytes);
    for (size_t i = 0; i < n; i++) {
        if (i && str_eq(sorted[i], sorted[i - 1])) continue;
        if (i) buf_addc(&joined, ',');
        buf_add_str(&joined, sorted[i]);
    }
    return arena_str(arena, buf_str(&joined));
}

TicketPlace place_read(const PostgresRows *rows, size_t row, Arena *arena) {
    enum { SKILLS_MAX = 64 };
    Str skills[SKILLS_MAX];
    TicketPlace p = {.tenant_id = rows_int(rows, row, 1),
                     .ticket_id = rows_int(rows, row, 2),
                     .version = (int32_t)rows_int(rows, row, 3),
                     .group_id = rows_int(rows, row, 6),
                     .assignee_id = rows_int(rows, row, 7),
                     .created_ms = rows_time_ms(rows, row, 9)};
    (void)ticket_status_parse(rows_str(rows, row, 4), &p.status);
    (void)ticket_priority_parse(rows_str(rows, row, 5), &p.priority);
    size_t n = rows_text_array(rows, row, 8, skills, SKILLS_MAX);
    p.skills = skills_join(skills, n < SKILLS_MAX ? n : SKILLS_MAX, arena);
    return p;
}

LedgerRow ledger_row_read(const PostgresRows *rows, size_t row, Arena *arena) {
    LedgerRow l = {.tenant_id = rows_int(rows, row, 1),
                   .ticket_id = rows_int(rows, row, 2),
                   .seq = (int32_t)rows_int(rows, row, 3),
                   .cause = rows_uuid(rows, row, 4),
                   .step = (int32_t)rows_int(rows, row, 5),
                   .kind = LEDGER_KINDS,
                   .actor = arena_str(arena, rows_str(rows, row, 7)),
                   .at_ms = rows_time_ms(rows, row, 8),
                   .revision = rows_int(rows, row, 9),
                   .payload = arena_str(arena, rows_str(rows, row, 11))};
    Str trace = rows_str(rows, row, 10);
    (void)ledger_kind_parse(rows_str(rows, row, 6), &l.kind); /* unknown: no event of ours */
    if (trace.n == TRACE_BYTES) {
        memcpy(l.trace.trace_id, trace.p, 16);
        memcpy(l.trace.span_id, trace.p + 16, 8);
        l.trace.flags = (uint8_t)trace.p[24];
    }
    return l;
}

void trace_bytes(const Trace *t, char ret[TRACE_BYTES]) {
    memcpy(ret, t->trace_id, 16);
    memcpy(ret + 16, t->span_id, 8);
    ret[24] = (char)t->flags;
}

void array_literal(const Str *values, size_t n, Buf *ret) {
    buf_addc(ret, '{');
    for (size_t i = 0; i < n; i++) {
        if (i) buf_addc(ret, ',');
        buf_addc(ret, '"');
        for (size_t at = 0; at < values[i].n; at++) {
            char c = values[i].p[at];
            if (c == '"' || c == '\\') buf_addc(ret, '\\');
            buf_addc(ret, c);
        }
        buf_addc(ret, '"');
    }
    buf_addc(ret, '}');
}

/* One transaction: the ticket, the page, and what the page stands on. */
#include "desk/tickets/ledger_page.h"

#include "desk/api/answer.h"
#include "desk/tickets/reader.h"
#include "json/json.h"

static const PostgresStatement ticket_statement = {
    "desk_ledger_ticket", "SELECT " TICKET_COLUMNS " FROM ticket.tickets t"
                          " WHERE t.tenant_id = $1::bigint AND t.id = $2::bigint"};

/* $3: 0 all, 1 comments, 2 public comments. */
#define PART                                                                                       \
    " AND ($3::integer = 0 OR l.seq = 1 OR (l.payload ? 'comment'"                                 \
    "  AND ($3::integer = 1 OR (l.payload -> 'comment' -> 'public') = 'true'::jsonb)))"
#define COLUMNS "l.seq, l.at, l.kind, l.actor, l.revision, l.payload"
static const PostgresStatement page_up = {
    "desk_ledger_up", "SELECT " COLUMNS " FROM ticket.ledger l WHERE l.tenant_id = $1::bigint"
                      " AND l.ticket_id = $2::bigint AND l.seq > $4::bigint" PART
                      " ORDER BY l.seq LIMIT $5::bigint OFFSET $6::bigint"};
static const PostgresStatement page_down = {
    "desk_ledger_down", "SELECT " COLUMNS " FROM ticket.ledger l WHERE l.tenant_id = $1::bigint"
                        " AND l.ticket_id = $2::bigint AND l.seq < $4::bigint" PART
                        " ORDER BY l.seq DESC LIMIT $5::bigint OFFSET $6::bigint"};
static const PostgresStatement count_statement = {
    "desk_ledger_count", "SELECT count(*) FROM ticket.ledger l WHERE l.tenant_id = $1::bigint"
                         " AND l.ticket_id = $2::bigint" PART};
static const PostgresStatement before_statement = {
    "desk_ledger_before",
    "SELECT DISTINCT ON (s.key) s.key, s.value FROM ticket.ledger l"
    " CROSS JOIN LATERAL jsonb_each(l.payload -> 'set') s WHERE l.tenant_id = $1::bigint"
    " AND l.ticket_id = $2::bigint AND l.seq < $3::integer"
    " AND jsonb_typeof(l.payload -> 'set') = 'object' AND s.key <> 'description'"
    " ORDER BY s.key, l.seq DESC"};

typedef struct Reading {
    LedgerPage page;
    LedgerPart part;
    LedgerDone done;
} Reading;

static void on_before(Request *r, const PostgresRows *const *results,
                      const PostgresProblem *problem) {
    Reading *x = r->context;
    (void)problem;
    size_t n = results ? rows_count(results[0]) : 0;
    for (size_t i = 0; i < n; i++) {
        cJSON *value = NULL;
        if (json_parse_in(r->arena, rows_str(results[0], i, 1), NULL, &value, NULL) == 0)
            audit_state_set(&x->page.before, arena_str(r->arena, rows_str(results[0], i, 0)),
                            value);
    }
    x->done(r, &x->page);
}

static int32_t smallest_seq(const LedgerPage *p) {
    int32_t seq = p->rows[0].seq;
    for (size_t i = 1; i < p->n; i++)
        if (p->rows[i].seq < seq) seq = p->rows[i].seq;
    return seq;
}

static void ask_before(Request *r, Reading *x) {
    int32_t seq = x->part == LEDGER_ALL && x->page.n ? smallest_seq(&x->page) : 1;
    if (seq <= 1) {
        x->done(r, &x->page);
        return;
    }
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_i64(p, r->ids[0]);
    params_i32(p, seq);
    request_query_rows(r, POSTGRES_READ_ONLY, &(PostgresQuery){&before_statement, p}, 1, on_before);
}

static void take_rows(Request *r, Reading *x, const PostgresRows *rows) {
    LedgerPage *page = &x->page;
    page->n = rows_count(rows);
    page->more = page->n > (size_t)page->paging.size;
    if (page->more) page->n--;
    page->rows = arena_alloc(r->arena, (page->n + 1) * sizeof(*page->rows));
    for (size_t i = 0; i < page->n; i++) {
        size_t from = paging_row(&page->paging, page->n, i);
        page->rows[i] = (AuditRow){.ticket_id = page->ticket.id,
                                   .seq = (int32_t)rows_int(rows, from, 0),
                                   .at_ms = rows_time_ms(rows, from, 1),
                                   .kind = arena_str(r->arena, rows_str(rows, from, 2)),
                                   .actor = arena_str(r->arena, rows_str(rows, from, 3)),
                                   .revision = rows_int(rows, from, 4),
                                   .payload = arena_str(r->arena, rows_str(rows, from, 5))};
    }
}

static void on_rows(Request *r, const PostgresRows *const *results,
                    const PostgresProblem *problem) {
    Reading *x = r->context;
    (void)problem;
    if (!results || !rows_count(results[0])) {
        answer_not_found(r);
        return;
    }
    TicketRow ticket = ticket_row_read(results[0], 0, 0, r->subject.tenant_id, r->arena);
    if (ticket.status == TICKET_DELETED) {
        answer_not_found(r);
        return;
    }
    if (!ticket_allows(r, RIGHT_TICKETS_READ, &ticket)) return;
    x->page.ticket = ticket_row_keep(&ticket, r->arena);
    take_rows(r, x, results[1]);
    x->page.count = x->page.paging.by_cursor ? -1 : rows_int(results[2], 0, 0);
    ask_before(r, x);
}

static Params *ticket_params(Request *r) {
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_i64(p, r->ids[0]);
    return p;
}

void ledger_page_read(Request *r, LedgerPart part, LedgerDone done) {
    static const char *const sorts[] = {"created_at", "id", NULL};
    Reading *x = arena_zalloc(r->arena, sizeof(*x));
    x->part = part;
    x->done = done;
    if (!paging_read(r, sorts, &x->page.paging)) return;
    r->context = x;
    const Paging *paging = &x->page.paging;
    Params *page = ticket_params(r), *count = ticket_params(r);
    params_i32(page, (int32_t)part);
    params_i64(page, paging->has_position ? paging->id : paging->descending ? INT32_MAX : 0);
    params_i64(page, paging_limit(paging));
    params_i64(page, paging_offset(paging));
    params_i32(count, (int32_t)part);
    PostgresQuery queries[] = {{&ticket_statement, ticket_params(r)},
                               {paging->descending ? &page_down : &page_up, page},
                               {&count_statement, count}};
    request_query_rows(r, POSTGRES_READ_ONLY, queries, paging->by_cursor ? 2 : 3, on_rows);
}

void ledger_page_end(Request *r, const LedgerPage *page, Buf *ret) {
    PagingEnds ends = {0};
    if (page->n)
        ends = (PagingEnds){page->rows[0].seq, page->rows[0].seq, page->rows[page->n - 1].seq,
                            page->rows[page->n - 1].seq};
    paging_write(r, &page->paging, page->n, page->more, &ends, page->count, ret);
}

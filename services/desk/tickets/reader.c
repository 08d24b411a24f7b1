/* Gathers, asks, gives out. At most FLIGHTS questions are under way; what is asked meanwhile is one
 * question when one of them returns. */
#include "desk/tickets/reader.h"

#include "desk/api/answer.h"
#include "desk/desk.h"
#include "log/log.h"

enum { FLIGHTS = 4, PER_FLIGHT = 64 };

/* One tenant's fence is its number, several tenants' a list; each row is asked for by its own
 * tenant in any case. */
static const PostgresStatement fence = {"desk_reader_fence",
                                        "SELECT set_config('docket.tenants', $1::text, true)"};
static const PostgresStatement one = {"desk_reader_one",
                                      "SELECT 1, " TICKET_COLUMNS " FROM ticket.tickets t"
                                      " WHERE t.tenant_id = $1::bigint AND t.id = $2::bigint"};
static const PostgresStatement many = {
    "desk_reader_many",
    "SELECT i.n::integer, " TICKET_COLUMNS
    " FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY i (tenant_id, id, n)"
    " CROSS JOIN LATERAL (SELECT * FROM ticket.tickets t"
    "   WHERE t.tenant_id = i.tenant_id AND t.id = i.id LIMIT 1) t ORDER BY i.n"};

typedef struct Wish {
    Request *request;
    int64_t id;
    TicketFound found;
} Wish;

typedef struct Flight {
    struct TicketReader *reader;
    bool busy;
    Wish wishes[PER_FLIGHT];
    size_t n;
    Buf tenants;
    Params fence, params;
    PostgresQuery queries[2];
} Flight;

struct TicketReader {
    Desk *desk;
    Flight flights[FLIGHTS];
    Wish
        *waiting; /* a ring would be smaller; this is as long as what PostgreSQL's pool lets wait */
    size_t waiting_n, waiting_room;
    bool deferred, dead;
};

static void depart(struct TicketReader *t);

static void give(Flight *f, const PostgresRows *rows) {
    size_t row = 0, n = rows_count(rows);
    for (size_t i = 0; i < f->n; i++) {
        Wish *w = &f->wishes[i];
        if (row < n && rows_int(rows, row, 0) == (int64_t)i + 1) {
            TicketRow ticket =
                ticket_row_read(rows, row++, 1, w->request->subject.tenant_id, w->request->arena);
            w->found(w->request, &ticket);
        } else {
            w->found(w->request, NULL);
        }
    }
}

static void on_rows(void *arg, PostgresOutcome outcome, const PostgresRows *const *results,
                    const PostgresProblem *problem) {
    Flight *f = arg;
    struct TicketReader *t = f->reader;
    if (outcome == POSTGRES_COMMITTED) {
        give(f, results[1]);
    } else {
        log_warn(NULL, "Reading tickets: PostgreSQL: %s", problem->text);
        for (size_t i = 0; i < f->n; i++)
            answer_unavailable(f->wishes[i].request, "The database is away; ask again", -1);
    }
    f->busy = false;
    f->n = 0;
    depart(t);
}

static void name_tenants(Flight *f) {
    buf_clear(&f->tenants);
    buf_addc(&f->tenants, '{');
    for (size_t i = 0; i < f->n; i++) {
        int64_t tenant = f->wishes[i].request->subject.tenant_id;
        if (i && tenant == f->wishes[i - 1].request->subject.tenant_id) continue;
        if (i) buf_addc(&f->tenants, ',');
        buf_add_i64(&f->tenants, tenant);
    }
    buf_addc(&f->tenants, '}');
    params_clear(&f->fence);
    params_text(&f->fence, buf_str(&f->tenants));
}

static void fill_params(Flight *f) {
    params_clear(&f->params);
    if (f->n == 1) {
        params_i64(&f->params, f->wishes[0].request->subject.tenant_id);
        params_i64(&f->params, f->wishes[0].id);
        return;
    }
    params_array(&f->params, PARAM_INT8, f->n);
    for (size_t i = 0; i < f->n; i++)
        params_element_i64(&f->params, f->wishes[i].request->subject.tenant_id);
    params_array(&f->params, PARAM_INT8, f->n);
    for (size_t i = 0; i < f->n; i++)
        params_element_i64(&f->params, f->wishes[i].id);
}

static bool take_off(struct TicketReader *t, Flight *f) {
    f->n = t->waiting_n < PER_FLIGHT ? t->waiting_n : PER_FLIGHT;
    memcpy(f->wishes, t->waiting, f->n * sizeof(Wish));
    t->waiting_n -= f->n;
    memmove(t->waiting, t->waiting + f->n, t->waiting_n * sizeof(Wish));
    name_tenants(f);
    fill_params(f);
    f->queries[0] = (PostgresQuery){&fence, &f->fence};
    f->queries[1] = (PostgresQuery){f->n == 1 ? &one : &many, &f->params};
    f->busy = postgres_pool_run(t->desk->pool, POSTGRES_READ_ONLY, f->queries, 2, on_rows, f) == 0;
    if (f->busy) return true;
    for (size_t i = 0; i < f->n; i++)
        answer_unavailable(f->wishes[i].request, "Too many requests wait for the database", -1);
    f->n = 0;
    return false;
}

static void depart(struct TicketReader *t) {
    for (size_t i = 0; i < FLIGHTS && t->waiting_n && !t->dead; i++)
        if (!t->flights[i].busy && !take_off(t, &t->flights[i])) return;
}

static void at_the_end_of_the_turn(void *arg) {
    struct TicketReader *t = arg;
    t->deferred = false;
    depart(t);
}

void ticket_read(Request *r, int64_t id, TicketFound found) {
    struct TicketReader *t = r->desk->reader;
    if (t->waiting_n == (size_t)r->desk->config->postgres_waiting) {
        answer_unavailable(r, "Too many requests wait for the database; ask again", -1);
        return;
    }
    if (t->waiting_n == t->waiting_room) {
        t->waiting_room = t->waiting_room ? t->waiting_room * 2 : 64;
        t->waiting = xrealloc(t->waiting, t->waiting_room * sizeof(Wish));
    }
    t->waiting[t->waiting_n++] = (Wish){r, id, found};
    if (t->deferred) return;
    t->deferred = true;
    loop_defer(r->desk->loop, at_the_end_of_the_turn, t);
}

bool ticket_allows(Request *r, Right what, const TicketRow *ticket) {
    TicketScope scope = ticket_row_scope(ticket);
    const char *reason = "";
    if (ticket->status == TICKET_DELETED) {
        answer_not_found(r);
        return false;
    }
    switch (rights_decide(&r->subject, what, &scope, &reason)) {
    case RIGHTS_YES:
        return true;
    case RIGHTS_HIDDEN:
        answer_not_found(r);
        return false;
    case RIGHTS_NO:
        answer_forbidden(r, reason);
        return false;
    }
    return false;
}

static int start(Desk *d, Buf *ret_problem) {
    (void)ret_problem;
    d->reader = xcalloc(1, sizeof(*d->reader));
    d->reader->desk = d;
    for (size_t i = 0; i < FLIGHTS; i++)
        d->reader->flights[i].reader = d->reader;
    return 0;
}

static void free_memory(void *arg) {
    struct TicketReader *t = arg;
    for (size_t i = 0; i < FLIGHTS; i++) {
        buf_done(&t->flights[i].tenants);
        params_done(&t->flights[i].fence);
        params_done(&t->flights[i].params);
    }
    free(t->waiting);
    free(t);
}

static void stop(Desk *d) {
    struct TicketReader *t = d->reader;
    if (!t) return;
    t->dead = true;
    for (size_t i = 0; i < t->waiting_n; i++)
        answer_unavailable(t->waiting[i].request, "The desk is stopping; ask again", -1);
    t->waiting_n = 0;
    d->pool = postgres_pool_free(d->pool); /* what is under way is answered with it */
    d->reader = NULL;
    loop_free_later(d->loop, t, free_memory);
}

const DeskPart ticket_reader_part = {.name = "ticket reader", .start = start, .stop = stop};

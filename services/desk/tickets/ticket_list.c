#include "desk/tickets/ticket_list.h"

#include "desk/api/answer.h"
#include "desk/people/sideload.h"
#include "desk/tickets/slas.h"
#include "desk/tickets/ticket_json.h"

#define ADD(ret, literal) buf_add((ret), "" literal, sizeof(literal) - 1)

typedef struct Listing {
    Buf *body;
    Paging paging;
    PagingEnds ends;
    size_t shown;
    bool more, paged;
    int64_t count;
    Sideload named;
    size_t *ends_at; /* of each ticket in body: behind it */
    size_t n;
} Listing;

static void finish(Request *r) {
    Listing *l = r->context;
    if (l->paged) paging_write(r, &l->paging, l->shown, l->more, &l->ends, l->count, l->body);
    ADD(l->body, "}");
    answer_json(r, 200, buf_str(l->body));
}

/* Whom these rows name, for side-loads. */
static void name_all(Request *r, const TicketRow *rows, size_t n, Sideload *ret) {
    int64_t *users = arena_alloc(r->arena, (n * 2 + 1) * sizeof(*users));
    int64_t *groups = arena_alloc(r->arena, (n + 1) * sizeof(*groups));
    int64_t *organizations = arena_alloc(r->arena, (n + 1) * sizeof(*organizations));
    for (size_t i = 0; i < n; i++) {
        if (rows[i].requester_id) users[ret->users_n++] = rows[i].requester_id;
        if (rows[i].assignee_id) users[ret->users_n++] = rows[i].assignee_id;
        if (rows[i].group_id) groups[ret->groups_n++] = rows[i].group_id;
        if (rows[i].organization_id)
            organizations[ret->organizations_n++] = rows[i].organization_id;
    }
    ret->users = users;
    ret->groups = groups;
    ret->organizations = organizations;
}

static void add_row(Request *r, Listing *l, const TicketRow *row) {
    ticket_json(l->body, request_base(r), row, r->catalog);
    l->ends_at[l->n++] = l->body->n;
}

static Listing *begin(Request *r, const char *head, const TicketRow *rows, size_t n) {
    Listing *l = arena_zalloc(r->arena, sizeof(*l));
    l->body = request_buf(r);
    l->ends_at = arena_alloc(r->arena, (n + 1) * sizeof(*l->ends_at));
    buf_adds(l->body, head);
    for (size_t i = 0; i < n; i++) {
        if (i) ADD(l->body, ",");
        add_row(r, l, &rows[i]);
    }
    return l;
}

static void sideload_people(Request *r, Listing *l) {
    sideload_add(r, &l->named, l->body, finish);
}

/* Each ticket gets a member more, behind its last. */
static void on_slas(Request *r, const Str *slas) {
    Listing *l = r->context;
    l->body = slas_insert(r, l->body, l->ends_at, l->n, slas);
    sideload_people(r, l);
}

/* Body so far, then side-loads if any are asked for, then the end. */
static void go_on(Request *r, Listing *l, const TicketRow *rows, size_t n) {
    r->context = l;
    if (!request_query(r, "include").n) {
        finish(r);
        return;
    }
    name_all(r, rows, n, &l->named);
    if (!l->n || !request_includes(r, "slas")) {
        sideload_people(r, l);
        return;
    }
    int64_t *ids = arena_alloc(r->arena, n * sizeof(*ids));
    for (size_t i = 0; i < n; i++)
        ids[i] = rows[i].id;
    slas_read(r, ids, n, on_slas);
}

static void page_end(Request *r, Listing *l, const TicketRow *rows, size_t n, const Paging *p,
                     bool more, const PagingEnds *ends, int64_t count) {
    l->paging = *p;
    l->ends = *ends;
    l->shown = n;
    l->more = more;
    l->paged = true;
    l->count = count;
    go_on(r, l, rows, n);
}

void ticket_list_end(Request *r, Buf *body, size_t *ends_at, const TicketRow *rows, size_t n,
                     const Paging *p, bool more, const PagingEnds *ends, int64_t count) {
    Listing *l = arena_zalloc(r->arena, sizeof(*l));
    l->body = body;
    l->ends_at = ends_at;
    l->n = n;
    page_end(r, l, rows, n, p, more, ends, count);
}

void ticket_list_answer(Request *r, const TicketRow *rows, size_t n, const Paging *p, bool more,
                        const PagingEnds *ends, int64_t count) {
    Listing *l = begin(r, "{\"tickets\":[", rows, n);
    ADD(l->body, "]");
    page_end(r, l, rows, n, p, more, ends, count);
}

void ticket_list_answer_all(Request *r, const TicketRow *rows, size_t n) {
    Listing *l = begin(r, "{\"tickets\":[", rows, n);
    ADD(l->body, "],\"next_page\":null,\"previous_page\":null,\"count\":");
    buf_add_u64(l->body, n);
    go_on(r, l, rows, n);
}

void ticket_answer(Request *r, const TicketRow *ticket) {
    Listing *l = begin(r, "{\"ticket\":", ticket, 1);
    go_on(r, l, ticket, 1);
}

#include "desk/tickets/ticket_list.h"

#include "desk/api/answer.h"
#include "desk/people/sideload.h"
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

static void add_rows(Request *r, const TicketRow *rows, size_t n, Buf *body) {
    Str base = request_base(r);
    for (size_t i = 0; i < n; i++) {
        if (i) ADD(body, ",");
        ticket_json(body, base, &rows[i], r->catalog);
    }
}

/* Body so far, then side-loads if any are asked for, then the end. */
static void go_on(Request *r, Listing *l, const TicketRow *rows, size_t n) {
    r->context = l;
    if (!request_query(r, "include").n) {
        finish(r);
        return;
    }
    name_all(r, rows, n, &l->named);
    sideload_add(r, &l->named, l->body, finish);
}

void ticket_list_end(Request *r, Buf *body, const TicketRow *rows, size_t n, const Paging *p,
                     bool more, const PagingEnds *ends, int64_t count) {
    Listing *l = arena_zalloc(r->arena, sizeof(*l));
    *l = (Listing){.body = body,
                   .paging = *p,
                   .ends = *ends,
                   .shown = n,
                   .more = more,
                   .paged = true,
                   .count = count};
    go_on(r, l, rows, n);
}

void ticket_list_answer(Request *r, const TicketRow *rows, size_t n, const Paging *p, bool more,
                        const PagingEnds *ends, int64_t count) {
    Buf *body = request_buf(r);
    ADD(body, "{\"tickets\":[");
    add_rows(r, rows, n, body);
    ADD(body, "]");
    ticket_list_end(r, body, rows, n, p, more, ends, count);
}

void ticket_list_answer_all(Request *r, const TicketRow *rows, size_t n) {
    Listing *l = arena_zalloc(r->arena, sizeof(*l));
    l->body = request_buf(r);
    ADD(l->body, "{\"tickets\":[");
    add_rows(r, rows, n, l->body);
    ADD(l->body, "],\"next_page\":null,\"previous_page\":null,\"count\":");
    buf_add_u64(l->body, n);
    go_on(r, l, rows, n);
}

void ticket_answer(Request *r, const TicketRow *ticket) {
    Listing *l = arena_zalloc(r->arena, sizeof(*l));
    l->body = request_buf(r);
    ADD(l->body, "{\"ticket\":");
    ticket_json(l->body, request_base(r), ticket, r->catalog);
    go_on(r, l, ticket, 1);
}

#include "desk/api/row_page.h"

#include "desk/api/answer.h"
#include "desk/api/out.h"
#include "desk/api/paging.h"

typedef struct Asked {
    const RowPage *page;
    Paging paging;
    PostgresQuery query;
} Asked;

static void on_rows(Request *r, const PostgresRows *const *results,
                    const PostgresProblem *problem) {
    const Asked *a = r->context;
    if (problem) {
        answer_bad_request(r, "query", "is not possible", "see the API's description");
        return;
    }
    CLEANUP(buf_done) Buf body = {0};
    PagingEnds ends = {0};
    size_t n = rows_count(results[0]), size = (size_t)a->paging.size, shown = n < size ? n : size;
    buf_printf(&body, "{\"%s\":[", a->page->plural);
    for (size_t i = 0; i < shown; i++) {
        size_t row = paging_row(&a->paging, shown, i);
        int64_t id = rows_int(results[0], row, 0);
        if (i) OUT(&body, ",");
        a->page->write(r, results[0], row, &body);
        if (i == 0) ends.first_position = ends.first_id = id;
        ends.last_position = ends.last_id = id;
    }
    OUT(&body, "]");
    paging_write(r, &a->paging, shown, n > shown, &ends, -1, &body);
    OUT(&body, "}");
    answer_json(r, 200, buf_str(&body));
}

Params *row_page_params(Request *r, const RowPage *page) {
    Asked *a = arena_zalloc(r->arena, sizeof(*a));
    a->page = page;
    if (!paging_read(r, page->sorts, &a->paging)) return NULL;
    if (a->paging.descending && !page->down) {
        answer_bad_request(r, "page[before]", "is not possible here", "read forwards");
        return NULL;
    }
    r->context = a;
    Params *p = request_params(r);
    params_i64(p, r->subject.tenant_id);
    params_i64(p, a->paging.has_position ? a->paging.id : a->paging.descending ? INT64_MAX : 0);
    params_i64(p, paging_limit(&a->paging));
    params_i64(p, paging_offset(&a->paging));
    return p;
}

void row_page_run(Request *r, const RowPage *page, const Params *p) {
    Asked *a = r->context;
    a->query = (PostgresQuery){a->paging.descending ? page->down : page->up, p};
    request_query_rows(r, POSTGRES_READ_ONLY, &a->query, 1, on_rows);
}

void row_page_all(Request *r, const char *plural, const PostgresRows *rows, RowWrite write) {
    CLEANUP(buf_done) Buf body = {0};
    size_t n = rows ? rows_count(rows) : 0;
    buf_printf(&body, "{\"%s\":[", plural);
    for (size_t i = 0; i < n; i++) {
        if (i) OUT(&body, ",");
        write(r, rows, i, &body);
    }
    buf_printf(&body, "],\"next_page\":null,\"previous_page\":null,\"count\":%zu}", n);
    answer_json(r, 200, buf_str(&body));
}

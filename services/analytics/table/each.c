/* Tickets one by one: those that pass, with what is known of them by code. */
#include <errno.h>

#include "analytics/table/scan_internal.h"

static int check(const FactQuestion *q, Buf *ret) {
    if (q->source == FACT_TICKETS && !q->dims_n && !q->measures_n && q->cut == CUT_NONE &&
        q->one_of_n <= FACT_FILTERS_MAX && q->ranges_n <= FACT_FILTERS_MAX &&
        q->between_n <= FACT_FILTERS_MAX)
        return 0;
    if (ret) buf_adds(ret, "tickets one by one have no dimensions, measures and parts of time");
    return -EINVAL;
}

static FactTicket ticket_at(const FactTable *t, uint32_t at) {
    const Block *b = t->blocks[at >> BLOCK_SHIFT];
    uint32_t row = at & (BLOCK_ROWS - 1);
    FactTicket one = {.ticket_id = (int64_t)column_get(&b->id, row),
                      .requester_id = (int64_t)column_get(&b->requester, row)};
    for (int i = 0; i < FACT_TIMES_OF; i++) {
        uint64_t instant = column_get(&b->times[i], row);
        one.at_ms[i] = instant ? ((int64_t)instant - 1) * 1000 : FACT_NEVER;
    }
    for (int i = 0; i < FACT_CODED_DIMS; i++)
        one.codes[i] = (uint32_t)column_get(&b->codes[i], row);
    uint32_t category = one.codes[FACT_CATEGORY];
    one.codes[FACT_CATEGORY_TOP] = category ? t->top_of[category] : 0;
    return one;
}

/* Rows that pass, to `take`; false ends it. */
static int walk(const FactTable *t, const FactQuestion *q, bool (*take)(void *arg, uint32_t row),
                void *arg, Buf *ret_problem) {
    Filters f = {0};
    int r = check(q, ret_problem);
    if (r >= 0) r = filters_make(&f, t, q, ret_problem);
    Lanes *l = xmalloc(sizeof(*l));
    bool on = r >= 0;
    for (size_t i = 0; on && i < t->blocks_n; i++) {
        const Block *b = t->blocks[i];
        if (filters_skip(&f, b)) continue;
        for (uint32_t first = 0; on && first < b->rows; first += LANES) {
            uint32_t n = b->rows - first < LANES ? b->rows - first : LANES;
            filters_rows(&f, b, first, n, l);
            for (uint32_t k = 0; on && k < l->n; k++)
                on = take(arg, (uint32_t)i << BLOCK_SHIFT | (l->run ? first + k : l->row[k]));
        }
    }
    free(l);
    filters_done(&f);
    return r;
}

typedef struct Telling {
    const FactTable *table;
    bool (*each)(void *arg, const FactTicket *ticket);
    void *arg;
} Telling;

static bool tell(void *arg, uint32_t row) {
    const Telling *told = arg;
    FactTicket one = ticket_at(told->table, row);
    return told->each(told->arg, &one);
}

int fact_each(const FactTable *t, const FactQuestion *q,
              bool (*each)(void *arg, const FactTicket *ticket), void *arg, Buf *ret_problem) {
    Telling told = {t, each, arg};
    return walk(t, q, tell, &told, ret_problem);
}

/* ---- The latest ---- */

typedef struct Late {
    uint32_t at; /* instant + 1; 0: none, which is the earliest */
    uint32_t row;
    int64_t id;
} Late;

typedef struct Latest { /* a heap whose top is the earliest of those that are in */
    const FactTable *table;
    FactTimeField time;
    Late *heap;
    size_t n, limit;
} Latest;

static int compare(const void *x, const void *y) {
    const Late *a = x, *b = y;
    int c = (a->at < b->at) - (a->at > b->at);
    return c ? c : (a->id > b->id) - (a->id < b->id);
}

static void sink(Latest *l, size_t at) {
    for (;;) {
        size_t last = at;
        for (size_t k = 2 * at + 1; k <= 2 * at + 2 && k < l->n; k++)
            if (compare(&l->heap[k], &l->heap[last]) > 0) last = k;
        if (last == at) return;
        Late up = l->heap[last];
        l->heap[last] = l->heap[at];
        l->heap[at] = up;
        at = last;
    }
}

static bool keep(void *arg, uint32_t row) {
    Latest *l = arg;
    const Block *b = l->table->blocks[row >> BLOCK_SHIFT];
    uint32_t in = row & (BLOCK_ROWS - 1);
    Late one = {(uint32_t)column_get(&b->times[l->time], in), row, (int64_t)column_get(&b->id, in)};
    if (l->n < l->limit) {
        l->heap[l->n++] = one;
        for (size_t i = l->n == l->limit ? l->limit : 0; i-- > 0;)
            sink(l, i);
    } else if (compare(&one, &l->heap[0]) < 0) {
        l->heap[0] = one;
        sink(l, 0);
    }
    return true;
}

int fact_latest(const FactTable *t, const FactQuestion *q, size_t limit, Arena *arena,
                const FactTicket **ret, size_t *ret_n, Buf *ret_problem) {
    if (limit > FACT_SERIES_MAX || !limit) {
        if (ret_problem) buf_printf(ret_problem, "from 1 to %d tickets", FACT_SERIES_MAX);
        return -E2BIG;
    }
    Latest l = {.table = t, .time = q->time, .limit = limit};
    l.heap = xmalloc(limit * sizeof(*l.heap));
    int r = walk(t, q, keep, &l, ret_problem);
    if (r >= 0) {
        qsort(l.heap, l.n, sizeof(*l.heap), compare);
        FactTicket *tickets = arena_alloc(arena, (l.n + 1) * sizeof(*tickets));
        for (size_t i = 0; i < l.n; i++)
            tickets[i] = ticket_at(t, l.heap[i].row);
        *ret = tickets;
        *ret_n = l.n;
    }
    free(l.heap);
    return r;
}

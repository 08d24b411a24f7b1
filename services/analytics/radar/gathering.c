#include "analytics/radar/gathering.h"

#include <stdlib.h>

#include "analytics/table/question.h"
#include "ticket/ticket.h"

enum { NO_DIM = -1 };

static const int fact_dims[ACCOUNT_DIMS] = {
    [ACCOUNT_PRODUCT] = FACT_PRODUCT, [ACCOUNT_BATCH] = FACT_BATCH,
    [ACCOUNT_DEVICE] = FACT_DEVICE,   [ACCOUNT_REGION] = FACT_REGION,
    [ACCOUNT_CHANNEL] = FACT_CHANNEL, [ACCOUNT_TIER] = FACT_TIER,
    [ACCOUNT_CARRIER] = NO_DIM,
};

typedef struct Taken {
    int64_t id, group_id;
    uint32_t values[ACCOUNT_DIMS];
} Taken;

typedef struct Gathering {
    const FactTable *table;
    uint32_t category, problem;
    uint64_t stride; /* of these one is taken; 0: they are only counted */
    Taken *taken;
    size_t n, room, seen;
} Gathering;

/* The same ones every time, whatever their order. */
static uint64_t scattered(int64_t id) {
    uint64_t x = (uint64_t)id * UINT64_C(0x9e3779b97f4a7c15);
    return x ^ (x >> 29);
}

static bool on_ticket(void *arg, const FactTicket *t) {
    Gathering *g = arg;
    if (t->codes[FACT_CATEGORY] != g->category) return true; /* of one below it */
    if (g->problem && t->codes[FACT_KIND] == g->problem) return true;
    g->seen++;
    if (!g->stride || scattered(t->ticket_id) % g->stride) return true;
    if (g->n == g->room) return true;
    Taken *taken = &g->taken[g->n++];
    taken->id = t->ticket_id;
    taken->group_id = fact_code_value(g->table, FACT_GROUP, t->codes[FACT_GROUP]).id;
    for (int d = 0; d < ACCOUNT_DIMS; d++)
        taken->values[d] = fact_dims[d] == NO_DIM ? 0 : t->codes[fact_dims[d]];
    return true;
}

static int by_id(const void *x, const void *y) {
    const Taken *a = x, *b = y;
    return (a->id > b->id) - (a->id < b->id);
}

static void take(Gathering *g, const Account *a, int64_t from_ms, int64_t to_ms, size_t most,
                 Arena *arena) {
    FactQuestion q = fact_question(FACT_TICKETS);
    q.time = FACT_AT_CREATED;
    q.from_ms = from_ms;
    q.to_ms = to_ms;
    q.one_of[0] = (FactOneOf){.dim = FACT_CATEGORY, .texts = &a->category, .n = 1};
    q.one_of_n = 1;
    g->n = g->room = g->seen = 0;
    g->stride = 0;
    if (fact_each(g->table, &q, on_ticket, g, NULL) < 0) return;
    g->stride = g->seen / most + 1;
    g->room = most;
    g->taken = arena_alloc(arena, ((g->seen < most ? g->seen : most) + 1) * sizeof(*g->taken));
    if (g->seen < most) g->room = g->seen;
    (void)fact_each(g->table, &q, on_ticket, g, NULL);
    if (g->n > 1) qsort(g->taken, g->n, sizeof(*g->taken), by_id);
}

static const uint32_t *values_of(const Gathering *g, Arena *arena) {
    uint32_t *all = arena_alloc(arena, (g->n + 1) * ACCOUNT_DIMS * sizeof(*all));
    for (size_t i = 0; i < g->n; i++)
        memcpy(all + i * ACCOUNT_DIMS, g->taken[i].values, sizeof(g->taken[i].values));
    return all;
}

static const int64_t *ids_of(const Gathering *g, Arena *arena, bool groups) {
    int64_t *all = arena_alloc(arena, (g->n + 1) * sizeof(*all));
    for (size_t i = 0; i < g->n; i++)
        all[i] = groups ? g->taken[i].group_id : g->taken[i].id;
    return all;
}

void gathering_fill(Account *a, const FactTable *table, Arena *arena,
                    const int64_t **ret_before_ids) {
    Gathering g = {.table = table};
    *ret_before_ids = NULL;
    if (!table) return;
    g.category = fact_code_of(table, FACT_CATEGORY, (FactKey){.text = a->category});
    g.problem = fact_code_of(table, FACT_KIND, (FactKey){.text = STR(TICKET_KIND_PROBLEM)});
    take(&g, a, a->moment.began_ms, a->moment.at_ms, ACCOUNT_SURGE_MAX, arena);
    a->n = g.n;
    a->ids = ids_of(&g, arena, false);
    a->groups_of = ids_of(&g, arena, true);
    a->values = values_of(&g, arena);
    take(&g, a, a->moment.began_ms - (int64_t)ACCOUNT_BEFORE_DAYS * WATCH_DAY_MS,
         a->moment.began_ms, ACCOUNT_BEFORE_MAX, arena);
    a->before_n = g.n;
    a->before = values_of(&g, arena);
    *ret_before_ids = ids_of(&g, arena, false);
}

Str gathering_value(void *arg, AccountDim dim, uint32_t value) {
    const FactTable *table = arg;
    return fact_dims[dim] == NO_DIM ? STR("")
                                    : fact_code_value(table, (FactDim)fact_dims[dim], value).text;
}

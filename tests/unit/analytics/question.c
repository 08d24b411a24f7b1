/* Random questions over random tickets: whatever the table answers, plain loops say the same. */
#include "analytics/table/question.h"

#include <errno.h>

#include "slow.h"

#define BORN INT64_C(1758000000000) /* 2025-09-16: sixty days hold the ends of summer time */

enum { TICKETS = 3000, QUESTIONS = 700, DAYS = 60 };

static const char *const zones[] = {
    "UTC",         "Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
    "Asia/Kolkata"};

static Zone *zone_named(const char *name) {
    char path[200], part[4096];
    CLEANUP(buf_done) Buf file = {0}, problem = {0};
    (void)snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", name);
    FILE *in = fopen(path, "re");
    assert_non_null(in);
    for (size_t n; (n = fread(part, 1, sizeof(part), in)) > 0;)
        buf_add(&file, part, n);
    (void)fclose(in);
    Zone *z = zone_parse(buf_str(&file), &problem);
    if (!z) fail_msg("%s: %s", name, problem.p);
    return z;
}

typedef struct World {
    FactTable *table;
    Truth *truths;
    size_t n;
    Zone *zones[6];
} World;

static World world_of(size_t n, int64_t days) {
    World w = {.table = fact_table_new(), .truths = xcalloc(n, sizeof(Truth)), .n = n};
    for (size_t i = 0; i < n; i++) {
        Truth *t = &w.truths[i];
        *t = (Truth){100001 + (int64_t)(i * 7 % n), random_sheet(BORN, days), FACT_NEVER};
        if (dice(2)) t->due_ms = t->sheet->created_ms + (int64_t)dice(DAY_MS);
        assert_true(fact_table_put(w.table, t->id, t->sheet, t->due_ms));
    }
    for (int i = 0; i < 6; i++)
        w.zones[i] = zone_named(zones[i]);
    return w;
}

static void world_end(World *w) {
    for (size_t i = 0; i < w->n; i++)
        fact_sheet_free(w->truths[i].sheet);
    for (int i = 0; i < 6; i++)
        zone_free(w->zones[i]);
    free(w->truths);
    fact_table_free(w->table);
}

/* Told again, later and otherwise; and some of them once more after they were taken out. */
static void change(World *w, size_t times) {
    for (size_t i = 0; i < times; i++) {
        Truth *t = &w->truths[dice(w->n)];
        int32_t seq = t->sheet->seq;
        FactSheet *new = random_sheet(BORN, DAYS);
        new->seq = seq + (int32_t)dice(2);
        if (!dice(4)) {
            assert_true(fact_table_remove(w->table, t->id));
            assert_int_equal(fact_table_seq(w->table, t->id), 0);
        }
        assert_true(fact_table_put(w->table, t->id, new, t->due_ms));
        fact_sheet_free(t->sheet);
        t->sheet = new;
    }
    assert_int_equal(fact_table_count(w->table), w->n);
}

/* ---- Questions ---- */

typedef struct Asked { /* a question and what it points to */
    FactQuestion q;
    Str texts[FACT_FILTERS_MAX][2];
    int64_t ids[FACT_FILTERS_MAX][2], classes[3], requesters[3], groups[2];
    Str categories[1];
    Subject who;
    int zone;
} Asked;

static FactDim random_dim(FactSource s, bool filter) {
    for (;;) {
        FactDim d = (FactDim)dice(FACT_DIMS);
        if (filter && d >= FACT_WEEKDAY && d < FACT_TICKET_DIMS) continue;
        if (fact_dim_has(s, d)) return d;
    }
}

static FactNumber random_number(FactSource s) {
    for (;;) {
        FactNumber n = (FactNumber)dice(FACT_NUMBERS);
        if (fact_number_has(s, n)) return n;
    }
}

static void random_filters(const World *w, Asked *a) {
    FactQuestion *q = &a->q;
    q->one_of_n = dice(3);
    for (size_t i = 0; i < q->one_of_n; i++) {
        FactOneOf *o = &q->one_of[i];
        *o = (FactOneOf){.dim = random_dim(q->source, true), .none_of = !dice(3), .n = dice(3)};
        o->texts = a->texts[i];
        o->ids = a->ids[i];
        for (size_t k = 0; k < 2; k++) {
            const Truth *like = &w->truths[dice(w->n)];
            if (!slow_behind(q, like)) continue;
            FactKey key = slow_key(q, like, 0, o->dim);
            a->texts[i][k] = key.text;
            a->ids[i][k] = key.id;
        }
    }
    q->ranges_n = dice(3);
    for (size_t i = 0; i < q->ranges_n; i++) {
        FactRange *r = &q->ranges[i];
        *r = (FactRange){random_number(q->source), INT64_MIN, INT64_MAX};
        const Truth *like = &w->truths[dice(w->n)];
        int64_t v = slow_behind(q, like) ? slow_number(q, like, 0, r->number) : 5;
        if (v == NONE) v = 1000;
        if (dice(2)) r->least = v / (int64_t)(1 + dice(3));
        if (dice(2)) r->most = v * 2 + 1;
    }
    q->between_n = dice(2);
    if (q->between_n)
        q->between[0] =
            (FactBetween){(FactTimeField)dice(FACT_TIMES_OF), BORN + (int64_t)dice(20) * DAY_MS,
                          BORN + 45 * (int64_t)DAY_MS};
    if (!dice(3)) q->flags_set = 1u << dice(FACT_FLAGS);
    if (!dice(3)) q->flags_clear = 1u << dice(FACT_FLAGS);
    if (!dice(8)) q->open_at_ms = BORN + (int64_t)dice(DAYS) * DAY_MS;
    if (!dice(8)) {
        q->requesters = a->requesters;
        q->requesters_n = 1 + dice(3);
        for (int i = 0; i < 3; i++)
            a->requesters[i] = 1 + (int64_t)dice(40);
    }
}

static void random_reach(Asked *a) {
    a->groups[0] = 1001 + (int64_t)dice(3);
    a->groups[1] = 1004 + (int64_t)dice(3);
    a->categories[0] = STR("跨境");
    a->who = (Subject){.tenant_id = 1,
                       .user_id = (int64_t)dice(9),
                       .rights = RIGHTS_ALL,
                       .reach = {.requested_only = !dice(6),
                                 .all_groups = !dice(3),
                                 .groups = a->groups,
                                 .groups_n = dice(3)}};
    if (!dice(2)) a->who.reach.categories = a->categories, a->who.reach.categories_n = 1;
    if (!dice(3)) a->who.reach.regions = a->categories, a->who.reach.regions_n = 0;
    a->q.who = &a->who;
}

static void random_measures(FactQuestion *q) {
    static const double shares[] = {0, 0.5, 0.9, 0.95, 0.99, 1};
    q->measures_n = dice(5);
    for (size_t i = 0; i < q->measures_n; i++)
        q->measures[i] = (FactMeasure){
            (FactMeasureKind)dice(MEASURE_KINDS),
            i && dice(2) ? q->measures[0].number : random_number(q->source), shares[dice(6)]};
    q->order_by = (int)dice(q->measures_n + 1) - 1;
    if (q->order_by >= 0 && q->measures[q->order_by].kind > MEASURE_MOST) q->order_by = -1;
    q->least_first = !dice(3);
}

static void random_question(const World *w, Asked *a) {
    memset(a, 0, sizeof(*a));
    FactQuestion *q = &a->q;
    *q = fact_question((FactSource)dice(FACT_SOURCES));
    a->zone = (int)dice(6);
    q->zone = a->zone || dice(2) ? w->zones[a->zone] : NULL;
    q->time = (FactTimeField)dice(FACT_TIMES_OF);
    if (dice(2)) q->from_ms = BORN + (int64_t)dice(40 * (uint64_t)DAY_MS);
    if (dice(2)) q->to_ms = BORN + (int64_t)(40 + dice(30)) * DAY_MS + (int64_t)dice(5000);
    q->cut = (FactCut)dice(6);
    q->now_ms = BORN + (int64_t)dice(90 * (uint64_t)DAY_MS);
    a->classes[0] = 3600;
    a->classes[1] = 86400;
    a->classes[2] = INT64_C(86400) * 20;
    q->age_classes = a->classes;
    q->age_classes_n = dice(4);
    q->dims_n = dice(3);
    for (size_t i = 0; i < q->dims_n; i++)
        q->dims[i] = random_dim(q->source, false);
    random_measures(q);
    if (dice(3)) random_filters(w, a);
    if (!dice(3)) random_reach(a);
    q->limit = dice(2) ? 1 + dice(6) : 200;
}

static const FactAnswer *ask(const FactTable *t, const FactQuestion *q, Arena *arena) {
    const FactAnswer *answer = NULL;
    CLEANUP(buf_done) Buf problem = {0};
    int r = fact_ask(t, q, arena, &answer, &problem);
    if (r == -E2BIG) return NULL;
    if (r < 0) fail_msg("%s", problem.p);
    return answer;
}

static void every_answer_is_the_slow_one(void **state) {
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(0);
    int compared = 0;
    dice_state = 7;
    World w = world_of(TICKETS, DAYS);
    for (int i = 0; i < QUESTIONS; i++) {
        Asked a;
        if (i % 10 == 9) change(&w, 200);
        random_question(&w, &a);
        const FactAnswer *answer = ask(w.table, &a.q, arena);
        if (answer) slow_compare(w.truths, w.n, &a.q, zones[a.zone], answer);
        compared += answer && answer->rows_n > 1;
        arena_reset(arena);
    }
    assert_true(compared > QUESTIONS / 2);
    world_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_is_the_slow_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

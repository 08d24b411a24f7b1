/* A tenant's table in memory with some million tickets: reports timed, each beside the SQL that
 * asks the same, whose rows go to a file for COPY; random filters; memory; the percentile sketch
 * beside a sorted array.
 *
 *   fact-tables reports TICKETS ROUNDS FILE   JSON lines, FILE gets the rows
 *   fact-tables filters TICKETS QUESTIONS     one JSON line
 *   fact-tables sketch VALUES                 one JSON line */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "analytics/table/fact_table.h"
#include "analytics/table/question.h"
#include "base/clock.h"
#include "promise/days.h"
#include "sketches/quantiles.h"

#define BORN INT64_C(1735660800000) /* 2025-01-01 in Shanghai, less 8 hours */

enum { SPAN_DAYS = 365, CATEGORIES = 200, PRODUCTS = 300, AGENTS = 500, GROUPS = 40, TEXT = 64 };

static uint64_t state = 20251122;

static uint64_t dice(uint64_t sides) {
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % sides;
}

/* Few are frequent. */
static uint64_t skewed(uint64_t sides) {
    double u = (double)dice(1 << 30) / (1 << 30);
    return (uint64_t)(u * u * (double)sides);
}

static int64_t lasting(double typical_s) {
    double u = (double)(dice(1 << 30) + 1) / (1 << 30), v = (double)dice(1 << 30) / (1 << 30);
    return (int64_t)(typical_s * exp(sqrt(-2 * log(u)) * cos(6.283185307 * v)) * 1000);
}

/* ---- A ticket ---- */

typedef struct Made {
    FactSheet f;
    char texts[SHEET_TEXTS][TEXT];
    Place group, agents[2];
    Outcome outcomes[2];
    Move move;
} Made;

static void text(Made *m, SheetText t, const char *name, uint64_t n) {
    (void)snprintf(m->texts[t], TEXT, "%s%u", name, (unsigned)n);
    m->f.texts[t] = str(m->texts[t]);
}

static void make_texts(Made *m) {
    static const char *const ratings[] = {"good", "good", "good", "bad", "offered"};
    uint64_t category = skewed(CATEGORIES);
    text(m, SHEET_CHANNEL, "channel", dice(6));
    text(m, SHEET_KIND, "kind", dice(4));
    (void)snprintf(m->texts[SHEET_CATEGORY], TEXT, "类%u/项%u", (unsigned)category / 10,
                   (unsigned)category);
    m->f.texts[SHEET_CATEGORY] = str(m->texts[SHEET_CATEGORY]);
    text(m, SHEET_PRODUCT, "P-", skewed(PRODUCTS));
    text(m, SHEET_BATCH, "B", dice(60));
    text(m, SHEET_DEVICE, "device", dice(8));
    text(m, SHEET_REGION, "区", dice(34));
    text(m, SHEET_TIER, "tier", dice(4));
    text(m, SHEET_LANGUAGE, "l", dice(3));
    m->f.texts[SHEET_SATISFACTION] = (Str){NULL, 0};
    if (!dice(4)) m->f.texts[SHEET_SATISFACTION] = str(ratings[dice(5)]);
}

static void make_promises(Made *m) {
    FactSheet *f = &m->f;
    f->outcomes_n = 1 + dice(2);
    f->outcomes = m->outcomes;
    for (size_t i = 0; i < f->outcomes_n; i++)
        m->outcomes[i] = (Outcome){.metric = i ? METRIC_RESOLUTION : METRIC_FIRST_REPLY,
                                   .instance = 1,
                                   .state = dice(10) ? OUTCOME_KEPT : OUTCOME_BROKEN,
                                   .ended = true,
                                   .target_ms = i ? 86400000 : 900000,
                                   .elapsed_ms = lasting(600),
                                   .group_id = m->group.id,
                                   .assignee_id = m->agents[0].id};
}

static void make(Made *m) {
    memset(m, 0, sizeof(*m));
    FactSheet *f = &m->f;
    make_texts(m);
    f->seq = 3 + (int32_t)dice(12);
    f->status = dice(20) ? TICKET_CLOSED : (TicketStatus)dice(TICKET_SOLVED + 1);
    f->priority = (TicketPriority)dice(PRIORITIES);
    f->created_ms = BORN + (int64_t)dice((uint64_t)SPAN_DAYS * DAY_MS);
    f->source_id = 1 + (int64_t)dice(5);
    f->requester_id = 1000000 + (int64_t)dice(900000);
    f->group_id = f->last_group_id = 1001 + (int64_t)skewed(GROUPS);
    f->assignee_id = f->last_assignee_id = 1 + (int64_t)skewed(AGENTS);
    f->to_assigned = (FactTime){lasting(60), 0};
    f->to_reply = (FactTime){f->to_assigned.calendar_ms + lasting(900), 0};
    f->to_solved = (FactTime){f->to_reply.calendar_ms + lasting(20000), 0};
    f->to_resolved = f->to_solved;
    FactTime *times[] = {&f->to_assigned, &f->to_reply, &f->to_solved, &f->to_resolved};
    for (int i = 0; i < 4; i++)
        times[i]->business_ms = times[i]->calendar_ms / 3;
    f->assigned_ms = f->created_ms + f->to_assigned.calendar_ms;
    f->replied_ms = f->created_ms + f->to_reply.calendar_ms;
    bool over = f->status >= TICKET_SOLVED;
    f->solved_ms = f->resolved_ms = over ? f->created_ms + f->to_solved.calendar_ms : SHEET_NEVER;
    f->entered_ms = f->row_ms = f->replied_ms;
    f->rated_ms = f->texts[SHEET_SATISFACTION].n ? f->row_ms : SHEET_NEVER;
    const int64_t stages[] = {f->to_assigned.calendar_ms,
                              lasting(300),
                              lasting(8000),
                              dice(4) ? 0 : lasting(40000),
                              0,
                              lasting(80000)};
    for (int i = 0; i < SHEET_STAGES; i++)
        if (stages[i]) f->stages[i] = (Stage){1, {stages[i], stages[i] / 3}};
    f->worked = f->stages[TICKET_IN_PROGRESS].time;
    f->replies = 1 + (int32_t)dice(3);
    f->touches = f->replies + (int32_t)dice(4);
    f->reopenings = !dice(12);
    f->transfers = !dice(8);
    m->group = (Place){f->group_id, 1, 0, 0, f->to_solved, f->worked};
    m->agents[0] = (Place){f->assignee_id, 1, f->replies, f->touches, f->to_solved, f->worked};
    m->agents[1] = (Place){1 + (int64_t)dice(AGENTS), 1, 0, 1, f->to_assigned, {0, 0}};
    f->groups = (Places){&m->group, 1, 0};
    f->agents = (Places){m->agents, 1 + !dice(5), 0};
    m->move = (Move){1001, f->group_id, 1};
    if (f->transfers) f->moves = (Moves){&m->move, 1, 0};
    make_promises(m);
}

/* ---- Its row for SQL ---- */

static void write_instant(FILE *out, int64_t ms) {
    char at[25];
    if (ms == SHEET_NEVER) {
        (void)fputs("\\N\t", out);
        return;
    }
    clock_format_ms(ms, at);
    (void)fprintf(out, "%s\t", at);
}

static void write_row(FILE *out, int64_t id, const FactSheet *f) {
    (void)fprintf(out, "1\t%lld\t", (long long)id);
    write_instant(out, f->created_ms);
    write_instant(out, f->resolved_ms);
    for (int t = 0; t < SHEET_TEXTS; t++)
        (void)fprintf(out, "%.*s\t", STR_ARG(f->texts[t]));
    (void)fprintf(out, "%d\t%d\t%lld\t%lld\t%lld\t%lld\t%lld\t", (int)f->status, (int)f->priority,
                  (long long)f->source_id, (long long)f->requester_id, (long long)f->group_id,
                  (long long)f->assignee_id, (long long)(f->to_reply.calendar_ms / 1000));
    if (f->resolved_ms == SHEET_NEVER)
        (void)fputs("\\N\t", out);
    else
        (void)fprintf(out, "%lld\t", (long long)(f->to_resolved.calendar_ms / 1000));
    (void)fprintf(out, "%d\t%d\n", (int)f->reopenings, (int)fact_sheet_one_touch(f));
}

static FactTable *fill(size_t n, FILE *out) {
    FactTable *t = fact_table_new();
    Made *m = xmalloc(sizeof(*m));
    for (size_t i = 0; i < n; i++) {
        make(m);
        if (!fact_table_put(t, 100001 + (int64_t)i, &m->f, FACT_NEVER)) abort();
        if (out) write_row(out, 100001 + (int64_t)i, &m->f);
    }
    free(m);
    return t;
}

/* ---- Reports ---- */

typedef struct Report {
    const char *name, *sql;
    size_t dims_n;
    FactDim dims[2];
    FactCut cut;
    size_t measures_n;
    FactMeasure measures[2];
} Report;

/* Every one is grouped, and ordered as an answer is; all of it goes to the client. */
static const Report reports[] = {
    {"volume by channel",
     "SELECT channel, count(*) FROM tickets GROUP BY 1",
     1,
     {FACT_CHANNEL},
     0,
     0,
     {{0}}},
    {"volume by category and region",
     "SELECT category, region, count(*) FROM tickets GROUP BY 1, 2",
     2,
     {FACT_CATEGORY, FACT_REGION},
     0,
     0,
     {{0}}},
    {"volume by group and status",
     "SELECT group_id, status, count(*) FROM tickets GROUP BY 1, 2",
     2,
     {FACT_GROUP, FACT_STATUS},
     0,
     0,
     {{0}}},
    {"volume by product and device",
     "SELECT product, device, count(*) FROM tickets GROUP BY 1, 2",
     2,
     {FACT_PRODUCT, FACT_DEVICE},
     0,
     0,
     {{0}}},
    {"volume by agent and category",
     "SELECT assignee_id, category, count(*) FROM tickets GROUP BY 1, 2",
     2,
     {FACT_ASSIGNEE, FACT_CATEGORY},
     0,
     0,
     {{0}}},
    {"trend by day and channel",
     "SELECT channel, date_trunc('day', created_at, 'Asia/Shanghai'), count(*) FROM tickets GROUP "
     "BY 1, 2",
     1,
     {FACT_CHANNEL},
     CUT_DAY,
     0,
     {{0}}},
    {"arrivals by weekday and hour",
     "SELECT extract(isodow FROM created_at AT TIME ZONE 'Asia/Shanghai'),"
     " extract(hour FROM created_at AT TIME ZONE 'Asia/Shanghai'), count(*) FROM tickets GROUP BY "
     "1, 2",
     2,
     {FACT_WEEKDAY, FACT_HOUR},
     0,
     0,
     {{0}}},
    {"resolution by group",
     "SELECT group_id, count(*), avg(to_resolved) FROM tickets GROUP BY 1",
     1,
     {FACT_GROUP},
     0,
     1,
     {{MEASURE_AVERAGE, FACT_TO_RESOLVED, 0}}},
    {"first reply by category, half and 95 of 100",
     "SELECT category, count(*), percentile_disc(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY to_reply)"
     " FROM tickets GROUP BY 1",
     1,
     {FACT_CATEGORY},
     0,
     2,
     {{MEASURE_PERCENTILE, FACT_TO_REPLY, 0.5}, {MEASURE_PERCENTILE, FACT_TO_REPLY, 0.95}}},
    {"reopened and one touch by agent",
     "SELECT assignee_id, count(*), avg((reopenings > 0)::int) FILTER (WHERE resolved_at IS NOT "
     "NULL),"
     " avg(one_touch) FILTER (WHERE resolved_at IS NOT NULL) FROM tickets GROUP BY 1",
     1,
     {FACT_ASSIGNEE},
     0,
     2,
     {{MEASURE_AVERAGE, FACT_IS_REOPENED, 0}, {MEASURE_AVERAGE, FACT_IS_ONE_TOUCH, 0}}},
    {"satisfaction by group and channel",
     "SELECT group_id, channel, count(*), avg((satisfaction = 'good')::int)"
     " FILTER (WHERE satisfaction IN ('good', 'bad')) FROM tickets GROUP BY 1, 2",
     2,
     {FACT_GROUP, FACT_CHANNEL},
     0,
     1,
     {{MEASURE_AVERAGE, FACT_IS_GOOD, 0}}},
    {"requesters by region",
     "SELECT region, count(*), count(DISTINCT requester_id) FROM tickets GROUP BY 1",
     1,
     {FACT_REGION},
     0,
     1,
     {{MEASURE_REQUESTERS, 0, 0}}},
};

static Zone *shanghai(void) {
    CLEANUP(buf_done) Buf file = {0};
    char part[4096];
    FILE *in = fopen("/usr/share/zoneinfo/Asia/Shanghai", "re");
    if (!in) abort();
    for (size_t n; (n = fread(part, 1, sizeof(part), in)) > 0;)
        buf_add(&file, part, n);
    (void)fclose(in);
    return zone_parse(buf_str(&file), NULL);
}

static double ask(const FactTable *t, const FactQuestion *q, Arena *arena, const FactAnswer **ret) {
    CLEANUP(buf_done) Buf problem = {0};
    int64_t begun = clock_monotonic_us();
    arena_reset(arena);
    if (fact_ask(t, q, arena, ret, &problem) < 0) {
        (void)fprintf(stderr, "%s\n", problem.p);
        exit(1);
    }
    return (double)(clock_monotonic_us() - begun) / 1000;
}

static int run_reports(size_t n, int rounds, const char *path) {
    FILE *out = fopen(path, "we");
    if (!out) return 1;
    int64_t begun = clock_monotonic_us();
    FactTable *t = fill(n, out);
    (void)fclose(out);
    Zone *zone = shanghai();
    Arena *arena = arena_new(0);
    printf("{\"tickets\": %zu, \"bytes\": %zu, \"filled_ms\": %lld}\n", fact_table_count(t),
           fact_table_bytes(t), (long long)(clock_monotonic_us() - begun) / 1000);
    for (size_t i = 0; i < sizeof(reports) / sizeof(*reports); i++) {
        const Report *r = &reports[i];
        FactQuestion q = fact_question(FACT_TICKETS);
        const FactAnswer *a = NULL;
        q.dims_n = r->dims_n;
        memcpy(q.dims, r->dims, sizeof(q.dims));
        q.cut = r->cut;
        q.zone = zone;
        q.measures_n = r->measures_n;
        memcpy(q.measures, r->measures, sizeof(r->measures));
        q.limit = FACT_SERIES_MAX;
        if (r->measures_n) q.limit = 1000;
        (void)ask(t, &q, arena, &a);
        printf("{\"name\": \"%s\", \"sql\": \"%s\", \"count\": %llu, \"rows\": %zu, \"ms\": [",
               r->name, r->sql, (unsigned long long)a->total.count, a->rows_n + a->others_series);
        for (int k = 0; k < rounds; k++)
            printf("%s%.3f", k ? ", " : "", ask(t, &q, arena, &a));
        printf("]}\n");
    }
    arena_free(arena);
    zone_free(zone);
    fact_table_free(t);
    return 0;
}

/* ---- Any filters ---- */

static FactQuestion random_question(const Zone *zone, Str *texts, int64_t *ids) {
    static const double shares[] = {0.5, 0.9, 0.95, 0.99};
    FactQuestion q = fact_question((FactSource)dice(FACT_SOURCES));
    q.zone = zone;
    q.now_ms = BORN + SPAN_DAYS * (int64_t)DAY_MS;
    q.dims_n = dice(3);
    for (size_t i = 0; i < q.dims_n;) {
        FactDim d = (FactDim)dice(FACT_DIMS);
        if (fact_dim_has(q.source, d)) q.dims[i++] = d;
    }
    q.cut = dice(3) ? CUT_NONE : CUT_MONTH;
    q.measures_n = dice(5);
    for (size_t i = 0; i < q.measures_n;) {
        FactNumber n = (FactNumber)dice(FACT_NUMBERS);
        if (fact_number_has(q.source, n))
            q.measures[i++] =
                (FactMeasure){(FactMeasureKind)dice(MEASURE_KINDS), n, shares[dice(4)]};
    }
    q.ranges_n = dice(3);
    for (size_t i = 0; i < q.ranges_n; i++)
        q.ranges[i] = (FactRange){(FactNumber)dice(FACT_TICKET_COLUMNS), 0, (int64_t)dice(90000)};
    q.one_of_n = dice(4);
    for (size_t i = 0; i < q.one_of_n; i++) {
        q.one_of[i] = (FactOneOf){.dim = (FactDim)dice(FACT_WEEKDAY),
                                  .none_of = dice(2),
                                  .n = 1,
                                  .texts = texts,
                                  .ids = ids};
    }
    if (dice(2)) q.flags_set = 1u << dice(FACT_FLAGS);
    if (dice(2)) {
        q.from_ms = BORN + (int64_t)dice(180) * DAY_MS;
        q.to_ms = q.from_ms + (int64_t)(1 + dice(180)) * DAY_MS;
    }
    q.limit = 1 + dice(20);
    return q;
}

static int compare_doubles(const void *x, const void *y) {
    const double *a = x, *b = y;
    return (*a > *b) - (*a < *b);
}

static int run_filters(size_t n, size_t questions) {
    FactTable *t = fill(n, NULL);
    Zone *zone = shanghai();
    Arena *arena = arena_new(0);
    double *ms = xmalloc(questions * sizeof(*ms));
    uint64_t scanned = 0;
    Str texts[1] = {STR("类1")};
    int64_t ids[1] = {1003};
    for (size_t i = 0; i < questions; i++) {
        FactQuestion q = random_question(zone, texts, ids);
        const FactAnswer *a = NULL;
        ms[i] = ask(t, &q, arena, &a);
        scanned += a->scanned;
    }
    qsort(ms, questions, sizeof(*ms), compare_doubles);
    printf("{\"questions\": %zu, \"median_ms\": %.2f, \"p95_ms\": %.2f, \"worst_ms\": %.2f,"
           " \"rows\": %.0f}\n",
           questions, ms[questions / 2], ms[questions * 95 / 100], ms[questions - 1],
           (double)scanned / (double)questions);
    free(ms);
    arena_free(arena);
    zone_free(zone);
    fact_table_free(t);
    return 0;
}

/* ---- Percentiles ---- */

static int compare_numbers(const void *x, const void *y) {
    const int64_t *a = x, *b = y;
    return (*a > *b) - (*a < *b);
}

static int run_sketch(size_t n) {
    static const double shares[] = {0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999};
    enum { SHARES = sizeof(shares) / sizeof(*shares) };
    int64_t *v = xmalloc(n * sizeof(*v)), *sorted = xmalloc(n * sizeof(*v)), exact[SHARES];
    double ours[SHARES], worst = 0;
    for (size_t i = 0; i < n; i++)
        v[i] = lasting(20000);
    int64_t begun = clock_monotonic_us();
    Quantiles *q = quantiles_new();
    for (size_t i = 0; i < n; i++)
        quantiles_add(q, v[i], 1);
    for (int k = 0; k < SHARES; k++)
        ours[k] = quantiles_at(q, shares[k]);
    double sketch_ms = (double)(clock_monotonic_us() - begun) / 1000;
    begun = clock_monotonic_us();
    memcpy(sorted, v, n * sizeof(*v));
    qsort(sorted, n, sizeof(*sorted), compare_numbers);
    for (int k = 0; k < SHARES; k++) {
        size_t rank = (size_t)ceil(shares[k] * (double)n);
        exact[k] = sorted[rank ? rank - 1 : 0];
    }
    double sorted_ms = (double)(clock_monotonic_us() - begun) / 1000;
    for (int k = 0; k < SHARES; k++) {
        double error = fabs(ours[k] - (double)exact[k]) / (double)exact[k];
        if (error > worst) worst = error;
    }
    printf("{\"values\": %zu, \"sketch_ms\": %.1f, \"sorted_ms\": %.1f, \"error\": %.5f}\n", n,
           sketch_ms, sorted_ms, worst);
    quantiles_free(q);
    free(v);
    free(sorted);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 5 && !strcmp(argv[1], "reports"))
        return run_reports(strtoull(argv[2], NULL, 10), atoi(argv[3]), argv[4]);
    if (argc == 4 && !strcmp(argv[1], "filters"))
        return run_filters(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
    if (argc == 3 && !strcmp(argv[1], "sketch")) return run_sketch(strtoull(argv[2], NULL, 10));
    (void)fprintf(stderr, "fact-tables reports TICKETS ROUNDS FILE | filters TICKETS QUESTIONS |"
                          " sketch VALUES\n");
    return 2;
}
